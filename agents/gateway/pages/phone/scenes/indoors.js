// Indoors: something on the stove, a record that turns, a game on its screen, silk, and people who laugh.

import { TAU, bend, block, disc, fade, glow, limb, pick, ring, saw, scatter, shape, sky, wave } from "./draw.js";

export function table({ rand, rate, hues, tags }) {
  const kinds = { pizza, ramen, pan };
  const named = tags.find((tag) => kinds[tag]);
  const dish = kinds[named] ?? pick(rand, [pizza, ramen, pan]);
  const bits = scatter(rand, 16, () => ({ turn: rand() * TAU }));
  const [turn, steam, fall] = [rate(18), rate(4), rate(5)];
  return (g, H, t) => {
    const y = H * 0.43;
    sky(g, H, hues.far, hues.mid);
    for (let i = 0; i < 8; i++) block(g, 0, (i * H) / 8, 100, 0.5, fade(hues.near, 0.4));
    shape(g, fade(hues.light, 0.1), 0, H * 0.62, 34, H * 0.56, 44, H, 0, H);
    for (let i = 0; i < 6; i++) block(g, 3 + i * 6, H * 0.6, 3, H * 0.4, fade(hues.pop, 0.18));
    disc(g, 53, y + 5, 43, fade("#000000", 0.28));
    dish(g, 50, y, hues, { t, turn: TAU * saw(t, turn), bits, rate });
    for (const bit of bits.slice(0, 9)) {
      const d = saw(t, fall, bit.y);
      disc(g, 50 + (bit.x - 50) * 0.5, y - 60 + 70 * d, 0.7, fade(hues.light, 0.9 * (1 - d)));
    }
    for (let i = 0; i < 4; i++) {
      const d = saw(t, steam, i / 4);
      const x = 32 + i * 12 + 5 * wave(t, steam, i * 0.3);
      const up = y - 40 * d;
      bend(g, fade("#ffffff", 0.2 * Math.sin(Math.PI * d)), 5, x, up - 8, x - 7, up - 22, x + 7, up - 32, x, up - 48);
    }
  };
}

function pan(g, x, y, hues, { t, turn, bits, rate }) {
  limb(g, "#1a1d22", 8, x + 28, y + 30, x + 52, y + 58);
  disc(g, x, y, 41, "#2a2e35");
  disc(g, x, y, 37, "#16181d");
  disc(g, x, y, 35, "#23262d");
  for (let i = 0; i < 3; i++) {
    const a = turn + (TAU / 3) * i;
    const [ex, ey] = [x + Math.cos(a) * 17, y + Math.sin(a) * 17];
    for (let k = 0; k < 7; k++) {
      disc(g, ex + Math.cos(k * 0.9) * 6, ey + Math.sin(k * 0.9) * 6, 5.4 + 0.3 * wave(t, rate(1), k / 7), "#fffaf0");
    }
    disc(g, ex, ey, 5, "#ffb703");
    disc(g, ex - 1.4, ey - 1.6, 1.3, fade("#ffffff", 0.7));
  }
  bits.forEach((bit, at) => {
    const a = turn * 2 + (TAU * at) / bits.length;
    const r = 6 + bit.r * 25;
    const tone = [hues.pop, "#6abf4b", "#e5383b"][at % 3];
    disc(g, x + Math.cos(a) * r, y + Math.sin(a) * r, 2.4, tone, 1.4, bit.turn + turn);
  });
}

function ramen(g, x, y, hues, { t, turn, bits, rate }) {
  disc(g, x, y, 41, hues.light);
  ring(g, x, y, 38.5, 1.4, hues.pop);
  disc(g, x, y, 35, "#b5651d");
  disc(g, x, y, 33, "#d98a3d");
  for (let i = 0; i < 9; i++) {
    const r = 8 + i * 2.4;
    const from = turn * (i % 2 ? 1 : -1) + i;
    ring(g, x - 4, y + 5, r, 1.5, i % 2 ? "#ffe8b0" : "#f7d488", from, from + 3.6);
  }
  disc(g, x - 13, y - 12, 9, "#fffaf0", 10);
  disc(g, x - 13, y - 12, 5, "#ff9f1c", 5.6);
  for (const [dx, dy] of [[12, -14], [18, -3]]) {
    disc(g, x + dx, y + dy, 7.6, "#fff6f6");
    ring(g, x + dx, y + dy, 3.6, 1.4, "#ef6f8e", turn * 2, turn * 2 + 4.8);
  }
  bits.forEach((bit, at) => {
    const a = (TAU * at) / bits.length + 0.1 * wave(t, rate(4), bit.y);
    ring(g, x + Math.cos(a) * (14 + bit.r * 14), y + 8 + Math.sin(a) * 16, 1.5, 0.8, "#4c956c");
  });
  const lift = 2 * wave(t, rate(5));
  for (const dx of [0, 5]) limb(g, "#5a2a1a", 1.7, x + 6 + dx, y + 8 + lift, x + 50 + dx, y - 48 + lift);
}

function pizza(g, x, y, hues, { t, turn, bits, rate }) {
  disc(g, x, y, 42, "#6f4e37");
  g.save();
  g.translate(x, y);
  g.rotate(turn);
  for (let i = 0; i < 8; i++) {
    const mid = (TAU / 8) * (i + 0.5);
    const out = i === 0 ? 7 + 6 * wave(t, rate(4)) : 0;
    g.save();
    g.translate(Math.cos(mid) * (0.8 + out), Math.sin(mid) * (0.8 + out));
    for (const [r, tone] of [[38, "#d99c52"], [34, "#ffd166"]]) {
      g.fillStyle = tone;
      g.beginPath();
      g.moveTo(0, 0);
      g.arc(0, 0, r, (TAU / 8) * i, (TAU / 8) * (i + 1));
      g.fill();
    }
    for (const [r, a] of [[15, mid - 0.08], [26, mid + 0.1]]) disc(g, Math.cos(a) * r, Math.sin(a) * r, 4.2, "#c8402f");
    const leaf = bits[i];
    disc(g, Math.cos(mid) * (20 + leaf.r * 10), Math.sin(mid) * (20 + leaf.r * 10), 2.6, "#4c956c", 1.3, leaf.turn);
    g.restore();
  }
  g.restore();
}

export function vinyl({ rand, rate, hues }) {
  const bars = Array.from({ length: 56 }, () => ({ a: rand(), b: 1 + Math.floor(rand() * 3) }));
  const [spin, beat] = [rate(3), rate(0.9)];
  return (g, H, t) => {
    const [x, y] = [50, H * 0.41];
    sky(g, H, hues.top, hues.mid);
    glow(g, x, y, 80, hues.low, 0.35 + 0.12 * wave(t, beat));
    bars.forEach((bar, at) => {
      const a = (TAU * at) / bars.length - TAU / 4;
      const tall = 2 + 9 * Math.abs(wave(t, beat * bar.b, bar.a)) * (0.4 + bar.a * 0.6);
      limb(g, at % 4 ? fade(hues.light, 0.75) : hues.pop, 1.6, x + Math.cos(a) * 41, y + Math.sin(a) * 41,
        x + Math.cos(a) * (41 + tall), y + Math.sin(a) * (41 + tall));
    });
    disc(g, x, y, 37, "#0e0e13");
    for (let r = 16; r < 36; r += 2.2) ring(g, x, y, r, 0.25, "#ffffff20");
    const turn = TAU * saw(t, spin);
    for (const side of [0, Math.PI]) {
      g.fillStyle = "#ffffff12";
      g.beginPath();
      g.moveTo(x, y);
      g.arc(x, y, 36, side - 0.5 + 0.06 * wave(t, beat), side - 0.1);
      g.fill();
    }
    disc(g, x, y, 13, hues.pop);
    ring(g, x, y, 9, 2.2, hues.near, turn, turn + 4.2);
    disc(g, x + Math.cos(turn) * 10.6, y + Math.sin(turn) * 10.6, 1, hues.light);
    disc(g, x, y, 1.6, hues.light);
    const arm = 0.05 * wave(t, rate(8));
    const [ax, ay] = [x + 20 - arm * 60, y + 16];
    bend(g, hues.light, 1.8, 92, y - 36, 92, y + 4, ax, ay);
    disc(g, 92, y - 36, 5, hues.light);
    disc(g, 92, y - 36, 2.4, hues.near);
    block(g, ax - 3, ay - 1.6, 6, 4.6, hues.light, 1);
  };
}

const HERO = ["..hhhh..", ".hhhhhh.", ".sskks..", ".ssssss.", ".rrrrr..", "brrrrrrb", ".bbbbbb.", ".b....b."];
const TONES = { h: "#e63946", s: "#ffd6a5", k: "#22223b", r: "#ff6b6b", b: "#3a5ad9" };

export function pixels({ rand, rate, hues }) {
  const seed = rand();
  const [scroll, jump] = [rate(4.5), rate(2.2)];
  const town = [rate(22), rate(11)];
  const blocks = scatter(rand, 5);
  const stars = scatter(rand, 14);
  return (g, H, t) => {
    const ground = Math.round((H * 0.62) / 4) * 4;
    sky(g, H, hues.top, hues.low, ground);
    for (const { x, y } of stars) block(g, Math.round(x), Math.round(y * 60), 1.6, 1.6, fade(hues.light, 0.7));
    for (let y = -4; y <= 4; y++) {
      const w = Math.round(Math.sqrt(17 - y * y)) * 4;
      block(g, 70 - w, H * 0.2 + y * 4, w * 2, 4.1, hues.pop);
    }
    for (let layer = 0; layer < 2; layer++) {
      const tone = layer ? hues.mid : hues.far;
      for (let i = 0; i < 14; i++) {
        const tall = 12 + Math.round(5 * Math.sin(i * 1.9 + layer * 2 + seed * 6)) * 4 - layer * 6;
        const x = saw(t, -town[layer], i / 14) * 128 - 14;
        block(g, Math.round(x), ground - tall, 10.2, tall, tone);
      }
    }
    for (const one of blocks) {
      const x = saw(t, -scroll, one.x / 100) * 130 - 15;
      const y = ground - 40 - Math.round(one.y * 4) * 4;
      block(g, Math.round(x), y, 8, 8, hues.near);
      block(g, Math.round(x) + 1, y + 1, 6, 6, hues.pop);
      if (saw(t, rate(0.8), one.r) > 0.3) block(g, Math.round(x) + 2.5, y - 8, 3, 6, "#ffe066");
    }
    for (let i = 0; i < 27; i++) {
      const x = Math.round(saw(t, -scroll, i / 26) * 104) - 4;
      block(g, x, ground, 4.2, 4, "#7ccf5b");
      block(g, x, ground + 4, 4.2, H - ground, hues.near);
      for (let y = ground + 6 + (i % 2) * 4; y < H; y += 8) block(g, x + 0.6, y, 3, 3, fade(hues.mid, 0.75));
    }
    const up = Math.round(Math.max(0, wave(t, jump)) * 13) * 2;
    const step = up > 0 ? 0 : saw(t, rate(0.3)) > 0.5 ? 1 : 0;
    HERO.forEach((row, y) => [...row].forEach((name, x) => {
      if (TONES[name]) block(g, 26 + x * 2.4, ground - 19.2 + y * 2.4 - up - step, 2.5, 2.5, TONES[name]);
    }));
  };
}

export function silk({ rand, rate, hues }) {
  const folds = Array.from({ length: 9 }, (_, at) => ({ a: rand(), b: 0.6 + rand() * 1.2, k: at }));
  const [flow, slow] = [rate(7), rate(13)];
  const tones = [hues.low, hues.pop, hues.far, hues.light, hues.mid];
  return (g, H, t) => {
    sky(g, H, hues.top, hues.near);
    for (const { a, b, k } of folds) {
      const base = (k / 8.2) * H * 1.1 - 14;
      const paint = g.createLinearGradient(0, base - 20, 100, base + 46);
      const tone = tones[k % tones.length];
      paint.addColorStop(0, fade(tone, 0.95));
      paint.addColorStop(0.45 + 0.2 * wave(t, slow, a), fade(hues.light, 0.5));
      paint.addColorStop(1, fade(tones[(k + 2) % tones.length], 0.9));
      g.fillStyle = paint;
      g.beginPath();
      const line = (x, thick) => base + thick + 13 * Math.sin((x / 100) * TAU * 0.5 * b + a * 9 + TAU * saw(t, flow)) +
        7 * Math.sin(x * 0.07 + a * 20 - TAU * saw(t, slow));
      for (let x = -4; x <= 104; x += 4) g.lineTo(x, line(x, 0));
      for (let x = 104; x >= -4; x -= 4) g.lineTo(x, line(x, 30 + 9 * Math.sin(x * 0.05 + a * 7)));
      g.fill();
      g.strokeStyle = fade("#ffffff", 0.22);
      g.lineWidth = 0.35;
      g.stroke();
    }
  };
}

export function faces({ rand, rate, hues }) {
  const tones = [hues.pop, hues.low, hues.light, "#7bdff2", "#b2f7a0"];
  const first = Math.floor(rand() * 5);
  const all = [[30, 0.56, 21], [69, 0.52, 17], [47, 0.33, 14]].map(([x, y, r], at) => (
    { x, y, r, s: rand(), tone: tones[(first + at) % 5] }));
  const bits = scatter(rand, 34, () => ({ tone: pick(rand, tones) }));
  const [hop, look] = [rate(2.4), rate(5)];
  return (g, H, t) => {
    sky(g, H, hues.far, hues.mid);
    for (let i = 0; i < 16; i++) {
      const a = (TAU * i) / 16 + (TAU / 16) * saw(t, rate(3));
      const end = (turn) => [50 + 160 * Math.cos(turn), H * 0.45 + 160 * Math.sin(turn)];
      shape(g, fade(hues.light, 0.07), 50, H * 0.45, ...end(a), ...end(a + 0.2));
    }
    for (const bit of bits) {
      const d = saw(t, rate(7), bit.y);
      disc(g, bit.x + 4 * wave(t, rate(3), bit.r), d * H * 1.1 - 8, 1.6, bit.tone, 0.9, TAU * saw(t, rate(2), bit.r));
    }
    for (const one of all) {
      const up = Math.abs(wave(t, hop, one.s));
      const flat = up < 0.25 ? 1 - (0.25 - up) * 0.6 : 1;
      disc(g, one.x, one.y * H + one.r + 2, one.r * (1 - up * 0.25), fade("#000000", 0.22), 3);
      g.save();
      g.translate(one.x, one.y * H - up * 15 + one.r * (1 - flat));
      g.scale(2 - flat, flat);
      face(g, one.r, one.tone, wave(t, look, one.s), 0.35 + 0.65 * up);
      g.restore();
    }
  };
}

function face(g, r, tone, look, laugh) {
  disc(g, 0, 0, r, tone);
  disc(g, -r * 0.34, -r * 0.5, r * 0.3, fade("#ffffff", 0.28), r * 0.18, -0.6);
  for (const side of [-1, 1]) {
    disc(g, side * r * 0.36, -r * 0.22, r * 0.27, "#ffffff");
    disc(g, side * r * 0.36 + look * r * 0.1, -r * 0.2, r * 0.13, "#17131f");
    disc(g, side * r * 0.66, r * 0.16, r * 0.13, fade("#ff5d8f", 0.55));
  }
  g.save();
  g.beginPath();
  g.arc(0, r * 0.18, r * 0.5, 0, Math.PI);
  g.closePath();
  g.scale(1, laugh);
  g.fillStyle = "#3b1020";
  g.fill();
  g.clip();
  disc(g, 0, r * 0.7, r * 0.34, "#ff5d73");
  g.restore();
}
