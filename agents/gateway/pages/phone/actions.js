// Actions: what a viewer does to a video, by button, key or finger, and how it is taken back.

import { button, desk, h } from "./dom.js";
import { notice } from "./notice.js";
import { openSheet, row } from "./sheet.js";

const REPORTS = ["Spam", "Violence", "Hate", "False information", "Sexual content", "Something else"];

export class Actions {
  constructor(app) {
    this.app = app;
    this.track = app.tracker;
  }

  /** Do what a card's button, or a key, asks for. */
  act(verb, item, detail) {
    this[verb]?.(item, detail);
  }

  mark(kind, name, item) {
    const on = !this.app.viewer.has(kind, name);
    this.app.viewer.mark(kind, name, on, kind === "follow" ? null : item);
    this.track.mark(kind, item, on);
    this.app.deck.update();
    return on;
  }

  like(item) {
    return this.mark("like", item.video_id, item);
  }

  save(item) {
    notice(this.mark("save", item.video_id, item) ? "Saved" : "No longer saved");
  }

  follow(item) {
    const { creator_id } = item.video;
    if (!creator_id) return;
    notice(this.mark("follow", creator_id, item) ? `You follow ${creator_id}` : `You no longer follow ${creator_id}`);
  }

  why() {
    if (!desk.matches) return this.app.openWhy();
    this.app.why.root.focus({ preventScroll: true });
    this.app.why.root.parentElement.scrollTop = 0;
  }

  creator(item) {
    this.track.action("profile_visit", item, { target: item.video.creator_id });
    this.app.open("creator", item.video.creator_id);
  }

  tag(item, tag) {
    this.track.action("tag_open", item, { target: tag });
    this.app.open("tag", tag);
  }

  sound(item) {
    this.track.action("sound_open", item, { target: item.video.sound_id });
    this.app.open("sound", item.video.sound_id);
  }

  offer(item) {
    this.track.action("click", item);
    this.app.open("creator", item.video.creator_id);
  }

  async share(item) {
    const link = `${location.origin}/#/video/${encodeURIComponent(item.video_id)}`;
    const told = (channel, text) => (this.track.share(item, channel), notice(text));
    const copy = async () => {
      await navigator.clipboard.writeText(link).catch(() => {});
      close();
      told("link", "Link copied");
    };
    const native = async () => {
      close();
      await navigator.share({ title: item.video.caption, url: link }).then(() => told("system", "Shared"), () => {});
    };
    const rows = [row("link", "Copy link", copy), navigator.share && row("share", "Share with an app", native)];
    const close = openSheet("Share", h("div.rows", {}, rows));
  }

  // --- comments ---

  comment(item) {
    this.track.action("comments_open", item);
    const list = h("ul.comments");
    const input = h("input", { "aria-label": "Your comment", placeholder: "Say something kind", maxlength: "500" });
    const render = () => this.listComments(item, list);
    const send = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      const id = crypto.randomUUID();
      this.app.viewer.comments[item.video_id] = [...(this.app.viewer.comments[item.video_id] ?? []), { id, text }];
      this.app.viewer.save();
      this.track.comment(item, id, text.length, true);
      input.value = "";
      render();
    };
    const form = h("form.line-input", { onsubmit: send }, input, h("button", { type: "submit" }, "Post"));
    const fine = h("p.fine", {}, "The words stay here. Only that you commented, and at what length, is sent.");
    render();
    openSheet("Comments", h("div.stack", {}, list, form, fine));
    input.focus();
  }

  listComments(item, list) {
    const mine = this.app.viewer.comments[item.video_id] ?? [];
    const take = (one) => () => {
      this.app.viewer.comments[item.video_id] = mine.filter((other) => other !== one);
      this.app.viewer.save();
      this.track.comment(item, one.id, 0, false);
      this.listComments(item, list);
    };
    const rows = mine.map((one) => h("li", {}, h("p", {}, one.text), button("Delete", take(one))));
    list.replaceChildren(...(rows.length ? rows : [h("li.none", {}, "No comments of yours yet.")]));
    this.app.deck.update();
  }

  // --- hiding ---

  hide(item) {
    const { creator_id, sound_id, tags } = item.video;
    const made = (symbol, label, kind, options = {}, note = null) =>
      row(symbol, label, () => (close(), this.feedback(kind, item, options)), note);
    const rows = [
      made("more-like", "More like this", "more_like_this"),
      made("hide", "Not interested", "not_interested", {}, "Fewer with its tags, creator and sound"),
      creator_id && made("mute", `Mute ${creator_id}`, "mute", { target: creator_id }),
      creator_id && made("hide", `Hide everything by ${creator_id}`, "hide_creator", { target: creator_id }),
      creator_id && made("block", `Block ${creator_id}`, "block", { target: creator_id }),
      ...tags.slice(0, 4).map((tag) => made("tag", `Hide #${tag}`, "hide_tag", { target: tag })),
      sound_id && made("note", `Hide the sound ${sound_id}`, "hide_sound", { target: sound_id }),
      row("flag", "Report", () => (close(), this.report(item))),
    ];
    const close = openSheet("This video", h("div.rows", {}, rows));
  }

  report(item) {
    const go = (reason) => () => (close(), this.feedback("report", item, { reason }));
    const rows = REPORTS.map((one) => row("flag", one, go(one)));
    const close = openSheet("What is wrong with it?", h("div.rows", {}, rows));
  }

  /** Say it, take away what must go, and offer the way back. */
  async feedback(kind, item, options) {
    const { app } = this;
    this.track.feedback(kind, item, options);
    if (kind === "more_like_this") return notice("More like this will come");
    const { channel } = app.deck;
    const at = channel.items.indexOf(item);
    const { target } = options;
    const { creator_id, sound_id, tags, category } = item.video;
    const hidden = (one) => target !== undefined && one !== item && (
      (kind === "hide_tag" && [...one.video.tags, one.video.category].includes(target)) ||
      (kind === "hide_sound" && one.video.sound_id === target) || one.video.creator_id === target);
    channel.drop(hidden);
    const undo = () => {
      this.track.feedback(kind, item, { ...options, op: "remove" });
      if (channel !== app.deck.channel) return;
      channel.put(item, at);
      app.deck.go(at);
    };
    const said = { not_interested: "Less like this", report: "Reported, thank you", hide_tag: `#${target} is hidden`,
      hide_sound: `The sound ${sound_id} is hidden`, mute: `${creator_id} is muted`, block: `${creator_id} is blocked`,
      hide_creator: `${creator_id} is hidden` };
    notice(said[kind] ?? `Hidden: ${tags[0] ?? category}`, undo);
    await app.deck.away(item);
  }
}
