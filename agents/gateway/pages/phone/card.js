// A card: one video as it stands in the feed, with what can be done to it.

import { whyOf } from "./api.js";
import { avatar, button, compact, h, icon } from "./dom.js";
import { fit } from "./player.js";
import { paint, sceneOf } from "./scenes/index.js";

/** Verb, symbol, words where it is off and on. The order of the rail. */
const RAIL = [
  ["like", "heart", "Like", "Unlike"],
  ["comment", "comment", "Comment"],
  ["save", "bookmark", "Save", "Unsave"],
  ["share", "share", "Share"],
  ["why", "spark", "Why this video"],
  ["hide", "more", "More: hide, mute, report"],
];
const FIRST = 3; // of a changed feed: where the change is seen, and worth a label
const COUNTED = { like: "likes", comment: "comments", save: "saves", share: "shares" };

export class Card {
  /** `act(verb, item, detail)` is called for whatever is pressed; `viewer` knows what is marked. */
  constructor(item, place, { act, viewer }) {
    this.item = item;
    this.act = (verb, detail) => act(verb, item, detail);
    this.viewer = viewer;
    this.scene = sceneOf(item);
    this.canvas = h("canvas.screen", { "aria-hidden": "true" });
    this.bar = h("i");
    this.root = place;
    place.replaceChildren(
      this.canvas, h("div.scrim"), h("div.still", { "aria-hidden": "true" }, icon("play")), this.rail(), this.about(),
      h("div.progress", { "aria-hidden": "true" }, this.bar),
    );
    place.style.setProperty("--low", this.scene.hues.near);
    this.update();
  }

  rail() {
    const { creator_id } = this.item.video;
    this.follow = button("Follow", () => this.act("follow"), icon("plus"));
    this.follow.className = "follow";
    const videos = creator_id && button(`Videos by ${creator_id}`, () => this.act("creator"), avatar(creator_id));
    this.verbs = Object.fromEntries(RAIL.map(([verb, symbol]) => {
      const count = h("span.count", { "aria-hidden": "true" });
      const made = button("", () => this.act(verb), icon(symbol), count);
      made.className = "verb";
      made.dataset.verb = verb;
      return [verb, made];
    }));
    const person = creator_id && h("div.person", {}, videos, this.follow);
    return h("div.rail", {}, person, Object.values(this.verbs));
  }

  about() {
    const { video, source, fresh, position } = this.item;
    const why = whyOf(this.item);
    const paid = source === "promoted";
    const made = (kind, verb, detail, ...content) =>
      h(`button.${kind}`, { type: "button", onclick: () => this.act(verb, detail) }, ...content);
    return h("div.about", {},
      h("div.labels", {},
        paid && h("span.label.paid", {}, "Promoted"),
        this.item.batch?.fallback && h("span.label.plain", {}, "Popular right now"),
        fresh && position < FIRST && h("span.label.fresh", {}, "New in your feed")),
      why && made("reason", "why", null, icon("spark"), h("span", {}, h("i.unseen", {}, "Why: because "), why)),
      video.creator_id && made("name", "creator", null, `@${video.creator_id}`),
      video.caption && h("p.caption", { lang: video.lang, dir: "auto" }, video.caption),
      h("div.tags", {}, video.tags.map((tag) => made("tag", "tag", tag, `#${tag}`))),
      video.sound_id && made("sound", "sound", null, icon("note"), h("span", {}, video.sound_id)),
      paid && made("offer", "offer", null, "See more", icon("next")),
    );
  }

  /** Show what is marked, and the counts where they are known. */
  update() {
    const { viewer, item } = this;
    const marked = { like: viewer.has("like", item.video_id), save: viewer.has("save", item.video_id) };
    for (const [verb, , off, on] of RAIL) {
      const made = this.verbs[verb];
      if (verb in marked) made.setAttribute("aria-pressed", String(marked[verb]));
      const known = item.counts?.[COUNTED[verb]];
      const own = verb === "comment" ? (viewer.comments[item.video_id]?.length ?? 0) : Number(marked[verb] ?? 0);
      const count = known === undefined ? own : known + own;
      made.setAttribute("aria-label", `${marked[verb] ? on : off}${count ? `, ${compact(count)}` : ""}`);
      made.querySelector(".count").textContent = count ? compact(count) : "";
    }
    const follows = viewer.has("follow", item.video.creator_id);
    this.follow.setAttribute("aria-pressed", String(follows));
    this.follow.setAttribute("aria-label", `${follows ? "Unfollow" : "Follow"} ${item.video.creator_id}`);
    this.follow.replaceChildren(icon(follows ? "check" : "plus"));
  }

  fit(width, height) {
    fit(this.canvas, width, height);
  }

  draw(t) {
    paint(this.canvas, this.scene, t);
  }

  progress(at) {
    this.bar.style.transform = `scaleX(${at})`;
  }

  /** A heart where the finger was. */
  burst(x, y) {
    const heart = h("div.burst", { "aria-hidden": "true" }, icon("heart"));
    heart.style.left = `${x}px`;
    heart.style.top = `${y}px`;
    heart.addEventListener("animationend", () => heart.remove());
    this.root.append(heart);
  }
}
