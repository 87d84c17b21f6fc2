// Why: the reasons of the current video, what speaks for and against it, and how the persona moves.

import { path } from "./api.js";
import { h } from "./dom.js";
import { Persona } from "./persona.js";

/** Sources and parts of scores in a few words each; a word that is not known stands for itself. */
const WORDS = {
  interest: "your interests", length: "its length", similar: "like what you liked", next: "follows what you liked",
  peers: "viewers like you", creator: "its creator", sound: "its sound", followed: "whom you follow",
  friends: "people you follow", hour: "this time of day", locale: "language and place", segment: "your segment",
  trending: "on the rise", popular: "popularity", fresh: "exploring: new to all", chance: "exploring: by chance",
  promise: "exploring: might be best", rising: "just rising", beyond: "exploring: beyond you", fatigue: "for a change",
  fairness: "fairness", rules: "this service", pinned: "pinned by this service", promoted: "paid for",
  objective: "the feed’s own aim", asked: "what you asked for", inferred: "what it seems to be", own: "this service",
  following: "whom you follow",
};
const BECAUSE = { signal: "after what you just did", request: "as it was asked for", near_end: "as little was left" };
const SHOWN = 9;
const LEAST = 0.005;

export class WhyPanel {
  constructor(api, viewer, knowledge) {
    this.why = (video_id) =>
      api.get(path("users", viewer.user_id, "why", video_id)).catch((error) => ({ sentence: error.message }));
    this.item = null;
    this.about = h("div.about-item");
    this.persona = new Persona();
    this.answer = h("p.answer", { role: "status" });
    this.root = h("div.why", { tabindex: "-1" }, this.about,
      h("section", {}, h("h3", {}, "What moves you"), this.persona.root), this.other());
    knowledge.addEventListener("change", () => this.persona.show(knowledge.known));
    this.persona.show(knowledge.known);
  }

  show(item) {
    this.item = item;
    this.answer.textContent = "";
    if (!item) return this.about.replaceChildren();
    const { reasons, source, propensity } = item;
    const facts = [
      source && ["Found by", WORDS[source] ?? source], propensity && ["Drawn with a chance of", share(propensity)],
    ];
    this.about.replaceChildren(
      h("section", {}, h("h3", {}, "Why this video"),
        reasons.length ? h("ol.reasons", {}, reasons.map((one) => h("li", {}, one.text)))
          : h("p.none", {}, "You opened it yourself."),
        facts.filter(Boolean).map(([name, value]) => h("p.source", {}, h("span", {}, name), h("b", {}, value)))),
      h("section", {}, h("h3", {}, "What speaks for it"), this.chart(item)),
      h("p.origin", {}, origin(item)));
  }

  chart(item) {
    if (item.parts) return chart(item.parts, item.score);
    if (item.silent) return h("p.none", {}, item.silent);
    const box = h("p.none", {}, "Asking…");
    this.ask(item).then(() => this.item === item && box.replaceWith(this.chart(item)));
    return box;
  }

  /** A batch that nobody asked for comes without parts: they are asked for when they are looked at. */
  async ask(item) {
    const told = await this.why(item.video_id);
    const sum = (parts) => Object.values(parts).reduce((all, value) => all + value, 0);
    if (told.parts) Object.assign(item, { parts: told.parts, score: item.score ?? sum(told.parts) });
    else if (!["met", "served"].includes(told.code)) item.silent = `As of now: ${told.sentence}.`;
    else item.silent = "The parts of its score were not told with it. Those of the next ones will be here.";
  }

  /** Why not another video? */
  other() {
    const input = h("input", { "aria-label": "Video id", placeholder: "A video id, such as cats-12" });
    const ask = async (event) => {
      event.preventDefault();
      const id = input.value.trim();
      if (!id) return;
      this.answer.textContent = "…";
      const told = await this.why(id);
      this.answer.textContent = `${id}: ${told.sentence}.`;
    };
    return h("section", {}, h("h3", {}, "Why not another one?"),
      h("form.line-input", { onsubmit: ask }, input, h("button", { type: "submit" }, "Ask")), this.answer);
  }
}

function origin({ batch, position }) {
  if (!batch) return "";
  if (batch.fallback) return "Popular right now: personalisation is unavailable.";
  return `Batch ${batch.seq}, made ${BECAUSE[batch.trigger] ?? ""} by model ${batch.model}. Place ${position + 1}.`;
}

const share = (value) => `${(value * 100).toPrecision(2)} %`;
const plain = (value) => value.toFixed(2).replace("-", "−");
const signed = (value) => (value < 0 ? "" : "+") + plain(value);

/** Parts of a score as bars to both sides of nothing; `usual` is where all candidates begin. */
function chart({ usual, ...parts }, score) {
  const size = ([, value]) => Math.abs(value);
  const found = Object.entries(parts).filter((one) => size(one) >= LEAST).sort((a, b) => size(b) - size(a));
  const most = Math.max(0.01, ...found.map(size));
  const rows = found.slice(0, SHOWN).map(([name, value]) => {
    const row = h(`li.${value < 0 ? "against" : "for"}`, {}, h("span", {}, WORDS[name] ?? name),
      h("div.track", { "aria-hidden": "true" }, h("i")), h("output", {}, signed(value)));
    requestAnimationFrame(() => row.style.setProperty("--size", Math.abs(value) / most));
    return row;
  });
  const base = usual === undefined ? "" : `beyond the usual video, ${plain(usual)}`;
  return h("div", {}, h("ul.bars.parts", {}, rows),
    h("p.total", {}, h("span", {}, base), h("b", {}, `score ${plain(score)}`)));
}
