// The dashboard's beginning: the views, what is read while one is looked at, and whether all is well.

import { Api } from "../phone/api.js";
import { byId, button, h, icon } from "../phone/dom.js";
import { keySheet } from "../phone/sheet.js";
import { Campaigns } from "./campaigns.js";
import { Creators } from "./creators.js";
import { Experiments } from "./experiments.js";
import { Letters } from "./letters.js";
import { Live } from "./live.js";
import { Models } from "./models.js";
import { Now } from "./now.js";
import { Quality } from "./quality.js";
import { Videos } from "./videos.js";
import { Viewers } from "./viewers.js";
import { ago, count } from "./words.js";

const VIEWS = {
  now: ["Now", Now, "What flows, what waits, and how quickly feeds follow."],
  quality: ["Quality", Quality, "What came of what was served."],
  viewers: ["Viewers", Viewers, "What is known of a viewer, and who likes what."],
  videos: ["Videos", Videos, "A video's life through the tiers, and what moves."],
  creators: ["Creators", Creators, "What a creator has come to."],
  models: ["Models", Models, "How well what is learnt foretells what viewers do."],
  experiments: ["Experiments", Experiments, "What arms change, and whether they differ."],
  campaigns: ["Campaigns", Campaigns, "What is paid for, and what came of it."],
  letters: ["Dead letters", Letters, "What could not be read, and why."],
};
const SPANS = [["5 min", 300_000], ["15 min", 900_000], ["1 h", 3_600_000]];
const LOOK_MS = 2_000;
const OLD_MS = 15_000;

class App {
  constructor() {
    this.api = new Api(keySheet);
    this.live = new Live(this.api);
    this.live.addEventListener("change", () => this.looked());
  }

  start() {
    byId("views").append(...Object.entries(VIEWS).map(([name, [title]]) =>
      h("a", { href: `#/${name}`, "data-view": name }, icon(name), title)));
    byId("span").append(...SPANS.map(([words, ms]) => {
      const chosen = button(words, () => this.choose(ms));
      chosen.dataset.ms = ms;
      return chosen;
    }));
    this.choose(this.live.history.span_ms);
    addEventListener("hashchange", () => this.route(true));
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.look(), LOOK_MS);
    setInterval(() => this.tell(), 1_000);
    this.route();
    this.look();
  }

  /** Open the view that the address names; `moved`: by the reader, who is taken to it. */
  route(moved = false) {
    const [name, id] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
    const [title, View, words] = VIEWS[name] ?? VIEWS.now;
    this.name = VIEWS[name] ? name : "now";
    this.view = new View(this, id ?? "");
    this.read_ms = 0;
    document.title = `${id ? `${id}, ` : ""}${title}, feedstream`;
    const head = h("div.head", {}, h("h1", { tabindex: "-1" }, title), h("p", {}, words));
    byId("main").replaceChildren(head, ...this.view.content);
    for (const one of byId("views").children) {
      if (one.dataset.view === this.name) one.setAttribute("aria-current", "page");
      else one.removeAttribute("aria-current");
    }
    byId("views").querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
    if (moved) {
      scrollTo(0, 0);
      head.firstChild.focus({ preventScroll: true });
    }
    this.refresh();
  }

  choose(ms) {
    this.live.history.span_ms = ms;
    for (const one of byId("span").children) one.setAttribute("aria-pressed", String(Number(one.dataset.ms) === ms));
    if (this.view?.curved) this.view.refresh(); // no other shows curves, and some read for long
  }

  /** Read what is due, as long as somebody looks. */
  look() {
    if (document.hidden) return;
    this.live.read();
    if (this.view.every_ms && Date.now() - this.read_ms >= this.view.every_ms) this.refresh();
  }

  refresh() {
    this.read_ms = Date.now();
    this.view.refresh();
  }

  looked() {
    if (this.name === "now") this.view.refresh();
    this.tell();
  }

  /** The line at the top: whether all is well, in words, and of when the figures are. */
  tell() {
    const { now, error } = this.live;
    const parts = error ? this.unread(error) : now ? problems(now) : [h("b", {}, "reading …")];
    const age = now && h("span", {}, `as of ${ago(now.at_ms)}`);
    const words = [...parts, age].filter(Boolean);
    const text = words.map((one) => one.textContent).join("|");
    if (text === this.told) return;
    this.told = text;
    const box = byId("status");
    const stays = box.contains(document.activeElement);
    if (!stays) box.replaceChildren(...words);
  }

  unread(error) {
    const another = () => (this.api.forgetKey(), location.reload());
    const said = h("b.bad", {}, error.message);
    if (error.status !== 403) return [said];
    return [said, h("button.act", { type: "button", onclick: another }, "Use another key")];
  }
}

/** What needs somebody, the worst first; where nothing does, that all is well. */
function problems(now) {
  const down = now.workers.filter((one) => one.error);
  const unready = now.workers.filter((one) => !one.error && !one.ready);
  const unowned = now.shards.filter((one) => !one.owner);
  const found = [
    ...now.problems.map((words) => h("b.bad", {}, words)),
    Date.now() - now.at_ms > OLD_MS && now.at_ms > 0 && h("b.bad", {}, "this gateway has stopped looking"),
    down.length > 0 && h("b.bad", {}, `${count(down.length)} of ${count(now.workers.length)} workers do not answer`),
    unready.length > 0 && h("b.warn", {}, `${count(unready.length)} workers are not ready`),
    unowned.length > 0 && h("b.warn", {}, `${count(unowned.length)} shards have no owner yet`),
  ].filter(Boolean);
  return found.length ? found : [h("b.good", {}, "All is well")];
}

new App().start();
