// The HTTP interface of the gateway, as any client sees it. Nothing else of the page speaks to the network.

const KEY = "feedstream.key";
const PATIENCE_MS = 12_000;
/** For calls that read whole topics, or all rows of a deployment. */
export const LONG_MS = 600_000;

/** What went wrong: `status` 0 where nothing answered; `retry_s` where the gateway says when to come again. */
class ApiError extends Error {
  constructor(status, message, retry_s = 0) {
    super(message);
    this.status = status;
    this.retry_s = retry_s;
  }
}

/** What an answer that is no success says. A proxy before the gateway may answer in words that are no JSON. */
export async function failureOf(answer) {
  const data = await answer.json().catch(() => ({}));
  const told = data.error?.message ?? `the gateway answers ${answer.status}`;
  const error = new ApiError(answer.status, told, waitOf(answer.headers.get("Retry-After")));
  error.data = data;
  return error;
}

/** Seconds that a Retry-After asks for: it is a number or a date. */
function waitOf(text) {
  const s = Number(text ?? 0);
  return Math.max(0, Number.isNaN(s) ? (Date.parse(text) - Date.now()) / 1_000 || 0 : s);
}

export const path = (...parts) => "/v1/" + parts.map(encodeURIComponent).join("/");

export class Api {
  /** `askKey(again)` asks the viewer for a key; it is called where a call answers 401. */
  constructor(askKey) {
    this.askKey = askKey;
    this.asking = null;
  }

  /**
   * The answer of a call, whatever its status; where a key is needed it is asked for, once for all waiting calls. Each
   * try has its own patience, so that a viewer may take time to find the key.
   */
  async fetch(url, options = {}, patience_ms = 0) {
    for (;;) {
      const used = sessionStorage.getItem(KEY);
      const given = [options.signal, patience_ms && AbortSignal.timeout(patience_ms)].filter(Boolean);
      const signal = given.length ? AbortSignal.any(given) : null;
      const headers = { ...options.headers, ...(used ? { Authorization: `Bearer ${used}` } : {}) };
      const answer = await fetch(url, { cache: "no-store", ...options, headers, signal }).catch((error) => {
        throw error.name === "AbortError" ? error : new ApiError(0, "the gateway does not answer");
      });
      if (answer.status !== 401) return answer;
      if (options.keepalive) throw new ApiError(401, "a key is needed");
      if (used === sessionStorage.getItem(KEY)) await this.newKey(used !== null);
    }
  }

  newKey(again) {
    const keep = (key) => sessionStorage.setItem(KEY, key);
    this.asking ??= this.askKey(again).then(keep).finally(() => (this.asking = null));
    return this.asking;
  }

  /** Take no key from now on, until one is asked for. */
  forgetKey() {
    sessionStorage.removeItem(KEY);
  }

  /** The JSON of a call that went well; throws ApiError. */
  async json(url, options = {}, patience_ms = PATIENCE_MS) {
    const answer = await this.fetch(url, options, options.keepalive ? 0 : patience_ms);
    if (!answer.ok) throw await failureOf(answer);
    return answer.json().catch(() => {
      throw new ApiError(0, "the gateway's answer broke off");
    });
  }

  get(url, query = {}, patience_ms = PATIENCE_MS) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
    return this.json(given.length ? `${url}?${new URLSearchParams(given)}` : url, {}, patience_ms);
  }

  put(url, value) {
    const headers = { "Content-Type": "application/json" };
    return this.json(url, { method: "PUT", headers, body: JSON.stringify(value) });
  }

  delete(url) {
    return this.json(url, { method: "DELETE" });
  }

  post(url, body, type, keepalive = false) {
    return this.json(url, { method: "POST", headers: { "Content-Type": type }, body, keepalive });
  }
}

/** What a trend's cause is called. */
export const CAUSES = {
  supply: "fewer uploads", exposure: "shown to fewer", interest: "watched by fewer", quality: "liked by fewer",
};

/** An item of any answer, with what the page needs of a record; some records are not known yet where it is asked. */
export function itemOf(one) {
  const record = one.video ?? {};
  const video = {
    creator_id: null, sound_id: null, lang: null, category: null, ...record,
    caption: record.caption ?? "", tags: record.tags ?? [],
    duration_ms: record.duration_ms || 12_000, length_known: record.duration_ms > 0,
  };
  return { source: "", reasons: [], parts: null, position: null, token: null, counts: null, ...one, video };
}

/** What the maker of a video is called; a record that is not known yet names nobody. */
export const makerOf = (video) => video.creator_id ?? "unknown";

/** The first reason of an item as it stands after "because", if there is one. */
export const whyOf = (item) => item.reasons[0]?.text.replace(/^because /, "");
