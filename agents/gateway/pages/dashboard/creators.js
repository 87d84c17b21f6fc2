// Creators: followers, audience and uploads of one who is looked up.

import { LONG_MS, path } from "../phone/api.js";
import { h } from "../phone/dom.js";
import { Panel, chip, facts, find, link, meter, plain, table } from "./parts.js";
import { count, moment } from "./words.js";
import { STANDINGS, history } from "./videos.js";

const SHOWN = 100;

export class Creators {
  constructor({ api }, id) {
    this.page = new Panel(id ? `Creator ${id}` : "A creator", {
      ask: () => api.get(path("operate", "creators", id), {}, LONG_MS), draw: page,
    });
    if (!id) {
      this.page.show(plain("Type the id of a creator. The rows of all viewers and videos are read for it: that takes "
        + "seconds, or minutes where there are millions."));
    }
    this.id = id;
    this.content = [find("creators", "Id of a creator", id), h("div.grid", {}, this.page.root)];
    this.every_ms = 0;
  }

  async refresh() {
    if (this.id) await this.page.refresh();
  }
}

function page(told) {
  const { audience, uploads } = told;
  return [
    facts([["Followers", count(told.followers)], ["Feed views, 30 days", count(told.feed_views_30d)],
      ["Viewers met", count(audience.viewers)], ["Uploads", count(uploads.length)]]),
    shares("Audience by segment (approximate)", audience.segments),
    shares("Audience by activity (approximate)", audience.activity),
    h("div.stack", {}, h("h3", {}, "Uploads, the latest first"), table("Uploads", [
      ["Video", (one) => link("videos", one.video_id)],
      ["Created", (one) => moment(one.created_ms)],
      ["Tier", (one) => one.tier, "n"],
      ["Standing", (one) => chip(one.standing, STANDINGS[one.standing])],
      ["Shown", (one) => count(one.exposures), "n"],
      ["Likes", (one) => count(one.likes), "n"],
      ["Feed views, 30 days", (one) => count(one.feed_views_30d), "n"],
    ], uploads.slice(0, SHOWN), "They have uploaded nothing."),
    uploads.length > SHOWN && plain(`and ${count(uploads.length - SHOWN)} more: feedstream creator show lists them.`)),
    h("div.stack", {}, h("h3", {}, "Decisions about tiers, the latest first"),
      history(told.tier_history.slice(-SHOWN), true)),
  ];
}

function shares(title, found) {
  const rows = Object.entries(found);
  const all = rows.reduce((sum, [, one]) => sum + one, 0);
  return rows.length > 0 && h("div.stack", {}, h("h3", {}, title), table(title, [
    ["Who", ([name]) => name],
    ["Viewers", ([, one]) => meter(count(one), one / all, "tone-2", "long"), "wide"],
  ], rows, ""));
}
