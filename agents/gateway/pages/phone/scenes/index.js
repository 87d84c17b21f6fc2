// Scenes: which animation stands for a video. The video's id decides every detail, its category and tags the kind.

import { PALETTES, hash, pick, randomOf } from "./draw.js";
import { faces, pixels, silk, table, vinyl } from "./indoors.js";
import { dance, pet, run } from "./living.js";
import { hills, journey, pitch, road } from "./outdoors.js";
import { orbit } from "./space.js";

/** Each kind: the words it is for (English beginnings, Chinese anywhere), how it is drawn, in which palettes. */
const KINDS = [
  [/^(cat|kit|dog|pup|pet|anim|bird|paw|tabby)|猫|狗|宠物|动物/, pet, "dusk night sea lilac rose"],
  [/^(foot|soccer|goal|sport|basket|tennis|derby|league)|足球|体育|运动/, pitch, "night sea dusk slate"],
  [/^(cook|food|pasta|ramen|pizza|bak|recipe|kitchen|street ?food)|美食|做饭|烹饪/, table, "sand mint rose wood sea"],
  [/^(car|drift|road|garage|auto|moto|vehicle)|汽车|车/, road, "dusk plum rose sand"],
  [/^(travel|trip|island|balloon|backpack|city|beach|holiday)|旅行|旅游/, journey, "sea rose dusk lilac sand"],
  [/^(danc|choreo|hip|salsa|ballet)|舞/, dance, "plum night dusk lilac"],
  [/^(music|vinyl|lofi|synth|song|sound|live|guitar|piano)|音乐|歌/, vinyl, "plum sea lilac slate rose"],
  [/^(nature|mountain|forest|lake|garden|plant|hik|outdoor)|自然|风景/, hills, "wood dusk sea rose mint"],
  [/^(scien|space|physic|planet|tele|astro|tech|math|learn|educat|news)|科学|科技|太空/, orbit, "night plum lilac sea"],
  [/^(game|gaming|retro|speedrun|pixel|indie|e-?sport)|游戏/, pixels, "lilac dusk sea mint"],
  [/^(fashion|fabric|thrift|runway|sew|style|beauty|make-?up|art|design)|时尚|穿搭|美妆/, silk, "rose lilac mint plum sand"],
  [/^(comed|sketch|stand-?up|office|fun|humou?r|meme|prank)|搞笑|喜剧/, faces, "lilac mint sea sand"],
  [/^(fit|run|hiit|mobil|gym|health|yoga|workout)|健身|健康|跑步/, run, "sea dusk mint slate"],
];
const ALL = Object.keys(PALETTES).join(" ");

/** [words, draw, palettes] of the first name that any kind is for; the category is asked before the tags. */
function kindOf(names) {
  for (const name of names) {
    const found = KINDS.find(([words]) => words.test(name.toLowerCase()));
    if (found) return found;
  }
  return [null, silk, ALL];
}

/** Whether there is a scene of its own for a name. */
export const hasScene = (name) => kindOf([name])[0] !== null;

/**
 * How `item` is drawn: a function (g, H, t) on a ground 100 wide, t in seconds. It ends where it began, so that the
 * video loops without a jump.
 */
export function sceneOf(item) {
  const rand = randomOf(hash(item.video_id));
  const names = [item.video.category, ...item.video.tags].filter(Boolean);
  const [, make, palettes] = kindOf(names);
  const hues = PALETTES[pick(rand, palettes.split(" "))];
  const length_s = Math.max(1, item.video.duration_ms / 1000);
  const rate = (period_s) => Math.max(1, Math.round(length_s / period_s)) / length_s;
  return { draw: make({ rand, rate, hues, tags: names.map((name) => name.toLowerCase()) }), hues };
}

/** Draw one moment of a scene over all of a canvas. */
export function paint(canvas, scene, t) {
  const g = canvas.getContext("2d", { alpha: false });
  const scale = canvas.width / 100;
  g.setTransform(scale, 0, 0, scale, 0, 0);
  scene.draw(g, canvas.height / scale, t);
}
