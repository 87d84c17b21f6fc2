// Pages over the feed: what there is to discover, and the videos of a tag, a sound, a creator or of one's own.

import { CAUSES, itemOf, makerOf, path } from "./api.js";
import { avatar, button, byId, compact, h, icon } from "./dom.js";
import { poster } from "./player.js";
import { sceneOf } from "./scenes/index.js";

/** Of what videos are listed: where it is asked for, the sign before its name, and its symbol if it has no face. */
export const LISTED = { tag: ["tags", "#", "tag"], sound: ["sounds", "", "note"], creator: ["creators", "@"] };

/** The frame of a page. What was focused before comes back when it closes. */
export class Pages {
  constructor() {
    this.root = byId("page");
    this.name = "";
  }

  show(name, title, ...content) {
    if (!this.name) this.before = document.activeElement;
    this.name = name;
    const heading = h("h1", { tabindex: "-1" }, title);
    const back = button("Back", () => history.back(), icon("back"));
    this.root.replaceChildren(h("header", {}, back, heading), h("div.body", {}, content));
    this.root.hidden = false;
    this.root.scrollTop = 0;
    heading.focus({ preventScroll: true });
  }

  close() {
    if (!this.name) return;
    this.name = "";
    this.root.hidden = true;
    this.root.replaceChildren();
    this.before?.focus?.({ preventScroll: true });
  }
}

/** Content that is fetched: a wait, then what came, or why it did not. */
function later(promise, make) {
  const box = h("div", { "aria-busy": "true" }, h("i.wait"));
  const failed = (error) => h("p.none", { role: "alert" }, `${error.message}.`);
  promise.then(make).catch(failed).then((made) => box.replaceWith(made));
  return box;
}

const none = (text) => h("p.none", {}, text);

/** Videos as a grid of stills; one that is chosen plays, and the others follow it. */
export function grid(app, name, title, items) {
  if (!items.length) return none("Nothing here yet.");
  return h("div.grid", {}, items.map((item, at) => {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const { video, likes } = item;
    const label = `Play ${video.caption || item.video_id} by ${makerOf(video)}`;
    requestAnimationFrame(() => poster(canvas, sceneOf(item), 130, 200));
    const onclick = () => app.playList(name, title, items, at);
    return h("button.tile", { type: "button", "aria-label": label, onclick }, canvas,
      likes > 0 && h("span", {}, icon("heart"), compact(likes)));
  }));
}

/** The videos of a tag, a sound or a creator. */
export function listing(app, kind, name) {
  const [place, sign, symbol] = LISTED[kind];
  const title = sign + name;
  const mark = kind === "creator" ? avatar(name) : h("span.badge", {}, icon(symbol));
  const videos = app.api.get(path(place, name), { limit: 60 }).then((answer) => answer.videos.map(itemOf));
  const followed = app.viewer.has("follow", name) && h("small", {}, "You follow them");
  app.pages.show(`${kind}/${name}`, title, h("div.head", {}, mark, h("p", {}, "The most liked first", followed)),
    later(videos, (items) => grid(app, kind, title, items)));
}

export function discover(app) {
  const cloud = h("ul.cloud");
  let tags = [];
  const typed = () => input.value.trim().toLowerCase().replace(/^#/, "");
  const fill = () => {
    const found = tags.filter((one) => one.tag.toLowerCase().includes(typed())).slice(0, 60);
    const most = Math.max(1, ...found.map(heat));
    cloud.replaceChildren(...(found.length ? found.map((one) => tagOf(app, one, most)) : [none("No such tag.")]));
    return cloud;
  };
  const input = h("input", { type: "search", placeholder: "Find a tag", "aria-label": "Find a tag", oninput: fill });
  const search = (event) => {
    event.preventDefault();
    if (!typed()) return;
    app.tracker.action("search", null, { query: typed() });
    cloud.querySelector("a")?.click();
  };
  app.pages.show("discover", "Discover",
    h("form", { role: "search", onsubmit: search }, h("label.search", {}, icon("search"), input)),
    h("h2", {}, "On the move"), later(app.api.get(path("trends")), (answer) => trends(app, answer)),
    h("h2", {}, "Tags by how much they are liked"),
    later(app.api.get(path("tags"), { limit: 200 }), (answer) => ((tags = answer.tags), fill())));
}

function link(app, kind, name, action, ...content) {
  const onclick = () => action && app.tracker.action(action, null, { target: name });
  return h("a", { href: `#/${kind}/${encodeURIComponent(name)}`, onclick }, ...content);
}

/** Until something is liked, the tags that most videos have are the warmest. */
const heat = ({ liked, videos }) => liked + videos / 1_000;

function tagOf(app, one, most) {
  const made = link(app, "tag", one.tag, "tag_open", `#${one.tag}`, h("small", {}, compact(one.videos)));
  made.style.setProperty("--heat", Math.sqrt(heat(one) / most).toFixed(2));
  return h("li", {}, made);
}

function trends(app, answer) {
  const rows = answer.trends.map(({ kind, id, state, ratio, cause, video }) => {
    const said = [ratio && `${Number(ratio.toPrecision(2))}×`, CAUSES[cause]].filter(Boolean).join(" · ");
    const action = { tag: "trend_open", sound: "sound_open" }[kind];
    return h(`li.${state}`, {}, link(app, kind, id, action, icon(state === "rising" ? "up" : "down"),
      h("span", {}, kind === "tag" ? `#${id}` : video?.caption || id, h("small", {}, `${kind} · ${state}`)),
      h("em", {}, said)));
  });
  return rows.length ? h("ul.trends", {}, rows) : none("Nothing rises or falls more than usual.");
}
