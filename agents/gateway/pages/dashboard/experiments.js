// Experiments: their arms, what comes of each, and how they differ.

import { LONG_MS, path } from "../phone/api.js";
import { h } from "../phone/dom.js";
import { Panel, chip, plain, table, unnamed } from "./parts.js";
import { groups } from "./quality.js";
import { STATES, count, digits, moment, percent } from "./words.js";

const NEVER_MS = 9e15;

export class Experiments {
  constructor({ api }) {
    this.api = api;
    this.grid = h("div.grid");
    this.all = new Panel("Experiments", {});
    this.grid.append(this.all.root);
    this.held = new Map();
    this.content = [this.grid];
    this.every_ms = 5_000;
  }

  async refresh() {
    try {
      const found = await this.api.get(path("operate", "experiments"));
      const names = found.experiments.map((one) => one.name);
      if (names.join("\n") !== [...this.held.keys()].join("\n")) this.lay(found.experiments);
      for (const one of found.experiments) this.held.get(one.name).show(one, found.workers_set);
      this.all.root.hidden = names.length > 0;
      this.all.show(plain("No experiment is set. `feedstream experiment set NAME FILE` starts one."));
    } catch (error) {
      this.all.root.hidden = false;
      this.all.fail(error);
    }
  }

  lay(experiments) {
    this.held = new Map(experiments.map(({ name }) => [name, this.held.get(name) ?? new One(this.api, name)]));
    this.grid.replaceChildren(this.all.root, ...[...this.held.values()].map(({ panel }) => panel.root));
  }
}

/** One experiment, and its readout once it was asked for. */
class One {
  constructor(api, name) {
    this.api = api;
    this.name = name;
    this.panel = new Panel(name);
    this.arms = h("div.stack");
    this.hours = h("input", { id: `hours-${name}`, type: "number", min: "0.01", step: "any", value: "24" });
    this.told = new Panel(`Readout of ${name}`, { ask: () => this.ask(), draw: (read) => readout(read) });
    this.told.root.hidden = true;
    const go = (event) => (event.preventDefault(), this.read());
    const form = h("form.ask", { onsubmit: go }, h("label", { for: `hours-${name}` },
      "Hours after a viewer's first batch that count; decide on them before you look"), this.hours,
    h("button.act", { type: "submit" }, "Read out"));
    this.panel.show([this.arms, form, this.told.root]);
  }

  show(one, named) {
    const until = one.to_ms < NEVER_MS ? ` until ${moment(one.to_ms)}` : "";
    const sets = ({ settings }) =>
      Object.entries(settings).map(([key, value]) => `${key} = ${value}`).join(", ") || "as it is";
    const rows = one.arms.map((arm) => ({ ...arm.group, arm }));
    const words = ({ arm }) => [arm.name, h("br"), h("small", {}, `${percent(arm.share)}, ${sets(arm)}`)];
    this.arms.replaceChildren(
      h("p.chips", {}, chip(one.when, STATES[one.when]), chip(`${percent(one.share)} of viewers`),
        one.layer ? chip(`layer ${one.layer}`) : "", h("small", {}, `since ${moment(one.from_ms)}${until}`)),
      named ? groups(rows, words, "", "Arm") : unnamed());
  }

  ask() {
    return this.api.get(path("operate", "experiments", this.name), { window_h: this.hours.value }, LONG_MS);
  }

  read() {
    this.told.root.hidden = false;
    this.told.show(h("div.wait", { "aria-label": "The log is read" }, h("i"), h("i"), h("i")));
    this.told.refresh();
  }
}

function readout(read) {
  const viewers = Object.entries(read.viewers).map(([arm, n]) => `${arm} ${count(n)}`).join(", ");
  const words = `${count(read.records)} records of the log${read.whole ? "" : ", the latest of them only"}. `
    + `Viewers whose window is over: ${viewers || "none"}; ${count(read.waiting)} wait, ${count(read.switched)} had `
    + "two arms.";
  return [plain(words), ...read.arms.map((arm) => compared(arm, read.base)),
    !read.arms.length && plain("There is nothing to compare yet, as no viewer's window is over: wait, or take fewer "
      + "hours.")];
}

function compared(arm, base) {
  const rows = arm.differences;
  const scale = (one) => Math.max(Math.abs(one.low ?? 0), Math.abs(one.high ?? 0), Math.abs(one.value ?? 0)) || 1;
  return h("div.stack", {}, h("h3", {}, `${arm.arm} against ${base}`), table(`${arm.arm} against ${base}`, [
    ["Metric", (one) => one.metric.replace("_", " ")],
    [base, (one) => digits(one.base), "n"],
    [arm.arm, (one) => digits(one.mean), "n"],
    ["Difference", (one) => digits(one.value), "n"],
    ["Interval, 0 in the middle", (one) => between(one, scale(one)), "wide"],
    ["Found", found],
  ], rows, "Nothing was compared."));
}

function found(one) {
  if (one.low === null) return chip("too few viewers");
  return one.found ? chip("a difference", "good") : chip("none found");
}

function between(one, scale) {
  if (one.low === null || one.high === null) return "–";
  const [bar, at] = [h("i"), h("u")];
  bar.style.setProperty("--low", one.low / scale);
  bar.style.setProperty("--high", one.high / scale);
  if (one.found) bar.style.setProperty("--tone", "var(--good)");
  at.style.setProperty("--at", one.value / scale);
  return h("div.between", { role: "img", "aria-label": `${digits(one.low)} to ${digits(one.high)}` }, bar, at);
}
