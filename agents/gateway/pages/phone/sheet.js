// Sheets: what slides in over the feed. A native dialog keeps the focus inside and closes with Escape.

import { button, h, icon } from "./dom.js";

const AWAY_MS = 300; // as long as pages.css takes to move a closed sheet away

/** Open a sheet; the answer closes it. `onclose` is called however it is closed. */
export function openSheet(title, content, { onclose, kind = "" } = {}) {
  const close = () => dialog.close();
  const heading = h("h2", { tabindex: "-1" }, title);
  const dialog = h("dialog", { class: `sheet ${kind}`, "aria-label": title }, h("i.grip", { "aria-hidden": "true" }),
    h("header", {}, heading, button("Close", close, icon("close"))), h("div.body", {}, content));
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  dialog.addEventListener("close", () => {
    onclose?.();
    setTimeout(() => dialog.remove(), AWAY_MS);
  });
  dragged(dialog, close);
  document.body.append(dialog);
  dialog.showModal();
  heading.focus();
  return close;
}

/** A sheet is drawn down by its head. */
function dragged(dialog, close) {
  let from = null;
  const head = dialog.querySelector("header");
  head.addEventListener("pointerdown", (event) => (from = event.target.closest("button") ? null : event.clientY));
  head.addEventListener("pointermove", (event) => {
    if (from === null) return;
    dialog.style.translate = `0 ${Math.max(0, event.clientY - from)}px`;
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    head.addEventListener(name, (event) => {
      if (from === null) return;
      if (event.clientY - from > 90) close();
      dialog.style.translate = "";
      from = null;
    });
  }
}

export const sheetIsOpen = () => document.querySelector("dialog[open]") !== null;

/** A row of a menu. */
export function row(symbol, label, onclick, note = null) {
  return h("button.row", { type: "button", onclick }, icon(symbol), h("span", {}, label, note && h("small", {}, note)));
}

/** Ask before what cannot be taken back. */
export function confirmSheet(title, text, verb, go) {
  const yes = h("button.wide.danger", { type: "button", onclick: () => (close(), go()) }, verb);
  const close = openSheet(title, h("div.stack", {}, h("p", {}, text), yes));
}

/** Ask for the key that the gateway wants; the answer comes when one is given. */
export function keySheet(again) {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", name: "key", autocomplete: "off", "aria-label": "Key" });
    const give = (event) => {
      event.preventDefault();
      if (input.value.trim()) close();
    };
    const said = again ? "That key was not accepted. Try another one." : "This gateway asks for a key.";
    const form = h("form.stack", { onsubmit: give }, h("p", { role: again ? "alert" : null }, said), input,
      h("button.wide", { type: "submit" }, "Continue"),
      h("p.fine", {}, "It is kept in this tab and forgotten when the tab is closed."));
    const close = openSheet("Key", form, { onclose: () => resolve(input.value.trim()) });
    input.focus();
  });
}
