// Now: what flows, what waits, how quickly feeds follow, and who does the work.

import { h } from "../phone/dom.js";
import { Chart, plot } from "./chart.js";
import { Panel, chip, plain, table, unnamed } from "./parts.js";
import { bytes, count, rate, seconds } from "./words.js";

const SLOW_S = 1;

export class Now {
  constructor({ live }) {
    this.live = live;
    this.tiles = h("dl.tiles");
    this.charts = [
      this.chart("Records a second, by topic", "flow:", rate, "No record came in this time."),
      this.chart("Records waiting, by topic", "lag:", count, "Nothing is known of shards in this time."),
      this.chart("From an action to its feed", "latency:", seconds, "No action led to a feed in this time.", true),
      this.chart("Items a second, by what came of them", "items:", rate, "Nothing was served in this time.", true),
    ];
    this.workers = new Panel("Workers");
    this.shards = new Panel("Shards", { note: "what each has yet to fold, and who owns it" });
    this.topics = new Panel("Topics", { size: "half" });
    const charts = this.charts.map(({ panel }) => panel.root);
    const people = h("div.half.column", {}, this.workers.root, this.shards.root);
    this.content = [this.tiles, h("div.grid", {}, charts, people, this.topics.root)];
    this.every_ms = 0;
    this.curved = true;
  }

  chart(title, prefix, say, none, of_workers = false) {
    const chart = new Chart(title, say, none);
    return { panel: new Panel(title, { size: "half" }), chart, prefix, of_workers };
  }

  /** The page reads the latest look and the curves for all views; here they are only shown. */
  refresh() {
    const { now, error } = this.live;
    const panels = [...this.charts.map(({ panel }) => panel), this.workers, this.shards, this.topics];
    if (error) return panels.forEach((panel) => panel.fail(error));
    if (!now) return undefined;
    this.tiles.replaceChildren(...tiles(now));
    for (const { panel, chart, prefix, of_workers } of this.charts) {
      if (of_workers && !now.workers_set) panel.show(unnamed());
      else plot(panel, chart, this.live.history, prefix);
    }
    this.workers.show(workers(now));
    this.shards.show(shards(now));
    this.topics.show(topics(now));
    return undefined;
  }
}

function tile(name, value, note, kind = "") {
  return h("div", { class: `tile ${kind}` }, h("dt", {}, name), h("dd", {}, value), h("p", { title: note }, note));
}

function tiles(now) {
  const sum = (pick) => now.topics.filter(pick).reduce((all, { per_s }) => all + (per_s ?? 0), 0);
  const waiting = now.shards.reduce((all, { lag }) => all + lag, 0);
  const ready = now.workers.filter((one) => one.ready && !one.error).length;
  const [worst] = now.topics.toSorted((one, other) => (other.lag ?? 0) - (one.lag ?? 0));
  const letters = now.topics.find(({ topic }) => topic === "dead-letters")?.records ?? 0;
  return [
    now.workers_set
      ? tile("Workers ready", [String(ready), h("small", {}, ` of ${now.workers.length}`)],
        ready === now.workers.length ? "all of them answer" : "see who is not",
        ready === now.workers.length ? "" : ready ? "warn" : "bad")
      : tile("Workers ready", "–", "none is named: FEEDSTREAM_WORKERS"),
    tile("Events a second", rate(sum(({ topic }) => topic.startsWith("events."))), "what viewers do"),
    tile("Feeds a second", rate(sum(({ topic }) => topic === "feeds")), "batches that go out"),
    tile("Records waiting", count(waiting), waiting ? `most of ${worst.topic}` : "everything is folded",
      waiting > 10_000 ? "warn" : ""),
    tile("Action to feed, p99", seconds(now.latency?.p99_s), now.latency
      ? `p50 ${seconds(now.latency.p50_s)}, ${count(now.latency.feeds)} feeds`
      : "no feed followed lately", now.latency?.p99_s > SLOW_S ? "warn" : ""),
    tile("Videos shown", count(now.videos), "active ones"),
    tile("Dead letters", count(letters), letters ? "could not be read" : "none", letters ? "warn" : ""),
  ];
}

function workers(now) {
  if (!now.workers_set) return unnamed();
  const state = (one) => (one.error ? chip("does not answer", "bad") : one.ready ? chip("ready", "good")
    : chip("not ready", "warn"));
  return table("Workers", [
    ["Address", (one) => one.address],
    ["State", state],
    ["Shards", (one) => (one.error ? "–" : count(one.shards)), "n"],
    ["Memory", (one) => bytes(one.memory_bytes), "n"],
    ["What it says", (one) => one.error || one.why.join("; ") || one.roles.join(", "), "wide"],
  ], now.workers, "No worker is found under the names in FEEDSTREAM_WORKERS.");
}

const KINDS = { u: "viewers", v: "videos", l: "learner" };

function shards(now) {
  if (!now.shards.length) return plain("No shard is known: Kafka or Redis does not answer, or no topic exists yet.");
  return h("ul.shards", {}, now.shards.map((one) => {
    const [most] = Object.entries(one.topics).sort((first, second) => second[1] - first[1]);
    const [kind, number] = one.shard.split(":");
    return h("li", { class: one.lag > 1_000 || !one.owner ? "warn" : "" },
      h("b", {}, `${KINDS[kind] ?? kind} ${number ?? ""}`),
      h("small", {}, one.lag ? `${count(one.lag)} waiting, ${most[0]}` : "nothing waits"),
      h("small", { title: one.owner ?? "" }, one.owner ? `of ${one.owner}` : "nobody owns it"));
  }));
}

function topics(now) {
  return table("Topics", [
    ["Topic", (one) => one.topic],
    ["A second", (one) => rate(one.per_s), "n"],
    ["Waiting", (one) => (one.lag === null ? "–" : count(one.lag)), "n"],
    ["Records", (one) => count(one.records), "n"],
    ["Partitions", (one) => count(one.partitions), "n"],
  ], now.topics.toSorted((one, other) => (other.per_s ?? 0) - (one.per_s ?? 0)),
  "No topic exists yet: run `feedstream topics apply`.");
}
