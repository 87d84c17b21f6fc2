// The page's beginning: puts the parts together and holds what they share. The parts know it as `app`.

import { Actions } from "./actions.js";
import { Api, itemOf, makerOf, path } from "./api.js";
import { ask, askSheet } from "./ask.js";
import { Channel } from "./channel.js";
import { Deck } from "./deck.js";
import { byId, calm, desk, h, icon, say } from "./dom.js";
import { listen } from "./keys.js";
import { NextList } from "./next.js";
import { hintChange, notice, showLine } from "./notice.js";
import { Outbox } from "./outbox.js";
import { LISTED, Pages, discover, listing } from "./pages.js";
import { Knowledge } from "./persona.js";
import { Player } from "./player.js";
import { keySheet, openSheet } from "./sheet.js";
import { signUp } from "./signup.js";
import { Stream } from "./stream.js";
import { Supply, TABS } from "./supply.js";
import { Tracker } from "./tracker.js";
import { Viewer } from "./viewer.js";
import { WhyPanel } from "./why.js";
import { you } from "./you.js";

const MOVING = new Set(["like", "save", "share", "follow", "comment", "feedback"]);
const STAYS_MS = 700;

class App {
  constructor() {
    this.api = new Api(keySheet);
    this.viewer = Viewer.load();
    this.outbox = new Outbox(this.api);
    this.tracker = new Tracker(this.viewer, this.outbox);
    this.knowledge = new Knowledge(this.api, this.viewer);
    this.player = new Player();
    this.pages = new Pages();
    this.actions = new Actions(this);
    this.asked = [];
    this.deck = new Deck(byId("deck"), { viewer: this.viewer, act: (...what) => this.actions.act(...what) });
    this.why = new WhyPanel(this.api, this.viewer, this.knowledge);
    this.next = new NextList((video_id) => this.deck.moveTo(this.deck.channel.placeOf(video_id)));
  }

  async start() {
    if (!this.viewer.user_id) await signUp(this.api, this.viewer);
    byId("app").hidden = false;
    byId("why").append(this.why.root);
    byId("up-next").append(this.next.root);
    this.stream = new Stream(this.api, this.viewer.user_id);
    this.supply = new Supply(this.api, this.viewer, this.stream);
    this.wire();
    this.play(this.supply.main);
    this.route();
    this.learn();
    listen(this);
  }

  wire() {
    const { deck, player, outbox, supply } = this;
    const on = (target, name, go) => target.addEventListener(name, (event) => go(event.detail));
    on(deck, "current", () => this.began(deck.current));
    on(deck, "left", ({ reason }) => this.ended(reason));
    on(deck, "list", () => this.listed());
    on(deck, "low", () => supply.fill(deck.channel));
    on(deck, "tap", () => this.pause());
    on(deck, "double", (place) => this.loved(place));
    on(player, "beat", () => this.tracker.watched(player.watch_ms));
    on(supply, "wait", () => this.foot());
    on(supply, "explained", (items) => items.includes(this.why.item) && this.why.show(this.why.item));
    on(supply, "changed", (count) => deck.channel === supply.main && hintChange(count, () => this.showNext()));
    on(outbox, "change", () => showLine(this));
    on(outbox, "delivered", (what) => this.delivered(what));
    on(outbox, "leaving", () => this.tracker.watched(player.watch_ms, "background"));
    on(this.stream, "change", () => showLine(this));
    for (const name of ["online", "offline"]) on(window, name, () => showLine(this));
    on(window, "hashchange", () => this.route());
    on(document, "visibilitychange", () => player.hold("hidden", document.hidden));
    on(desk, "change", () => (this.look(), this.learn()));
    for (const made of document.querySelectorAll("[data-tab]")) made.onclick = () => this.tab(made.dataset.tab);
    for (const made of document.querySelectorAll("[data-open]")) made.onclick = () => this.open(made.dataset.open);
    showLine(this);
  }

  // --- what is watched ---

  began(card) {
    this.player.load(card);
    this.tracker.shown(card.item, this.deck.channel.name);
    say(`${makerOf(card.item.video)}. ${card.item.video.caption}`);
    this.look();
    this.count(card);
  }

  ended(reason) {
    this.tracker.left(this.player.watch_ms, reason);
    this.player.load(null);
  }

  /** What else is on the screen follows the current video. */
  look() {
    if (desk.matches || this.why.root.closest("dialog")) this.why.show(this.deck.current?.item ?? null);
    this.listed();
  }

  listed() {
    if (desk.matches && this.deck.channel) this.next.show(this.deck.channel.unseen);
    this.foot();
  }

  /** Ask what is known of the viewer for the panel beside the feed; what a sheet or a page shows it asks itself. */
  learn() {
    if (desk.matches) this.knowledge.read();
  }

  /** Counts of a video are looked up when somebody stays with it. */
  count(card) {
    clearTimeout(this.counting);
    if (card.item.counts) return;
    this.counting = setTimeout(async () => {
      const told = await this.api.get(path("videos", card.item.video_id)).catch(() => ({}));
      card.item.counts = told.counts ?? {};
      card.update();
    }, STAYS_MS);
  }

  pause() {
    const on = !this.player.holds.has("viewer");
    this.player.hold("viewer", on);
    if (on && this.deck.current) this.tracker.action("pause", this.deck.current.item);
  }

  loved({ x, y }) {
    const { item } = this.deck.current;
    if (!this.viewer.has("like", item.video_id)) this.actions.like(item);
    this.burst(x, y);
  }

  burst(x = this.deck.root.clientWidth / 2, y = this.deck.height * 0.42) {
    if (!calm.matches) this.deck.current?.burst(x, y);
  }

  delivered({ events, positions }) {
    if (!events.some((event) => MOVING.has(event.type))) return;
    setTimeout(() => this.learn(), STAYS_MS);
    this.supply.follow(positions);
  }

  /** What stands behind the last video. */
  foot() {
    const { channel, end } = this.deck;
    if (!channel) return;
    const waits = channel.problem || channel.loading || channel.tried_ms < 0;
    const said = channel.ended ? "That was all of it." : !waits ? "Nothing more for now."
      : channel.problem ? `${channel.problem.message}. Trying again…` : "Looking for more…";
    if (end.dataset.said === said) return;
    end.dataset.said = said;
    end.replaceChildren(...(said.endsWith("…") ? [h("i.wait")] : []), h("p", {}, said));
  }

  // --- where one is ---

  tab(name) {
    if (location.hash.length > 2) history.pushState(null, "", "#/");
    this.play(this.supply.channels[name]);
    this.route();
  }

  play(channel) {
    byId("reel").hidden = TABS.includes(channel.name);
    byId("reel-title").textContent = channel.title;
    markCurrent("tab", channel.name);
    this.deck.show(channel);
    this.supply.fill(channel);
    this.showAsked();
  }

  playList(name, title, items, at) {
    const channel = new Channel(name, { title, items });
    channel.at = channel.held = at;
    if (location.hash !== "#/reel") history.pushState(null, "", "#/reel");
    this.play(channel);
    this.route();
  }

  open(kind, name) {
    if (kind === "ask") return askSheet(this);
    const parts = [kind === "home" ? "" : kind, ...(name === undefined ? [] : [name])];
    location.hash = `#/${parts.map(encodeURIComponent).join("/")}`;
  }

  route() {
    const [, kind = "", name = ""] = location.hash.split("/").map(decodeURIComponent);
    markCurrent("open", kind || "home");
    if (kind === "discover") discover(this);
    else if (kind === "you") you(this);
    else if (kind in LISTED) listing(this, kind, name);
    else if (kind === "video") this.openVideo(name);
    else {
      this.pages.close();
      if (kind !== "reel" && !TABS.includes(this.deck.channel.name)) this.play(this.supply.main);
    }
    this.player.hold("page", this.pages.name !== "");
  }

  async openVideo(name) {
    const told = await this.api.get(path("videos", name)).catch((error) => notice(`${name}: ${error.message}`));
    if (!told) return this.open("home");
    history.replaceState(null, "", "#/reel");
    this.playList("video", name, [itemOf(told)], 0);
  }

  openWhy() {
    const place = byId("why");
    openSheet("Why", this.why.root, { kind: "tall", onclose: () => place.append(this.why.root) });
    this.why.show(this.deck.current?.item ?? null);
    this.knowledge.read();
  }

  showNext() {
    if (desk.matches) return byId("up-next").focus();
    const list = new NextList((video_id) => (close(), this.next.choose(video_id)));
    list.show(this.deck.channel.unseen);
    const close = openSheet("Up next", list.root, { kind: "tall" });
  }

  ask(text) {
    if (this.deck.channel !== this.supply.main) this.tab("for_you");
    return ask(this, text);
  }

  showAsked() {
    const box = byId("asked");
    const last = this.asked.at(-1);
    box.hidden = !last || this.deck.channel !== this.supply.main;
    if (!last) return;
    const undo = h("button", { type: "button", onclick: () => this.ask("undo") }, "Undo");
    box.replaceChildren(icon("ask"), h("span", {}, last.text), undo);
  }

  /** The viewer is forgotten: nothing of them stays here, and the page begins anew. */
  leave() {
    this.stream.close();
    this.outbox.close();
    this.viewer.forget();
    location.replace("/");
  }
}

/** Say which of the buttons of a kind is where one is. */
function markCurrent(kind, name) {
  for (const made of document.querySelectorAll(`[data-${kind}]`)) {
    made.setAttribute("aria-current", String(made.dataset[kind] === name));
  }
}

new App().start();
