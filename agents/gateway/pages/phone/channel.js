// A channel: the videos that follow one another, and which of them are not seen yet. The rule of docs/http.md: a batch
// that follows is put behind what is left, any other takes the place of what is not seen, a delta takes out.

import { itemOf } from "./api.js";
import { Retry } from "./retry.js";

const KEPT = 64;

export class Channel extends EventTarget {
  /** `more(channel)` fetches what comes next and gives it to `take`; null where there is nothing to fetch. */
  constructor(name, { title = "", more = null, items = [] } = {}) {
    super();
    this.name = name;
    this.title = title;
    this.more = more;
    this.items = items;
    this.at = 0;
    this.held = 0; // the last place that is on the screen, in whole or in part: nothing up to it is replaced
    this.seq = 0;
    this.batches = new Set();
    this.deltas = [];
    this.cursor = null;
    this.ended = more === null;
    this.problem = null;
    this.loading = false;
    this.tried_ms = -Infinity;
    this.again_ms = -Infinity; // no sooner is it asked for again, after it failed
    this.retry = new Retry(1_000, 15_000);
  }

  get unseen() {
    return this.items.slice(this.at + 1);
  }

  /** Where a video is by now, -1: it is gone. */
  placeOf(video_id) {
    return this.items.findIndex((item) => item.video_id === video_id);
  }

  /**
   * Take a batch over; what changed of what is not seen, or null where the batch says nothing new. A `page` is what a
   * cursor gave: it may be the rest of a batch that is known, and is put behind what is left.
   */
  take(batch, { page = false } = {}) {
    const append = page || batch.trigger === "near_end";
    if (batch.trigger === "preview") return null;
    if (batch.batch_id && !page && this.knows(batch)) return this.recall(batch);
    if (batch.batch_id) this.note(batch);
    const from = { ...batch, items: null };
    const gone = new Set(this.deltas.filter((delta) => delta.seq >= batch.seq).flatMap((delta) => delta.removed));
    const before = new Set(this.unseen.map((item) => item.video_id));
    const kept = append ? this.items : this.items.slice(0, this.held + 1);
    const there = new Set(kept.map((item) => item.video_id));
    const coming = batch.items.map((one) => ({ ...itemOf(one), batch: from }))
      .filter(({ video_id }) => !there.has(video_id) && !gone.has(video_id) && there.add(video_id));
    const fresh = coming.filter((item) => !before.has(item.video_id));
    for (const item of fresh) item.fresh = before.size > 0 && !append;
    this.items = [...kept, ...coming];
    this.problem = null;
    this.tell();
    return { fresh, replaced: !append && before.size > 0 };
  }

  knows(batch) {
    return this.batches.has(batch.batch_id) || (batch.seq <= this.seq && batch.trigger !== "first");
  }

  /** A batch that is known comes again where a stream is opened again: what it lacks was taken out meanwhile. */
  recall(batch) {
    const still = new Set(batch.items.map(({ video_id }) => video_id));
    this.drop((item) => item.batch?.batch_id === batch.batch_id && !still.has(item.video_id));
    return null;
  }

  note(batch) {
    this.seq = batch.seq;
    this.batches.add(batch.batch_id);
    if (this.batches.size > KEPT) this.batches.delete(this.batches.values().next().value);
  }

  /** A delta: take out what is not seen; kept for a batch that is still on its way. */
  withdraw(delta) {
    this.deltas = [...this.deltas, delta].slice(-KEPT);
    this.drop((item) => delta.removed.includes(item.video_id));
  }

  /** Take out whatever is not seen and fits; with `from` 0 everything that fits. */
  drop(fits, from = this.held + 1) {
    const kept = this.items.filter((item, at) => at < from || !fits(item));
    if (kept.length === this.items.length) return;
    this.items = kept;
    this.tell();
  }

  put(item, at) {
    const others = this.items.filter((one) => one.video_id !== item.video_id);
    this.items = [...others.slice(0, at), item, ...others.slice(at)];
    this.tell();
  }

  tell() {
    this.dispatchEvent(new Event("change"));
  }
}
