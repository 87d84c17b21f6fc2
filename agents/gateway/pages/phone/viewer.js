// Who watches: the name and record from sign-up, and what this browser remembers of likes, saves and follows.

const STORED = "feedstream.viewer";
const SESSION = "feedstream.session";
const SESSION_MS = 30 * 60_000;
const KEPT = 400;

export class Viewer {
  constructor(stored = {}) {
    this.user_id = stored.user_id ?? "";
    this.lang = stored.lang ?? navigator.language.split("-")[0];
    this.country = stored.country ?? (navigator.language.split("-")[1] ?? "");
    this.interests = stored.interests ?? [];
    this.settings = { personalize: true, muted: [], ...stored.settings };
    const { like, save, follow } = stored.marks ?? {};
    this.marks = { like: new Set(like), save: new Set(save), follow: new Set(follow) };
    this.comments = stored.comments ?? {};
    this.kept = stored.kept ?? {};
  }

  static load() {
    try {
      return new Viewer(JSON.parse(localStorage.getItem(STORED)) ?? {});
    } catch {
      return new Viewer();
    }
  }

  save() {
    const latest = ([kind, names]) => [kind, [...names].slice(-KEPT)];
    const marks = Object.fromEntries(Object.entries(this.marks).map(latest));
    localStorage.setItem(STORED, JSON.stringify({ ...this, marks }));
  }

  /** What the gateway is told at sign-up and when a setting changes. */
  record() {
    const { lang, country, interests, settings } = this;
    return { lang, country: country || undefined, interests, settings };
  }

  forget() {
    localStorage.removeItem(STORED);
    sessionStorage.removeItem(SESSION);
  }

  has(kind, name) {
    return this.marks[kind].has(name);
  }

  /** Mark or unmark; the records of liked and saved videos are kept, so that they can be listed and played again. */
  mark(kind, name, on, item = null) {
    this.marks[kind].delete(name);
    if (on) this.marks[kind].add(name);
    if (item && on) this.kept[name] = { video_id: name, video: item.video };
    const names = Object.keys(this.kept).filter((id) => this.has("like", id) || this.has("save", id));
    this.kept = Object.fromEntries(names.slice(-KEPT / 4).map((id) => [id, this.kept[id]]));
    this.save();
  }

  /** One session lasts until half an hour passes without an event. */
  session() {
    const now = Date.now();
    const [id, latest] = (sessionStorage.getItem(SESSION) ?? "").split(" ");
    const session = id && now - Number(latest) < SESSION_MS ? id : crypto.randomUUID();
    sessionStorage.setItem(SESSION, `${session} ${now}`);
    return session;
  }

  /** Where and on what is watched. The network is told only where the browser knows it. */
  ctx() {
    const { type } = navigator.connection ?? {};
    return {
      lang: this.lang, country: this.country || undefined, tz_min: -new Date().getTimezoneOffset(),
      device: matchMedia("(pointer: coarse)").matches ? "phone" : "desk",
      net: type && type !== "unknown" && type !== "none" ? type : undefined,
    };
  }
}
