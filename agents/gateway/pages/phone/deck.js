// The deck: cards below one another, one a screen. It says which one is current; what that means is for others.

import { makerOf } from "./api.js";
import { Card } from "./card.js";
import { EASE, calm, h } from "./dom.js";

const NEAR = 2; // cards this far from the current one are made; the others are empty places
const TAP_MS = 260;
const NOTCH = 24; // pixels of the wheel that are meant
const PAUSE_MS = 160; // without turning: the next turn is a gesture of its own
const GESTURE_MS = 700;

export class Deck extends EventTarget {
  /** `hands` is what cards need: act and viewer. */
  constructor(root, hands) {
    super();
    this.root = root;
    this.hands = hands;
    this.channel = null;
    this.cards = new Map();
    this.current = null;
    this.goal = null;
    this.end = h("section.cell.end", { "aria-live": "polite" });
    this.sync = this.sync.bind(this);
    root.addEventListener("scroll", () => this.scrolled(), { passive: true });
    root.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    root.addEventListener("pointerup", (event) => this.tapped(event));
    root.addEventListener("pointerdown", (event) => (this.down = event));
    new ResizeObserver(() => this.resized()).observe(root);
  }

  get height() {
    return this.root.clientHeight;
  }

  show(channel) {
    this.channel?.removeEventListener("change", this.sync);
    this.leave("closed");
    this.cards.clear();
    this.root.replaceChildren(this.end);
    this.channel = channel;
    channel.addEventListener("change", this.sync);
    this.sync();
  }

  /** Make the places agree with the channel's items. What is on the screen stays where it is. */
  sync() {
    const { items } = this.channel;
    const places = new Map([...this.root.children].map((place) => [place.dataset.video, place]));
    let next = this.root.firstElementChild;
    for (const item of items) {
      const place = places.get(item.video_id) ?? this.place(item);
      places.delete(item.video_id);
      if (place === next) next = next.nextElementSibling;
      else this.root.insertBefore(place, next);
    }
    for (const [id, place] of places) {
      if (place === this.end) continue;
      place.remove();
      this.cards.delete(id);
    }
    items.forEach((item, at) => {
      const place = this.root.children[at];
      place.setAttribute("aria-posinset", at + 1);
      place.setAttribute("aria-setsize", this.channel.ended ? items.length : -1);
      const card = this.cards.get(item.video_id);
      if (card && card.item !== item) this.fill(item, place);
    });
    // Where no video is current the browser would follow the foot of the list, to which it had snapped.
    if (!this.current) this.root.scrollTop = this.channel.at * this.height;
    this.look();
    this.dispatchEvent(new Event("list"));
  }

  place(item) {
    const { caption } = item.video;
    const label = `Video by ${makerOf(item.video)}${caption ? `: ${caption}` : ""}`;
    return h("article.cell", { "data-video": item.video_id, "aria-label": label, tabindex: "-1" });
  }

  fill(item, place) {
    const card = new Card(item, place, this.hands);
    card.fit(this.root.clientWidth, this.height);
    card.draw(0);
    this.cards.set(item.video_id, card);
    return card;
  }

  scrolled() {
    const at = this.root.scrollTop / this.height;
    this.channel.held = Math.max(this.channel.at, Math.ceil(at - 0.02));
    this.look();
    if (Math.abs(at - this.channel.at) > 0.01) return;
    this.goal = null;
    this.channel.held = this.channel.at;
  }

  /** A wheel turns by one card a gesture: a notch alone would not reach the next place, and be snapped back. */
  wheeled(event) {
    event.preventDefault();
    const { timeStamp, deltaY } = event;
    const going = timeStamp - (this.wheel?.last ?? 0) < PAUSE_MS && timeStamp - this.wheel.since < GESTURE_MS;
    const wheel = going ? this.wheel : { since: timeStamp, sum: 0, done: false };
    this.wheel = { ...wheel, last: timeStamp, sum: wheel.sum + deltaY };
    if (this.wheel.done || Math.abs(this.wheel.sum) < NOTCH) return;
    this.wheel.done = true;
    this.move(Math.sign(this.wheel.sum));
  }

  /** See which place is the current one, and make the cards around it. */
  look() {
    const { channel } = this;
    if (!channel || !this.height) return;
    const at = Math.min(channel.items.length, Math.round(this.root.scrollTop / this.height));
    const item = channel.items[at];
    if (item !== this.current?.item) {
      this.leave("swiped");
      channel.at = at;
      channel.held = Math.max(channel.held, at);
    }
    channel.items.forEach((one, nth) => {
      const made = this.cards.has(one.video_id);
      if (Math.abs(nth - at) <= NEAR && !made) this.fill(one, this.root.children[nth]);
      else if (Math.abs(nth - at) > NEAR + 1 && made) {
        this.root.children[nth].replaceChildren();
        this.cards.delete(one.video_id);
      }
    });
    if (item && item !== this.current?.item) {
      this.current = this.cards.get(item.video_id);
      this.dispatchEvent(new Event("current"));
    }
    if (channel.items.length - at <= 4) this.dispatchEvent(new Event("low"));
  }

  /** The current card is left, for one of the reasons of the wire. */
  leave(reason) {
    if (!this.current) return;
    this.dispatchEvent(new CustomEvent("left", { detail: { reason } }));
    this.current = null;
  }

  /** Go on by so many cards. */
  move(by) {
    this.moveTo(Math.max(0, Math.min(this.channel.items.length, (this.goal ?? this.channel.at) + by)));
  }

  /** Go to a place; to none at all where it is below 0. */
  moveTo(at) {
    if (at < 0) return;
    this.goal = at;
    this.root.scrollTo({ top: this.goal * this.height, behavior: calm.matches ? "instant" : "smooth" });
    this.root.children[this.goal]?.focus({ preventScroll: true });
  }

  go(at) {
    this.goal = null;
    this.root.scrollTo({ top: at * this.height, behavior: "instant" });
    this.look();
  }

  /** Take the current card away before the eyes of the viewer; the next one takes its place. */
  async away(item) {
    const place = this.cards.get(item.video_id)?.root;
    if (place && !calm.matches) {
      const frames = [{ transform: "none", opacity: 1 }, { transform: "scale(.86) translateY(-3%)", opacity: 0 }];
      await place.animate(frames, { duration: 260, easing: "ease-in", fill: "forwards" }).finished;
    }
    if (this.current?.item === item) this.leave("closed");
    this.channel.drop((one) => one.video_id === item.video_id, 0);
    const next = this.current?.root;
    if (next && !calm.matches) {
      const frames = [{ transform: "translateY(12%)", opacity: 0.4 }, { transform: "none", opacity: 1 }];
      next.animate(frames, { duration: 320, easing: EASE });
    }
    next?.focus({ preventScroll: true });
  }

  tapped(event) {
    const moved = !this.down || Math.hypot(event.clientX - this.down.clientX, event.clientY - this.down.clientY) > 12;
    if (moved || event.button !== 0 || !this.current || event.target.closest("button, a")) return;
    const box = this.root.getBoundingClientRect();
    const detail = { x: event.clientX - box.left, y: event.clientY - box.top };
    if (this.tap) {
      clearTimeout(this.tap);
      this.tap = null;
      this.dispatchEvent(new CustomEvent("double", { detail }));
    } else {
      this.tap = setTimeout(() => {
        this.tap = null;
        this.dispatchEvent(new CustomEvent("tap", { detail }));
      }, TAP_MS);
    }
  }

  resized() {
    if (!this.channel) return;
    for (const card of this.cards.values()) {
      card.fit(this.root.clientWidth, this.height);
      card.draw(0);
    }
    this.root.scrollTop = this.channel.at * this.height;
    this.look();
  }

  update() {
    for (const card of this.cards.values()) card.update();
  }
}
