// Charts: curves over time on a canvas, with a legend that says the values where the pointer or a key stands.

import { h } from "../phone/dom.js";
import { columnsOf, moments, nearest, ticks } from "./scale.js";
import { axis, clock } from "./words.js";

const LEFT = 44;
const FOOT = 20;
const TOP = 8;
const TONES = ["--tone-1", "--tone-2", "--tone-3", "--tone-4", "--tone-5", "--tone-6", "--tone-7", "--tone-8"];
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The moment that all charts of the page point at: null, the latest. */
class Cursor extends EventTarget {
  at_ms = null;

  point(at_ms) {
    if (at_ms === this.at_ms) return;
    this.at_ms = at_ms;
    this.dispatchEvent(new Event("change"));
  }
}
const cursor = new Cursor();

/** Show the curves that begin with `prefix`; a chart that stands in its panel already stays there, with its focus. */
export function plot(panel, chart, history, prefix) {
  if (chart.root.parentNode === panel.body) panel.well();
  else panel.show(chart.root);
  chart.set(history.times, history.curves(prefix), ...history.span());
}

export class Chart {
  /** `say` turns a value into words, `none` stands where there is no curve; `high` is the height in pixels. */
  constructor(title, say, none, high = 176) {
    this.title = title;
    this.say = say;
    this.none = none;
    this.times = [];
    this.curves = [];
    this.tones = new Map();
    this.canvas = h("canvas", { tabindex: "0", role: "img" });
    this.canvas.style.setProperty("--high", `${high}px`);
    this.rows = h("ul");
    this.when = h("p");
    this.root = h("figure.chart", {}, this.canvas, h("figcaption.legend", {}, this.when, this.rows));
    this.listen();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointermove", ({ offsetX }) => this.pointed(offsetX));
    canvas.addEventListener("pointerleave", () => cursor.point(null));
    canvas.addEventListener("blur", () => cursor.point(null));
    canvas.addEventListener("keydown", (event) => this.key(event));
    cursor.addEventListener("change", () => this.draw());
    dark.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /**
   * Show those of `curves` ({ name, values, sum } each, values at `times`) that have the most, between two moments. A
   * curve keeps its place and its colour as long as it is shown.
   */
  set(times, curves, from, to) {
    const shown = curves.toSorted((one, other) => other.sum - one.sum).slice(0, TONES.length);
    const kept = new Map(shown.map(({ name }) => [name, this.tones.get(name)]));
    const taken = new Set(kept.values());
    const free = TONES.filter((tone) => !taken.has(tone));
    shown.sort((one, other) => one.name.localeCompare(other.name));
    this.tones = new Map(shown.map(({ name }) => [name, kept.get(name) ?? free.shift()]));
    Object.assign(this, { times, from, to, curves: shown });
    this.draw();
  }

  pointed(x) {
    const share = (x - LEFT) / Math.max(1, this.canvas.clientWidth - LEFT);
    const at = nearest(this.times, this.from + share * (this.to - this.from));
    if (at >= 0) cursor.point(this.times[at]);
  }

  key(event) {
    if (event.key === "Escape") return cursor.point(null);
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (!by || !this.times.length) return undefined;
    event.preventDefault();
    const at = cursor.at_ms === null ? this.times.length - 1 : nearest(this.times, cursor.at_ms) + by;
    return cursor.point(this.times[Math.max(0, Math.min(this.times.length - 1, at))]);
  }

  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    this.tell();
    canvas.hidden = !this.curves.length;
    if (!width || !this.times.length) return;
    const scale = devicePixelRatio || 1;
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    const g = canvas.getContext("2d");
    g.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name);
    const shown = this.curves.map(({ values }) => columnsOf(this.times, values, this.from, this.to, width - LEFT));
    const most = Math.max(0, ...shown.map((columns) => columns.reduce((top, one) => Math.max(top, one?.[3] ?? 0), 0)));
    const marks = ticks(most);
    const y = (value) => TOP + (1 - value / marks.at(-1)) * (height - TOP - FOOT);
    const x = (ms) => LEFT + ((ms - this.from) / Math.max(1, this.to - this.from)) * (width - LEFT - 1);
    this.frame(g, marks, x, y, colour, height);
    shown.forEach((columns, nth) => curve(g, columns, y, colour(this.tones.get(this.curves[nth].name))));
    if (cursor.at_ms !== null) line(g, colour("--dim"), [x(cursor.at_ms), TOP], [x(cursor.at_ms), height - FOOT]);
  }

  frame(g, marks, x, y, colour, height) {
    g.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
    g.fillStyle = colour("--dim");
    g.textBaseline = "middle";
    g.textAlign = "right";
    for (const mark of marks) {
      line(g, colour("--line"), [LEFT, y(mark)], [this.canvas.clientWidth, y(mark)]);
      g.fillText(axis(mark), LEFT - 8, y(mark));
    }
    g.textAlign = "center";
    const wanted = Math.max(2, Math.floor((this.canvas.clientWidth - LEFT) / 110));
    const short = this.to - this.from < 240_000;
    for (const at of moments(this.from, this.to, wanted)) {
      if (x(at) > LEFT + 20 && x(at) < this.canvas.clientWidth - 24) {
        g.fillText(short ? clock(at) : clock(at).slice(0, 5), x(at), height - 7);
      }
    }
  }

  /** The legend: each curve's value where the cursor stands, else the latest. */
  tell() {
    const at = cursor.at_ms === null ? this.times.length - 1 : nearest(this.times, cursor.at_ms);
    const value = (values) => (cursor.at_ms === null ? latest(values) : values[at]);
    const when = cursor.at_ms === null || at < 0 ? "The latest" : `At ${clock(this.times[at])}`;
    this.when.textContent = this.curves.length ? when : this.none;
    const names = this.curves.map(({ name }) => name).join("\n");
    if (names !== this.names) {
      this.names = names;
      this.rows.replaceChildren(...this.curves.map(({ name }) => {
        const row = h("li", { title: name }, h("i", { "aria-hidden": "true" }), h("span", {}, name), h("b"));
        row.style.setProperty("--tone", `var(${this.tones.get(name)})`);
        return row;
      }));
    }
    const said = this.curves.map(({ values }) => this.say(value(values)));
    said.forEach((words, nth) => (this.rows.children[nth].lastChild.textContent = words));
    const all = this.curves.map(({ name }, nth) => `${name} ${said[nth]}`).join(", ");
    this.canvas.setAttribute("aria-label", `${this.title}, ${this.when.textContent}: ${all || "nothing"}`);
  }
}

const latest = (values) => values.findLast((value) => value !== null);

function line(g, colour, from, to) {
  g.strokeStyle = colour;
  g.lineWidth = 1;
  g.beginPath();
  g.moveTo(Math.round(from[0]) + 0.5, Math.round(from[1]) + 0.5);
  g.lineTo(Math.round(to[0]) + 0.5, Math.round(to[1]) + 0.5);
  g.stroke();
}

/** Within a column the curve goes over all that was there; a gap lifts the pen, and a point alone is a dot. */
function curve(g, columns, y, colour) {
  g.strokeStyle = g.fillStyle = colour;
  g.lineWidth = 1.6;
  g.lineJoin = "round";
  g.beginPath();
  columns.forEach((one, nth) => {
    if (!one) return;
    const at = LEFT + one[0] + 0.5;
    const [before, after] = [columns[nth - 1], columns[nth + 1]];
    if (before) g.lineTo(at, y(one[1]));
    else g.moveTo(at, y(one[1]));
    if (one[2] !== one[3]) {
      g.lineTo(at, y(one[2]));
      g.lineTo(at, y(one[3]));
      g.lineTo(at, y(one[4]));
    }
    if (!before && !after) g.fillRect(at - 1, y(one[1]) - 1, 2.5, 2.5);
  });
  g.stroke();
}
