// Keys: everything that a finger can do, a key can do.

import { h } from "./dom.js";
import { undoNotice } from "./notice.js";
import { openSheet, sheetIsOpen } from "./sheet.js";

/** Key to what it does and to its words in the help. */
const KEYS = [
  [["j", "ArrowDown"], "Next video", (app) => app.deck.move(1)],
  [["k", "ArrowUp"], "Previous video", (app) => app.deck.move(-1)],
  [[" "], "Pause, play", (app) => app.pause()],
  [["l"], "Like", (app, item) => app.actions.like(item) && app.burst()],
  [["s"], "Save", (app, item) => app.actions.save(item)],
  [["f"], "Follow the creator", (app, item) => app.actions.follow(item)],
  [["c"], "Comment", (app, item) => app.actions.comment(item)],
  [["x"], "Share", (app, item) => app.actions.share(item)],
  [["h"], "Hide, mute, report", (app, item) => app.actions.hide(item)],
  [["w"], "Why this video", (app) => app.actions.why()],
  [["n"], "Up next", (app) => app.showNext()],
  [["u"], "Undo the last hiding", () => undoNotice()],
  [["/"], "Ask for something", (app) => app.open("ask")],
  [["d"], "Discover", (app) => app.open("discover")],
  [["?"], "This help", () => helpSheet()],
];
const NEEDS_ITEM = new Set("lsfcxhw");
const NAMES = { ArrowDown: "↓", ArrowUp: "↑", " ": "space" };

export function listen(app) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || sheetIsOpen()) return;
    if (event.target.closest("input, select")) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    if (event.key === "Escape" && app.pages.name) return history.back();
    const found = KEYS.find(([keys]) => keys.includes(event.key));
    const item = app.deck.current?.item;
    if (!found || (NEEDS_ITEM.has(event.key) && !item)) return;
    if (app.pages.name && !["/", "?", "d"].includes(event.key)) return;
    event.preventDefault();
    found[2](app, item);
  });
}

export function helpSheet() {
  const named = (key) => h("kbd", {}, NAMES[key] ?? key);
  const rows = KEYS.map(([keys, words]) => [h("dt", {}, keys.map(named)), h("dd", {}, words)]);
  openSheet("Keys", h("dl.help", {}, rows.flat()));
}
