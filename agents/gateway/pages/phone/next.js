// What comes next: the videos that are not seen yet, in order, so that one can watch a like move them.

import { h, slide } from "./dom.js";
import { poster } from "./player.js";
import { sceneOf } from "./scenes/index.js";

const SHOWN = 8;

export class NextList {
  constructor(choose) {
    this.choose = choose;
    this.root = h("ol.next", { "aria-label": "Up next" });
    this.rows = new Map();
  }

  show(items) {
    const shown = items.slice(0, SHOWN);
    slide(this.root, () => {
      const rows = shown.map((item) => [item.video_id, this.rows.get(item.video_id) ?? this.row(item)]);
      this.rows = new Map(rows);
      for (const item of shown) this.rows.get(item.video_id).classList.toggle("fresh", Boolean(item.fresh));
      this.root.replaceChildren(...this.rows.values());
    });
  }

  row(item) {
    const canvas = h("canvas", { "aria-hidden": "true" });
    poster(canvas, sceneOf(item), 36, 54);
    const { creator_id, tags, caption } = item.video;
    const why = item.reasons[0]?.text.replace(/^because /, "") ?? item.source;
    const note = h("small", {}, `#${tags[0] ?? "untagged"} · ${why}`);
    const what = h("span.what", {}, h("b", {}, caption || creator_id), note);
    const choose = () => this.choose(item);
    return h("li", {}, h("button", { type: "button", onclick: choose }, canvas, what, h("em", {}, "new")));
  }
}
