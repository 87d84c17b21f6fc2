// Campaigns: what is paid for, how far it is, and what came of it.

import { path } from "../phone/api.js";
import { h } from "../phone/dom.js";
import { Panel, chip, link, meter, table } from "./parts.js";
import { STATES, count, moment, part, percent } from "./words.js";

export class Campaigns {
  constructor({ api }) {
    this.panel = new Panel("Campaigns", {
      ask: () => api.get(path("operate", "campaigns")),
      draw: ({ campaigns }) => campaigns_table(campaigns),
    });
    this.content = [h("div.grid", {}, this.panel.root)];
    this.every_ms = 5_000;
  }

  refresh() {
    return this.panel.refresh();
  }
}

const of_seen = (value, { impressions }) =>
  count(value) + (impressions ? ` · ${percent(part(value, impressions))}` : "");

function campaigns_table(rows) {
  const target = ({ target: found }) => Object.entries(found).filter(([, names]) => names.length)
    .map(([kind, names]) => `${kind}: ${names.join(", ")}`).join("; ") || "everybody";
  const due = ({ from_ms: from, to_ms: to }) => part(Math.min(Math.max(Date.now() - from, 0), to - from), to - from);
  const served = (one) => meter(`${count(one.served)} of ${count(one.planned)}`, part(one.served, one.planned));
  return table("Campaigns", [
    ["Campaign", (one) => one.campaign_id],
    ["State", (one) => chip(one.when, STATES[one.when])],
    ["Video", (one) => link("videos", one.video_id)],
    ["For whom", target],
    ["Served of planned", served, "n"],
    ["Due by now", (one) => percent(due(one)), "n"],
    ["Seen", (one) => count(one.impressions), "n"],
    ["Viewed 3 s", (one) => of_seen(one.views, one), "n"],
    ["Clicked", (one) => of_seen(one.clicks, one), "n"],
    ["Ends", (one) => moment(one.to_ms), "n"],
  ], rows, "There are no campaigns: they are records of the topic promotions.");
}
