// Notices: what just happened, with a way back where there is one, and whether the line to the gateway stands.

import { byId, h, icon, say } from "./dom.js";

const STAYS_MS = 4_500;
let timer = 0;

/** One notice at a time, at the foot of the phone. `undo` is called where its button is pressed. */
export function notice(text, undo = null) {
  const box = byId("notice");
  const take = undo && (() => (hide(), undo()));
  const back = undo && h("button", { type: "button", onclick: take }, "Undo");
  box.replaceChildren(h("span", {}, text), ...(back ? [back] : []));
  box.undo = take;
  box.classList.add("on");
  say(text);
  clearTimeout(timer);
  timer = setTimeout(hide, undo ? STAYS_MS + 2_000 : STAYS_MS);
}

function hide() {
  byId("notice").classList.remove("on");
  byId("notice").undo = null;
}

/** Take the latest notice back, if it can be. */
export function undoNotice() {
  byId("notice").undo?.();
}

/** The line: live, coming again, or off with events that wait. Nothing is shown while all is well. */
export function showLine({ outbox, stream }) {
  const box = byId("line");
  const offline = !navigator.onLine || outbox.failures > 0;
  const waiting = outbox.waiting.length;
  box.className = `line ${offline ? "off" : stream.live ? "live" : "again"}`;
  const kept = waiting === 1 ? "1 event is kept" : `${outbox.full ? "the latest " : ""}${waiting} events are kept`;
  const text = offline ? `Offline${waiting ? ` · ${kept}` : ""}` : stream.live ? "Live" : "Connecting…";
  if (box.textContent !== text) box.replaceChildren(...(offline ? [icon("offline")] : [h("i")]), h("span", {}, text));
}

/** The hint that a feed changed: how many are new, and what to do to see them. */
export function hintChange(count, onclick) {
  const box = byId("hint");
  box.replaceChildren(icon("spark"), h("span", {}, "Your feed changed"), h("b", {}, `${count} new`));
  box.onclick = () => (box.classList.remove("on"), onclick());
  box.classList.add("on");
  say(`Your feed changed, ${count} new`);
  clearTimeout(box.timer);
  box.timer = setTimeout(() => box.classList.remove("on"), STAYS_MS);
}
