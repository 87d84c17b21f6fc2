// Dead letters: what could not be read, why, and what it was.

import { path } from "../phone/api.js";
import { h } from "../phone/dom.js";
import { Panel, chip, meter, plain, table, together } from "./parts.js";
import { ago, count, moment } from "./words.js";

const SHOWN = 25;

export class Letters {
  constructor({ api }) {
    this.causes = new Panel("By cause", {});
    this.recent = new Panel("The latest", {});
    this.content = [
      h("p.plain", {}, "Records that no worker could take, kept byte for byte. ",
        h("code", {}, "feedstream dlq show ID"), " shows one whole, ", h("code", {}, "feedstream dlq replay"),
        " sends again what would be taken now."),
      h("div.grid", {}, this.causes.root, this.recent.root)];
    this.every_ms = 5_000;
    const ask = () => api.get(path("operate", "dead-letters"), { limit: SHOWN });
    this.refresh = together([this.causes, this.recent], ask, (found) => {
      this.causes.show(causes(found));
      this.recent.show(recent(found));
    });
  }
}

function causes({ causes: rows, there, read }) {
  const most = Math.max(1, ...rows.map((one) => one.count));
  return [
    table("Dead letters by cause", [
      ["Cause", (one) => chip(one.cause, "warn")],
      ["Topic", (one) => one.topic || "not said"],
      ["Letters", (one) => meter(count(one.count), one.count / most, "tone-3", "long"), "wide"],
      ["The latest", (one) => ago(one.latest_ms), "n"],
    ], rows, "There are none: every record could be read."),
    there > read && plain(`Of ${count(there)} letters the latest ${count(read)} were read.`),
  ];
}

function recent({ recent: rows }) {
  return table("The latest dead letters", [
    ["When", (one) => moment(one.stamp_ms)],
    ["Why", (one) => [chip(one.cause, "warn"), " ", h("code", {}, one.path)]],
    ["Where", (one) => `${one.topic} ${one.partition}:${one.offset}`],
    ["Key", (one) => one.key ?? "–"],
    ["Value", (one) => h("code", {}, one.text || "empty"), "wide"],
    ["Id", (one) => h("code", {}, one.id)],
  ], rows, "There are none.");
}
