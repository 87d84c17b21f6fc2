// The tracker: turns what happens in front of the viewer into the events of docs/wire.md.

const SHORT_MS = 3_000; // a play below this that is not the whole video is a short one: swiped away, it is a skip

export class Tracker {
  constructor(viewer, outbox) {
    this.viewer = viewer;
    this.outbox = outbox;
    this.showing = null;
    this.seq = 0;
  }

  /** Send one event; `about` is the item that it is about, if it is about one. */
  send(type, fields = {}, about = null, soon = false) {
    const { viewer, showing } = this;
    const event = {
      type, v: 1, event_id: crypto.randomUUID(), user_id: viewer.user_id, session_id: viewer.session(),
      ts_ms: Date.now(), seq: this.seq++, ...this.envelope(about), ...fields,
    };
    if (about && showing?.item === about) event.impression_id = showing.id;
    this.outbox.add(JSON.parse(JSON.stringify(event)), soon);
  }

  envelope(item) {
    if (!item) return {};
    const { video_id, position, token, batch, surface } = item;
    return {
      video_id, creator_id: item.video.creator_id ?? undefined, position: position ?? undefined,
      batch_id: batch?.batch_id ?? undefined, surface, token: token ?? undefined,
    };
  }

  /** A video came to be seen. Each showing has an impression of its own. */
  shown(item, surface) {
    item.surface = surface;
    this.showing = { item, id: crypto.randomUUID(), good: false, told: "" };
    this.send("impression", { ctx: this.viewer.ctx() }, item);
  }

  /** How long the showing was watched so far. */
  watched(watch_ms, end_reason = undefined) {
    const { showing } = this;
    const ms = Math.round(watch_ms);
    const told = `${ms} ${end_reason}`;
    if (!showing || told === showing.told) return;
    showing.told = told;
    const { duration_ms, length_known } = showing.item.video;
    const known = length_known !== false;
    const loops = known ? { loops: Math.round((ms / duration_ms) * 100) / 100 } : {};
    this.send("watch", { watch_ms: ms, duration_ms: known ? duration_ms : 0, ...loops, end_reason }, showing.item);
  }

  /** The showing is over. Swiped away early, with nothing good said of it, it is a skip too. */
  left(watch_ms, reason) {
    const { showing } = this;
    if (!showing) return;
    this.watched(watch_ms, reason);
    const short = watch_ms < Math.min(SHORT_MS, showing.item.video.duration_ms);
    const skipped = reason === "swiped" && short && !showing.good;
    if (skipped) this.send("skip", { watch_ms: Math.round(watch_ms) }, showing.item);
    this.showing = null;
  }

  /** A like, save or follow, or its undo. */
  mark(verb, item, on) {
    this.good(item, on);
    this.send(verb, { op: on ? "add" : "remove" }, item, true);
  }

  share(item, channel) {
    this.good(item);
    this.send("share", { channel }, item, true);
  }

  comment(item, comment_id, length, on) {
    this.good(item, on);
    this.send("comment", { comment_id, op: on ? "add" : "remove", length: on ? length : undefined }, item, true);
  }

  feedback(kind, item, { target, reason, op = "add" } = {}) {
    this.send("feedback", { kind, op, target, reason }, item, true);
  }

  action(kind, item, fields = {}) {
    this.send("action", { kind, ...fields }, item, kind.endsWith("_open") || kind === "search");
  }

  good(item, on = true) {
    if (on && this.showing?.item === item) this.showing.good = true;
  }
}
