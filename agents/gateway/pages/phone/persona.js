// The persona: what the gateway knows of the viewer's tastes, as bars that move when it changes.

import { path } from "./api.js";
import { h, slide } from "./dom.js";

const SHOWN = 10;

/** Reads what is known, at most once at a time, and tells every panel that shows it. */
export class Knowledge extends EventTarget {
  constructor(api, viewer) {
    super();
    this.api = api;
    this.viewer = viewer;
    this.known = null;
    this.busy = false;
  }

  async read() {
    if (this.busy) return;
    this.busy = true;
    try {
      this.known = await this.api.get(path("users", this.viewer.user_id));
    } catch (error) {
      if (error.status === 404) this.known = { persona: [] };
    }
    this.busy = false;
    this.dispatchEvent(new Event("change"));
  }
}

export class Persona {
  constructor() {
    this.bars = h("ul.bars.persona");
    this.extra = h("div.extra");
    this.root = h("div", {}, this.bars, this.extra);
    this.rows = new Map();
  }

  show(known) {
    const tags = (known?.persona ?? []).slice(0, SHOWN);
    const session = new Map((known?.session ?? []).map((one) => [one.tag, one.weight]));
    const most = Math.max(0.05, ...tags.map((one) => one.weight), ...session.values());
    slide(this.bars, () => {
      this.rows = new Map(tags.map((one) => [one.tag, this.rows.get(one.tag) ?? this.row(one.tag)]));
      this.bars.replaceChildren(...[...this.rows.values()].map((row) => row.root));
    });
    requestAnimationFrame(() => {
      for (const { tag, weight } of tags) this.rows.get(tag)?.set(weight, session.get(tag) ?? 0, most);
    });
    this.more(known ?? {}, tags.length);
  }

  row(tag) {
    const value = h("output");
    const moved = h("em", { "aria-hidden": "true" });
    const track = h("div.track", { "aria-hidden": "true" }, h("i.week"), h("i.now"));
    const root = h("li", {}, h("span", {}, `#${tag}`), track, moved, value);
    let before = null;
    const set = (weight, now, most) => {
      root.style.setProperty("--week", weight / most);
      root.style.setProperty("--now", now / most);
      value.textContent = `${Math.round(weight * 100)} %`;
      const by = before === null ? 0 : Math.round((weight - before) * 100);
      if (by || before === null) moved.textContent = by ? `${by > 0 ? "▲" : "▼"} ${Math.abs(by)}` : "";
      if (by) moved.className = by > 0 ? "up" : "down";
      before = weight;
    };
    return { root, set };
  }

  more({ picked, avoids, activity, scene, mood }, count) {
    const line = (label, names) => names?.length > 0 &&
      h("p", {}, h("span", {}, label), names.map((name) => h("b", {}, name)));
    const lines = [
      !count && h("p.none", {}, "Nothing is known yet. Like something, or watch it to its end."),
      line("Picked", picked),
      line("Avoids", avoids?.slice(0, 8)),
      line("You are", [activity, scene, mood].filter(Boolean)),
      count > 0 && h("p.key", { "aria-hidden": "true" }, h("i.week"), "over weeks", h("i.now"), "this session"),
    ];
    this.extra.replaceChildren(...lines.filter(Boolean));
  }
}
