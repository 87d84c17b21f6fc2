// The outbox: events wait here until the gateway has said that Kafka has them. Sending one again changes nothing, since
// it keeps its id, so whatever was not answered is sent again.

import { path } from "./api.js";

const EVERY_MS = 1_000;
const SOON_MS = 60;
const LINES = 200;
const KEEPALIVE_BYTES = 60_000;
const UNSENT = "feedstream.unsent";
const SLOWEST_MS = 30_000;

export class Outbox extends EventTarget {
  constructor(api) {
    super();
    this.api = api;
    this.waiting = [];
    this.refused = 0;
    this.failures = 0;
    this.busy = false;
    this.closed = false;
    this.timer = 0;
    this.due = Infinity;
    this.restore();
    addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
  }

  /** `soon`: the feed should follow it, so it does not wait for company. */
  add(event, soon = false) {
    if (this.closed) return;
    this.waiting.push(event);
    this.tell();
    if (this.failures === 0) this.plan(soon ? SOON_MS : EVERY_MS);
  }

  /** Take nothing more, and drop what waits: whoever was forgotten is not to be told of again. */
  close() {
    this.closed = true;
    this.waiting = [];
    localStorage.removeItem(UNSENT);
  }

  plan(in_ms) {
    const due = performance.now() + in_ms;
    if (due >= this.due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.flush(), in_ms);
  }

  async flush() {
    clearTimeout(this.timer);
    this.due = Infinity;
    if (this.busy || !this.waiting.length) return;
    this.busy = true;
    const sent = this.waiting.slice(0, LINES);
    try {
      this.settle(sent, await this.post(sent));
    } catch (error) {
      this.fail(sent, error);
    }
    this.busy = false;
    this.tell();
    if (this.waiting.length) this.plan(this.failures ? this.pause : this.waiting.length >= LINES ? 0 : EVERY_MS);
  }

  post(events, keepalive = false) {
    return this.api.post(path("events"), lines(events), "application/x-ndjson", keepalive);
  }

  settle(sent, answer) {
    this.failures = 0;
    this.refuse(sent, answer);
    this.drop(sent);
    this.dispatchEvent(new CustomEvent("delivered", { detail: { events: sent, positions: answer.positions ?? {} } }));
  }

  /** What the gateway refuses is wrong for ever and goes; whatever may pass stays and is tried ever more slowly. */
  fail(sent, error) {
    if (error.status === 400 || error.status === 413) {
      this.refuse(sent, error.data ?? {}, sent.length);
      this.drop(sent);
      return;
    }
    this.failures += 1;
    const pause = Math.min(SLOWEST_MS, 500 * 2 ** this.failures * (0.75 + Math.random() / 2));
    this.pause = Math.max((error.retry_s ?? 0) * 1_000, pause);
  }

  refuse(sent, answer, all = 0) {
    const found = answer.rejected ?? [];
    this.refused += Math.max(found.length, all);
    for (const { line, message } of found) console.warn("refused:", message, sent[line - 1]?.type);
  }

  drop(events) {
    const gone = new Set(events.map((event) => event.event_id));
    this.waiting = this.waiting.filter((event) => !gone.has(event.event_id));
    localStorage.removeItem(UNSENT);
  }

  /** The page may go: send with keepalive, and write down what waits in case that did not arrive. */
  leave() {
    this.dispatchEvent(new Event("leaving"));
    if (!this.waiting.length) return;
    try {
      localStorage.setItem(UNSENT, JSON.stringify(this.waiting.slice(-1_000)));
    } catch {
      // A full store loses nothing that still waits in memory.
    }
    let room = KEEPALIVE_BYTES;
    const sent = this.waiting.slice(0, LINES).filter((event) => (room -= new Blob([lines([event])]).size) >= 0);
    this.post(sent, true).then((answer) => (this.settle(sent, answer), this.tell()), () => this.plan(EVERY_MS));
  }

  restore() {
    try {
      this.waiting = JSON.parse(localStorage.getItem(UNSENT)) ?? [];
    } catch {
      this.waiting = [];
    }
    if (this.waiting.length) this.plan(EVERY_MS);
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}

const lines = (events) => events.map((event) => JSON.stringify(event) + "\n").join("");
