// What all scenes draw with. A scene is drawn on a ground 100 wide and H high, whatever the screen is.

export const TAU = Math.PI * 2;

/** A number from a text, always the same one (FNV-1a). */
export function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return h >>> 0;
}

/** Random numbers in [0, 1), always the same ones for a seed (mulberry32). */
export function randomOf(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const pick = (rand, list) => list[Math.floor(rand() * list.length)];
export const wave = (t, rate, shift = 0) => Math.sin(TAU * (t * rate + shift));
export const saw = (t, rate, shift = 0) => (((t * rate + shift) % 1) + 1) % 1;

const NAMES = ["top", "low", "far", "mid", "near", "pop", "light"];
const TONES = {
  dusk: "1b1140 ff7a59 6a2c86 43206a 1d0f3b ffd166 ffe8d6",
  rose: "3a1030 ff9a8b a13f66 6b2550 33102c ffe08a fff0ea",
  sea: "052b40 63d6d6 0f6b86 0a4660 042636 ffcf56 eafcff",
  sand: "6b3212 ffdc97 c4733a 8a4a20 43220e 2ec4b6 fff6e0",
  night: "080d2b 3d4da3 232d70 151d50 090d2a ffe27a dfe7ff",
  wood: "0f3326 cfe8a0 3f8055 27593d 0f2e20 ff9f43 fbffe9",
  lilac: "2b1b63 e3c6ff 7d62cc 573fa0 2b1e63 ff8fab fbf5ff",
  mint: "0b3b40 a8f0cd 23806f 15574f 0a2e2d ff7b6b f4fff8",
  slate: "12161d 8fa6b8 4d6072 2f3d4a 151b22 ff6b5e f2f6f8",
  plum: "220a33 ff6fa3 7a2a78 4d1a57 220a2d 7df3e1 fff0fb",
};

export const PALETTES = Object.fromEntries(
  Object.entries(TONES).map(([name, tones]) => [
    name,
    Object.fromEntries(tones.split(" ").map((tone, at) => [NAMES[at], `#${tone}`])),
  ]),
);

/** A colour of the form #rrggbb, seen through. */
export function fade(colour, alpha) {
  return colour + Math.round(Math.max(0, Math.min(1, alpha)) * 255).toString(16).padStart(2, "0");
}

export function sky(g, height, top, low, end = height) {
  const paint = g.createLinearGradient(0, 0, 0, end);
  paint.addColorStop(0, top);
  paint.addColorStop(1, low);
  g.fillStyle = paint;
  g.fillRect(0, 0, 100, height);
}

export function disc(g, x, y, rx, colour, ry = rx, turn = 0) {
  g.fillStyle = colour;
  g.beginPath();
  g.ellipse(x, y, Math.max(0, rx), Math.max(0, ry), turn, 0, TAU);
  g.fill();
}

export function ring(g, x, y, r, width, colour, from = 0, to = TAU) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.beginPath();
  g.arc(x, y, Math.max(0, r), from, to);
  g.stroke();
}

export function glow(g, x, y, r, colour, strength = 0.7) {
  const paint = g.createRadialGradient(x, y, 0, x, y, r);
  paint.addColorStop(0, fade(colour, strength));
  paint.addColorStop(1, fade(colour, 0));
  g.fillStyle = paint;
  g.fillRect(x - r, y - r, 2 * r, 2 * r);
}

export function block(g, x, y, width, height, colour, round = 0) {
  g.fillStyle = colour;
  g.beginPath();
  g.roundRect(x, y, width, height, round);
  g.fill();
}

/** A filled shape through points [x, y, …]. */
export function shape(g, colour, ...points) {
  g.fillStyle = colour;
  g.beginPath();
  for (let i = 0; i < points.length; i += 2) g.lineTo(points[i], points[i + 1]);
  g.closePath();
  g.fill();
}

/** A round-ended line through points [x, y, …]. */
export function limb(g, colour, width, ...points) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.lineCap = g.lineJoin = "round";
  g.beginPath();
  for (let i = 0; i < points.length; i += 2) g.lineTo(points[i], points[i + 1]);
  g.stroke();
}

/** A round-ended curve from a point to another one, drawn by the one or two between them. */
export function bend(g, colour, width, x, y, ...points) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.lineCap = "round";
  g.beginPath();
  g.moveTo(x, y);
  if (points.length === 4) g.quadraticCurveTo(...points);
  else g.bezierCurveTo(...points);
  g.stroke();
}

/** Land below a rolling line: `at(x)` says how high it is at x. */
export function land(g, height, colour, at) {
  g.fillStyle = colour;
  g.beginPath();
  g.moveTo(0, height);
  for (let x = 0; x <= 100; x += 2) g.lineTo(x, at(x));
  g.lineTo(100, height);
  g.fill();
}

/** Points that stay where they are: stars, seeds, people in the stands. */
export function scatter(rand, count, make = () => ({})) {
  return Array.from({ length: count }, () => ({ x: rand() * 100, y: rand(), r: rand(), ...make() }));
}
