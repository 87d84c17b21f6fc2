// The supply: where the videos of the feed come from. The stream brings batches and deltas; what it does not bring in
// time is asked for.

import { path } from "./api.js";
import { Channel } from "./channel.js";

export const TABS = ["for_you", "following", "trending"];
const FEW = 3;
const AGAIN_MS = 4_000;
const EXPLAINED = 200;

export class Supply extends EventTarget {
  /** Dispatches `changed` where what is not seen was re-ranked, and `wait` where a channel begins or ends to wait. */
  constructor(api, viewer, stream) {
    super();
    this.api = api;
    this.viewer = viewer;
    this.stream = stream;
    this.asking = 0;
    this.held = [];
    this.channels = Object.fromEntries(TABS.map((name) => [name, this.channelOf(name)]));
    stream.addEventListener("batch", (event) => this.arrive(event.detail));
    stream.addEventListener("delta", (event) => this.withdraw(event.detail));
  }

  get main() {
    return this.channels.for_you;
  }

  channelOf(name) {
    const source = name === "for_you" ? undefined : name;
    const more = async (channel) => {
      const { cursor } = channel;
      channel.take(await this.feed({ source, cursor }, channel), { page: cursor !== null });
      this.explain(channel);
    };
    return new Channel(name, { more });
  }

  /** Ask for a batch. Meanwhile batches that somebody asked for wait, since this one comes over the stream too. */
  async feed(query, channel) {
    this.asking += 1;
    try {
      const given = { limit: 20, ...this.viewer.ctx(), ...query };
      const batch = await this.api.get(path("feeds", this.viewer.user_id), given);
      channel.cursor = batch.next_cursor ?? null;
      if (channel !== this.main && batch.batch_id) this.main.batches.add(batch.batch_id);
      return batch;
    } finally {
      this.asking -= 1;
      if (!this.asking) setTimeout(() => this.held.splice(0).forEach((batch) => this.arrive(batch)));
    }
  }

  /** A batch came over the stream. */
  arrive(batch) {
    if (this.asking && batch.trigger === "request") return this.held.push(batch);
    const changed = this.main.take(batch);
    if (!changed) return;
    this.main.cursor = batch.next_cursor ?? null;
    if (batch.trigger === "signal") this.tell(changed);
    this.explain(this.main);
  }

  withdraw(delta) {
    for (const channel of Object.values(this.channels)) channel.withdraw(delta);
  }

  /** A new batch in place of what is not seen; `query` says what is asked for. */
  async request(query) {
    const batch = await this.feed(query, this.main);
    const changed = this.main.take(batch);
    if (query.as_of && changed) this.tell(changed);
    this.explain(this.main);
    return batch;
  }

  tell({ fresh, replaced }) {
    if (replaced && fresh.length) this.dispatchEvent(new CustomEvent("changed", { detail: fresh.length }));
  }

  /** Fetch what follows where little is left and nothing came by itself. */
  async fill(channel) {
    if (channel.loading || channel.ended || channel.items.length - channel.at > FEW) return;
    if (performance.now() < Math.max(channel.tried_ms + AGAIN_MS, channel.again_ms)) return;
    channel.loading = true;
    this.dispatchEvent(new Event("wait"));
    const before = channel.items.length;
    try {
      await channel.more(channel);
      channel.problem = null;
      channel.retry.worked();
      channel.tried_ms = channel.items.length === before ? performance.now() : -Infinity;
    } catch (error) {
      const pause_ms = channel.retry.after(error);
      channel.problem = error;
      channel.again_ms = performance.now() + pause_ms;
      setTimeout(() => this.fill(channel), pause_ms + 1);
    }
    channel.loading = false;
    this.dispatchEvent(new Event("wait"));
  }

  /**
   * Say the parts of scores: a preview knows them, and changes nothing. A batch is not asked for with them, since the
   * one that a worker has made of its own accord is without, and would be passed over.
   */
  async explain(channel) {
    const items = channel.items.slice(channel.at).filter((item) => !item.parts);
    if (!items.length) return;
    const query = { preview: 1, explain: 1, limit: EXPLAINED, ...this.viewer.ctx() };
    const told = await this.api.get(path("feeds", this.viewer.user_id), query).catch(() => ({ items: [] }));
    const found = new Map(told.items.map((one) => [one.video_id, one]));
    for (const item of items) {
      const { parts, score } = found.get(item.video_id) ?? {};
      if (parts) Object.assign(item, { parts, score });
    }
    this.dispatchEvent(new CustomEvent("explained", { detail: items }));
  }

  /** What the viewer did has arrived: with no stream that would bring it, a batch is asked for that reflects it. */
  follow(positions) {
    if (this.stream.live) return;
    const as_of = Object.entries(positions).flatMap(([topic, parts]) =>
      Object.entries(parts).map(([part, at]) => `${topic}:${part}:${at}`));
    this.request({ as_of: as_of.join(",") }).catch(() => {});
  }
}
