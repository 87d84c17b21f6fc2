// Videos: the life of one through the tiers, and what rises and falls.

import { CAUSES, path } from "../phone/api.js";
import { h, icon } from "../phone/dom.js";
import { Panel, chip, facts, find, link, plain, table } from "./parts.js";
import { ago, count, digits, moment, percent, part, seconds } from "./words.js";

const TOP = 5;
/** How a standing is marked. */
export const STANDINGS = { open: "good", held: "warn", stopped: "bad" };
const MARKS = { promote: "good", stop: "bad", alert: "bad", hold: "warn", forecast: "" };

export class Videos {
  constructor({ api }, id) {
    this.life = new Panel(id ? `Video ${id}` : "", {
      size: "two-thirds", ask: () => api.get(path("operate", "videos", id)), draw: life,
    });
    this.trends = new Panel("On the move", {
      size: id ? "third" : "", note: "rises and falls against everything else",
      ask: () => api.get(path("trends")), draw: trends,
    });
    this.panels = id ? [this.life, this.trends] : [this.trends];
    this.content = [find("videos", "Id of a video", id), h("div.grid", {}, this.panels.map((one) => one.root))];
    this.every_ms = 5_000;
  }

  refresh() {
    return Promise.all(this.panels.map((panel) => panel.refresh()));
  }
}

function life(one) {
  const { counts, video, tier_decisions_gone: gone } = one;
  const shown = Math.max(counts.impressions, counts.watches);
  return [
    h("div.stack", {},
      h("p", {}, video?.caption || "No caption was announced."),
      h("p.chips", {}, chip(one.standing, STANDINGS[one.standing]), !one.active && chip("no candidate now", "warn"),
        ...(video?.tags ?? []).map((tag) => chip(`#${tag}`)))),
    ladder(one),
    facts([
      ["By", video ? link("creators", video.creator_id) : "not announced"],
      ["Length", video?.duration_ms ? seconds(video.duration_ms / 1_000) : "–"],
      ["Announced", video ? ago(video.created_ms) : "–"],
      ...Object.entries(counts).map(([name, value]) => (name === "watch_ms"
        ? ["watched", `${count(value / 60_000)} min`] : [name, count(value)])),
      ["likes of shown", percent(part(counts.likes, shown))],
    ]),
    h("div.stack", {}, h("h3", {}, "Views of the last thirty days"), days(one.views)),
    h("div.stack", {}, h("h3", {}, "Decisions about its tier, the latest first"), history(one.tier_history),
      gone > 0 && plain(`${count(gone)} earlier decisions are not kept any more.`)),
  ];
}

function ladder({ tier, spent, tier_history: told }) {
  const budget = told.findLast((one) => one.from === tier || one.to === tier);
  const of = budget?.from === tier ? ` of ${count(budget.budget)}` : "";
  const words = tier === TOP ? "It is in the top tier, which has no bound"
    : `It has been shown to ${count(spent)}${of} in tier ${tier}`;
  const steps = Array.from({ length: TOP + 1 }, (_, at) => h("li", {
    class: at < tier ? "past" : at === tier ? "here" : "", "aria-current": at === tier ? "step" : null,
  }, `Tier ${at}`));
  return h("div.stack", {}, h("ol.ladder", {}, steps), plain(`${words}.`));
}

function days(views) {
  const most = Math.max(1, ...views);
  const bars = views.map((value, at) => {
    const bar = h("i", { title: `${count(value)}, ${views.length - 1 - at} days ago` });
    bar.style.setProperty("--part", value / most);
    return bar;
  });
  const all = views.reduce((sum, one) => sum + one, 0);
  const label = `${count(all)} views in ${views.length} days, ${count(views.at(-1))} today, `
    + `${count(Math.max(...views))} on the best day`;
  return h("div.stack", {}, h("div.days", { role: "img", "aria-label": label }, bars), h("small", {}, `${label}.`));
}

/** Decisions as a table; `named`: each says of which video it is. */
export function history(told, named = false) {
  const evidence = ({ evidence: found }) => Object.entries(found).map(([name, { own, peers }]) =>
    `${name} ${percent(own)} (peers ${percent(peers)})`).join(", ");
  return table("Decisions about tiers", [
    ["When", (one) => moment(one.ts_ms)],
    ...(named ? [["Video", (one) => link("videos", one.video_id)]] : []),
    ["Decision", (one) => chip(one.decision, MARKS[one.decision])],
    ["Tier", (one) => (one.from === one.to ? `${one.from}` : `${one.from} → ${one.to}`), "n"],
    ["Spent", (one) => `${count(one.spent)} of ${one.budget > 1e12 ? "any" : count(one.budget)}`, "n"],
    ["Score and bar", (one) => `${digits(one.score)} / ${digits(one.bar)}`, "n"],
    ["Top tier", (one) => percent(one.hit), "n"],
    ["Evidence", evidence, "wide"],
  ], told.toReversed(), "Nothing was decided about it yet.");
}

function trends({ trends: found }) {
  if (!found.length) return plain("Nothing rises or falls more than usual.");
  return h("ul.moves", {}, found.map(({ kind, id, state, ratio, cause, video, ts_ms: at_ms }) => {
    const name = kind === "video" ? link("videos", id, video?.caption || id) : kind === "tag" ? `#${id}` : id;
    const how = [ratio && `${digits(ratio)} times as usual`, CAUSES[cause]].filter(Boolean).join(", ");
    return h(`li.${state}`, {}, icon(state === "rising" ? "up" : "down"),
      h("span", {}, name, h("small", {}, `${kind}, ${state}${how ? `: ${how}` : ""}`)), h("small", {}, ago(at_ms)));
  }));
}
