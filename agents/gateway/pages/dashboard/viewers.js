// Viewers: the persona of one who is looked up, and the segments of all.

import { path } from "../phone/api.js";
import { h } from "../phone/dom.js";
import { Panel, chip, facts, find, meter, plain, table } from "./parts.js";
import { count, moment, percent } from "./words.js";

const SHOWN = 14;

export class Viewers {
  constructor({ api }, id) {
    this.persona = new Panel(`Viewer ${id}`, {
      size: "half",
      ask: () => api.get(path("users", id)),
      draw: persona,
    });
    this.segments = new Panel("Segments", {
      size: id ? "half" : "",
      note: "viewers by what they like, as the learner last told",
      ask: () => api.get(path("operate", "segments")),
      draw: segments,
    });
    this.panels = id ? [this.persona, this.segments] : [this.segments];
    this.content = [find("viewers", "Id of a viewer", id), h("div.grid", {}, this.panels.map((one) => one.root))];
    this.every_ms = 5_000;
  }

  refresh() {
    return Promise.all(this.panels.map((panel) => panel.refresh()));
  }
}

function persona(known) {
  const session = new Map((known.session ?? []).map((one) => [one.tag, one.weight]));
  const tags = (known.persona ?? []).slice(0, SHOWN);
  const most = Math.max(0.01, ...tags.map((one) => one.weight), ...session.values());
  const bars = tags.map(({ tag, weight }) => {
    const [week, now] = [h("i"), h("i")];
    week.style.setProperty("--part", weight / most);
    now.style.setProperty("--part", (session.get(tag) ?? 0) / most);
    return h("li", {}, h("span", { title: tag }, `#${tag}`), h("div", { "aria-hidden": "true" }, week, now),
      h("output", {}, percent(weight)));
  });
  const key = (tone, words) => {
    const mark = h("i");
    mark.style.setProperty("--tone", `var(--${tone})`);
    return h("span", {}, mark, words);
  };
  const names = (title, list) => list?.length > 0 &&
    h("div.stack", {}, h("h3", {}, title), h("p.chips", {}, list.map((one) => chip(one))));
  return [
    facts([["Videos met", count(known.met)], ["Liked, shared …", count(known.positives)],
      ["Batches", count(known.batches)], ["Served", count(known.served)],
      ["Last seen", known.last_ms ? moment(known.last_ms) : "–"],
      ...["activity", "scene", "mood"].filter((name) => known[name]).map((name) => [name, known[name]])]),
    tags.length ? h("ul.persona", {}, bars) : plain("Nothing is known of this viewer's tastes yet."),
    tags.length > 0 &&
      h("p.keys", { "aria-hidden": "true" }, key("tone-2", "over weeks"), key("tone-3", "this session")),
    names("Picked at sign-up", known.picked), names("Avoids", known.avoids),
    names("Asked for", Object.keys(known.asks ?? {})),
    names("Active", Object.entries(known.active ?? {}).filter(([, share]) => share > 0)
      .map(([when, share]) => `${when} ${percent(share)}`)),
  ];
}

function segments({ segments: found }) {
  const most = Math.max(0.01, ...found.map((one) => one.share));
  return table("Segments", [
    ["Segment", (one) => one.name],
    ["Of viewers", (one) => meter(percent(one.share), one.share / most), "n"],
    ["What tells them apart", (one) => h("span.chips", {}, one.tags.map((tag) => chip(tag))), "wide"],
  ], found, "There are no segments yet: the learner tells of them once viewers have liked something.");
}
