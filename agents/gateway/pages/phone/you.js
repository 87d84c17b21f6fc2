// You: what is known of the viewer, what was liked and saved, and every switch that the viewer has.

import { itemOf, path } from "./api.js";
import { button, h, icon } from "./dom.js";
import { helpSheet } from "./keys.js";
import { notice } from "./notice.js";
import { grid } from "./pages.js";
import { Persona } from "./persona.js";
import { confirmSheet, row } from "./sheet.js";

export function you(app) {
  const { viewer, knowledge, outbox } = app;
  const persona = new Persona();
  const show = () => {
    if (persona.root.isConnected) persona.show(knowledge.known);
    else knowledge.removeEventListener("change", show);
  };
  const kept = Object.values(viewer.kept).reverse().map(itemOf);
  app.pages.show("you", viewer.user_id,
    h("h2", {}, "What moves you"), persona.root,
    h("h2", {}, "Liked and saved"), grid(app, "kept", "Liked and saved", kept),
    h("h2", {}, "Your feed"), personal(app), muted(app),
    h("div.rows", {},
      row("reset", "Reset my interests", () => confirmSheet("Reset your interests?",
        "What was learnt of your tastes is forgotten. What you met and hid stays.", "Reset", () => reset(app))),
      row("trash", "Forget me", () => confirmSheet("Forget you?",
        "Everything that is known of you is deleted here and on the service.", "Forget me", () => forget(app))),
      row("keyboard", "Keys", helpSheet)),
    outbox.refused > 0 && h("p.fine", {}, `${outbox.refused} events were refused by the gateway.`));
  show();
  knowledge.addEventListener("change", show);
  knowledge.read();
}

/** The switch of personalisation. */
function personal(app) {
  const { settings } = app.viewer;
  const toggle = () => {
    settings.personalize = !settings.personalize;
    box.setAttribute("aria-checked", String(settings.personalize));
    tell(app, settings.personalize ? "Your feed follows you again" : "Your feed no longer follows you");
  };
  const words = h("span", {}, "Personalise my feed", h("small", {}, "Off: only what you met and hid is looked at"));
  const box = h("button.switch", { type: "button", role: "switch", onclick: toggle }, words, h("i"));
  box.setAttribute("aria-checked", String(settings.personalize));
  return box;
}

function muted(app) {
  const { settings } = app.viewer;
  const list = h("ul.chips");
  const input = h("input", { "aria-label": "Mute a word", placeholder: "Mute a word" });
  const set = (words) => {
    settings.muted = words;
    render();
    tell(app, "Muted words are kept");
  };
  const chip = (word) => h("li", {}, word,
    button(`Unmute ${word}`, () => set(settings.muted.filter((one) => one !== word)), icon("close")));
  const render = () => list.replaceChildren(...settings.muted.map(chip));
  const add = (event) => {
    event.preventDefault();
    const word = input.value.trim();
    if (word && !settings.muted.includes(word)) set([...settings.muted, word]);
    input.value = "";
  };
  render();
  const line = h("div.line-input", {}, input, h("button", { type: "submit" }, "Mute"));
  return h("form.stack", { onsubmit: add }, line, list);
}

/** Tell the gateway the viewer's record, and ask for a feed that follows it. */
async function tell(app, said) {
  app.viewer.save();
  try {
    await app.api.put(path("users", app.viewer.user_id), app.viewer.record());
    notice(said);
    app.supply.request({}).catch(() => {});
  } catch (error) {
    notice(`Not changed there: ${error.message}`);
  }
}

function reset(app) {
  app.tracker.feedback("reset", null);
  notice("Your interests are reset");
}

async function forget(app) {
  try {
    await app.outbox.flush();
    await app.api.delete(path("users", app.viewer.user_id));
    app.leave();
  } catch (error) {
    notice(`Not forgotten: ${error.message}`);
  }
}
