// Small helpers to make elements, and what is known of the screen.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("button.round", { "aria-label": "Like", onclick }, child, …). A property of null is left out. */
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag || "div");
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && !key.includes("-") && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** One of the symbols in index.html. It says nothing to a screen reader: whatever holds it has the words. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", `icon icon-${name}`);
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  made.append(use);
  return made;
}

export function button(label, onclick, ...children) {
  return h("button", { type: "button", "aria-label": children.length ? label : null, onclick },
    ...(children.length ? children : [label]));
}

export const byId = (id) => document.getElementById(id);
export const calm = matchMedia("(prefers-reduced-motion: reduce)");
export const desk = matchMedia("(min-width: 1000px)");
export const EASE = "cubic-bezier(.2,.8,.2,1)";
const COUNT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
export const compact = (count) => COUNT.format(count);

/** Tell a screen reader something, politely. */
export function say(text) {
  byId("said").textContent = text;
}

/** Move the children of `list` that are kept to their new places, instead of letting them jump. */
export function slide(list, change) {
  const before = new Map([...list.children].map((child) => [child, child.getBoundingClientRect().top]));
  change();
  if (calm.matches) return;
  for (const child of list.children) {
    const from = before.get(child);
    const by = from === undefined ? 0 : from - child.getBoundingClientRect().top;
    const frames = [{ transform: `translateY(${by}px)` }, { transform: "none" }];
    if (by) child.animate(frames, { duration: 420, easing: EASE });
  }
}

/** The colour that stands for a name, always the same one. */
function tint(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 3600;
  return `linear-gradient(140deg, hsl(${sum / 10} 62% 62%), hsl(${(sum / 10 + 48) % 360} 58% 42%))`;
}

export function avatar(name) {
  const made = h("span.avatar", { "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
  made.style.background = tint(name);
  return made;
}
