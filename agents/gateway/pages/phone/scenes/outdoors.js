// Out of doors: hills by the lake, a road into the sun, balloons over valleys, a kick at the goal.

import { TAU, bend, block, disc, fade, glow, land, limb, pick, ring, saw, scatter, shape, sky, wave } from "./draw.js";

export function hills({ rand, rate, hues }) {
  const sun = { x: 24 + rand() * 52, r: 9 + rand() * 6 };
  const layers = [0.34, 0.42, 0.5].map((y, at) => (
    { y, a: 5 + rand() * 5 + at * 2, b: 1 + Math.floor(rand() * 2), s: rand() }));
  const trees = scatter(rand, 22).sort((a, b) => a.y - b.y);
  const [drift, sway] = [rate(14), rate(3.4)];
  return (g, H, t) => {
    const lake = H * 0.6;
    sky(g, H, hues.top, hues.low, H * 0.55);
    const y = H * 0.27 + 4 * wave(t, drift);
    glow(g, sun.x, y, sun.r * 4, hues.pop, 0.55);
    disc(g, sun.x, y, sun.r, hues.light);
    for (let i = 0; i < 5; i++) {
      const bx = saw(t, drift, i * 0.07) * 130 - 15;
      const by = H * 0.2 + i * 3.5 + 2 * wave(t, sway, i / 5);
      const up = 1.8 * wave(t, rate(0.9), i / 5);
      bend(g, hues.near, 0.7, bx - 3, by - up, bx, by, bx + 3, by - up);
    }
    [hues.far, hues.mid, hues.near].forEach((tone, at) => {
      const { y: base, a, b, s } = layers[at];
      const rough = (x) => a * 0.4 * Math.sin(x * 0.21 + s * 5);
      land(g, lake + 1, tone, (x) => H * base - a * Math.sin((TAU * x * b) / 100 + s * 9) - rough(x));
    });
    sky2(g, lake, H, hues);
    disc(g, sun.x, lake + 8, 8 + wave(t, sway), fade(hues.light, 0.35), 1.4);
    for (let i = 0; i < 12; i++) {
      const w = 6 + 14 * saw(i * 0.618, 1);
      const x = sun.x + 6 * wave(t, sway, i * 0.13) - w / 2;
      block(g, x, lake + 5 + i * 4.6, w, 0.8, fade(hues.light, 0.28 - i * 0.018), 0.4);
    }
    for (const tree of trees) {
      const tall = 9 + tree.r * 12 + tree.y * 8;
      const ty = lake + tree.y * 5;
      const tip = wave(t, sway, tree.x / 40) * 0.8;
      const side = tree.x < 50 ? tree.x * 0.66 : 100 - (100 - tree.x) * 0.66;
      for (let i = 0; i < 3; i++) {
        const w = tall * (0.3 - i * 0.07);
        const foot = ty - i * tall * 0.25;
        shape(g, hues.near, side - w, foot, side + w, foot, side + tip, foot - tall * 0.5);
      }
    }
  };
}

function sky2(g, from, height, hues) {
  const paint = g.createLinearGradient(0, from, 0, height);
  paint.addColorStop(0, hues.far);
  paint.addColorStop(0.5, hues.mid);
  paint.addColorStop(1, hues.near);
  g.fillStyle = paint;
  g.fillRect(0, from, 100, height - from);
}

export function road({ rand, rate, hues }) {
  const paint = pick(rand, [hues.pop, "#e63946", "#f1faee", "#3a86ff"]);
  const [fast, sway, turn] = [rate(0.7), rate(5), rate(11)];
  const peaks = Array.from({ length: 7 }, (_, at) => [at * 17 - 4, 6 + rand() * 15]);
  return (g, H, t) => {
    const far = H * 0.4;
    const curve = 12 * wave(t, turn);
    sky(g, H, hues.top, hues.low, far);
    glow(g, 50 + curve * 0.5, far - 8, 46, hues.pop, 0.55);
    disc(g, 50 + curve * 0.5, far - 6, 16, hues.light);
    for (let i = 0; i < 4; i++) block(g, 30 + curve * 0.5, far - 12 + i * 4.2, 40, 0.5 + i * 0.5, fade(hues.low, 0.9));
    for (const [at, tall] of peaks) {
      const x = at + curve * 0.3;
      shape(g, hues.far, x - 14, far + 1, x, far - tall, x + 14, far + 1);
    }
    block(g, 0, far, 100, H - far, hues.mid);
    const at = (d) => ({ y: far + (H * 1.04 - far) * d * d, x: 50 + curve * (1 - d) * (1 - d), w: 3 + 62 * d * d });
    for (let i = 0; i < 9; i++) {
      const a = at((i + saw(t, fast * 2)) / 10);
      const b = at((i + 0.5 + saw(t, fast * 2)) / 10);
      shape(g, fade(hues.near, 0.35), 0, a.y, 100, a.y, 100, b.y, 0, b.y);
    }
    const [end, start] = [at(0), at(1)];
    trapeze(g, hues.near, end, start, 1);
    for (let i = 0; i < 7; i++) {
      const d = (i + saw(t, fast * 2)) / 7;
      const [a, b] = [at(d), at(Math.min(1, d + 0.06))];
      trapeze(g, hues.light, a, b, 0.03);
      for (const side of [-1, 1]) palm(g, a.x + side * a.w * 1.5, a.y, d * d * 34, hues);
    }
    car(g, 50 + 5 * wave(t, sway), H * 0.7 + 0.4 * wave(t, rate(0.35)), paint, hues);
  };
}

function trapeze(g, colour, a, b, share) {
  const [v, w] = [a.w * share, b.w * share];
  shape(g, colour, a.x - v, a.y, a.x + v, a.y, b.x + w, b.y, b.x - w, b.y);
}

function palm(g, x, y, tall, hues) {
  if (tall < 1) return;
  bend(g, hues.near, tall * 0.06, x, y, x + tall * 0.06, y - tall * 0.5, x, y - tall);
  for (let i = 0; i < 5; i++) {
    const a = -Math.PI * (0.05 + i * 0.225);
    const [tx, ty] = [x + Math.cos(a) * tall * 0.4, y - tall + Math.sin(a) * tall * 0.14 + tall * 0.12];
    bend(g, hues.near, tall * 0.055, x, y - tall, (x + tx) / 2, y - tall * 1.14, tx, ty);
  }
}

function car(g, x, y, paint, hues) {
  disc(g, x, y + 11, 19, fade("#000000", 0.4), 2.6);
  for (const side of [-1, 1]) block(g, x + side * 12.5 - 3, y + 3, 6, 9, "#101014", 2);
  block(g, x - 12, y - 13, 24, 14, paint, 6);
  block(g, x - 9.5, y - 11, 19, 7.5, fade(hues.top, 0.85), 3.4);
  block(g, x - 17, y - 4, 34, 12.5, paint, 4.5);
  block(g, x - 17, y + 3, 34, 3.4, fade("#000000", 0.28), 1.7);
  for (const side of [-1, 1]) {
    glow(g, x + side * 12.6, y + 0.6, 9, "#ff3b3b", 0.6);
    block(g, x + side * 12.6 - 3, y - 1, 6, 3, "#ff5a4d", 1.5);
  }
  block(g, x - 4.5, y + 2.6, 9, 3.2, hues.light, 0.8);
}

export function journey({ rand, rate, hues }) {
  const tones = [hues.pop, hues.light, hues.low, "#ef476f", "#26a69a"];
  const balloons = scatter(rand, 4, () => ({ a: pick(rand, tones), b: pick(rand, tones) }))
    .map((one, at) => ({ ...one, x: [22, 66, 84, 40][at], y: [0.3, 0.2, 0.42, 0.46][at], r: [13, 9, 6, 4.5][at] }))
    .sort((a, b) => a.r - b.r);
  const clouds = scatter(rand, 7);
  const [pan, bob, drift] = [rate(20), rate(6), rate(12)];
  return (g, H, t) => {
    sky(g, H, hues.top, hues.low, H * 0.66);
    glow(g, 60, H * 0.5, 60, hues.light, 0.5);
    for (const cloud of clouds) {
      const x = saw(t, -pan * (cloud.r < 0.5 ? 1 : 2), cloud.x / 100) * 160 - 30;
      const y = H * (0.08 + cloud.y * 0.42);
      const tone = fade(hues.light, 0.16 + cloud.r * 0.14);
      for (let i = 0; i < 4; i++) disc(g, x + i * 7, y + (i % 2), 7 - Math.abs(i - 1.5), tone, 2.4 + (i % 3));
    }
    [hues.far, hues.mid, hues.near].forEach((tone, at) => {
      const shift = saw(t, pan * (at + 1)) * 100;
      const k = TAU / 100;
      land(g, H, tone, (x) => {
        const p = (x + shift) * k;
        const rough = 3 * Math.sin(3 * p + at) + 1.5 * Math.sin(5 * p);
        return H * (0.58 + at * 0.09) - (7 - at) * Math.sin(p + at * 2) - rough;
      });
    });
    for (const one of balloons) {
      const y = one.y * H + 4 * wave(t, bob, one.x / 37);
      balloon(g, one.x + 3 * wave(t, drift, one.r / 9), y, one, hues, wave(t, rate(1.3), one.r) > 0.3);
    }
  };
}

function balloon(g, x, y, { r, a, b }, hues, fire) {
  for (const s of [-0.2 * r, 0.2 * r]) limb(g, fade(hues.near, 0.8), 0.3, x + s * 3, y + r * 0.9, x + s, y + r * 1.7);
  if (fire) glow(g, x, y + r * 1.3, r * 0.7, "#ffb703", 0.9);
  g.save();
  g.beginPath();
  g.moveTo(x, y + r * 1.45);
  g.bezierCurveTo(x - r * 1.5, y + r * 0.4, x - r * 1.2, y - r, x, y - r);
  g.bezierCurveTo(x + r * 1.2, y - r, x + r * 1.5, y + r * 0.4, x, y + r * 1.45);
  g.clip();
  block(g, x - r * 2, y - r, r * 4, r * 2.5, a);
  disc(g, x, y + r * 0.1, r * 0.72, b, r * 1.6);
  disc(g, x, y + r * 0.1, r * 0.26, a, r * 1.6);
  block(g, x - r * 2, y + r * 0.55, r * 4, r * 0.18, fade(hues.near, 0.5));
  const shade = g.createLinearGradient(x - r, 0, x + r, 0);
  shade.addColorStop(0.3, "#ffffff22");
  shade.addColorStop(1, "#00000066");
  g.fillStyle = shade;
  g.fillRect(x - r * 2, y - r, r * 4, r * 2.5);
  g.restore();
  block(g, x - r * 0.22, y + r * 1.65, r * 0.44, r * 0.32, hues.near, r * 0.08);
}

export function pitch({ rand, rate, hues }) {
  const kick = rate(3.2);
  const lean = rand() < 0.5 ? -1 : 1;
  const fans = scatter(rand, 90, () => ({ tone: pick(rand, [hues.pop, hues.light, hues.low, hues.far]) }));
  const green = pick(rand, [["#3f9d58", "#348a4b"], ["#2f8f6b", "#287d5d"], ["#5aa548", "#4e943e"]]);
  return (g, H, t) => {
    const line = H * 0.46;
    sky(g, H, hues.top, hues.low, line);
    for (const side of [10, 90]) glow(g, side, H * 0.1, 30, "#ffffff", 0.5);
    block(g, 0, H * 0.24, 100, line - H * 0.24, hues.near);
    for (const fan of fans) {
      const hop = Math.max(0, wave(t, rate(0.8), fan.r)) * 1.6;
      disc(g, fan.x, H * 0.25 + fan.y * (line - H * 0.29) - hop, 1.5, fade(fan.tone, 0.8));
    }
    block(g, 0, line - 5, 100, 5, hues.mid);
    for (let i = 0; i < 9; i++) {
      const [a, b] = [i / 9, (i + 1) / 9].map((d) => line + (H - line) * d * d);
      block(g, 0, a, 100, b - a + 0.4, green[i % 2]);
    }
    shape(g, fade("#ffffff", 0.5), 8, line + 15, 92, line + 15, 92.5, line + 16, 7.5, line + 16);
    goal(g, line, t, rate);
    const d = saw(t, kick);
    const go = Math.min(1, d * 1.7);
    const dive = Math.max(0, Math.min(1, (d - 0.22) * 3.2)) * (d > 0.85 ? (1 - d) / 0.15 : 1);
    keeper(g, 50 - lean * 14 * dive, line + 7 - 4 * dive, -lean * dive * 1.1, hues);
    const x = 50 + lean * (24 * go - 16 * go * (1 - go));
    const y = H * 0.72 + (line - 9 - H * 0.72) * go - 30 * Math.sin(Math.PI * go) * 0.5;
    const fall = d > 0.6 ? Math.min(1, (d - 0.6) * 4) ** 2 * 12 : 0;
    disc(g, x, H * 0.74 + (line + 6 - H * 0.74) * go, 6 - 3 * go, fade("#000000", 0.3), 1.6 - go * 0.7);
    ball(g, x, y + fall, 6.4 - 3.6 * go, t * 5 * (d < 0.6 ? 1 : 0.2));
  };
}

function goal(g, line, t, rate) {
  const shake = wave(t, rate(0.8)) * 0.4;
  g.strokeStyle = fade("#ffffff", 0.3);
  g.lineWidth = 0.3;
  g.beginPath();
  for (let i = 0; i <= 16; i++) g.moveTo(20 + i * 3.75, line - 22), g.lineTo(20 + i * 3.75 + shake, line + 7);
  for (let i = 0; i <= 8; i++) g.moveTo(20, line - 22 + i * 3.6), g.lineTo(80, line - 22 + i * 3.6 + shake);
  g.stroke();
  limb(g, "#ffffff", 1.6, 20, line + 8, 20, line - 22, 80, line - 22, 80, line + 8);
}

function keeper(g, x, y, turn, hues) {
  g.save();
  g.translate(x, y);
  g.rotate(turn);
  for (const side of [-1, 1]) {
    limb(g, hues.near, 2.6, side * 2, -7, side * 3.4, 0);
    limb(g, hues.pop, 2.4, side * 2.4, -15, side * 8, -21);
  }
  limb(g, hues.pop, 6, 0, -8, 0, -14);
  disc(g, 0, -20, 3, "#f1c27d");
  g.restore();
}

function ball(g, x, y, r, turn) {
  disc(g, x, y, r, "#ffffff");
  g.save();
  g.beginPath();
  g.arc(x, y, r, 0, TAU);
  g.clip();
  g.translate(x, y);
  g.rotate(turn);
  for (let i = 0; i < 6; i++) {
    const a = (TAU / 5) * i;
    const [px, py] = i < 5 ? [Math.cos(a) * r * 0.95, Math.sin(a) * r * 0.95] : [0, 0];
    disc(g, px, py, r * 0.32, "#22262e");
  }
  g.restore();
  ring(g, x, y, r, 0.3, fade("#000000", 0.35));
  disc(g, x - r * 0.3, y - r * 0.4, r * 0.3, fade("#ffffff", 0.5));
}
