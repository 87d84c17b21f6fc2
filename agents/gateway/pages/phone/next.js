// What comes next: the videos that are not seen yet, in order, so that one can watch a like move them.

import { makerOf, whyOf } from "./api.js";
import { h, slide } from "./dom.js";
import { poster } from "./player.js";
import { sceneOf } from "./scenes/index.js";

const SHOWN = 8;

export class NextList {
  /** `choose(video_id)` is called where a row is pressed. */
  constructor(choose) {
    this.choose = choose;
    this.root = h("ol.next", { "aria-label": "Up next" });
    this.rows = new Map();
  }

  show(items) {
    const shown = items.slice(0, SHOWN);
    slide(this.root, () => {
      this.rows = new Map(shown.map((item) => [item.video_id, this.rows.get(item.video_id) ?? this.row(item)]));
      for (const item of shown) this.rows.get(item.video_id).set(item);
      this.root.replaceChildren(...[...this.rows.values()].map((row) => row.root));
    });
  }

  /** A row stays for as long as its video does; a batch that follows may give other reasons. */
  row(item) {
    const { video_id, video } = item;
    const canvas = h("canvas", { "aria-hidden": "true" });
    poster(canvas, sceneOf(item), 36, 54);
    const note = h("small");
    const what = h("span.what", {}, h("b", {}, video.caption || makerOf(video)), note);
    const choose = () => this.choose(video_id);
    const root = h("li", {}, h("button", { type: "button", onclick: choose }, canvas, what, h("em", {}, "new")));
    const set = (now) => {
      note.textContent = `#${video.tags[0] ?? "untagged"} · ${whyOf(now) ?? now.source}`;
      root.classList.toggle("fresh", Boolean(now.fresh));
    };
    return { root, set };
  }
}
