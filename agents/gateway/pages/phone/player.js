// The player: draws the one visible video, and counts how long it was really watched.

import { calm } from "./dom.js";
import { paint } from "./scenes/index.js";

const PIXELS = 1_300_000;
const STEP_MS = 250; // a frame that is later than this was not watched: the machine slept or the page was hidden

/** Make a canvas as sharp as its place on the screen, within what can be drawn sixty times a second. */
export function fit(canvas, width, height) {
  const ratio = Math.min(devicePixelRatio || 1, 2, Math.sqrt(PIXELS / Math.max(1, width * height)));
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
}

export class Player extends EventTarget {
  constructor() {
    super();
    this.card = null;
    this.holds = new Set();
    this.watch_ms = 0;
    this.beaten_ms = 0;
    this.frame = 0;
    this.tick = this.tick.bind(this);
  }

  get playing() {
    return this.card !== null && this.holds.size === 0;
  }

  /** Show another card from its beginning. */
  load(card) {
    this.card?.root.classList.remove("paused");
    this.card = card;
    this.watch_ms = this.beaten_ms = 0;
    this.holds.delete("viewer");
    if (card) card.draw(0);
    this.go();
  }

  /** Stop for a reason; it goes on when none is left. */
  hold(reason, on = true) {
    if (on) this.holds.add(reason);
    else this.holds.delete(reason);
    this.card?.root.classList.toggle("paused", this.holds.has("viewer"));
    this.go();
  }

  go() {
    cancelAnimationFrame(this.frame);
    this.last = 0;
    if (this.playing) this.frame = requestAnimationFrame(this.tick);
  }

  tick(now) {
    const passed = this.last ? Math.min(STEP_MS, now - this.last) : 0;
    this.last = now;
    this.watch_ms += passed;
    const length = this.card.item.video.duration_ms;
    const at = (this.watch_ms % length) / length;
    if (!calm.matches) this.card.draw((at * length) / 1000);
    this.card.progress(at);
    if (this.watch_ms - this.beaten_ms >= 5_000) {
      this.beaten_ms = this.watch_ms;
      this.dispatchEvent(new Event("beat"));
    }
    this.frame = requestAnimationFrame(this.tick);
  }
}

/** Draw one moment of a video into a small canvas. */
export function poster(canvas, scene, width, height, at = 1.4) {
  fit(canvas, width, height);
  paint(canvas, scene, at);
}
