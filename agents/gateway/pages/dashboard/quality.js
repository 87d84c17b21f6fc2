// Quality: what came of what was served, by where it came from, by tier, and by arm.

import { path } from "../phone/api.js";
import { h } from "../phone/dom.js";
import { Panel, meter, table, together, unnamed } from "./parts.js";
import { count, part, percent } from "./words.js";

const LEAST = 0.05;
const TIERS = ["0, the first audience", "1", "2", "3", "4", "5, without a bound"];

export class Quality {
  constructor({ api }) {
    const panel = (title, note) => new Panel(title, { note });
    this.source = panel("By source", "what named the video as a candidate");
    this.tier = panel("By tier", "how many viewers a video is let to");
    this.arm = panel("By arm", "of experiments; their readout has intervals");
    this.panels = [this.source, this.tier, this.arm];
    this.content = [h("p.plain", {}, "Each item counts once a stage, since the workers started; shares are of what was "
      + "seen. Positive: a like, save, share, comment or follow. Exact readouts come from the log."),
    h("div.grid", {}, this.panels.map((one) => one.root))];
    this.every_ms = 5_000;
    this.refresh = together(this.panels, () => api.get(path("operate", "quality")), (found) => this.show(found));
  }

  show(found) {
    const show = (panel, rows, name, none) => panel.show(found.workers_set ? groups(rows, name, none) : unnamed());
    const none = "Nothing was served yet since the workers started.";
    show(this.source, found.source, (one) => one.name, none);
    show(this.tier, found.tier, (one) => TIERS[one.name] ?? one.name, none);
    show(this.arm, found.arm, (one) => one.name, "Nothing was served under an arm of an experiment.");
  }
}

/** Groups with their counts, and bars against the one with the most, and at least against LEAST. */
export function groups(rows, name, none, heading = "Name") {
  const stages = [
    ["Long view", "long_view", "tone-2"], ["Positive", "positive", "tone-1"], ["Skipped", "skip", "tone-3"],
    ["Not wanted", "negative", "tone-5"],
  ];
  const most = (stage) => Math.max(LEAST, ...rows.map((one) => part(one[stage], one.seen) ?? 0));
  const served = Math.max(...rows.map((one) => one.served));
  return table("What came of what was served", [
    [heading, name],
    ["Served", (one) => meter(count(one.served), part(one.served, served), "dim"), "n"],
    ["Seen", (one) => `${count(one.seen)} · ${percent(part(one.seen, one.served))}`, "n"],
    ...stages.map(([title, stage, tone]) => [title, (one) => {
      const share = part(one[stage], one.seen);
      return meter(percent(share), (share ?? 0) / most(stage), tone);
    }, "n"]),
  ], rows, none);
}
