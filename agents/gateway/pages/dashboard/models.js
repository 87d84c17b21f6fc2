// Models: what is in use, how well it foretells, and what the gate lets through.

import { path } from "../phone/api.js";
import { h } from "../phone/dom.js";
import { Chart, plot } from "./chart.js";
import { Panel, chip, facts, plain, table, together, unnamed } from "./parts.js";
import { ago, count, digits } from "./words.js";

const UNJUDGED = "No example is judged yet: its viewer has FEEDSTREAM_LEARN_WINDOW_S from when it was served.";

export class Models {
  constructor({ api, live }) {
    this.live = live;
    this.use = new Panel("In use");
    this.published = new Panel("Published", { note: "versions, and what the gate let through since workers started" });
    this.chart = new Chart("Log-loss by head", digits, UNJUDGED, 210);
    this.loss = new Panel("Log-loss by head", { note: "predicted before learnt; the lower the better" });
    this.heads = new Panel("Heads", { note: "over the latest examples" });
    const panels = [this.use, this.published, this.loss, this.heads];
    const column = (size, ...panels) => h("div", { class: `column ${size}` }, panels.map((one) => one.root));
    const columns = [column("two-thirds", this.loss, this.heads), column("third", this.use, this.published)];
    this.content = [h("div.grid", {}, columns)];
    this.every_ms = 2_000;
    this.curved = true;
    this.refresh = together(panels, () => api.get(path("operate", "models")), (found) => this.show(found));
  }

  show(found) {
    this.use.show(use(found));
    this.heads.show(heads(found));
    this.published.show(published(found));
    if (found.workers_set) plot(this.loss, this.chart, this.live.history, "loss:");
    else this.loss.show(unnamed());
  }
}

function use({ in_use: version, frozen, rollback, models }) {
  const latest = Math.max(0, ...models.map((one) => one.ts_ms));
  return [
    facts([["Ranker", version], ["Last published", latest ? ago(latest) : "never"]]),
    h("p.chips", {}, frozen ? chip("frozen: nothing new is published", "warn") : chip("learning goes on", "good"),
      rollback !== null && chip(`rolled back to ${rollback}`, "warn")),
    version === "prior" && plain("No model was learnt yet: feeds are ranked by what is known beforehand."),
  ];
}

function heads({ heads: found }) {
  return table("Heads", [
    ["Head", (one) => one.head.replace("_", " ")],
    ["Log-loss", (one) => digits(one.log_loss), "n"],
    ["AUC", (one) => digits(one.auc), "n"],
    ["Calibration", (one) => digits(one.calibration), "n"],
  ], found, "There are no heads.");
}

function published({ models, gate, workers_set: named }) {
  const verdicts = new Map(gate.map((one) => [one.model, one]));
  const refused = ({ model }) => verdicts.get(model)?.refused ?? 0;
  return [table("Models", [
    ["Model", (one) => one.model],
    ["Version", (one) => count(one.version), "n"],
    ["Parts", (one) => count(one.parts), "n"],
    ["When", (one) => ago(one.ts_ms), "n"],
    ["Refused", (one) => (!named ? "–" : refused(one) ? chip(count(refused(one)), "warn") : "0"), "n"],
  ], models, "Nothing was published yet: the learner waits for its first examples."), !named && unnamed()];
}
