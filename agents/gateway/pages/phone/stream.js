// The stream of a viewer's feed: server-sent events read from fetch, since EventSource cannot bring a key.

import { failureOf, path } from "./api.js";
import { Retry } from "./retry.js";

const SILENT_MS = 45_000; // a comment comes every 15 s: after three that are missing the line is taken for dead

export class Stream extends EventTarget {
  constructor(api, user_id) {
    super();
    this.api = api;
    this.user_id = user_id;
    this.live = false;
    this.retry = new Retry(300, 15_000);
    this.closed = false;
    addEventListener("online", () => this.wake?.());
    this.run();
  }

  close() {
    this.closed = true;
    this.abort?.abort();
    this.wake?.();
  }

  async run() {
    while (!this.closed) {
      const error = await this.read().catch((why) => why); // whatever ended it, it is opened again
      this.turn(false);
      if (this.closed) return;
      const pause_ms = this.retry.after(error);
      await new Promise((resolve) => {
        this.wake = () => (this.closed || !this.retry.told_ms) && resolve();
        setTimeout(resolve, pause_ms);
      });
    }
  }

  async read() {
    this.abort = new AbortController();
    const headers = { Accept: "text/event-stream" };
    const answer = await this.api.fetch(path("feeds", this.user_id, "stream"), { headers, signal: this.abort.signal });
    if (!answer.ok) throw await failureOf(answer);
    this.turn(true);
    this.retry.worked();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const watch = setTimeout(() => this.abort.abort(), SILENT_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(watch));
      if (done) return;
      const blocks = (text + value).replaceAll("\r\n", "\n").split("\n\n");
      text = blocks.pop();
      blocks.forEach((block) => this.take(block));
    }
  }

  take(block) {
    const fields = { event: "message", data: "" };
    for (const line of block.split("\n")) {
      const at = line.indexOf(":");
      const name = line.slice(0, at);
      if (name in fields) fields[name] = (name === "data" ? fields.data : "") + line.slice(at + 1).replace(/^ /, "");
    }
    if (fields.data) this.dispatchEvent(new CustomEvent(fields.event, { detail: JSON.parse(fields.data) }));
  }

  turn(live) {
    if (live === this.live) return;
    this.live = live;
    this.dispatchEvent(new Event("change"));
  }
}
