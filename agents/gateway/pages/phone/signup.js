// Sign-up: a name, a language, a country, and the categories that the viewer picks.

import { path } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { poster } from "./player.js";
import { hasScene, sceneOf } from "./scenes/index.js";

const LANGUAGES = "en de es fr it ja ko nl pl pt ru sv tr uk vi zh";
const COUNTRIES = "AR AT AU BE BR CA CH CL CN CO CZ DE DK EG ES FI FR GB GR HK ID IE IL IN IT JP KE KR MX MY NG NL " +
  "NO NZ PE PH PL PT RO SA SE SG TH TR TW UA US VN ZA";
const SHOWN = 18;

function choice(label, kind, codes, value) {
  const names = new Intl.DisplayNames(["en"], { type: kind });
  const known = codes.split(" ").map((code) => [code, names.of(code)]).sort((a, b) => a[1].localeCompare(b[1]));
  const option = ([code, name]) => h("option", { value: code, selected: code === value }, name);
  const select = h("select", {}, [["", "Not said"], ...known].map(option));
  return { select, root: h("label.field", {}, h("span", {}, label), select) };
}

/** Show the form; the answer comes when the gateway has taken the viewer's record. */
export function signUp(api, viewer) {
  const picked = new Set();
  const name = h("input", { name: "name", required: true, maxlength: "64", autocomplete: "username",
    autocapitalize: "none", spellcheck: "false", placeholder: "ann" });
  const lang = choice("Language", "language", LANGUAGES, viewer.lang);
  const country = choice("Country", "region", COUNTRIES, viewer.country);
  const tiles = h("div.picks", { role: "group", "aria-label": "Categories" }, h("i.wait"));
  const count = h("span", { "aria-live": "polite" }, "Pick a few");
  const go = h("button.wide", { type: "submit" }, "Start watching");
  const problem = h("p.problem", { role: "alert" });
  const pick = (tag, tile) => {
    if (!picked.delete(tag)) picked.add(tag);
    tile.setAttribute("aria-pressed", String(picked.has(tag)));
    count.textContent = picked.size ? `${picked.size} picked` : "Pick a few";
  };
  const send = async () => {
    const user_id = name.value.trim();
    if (!user_id) return false;
    Object.assign(viewer, { user_id, lang: lang.select.value, country: country.select.value, interests: [...picked] });
    go.disabled = true;
    const failed = await api.put(path("users", user_id), viewer.record()).then(() => null, (error) => error);
    problem.textContent = failed ? `${failed.message}.` : "";
    go.disabled = false;
    return !failed;
  };
  const form = h("form", {}, h("header", {}, h("p.brand", {}, icon("logo"), "feedstream"),
    h("h1", {}, "A feed that follows ", h("em", {}, "you"), "."),
    h("p", {}, "Every like moves what comes next, and you can always see why.")),
  h("div.fields", {}, h("label.field.full", {}, h("span", {}, "Your name"), name), lang.root, country.root),
  h("div.picks-head", {}, h("h2", {}, "What do you like to watch?"), count), tiles, h("footer", {}, problem, go));
  const root = byId("signup");
  root.replaceChildren(form);
  root.hidden = false;
  const none = () => tiles.replaceChildren(h("p.none", {}, "No categories can be shown now. You can start without."));
  api.get(path("tags"), { limit: 200 }).then(({ tags }) => {
    if (!tags.length) return none();
    return tiles.replaceChildren(...subjects(tags).map((tag) => tileOf(tag, pick)));
  }, none);
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!(await send())) return;
      viewer.save();
      root.hidden = true;
      root.replaceChildren();
      resolve();
    });
  });
}

/** What one might pick: what can be drawn comes first, no mood or scene, nothing that only refines another one. */
function subjects(tags) {
  const chosen = [];
  for (const drawn of [true, false]) {
    for (const { tag } of tags) {
      const refines = chosen.some((one) => tag.startsWith(`${one}-`));
      if (hasScene(tag) === drawn && !refines && !tag.includes(":")) chosen.push(tag);
    }
  }
  return chosen.slice(0, SHOWN);
}

function tileOf(tag, pick) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const scene = sceneOf({ video_id: `pick-${tag}`, video: { category: tag, tags: [tag], duration_ms: 12_000 } });
  requestAnimationFrame(() => poster(canvas, scene, 120, 150, 2.2));
  const tile = h("button.pick", { type: "button", "aria-pressed": "false", onclick: () => pick(tag, tile) }, canvas,
    h("span", {}, tag), h("i", {}, icon("check")));
  return tile;
}
