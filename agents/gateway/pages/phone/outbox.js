// The outbox: events wait here until the gateway has said that Kafka has them. Sending one again changes nothing, since
// it keeps its id, so whatever was not answered is sent again.

import { path } from "./api.js";
import { Retry } from "./retry.js";
import { KEPT, burn, keep, latest, strike, unsent } from "./unsent.js";

const EVERY_MS = 1_000;
const SOON_MS = 60;
const LINES = 200;
const KEEPALIVE_BYTES = 60_000;

export class Outbox extends EventTarget {
  constructor(api) {
    super();
    this.api = api;
    this.waiting = unsent();
    this.retry = new Retry(500, 30_000);
    this.refused = 0;
    this.busy = false;
    this.closed = false;
    this.timer = 0;
    this.due = Infinity;
    if (this.waiting.length) this.plan(EVERY_MS);
    addEventListener("online", () => this.plan(0));
    document.addEventListener("visibilitychange", () => document.hidden && this.leave());
  }

  /** How often sending failed since it last worked. */
  get failures() {
    return this.retry.failures;
  }

  /** Whether as many wait as are kept: what is older than them goes. */
  get full() {
    return this.waiting.length >= KEPT;
  }

  /** `soon`: the feed should follow it, so it does not wait for company. */
  add(event, soon = false) {
    if (this.closed) return;
    this.waiting = latest([...this.waiting, event]);
    this.tell();
    if (!this.failures) this.plan(soon ? SOON_MS : EVERY_MS);
    else this.writing ??= setTimeout(() => this.write(), EVERY_MS);
  }

  /** Take nothing more, and drop what waits: whoever was forgotten is not to be told of again. */
  close() {
    this.closed = true;
    this.waiting = [];
    burn();
  }

  plan(in_ms) {
    const wait_ms = Math.max(in_ms, this.retry.told_ms);
    const due = performance.now() + wait_ms;
    if (due >= this.due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.flush(), wait_ms);
  }

  async flush() {
    clearTimeout(this.timer);
    this.due = Infinity;
    if (this.busy || !this.waiting.length) return;
    this.busy = true;
    const sent = this.waiting.slice(0, LINES);
    const pause_ms = await this.post(sent);
    this.busy = false;
    this.tell();
    if (this.waiting.length) this.plan(pause_ms ?? (this.waiting.length >= LINES ? 0 : EVERY_MS));
  }

  /** Send events; how long to wait before the next try where it failed. */
  async post(sent, keepalive = false) {
    try {
      this.settle(sent, await this.api.post(path("events"), lines(sent), "application/x-ndjson", keepalive));
      return null;
    } catch (error) {
      return this.fail(sent, error);
    }
  }

  settle(sent, answer) {
    this.retry.worked();
    this.refuse(sent, answer);
    this.drop(sent);
    this.dispatchEvent(new CustomEvent("delivered", { detail: { events: sent, positions: answer.positions ?? {} } }));
  }

  /** What the gateway refuses is wrong for ever and goes; whatever may pass stays and is tried ever more slowly. */
  fail(sent, error) {
    if (error.status === 400 || error.status === 413) {
      this.refuse(sent, error.data ?? {}, sent.length);
      this.drop(sent);
      return null;
    }
    const pause_ms = this.retry.after(error);
    this.write();
    return pause_ms;
  }

  refuse(sent, answer, all = 0) {
    const found = answer.rejected ?? [];
    this.refused += Math.max(found.length, all);
    for (const { line, message } of found) console.warn("refused:", message, sent[line - 1]?.type);
  }

  drop(events) {
    const gone = new Set(events.map((event) => event.event_id));
    this.waiting = this.waiting.filter((event) => !gone.has(event.event_id));
    strike(gone);
  }

  /** Write down what waits: a page may end without a word. */
  write() {
    clearTimeout(this.writing);
    this.writing = null;
    if (!this.closed) keep(this.waiting);
  }

  /** The page may go: what waits is written down in case it does not arrive, and sent with keepalive if it may be. */
  async leave() {
    this.dispatchEvent(new Event("leaving"));
    if (!this.waiting.length) return;
    this.write();
    if (this.retry.told_ms) return;
    let room = KEEPALIVE_BYTES;
    const sent = this.waiting.slice(0, LINES).filter((event) => (room -= new Blob([lines([event])]).size) >= 0);
    const pause_ms = await this.post(sent, true);
    this.tell();
    if (this.waiting.length) this.plan(pause_ms ?? EVERY_MS);
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}

const lines = (events) => events.map((event) => JSON.stringify(event) + "\n").join("");
