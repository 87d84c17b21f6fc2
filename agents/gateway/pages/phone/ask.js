// Asking: a box for requests in words, English or Chinese, what was asked so far, undo and reset.

import { h, icon } from "./dom.js";
import { notice } from "./notice.js";
import { openSheet } from "./sheet.js";

const IDEAS = ["something relaxing", "more cooking", "less football", "short and funny", "更多猫", "少一点足球"];

export function askSheet(app) {
  const { knowledge } = app;
  const input = h("input", { name: "query", maxlength: "80", autocomplete: "off", enterkeyhint: "search",
    "aria-label": "What do you want to see?" });
  const log = h("ol.asked", { "aria-live": "polite" });
  const stands = h("p.stands");
  const go = async (text, stay) => {
    input.disabled = true;
    if ((await app.ask(text)) && !stay) return close();
    input.disabled = false;
    render();
    input.focus();
  };
  const made = (text, label, symbol) =>
    h("button", { type: "button", onclick: () => go(text, symbol) }, symbol && icon(symbol), label);
  const tools = h("div.tools", {}, made("undo", "Undo the last one", "undo"), made("reset", "Start over", "reset"));
  const render = () => {
    const asks = Object.keys(knowledge.known?.asks ?? {});
    const line = ({ text, said }) => h("li", {}, h("q", {}, text), h("span", {}, said));
    log.replaceChildren(...app.asked.slice(-4).map(line));
    stands.replaceChildren("Stands now", ...asks.map((one) => h("b", {}, one)));
    stands.hidden = !asks.length;
    tools.hidden = !asks.length && !app.asked.length;
    input.placeholder = app.asked.length ? "And what else?" : "What do you want to see?";
  };
  const submit = (event) => {
    event.preventDefault();
    if (input.value.trim()) go(input.value.trim());
    input.value = "";
  };
  const form = h("form.line-input", { onsubmit: submit }, input,
    h("button", { type: "submit", "aria-label": "Ask" }, icon("send")));
  const ideas = h("div.ideas", {}, IDEAS.map((one) => made(one, one)));
  const close = openSheet("Ask for it", h("div.stack", {}, log, form, ideas, stands, tools),
    { onclose: () => knowledge.removeEventListener("change", render) });
  knowledge.addEventListener("change", render);
  knowledge.read();
  render();
  input.focus();
}

/** Ask, show the answer, and remember what was asked. Whether it was answered. */
export async function ask(app, text) {
  try {
    const batch = await app.supply.request({ query: text });
    const [back, anew] = ["undo", "reset"].map((way) => batch.asked.some((one) => one.way === way));
    if (anew) app.asked = [];
    else app.asked = back ? app.asked.slice(0, -1) : [...app.asked, { text, said: `${batch.items.length} videos` }];
    app.showAsked();
    notice(back ? "Taken back" : anew ? "All of it is taken back" : `Here is “${text}”`);
    if (!back && !anew) app.deck.move(1);
    app.knowledge.read();
    return true;
  } catch (error) {
    notice(`Could not ask: ${error.message}`);
    return false;
  }
}
