// Parts: panels that read what they show, tables, meters, chips, and a line to search by.

import { h, icon } from "../phone/dom.js";

/** Put children in place of others; whoever stood on one with the keyboard stands on its like afterwards. */
function swap(box, children) {
  const stops = () => [...box.querySelectorAll("a, button, input, [tabindex]")];
  const at = stops().indexOf(document.activeElement);
  box.replaceChildren(...[children].flat(3).filter(Boolean));
  if (at >= 0) stops()[at]?.focus({ preventScroll: true });
}

export const plain = (text) => h("p.plain", {}, text);

/** Said wherever something is missing that only workers know. */
export function unnamed() {
  return h("p.hint", {}, "Only workers know this, and none is named to this gateway: set ", h("code", {},
    "FEEDSTREAM_WORKERS"), " to ", h("code", {}, "host:port[,host:port]"), " of their metrics ports (",
  h("code", {}, "FEEDSTREAM_METRICS_PORT"), " of each), and start it anew.");
}

/** What reads once for several panels, and not twice at a time; all of them say so when it fails. */
export function together(panels, ask, show) {
  let reading = false;
  return async () => {
    if (reading) return;
    reading = true;
    try {
      show(await ask());
    } catch (error) {
      for (const panel of panels) panel.fail(error);
    }
    reading = false;
  };
}

/** A panel of the grid. `ask` reads, `draw` makes children of what was read; what was there stays when that fails. */
export class Panel {
  constructor(title, { note = "", size = "", ask = null, draw = null } = {}) {
    this.refresh = together([this], ask, (read) => this.show(draw(read)));
    this.body = h("div.body", { "aria-busy": "true" }, h("div.wait", {}, h("i"), h("i"), h("i")));
    this.wrong = h("p.wrong", { role: "alert", hidden: true });
    const head = h("header", {}, h("h2", {}, title), note && h("small", {}, note));
    this.root = h("section", { class: `panel ${size}`, "aria-label": title }, head, this.wrong, this.body);
  }

  show(children) {
    this.well();
    swap(this.body, children);
  }

  /** What it shows is as it should be. */
  well() {
    this.wrong.hidden = true;
    this.root.classList.remove("stale");
    this.body.removeAttribute("aria-busy");
  }

  fail(error) {
    const unknown = error.status === 404;
    if (this.body.hasAttribute("aria-busy") || unknown) swap(this.body, []);
    this.body.removeAttribute("aria-busy");
    this.root.classList.toggle("stale", !unknown);
    const then = error.status === 0 ? "; it is asked again in a moment" : "";
    const words = `${error.message.replace(/\.$/, "")}${then}.`;
    this.wrong.textContent = words[0].toUpperCase() + words.slice(1);
    this.wrong.hidden = false;
  }
}

/**
 * A table: `columns` are [heading, cell of a row, "n" where it is a number]. The first column names the row. `none` is
 * said where there is no row.
 */
export function table(caption, columns, rows, none) {
  if (!rows.length) return plain(none);
  const cell = (row) => ([, make, kind], nth) =>
    h(nth ? "td" : "th", { class: kind, scope: nth ? null : "row" }, [make(row)].flat());
  const heads = columns.map(([name, , kind]) => h("th", { class: kind, scope: "col" }, name));
  return h("div.scroll", {}, h("table", {}, h("caption.unseen", {}, caption), h("thead", {}, h("tr", {}, heads)),
    h("tbody", {}, rows.map((row) => h("tr", {}, columns.map(cell(row)))))));
}

/** A number with a bar beside it, `share` of a whole one. */
export function meter(words, share, tone = "", kind = "") {
  const bar = h("i", { "aria-hidden": "true" });
  bar.style.setProperty("--part", Math.max(0, Math.min(1, share || 0)));
  if (tone) bar.style.setProperty("--tone", `var(--${tone})`);
  return h("span", { class: `meter ${kind}` }, bar, h("span", {}, words));
}

export const chip = (words, kind = "") => h("span", { class: `chip ${kind}` }, words);

export function facts(pairs) {
  return h("dl.facts", {}, pairs.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

export const link = (view, id, words = id) => h("a", { href: `#/${view}/${encodeURIComponent(id)}` }, words);

/** A line to look something up by its id; it goes to an address of its own, which can be kept and sent. */
export function find(view, label, id) {
  const input = h("input", { type: "search", "aria-label": label, placeholder: label, value: id || null,
    autocomplete: "off", spellcheck: "false" });
  const go = (event) => {
    event.preventDefault();
    if (input.value.trim()) location.hash = `#/${view}/${encodeURIComponent(input.value.trim())}`;
  };
  return h("form.find", { role: "search", onsubmit: go }, h("label", {}, icon("search"), input),
    h("button.act", { type: "submit" }, "Show"));
}
