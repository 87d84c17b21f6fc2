// Living things: a pet at the window, a dancer in the light, a runner on the track.

import { TAU, bend, block, disc, fade, glow, limb, pick, ring, saw, scatter, shape, sky, wave } from "./draw.js";

const COATS = [["#f2a35e", "#fbd9ae"], ["#2d2838", "#5b5470"], ["#ece4d8", "#ffffff"], ["#8793a8", "#c9d2e0"],
  ["#b8693f", "#f0cda4"]];

export function pet({ rand, rate, hues, tags }) {
  const floppy = tags.some((tag) => /dog|pup/.test(tag)) || (!tags.some((tag) => /cat|kit/.test(tag)) && rand() < 0.4);
  const [coat, chest] = pick(rand, COATS);
  const iris = pick(rand, ["#7ddf8a", "#ffd166", "#7cc7ff"]);
  const moon = { x: 26 + rand() * 48, y: 0.2 + rand() * 0.1, r: 11 + rand() * 7 };
  const stars = scatter(rand, 26);
  const [tail, blink, breath, flight] = [rate(3), rate(4.4), rate(2.6), rate(7)];
  return (g, H, t) => {
    const sill = H * 0.64;
    sky(g, H, hues.top, hues.low, sill * 1.15);
    for (const star of stars) disc(g, star.x, star.y * sill * 0.8, 0.3 + star.r * 0.4, fade(hues.light, 0.6));
    glow(g, moon.x, moon.y * H, moon.r * 3, hues.light, 0.45);
    disc(g, moon.x, moon.y * H, moon.r, hues.light);
    block(g, 48.6, 0, 2.8, sill, hues.mid);
    block(g, 0, H * 0.36, 100, 2.8, hues.mid);
    for (const [x, side] of [[-4, 1], [104, -1]]) {
      bend(g, hues.far, 26, x, -6, x + side * (10 + wave(t, breath)), H * 0.3, x - side * 2, sill);
    }
    block(g, 0, sill, 100, H - sill, hues.near);
    block(g, 0, sill, 100, 3, hues.mid);
    const fly = { x: 50 + 34 * wave(t, flight), y: H * 0.3 + 12 * wave(t, flight * 2, 0.2) };
    g.save();
    g.translate(50, sill + 1);
    drawPet(g, { coat, chest, iris, floppy }, {
      tail: wave(t, tail), breath: wave(t, breath), shut: saw(t, blink) > 0.95,
      look: Math.max(-1, Math.min(1, (fly.x - 50) / 30)),
    });
    g.restore();
    const flap = Math.abs(wave(t, rate(0.4)));
    for (const side of [-1, 1]) disc(g, fly.x + side * 2 * flap, fly.y, 2.2 * flap + 0.4, hues.pop, 3, side * 0.5);
    limb(g, hues.near, 0.8, fly.x, fly.y - 2, fly.x, fly.y + 2);
  };
}

function drawPet(g, { coat, chest, iris, floppy }, { tail, breath, shut, look }) {
  bend(g, coat, 6, 13, -5, 30, -6, 30 + tail * 3, 14, 24 + tail * 9, 24);
  g.fillStyle = coat;
  g.beginPath();
  g.moveTo(-18, 0);
  g.bezierCurveTo(-22, -24 - breath, -11, -38, 0, -38);
  g.bezierCurveTo(11, -38, 22, -24 - breath, 18, 0);
  g.fill();
  disc(g, 0, -14, 9, chest, 13 + breath * 0.5);
  for (const side of [-1, 1]) disc(g, side * 8, -1.5, 6, coat, 3.4);
  g.translate(look * 1.5, -44 - breath * 0.5);
  for (const side of [-1, 1]) {
    if (floppy) disc(g, side * 14, 1, 5, chest === "#ffffff" ? "#c9a27a" : coat, 10, side * -0.35);
    else shape(g, coat, side * 4, -9, side * 14.5, -21, side * 15, -2);
    if (!floppy) shape(g, fade("#ff9aa2", 0.75), side * 7, -9.5, side * 13, -16.5, side * 13.4, -6);
  }
  disc(g, 0, 0, 16, coat, 13.5);
  disc(g, 0, 5.5, 7.5, chest, 5);
  for (const side of [-1, 1]) {
    const x = side * 6.6 + look * 0.6;
    if (shut) bend(g, "#1b1622", 1, x - 2.6, -1, x, 0.6, x + 2.6, -1);
    else {
      disc(g, x, -1, 3.3, iris, 3.6);
      disc(g, x + look * 1.1, -1, floppy ? 2.1 : 1.2, "#15111b", 2.9);
      disc(g, x + look * 1.1 + 0.9, -2.2, 0.8, "#ffffff");
    }
    if (!floppy) for (const dy of [-1, 1]) limb(g, fade("#ffffff", 0.6), 0.4, side * 7, 5, side * 19, 4 + dy * 2.4);
  }
  shape(g, "#e5707e", -2, 3, 2, 3, 0, 5.4);
  bend(g, "#1b1622", 0.7, -3, 7.6, -1.4, 8.6, 0, 6.4);
  bend(g, "#1b1622", 0.7, 3, 7.6, 1.4, 8.6, 0, 6.4);
}

/** A person of limbs; angles in radians, 0 hangs down. */
function person(g, x, y, size, colour, { lean = 0, arms, legs, nod = 0 }) {
  g.save();
  g.translate(x, y);
  g.scale(size, size);
  for (const [hip, knee] of legs) {
    const kx = Math.sin(hip) * 13;
    const ky = Math.cos(hip) * 13;
    limb(g, colour, 5.4, 0, 0, kx, ky, kx + Math.sin(hip + knee) * 13, ky + Math.cos(hip + knee) * 13);
  }
  const sx = Math.sin(lean) * 20;
  const sy = -Math.cos(lean) * 20;
  limb(g, colour, 8.4, 0, 0, sx, sy);
  for (const [shoulder, elbow] of arms) {
    const ex = sx + Math.sin(shoulder) * 10;
    const ey = sy + 1 + Math.cos(shoulder) * 10;
    const hand = [ex + Math.sin(shoulder + elbow) * 10, ey + Math.cos(shoulder + elbow) * 10];
    limb(g, colour, 4.4, sx, sy + 1, ex, ey, ...hand);
  }
  disc(g, sx + nod, sy - 10, 6, colour);
  g.restore();
}

export function dance({ rand, rate, hues }) {
  const beat = rate(2.2 + rand() * 0.8);
  const slow = rate(4);
  const lift = 0.6 + rand() * 0.8;
  const dots = scatter(rand, 18);
  const pose = (t) => {
    const a = wave(t, beat);
    const b = wave(t, beat, 0.25);
    return {
      y: Math.abs(wave(t, beat)) * -7,
      lean: 0.3 * a,
      nod: 1.6 * b,
      arms: [[2 * lift + 0.9 * a, 0.8 + 0.7 * b], [-2 * lift + 0.9 * b, -0.8 + 0.7 * a]],
      legs: [[0.4 + 0.45 * a, -0.4 - 0.8 * Math.max(0, a)], [-0.4 + 0.4 * b, 0.4 + 0.8 * Math.max(0, b)]],
    };
  };
  return (g, H, t) => {
    const floor = H * 0.66;
    sky(g, H, hues.top, hues.mid);
    for (const [side, shift] of [[-1, 0], [1, 0.35]]) {
      const aim = 50 + 22 * wave(t, slow, shift);
      shape(g, fade(side < 0 ? hues.pop : hues.low, 0.2), 50 + side * 40, -4, aim - 22, floor + 6, aim + 22, floor + 6);
    }
    for (const dot of dots) {
      const r = 1 + 2.4 * dot.r;
      disc(g, dot.x, saw(t, -rate(9), dot.y) * floor, r, fade(hues.light, 0.1 + 0.1 * wave(t, beat, dot.r)));
    }
    block(g, 0, floor, 100, H - floor, hues.near);
    for (let i = 3; i > 0; i--) {
      const pulse = saw(t, beat * 2, i / 3);
      g.strokeStyle = fade(hues.pop, 0.5 * (1 - pulse));
      g.lineWidth = 0.8;
      g.beginPath();
      g.ellipse(50, floor + 9, 12 + 36 * pulse, 3 + 9 * pulse, 0, 0, TAU);
      g.stroke();
    }
    disc(g, 50, floor + 9, 17, fade("#000000", 0.35), 3.4);
    const tones = [fade(hues.far, 0.7), fade(hues.low, 0.75), hues.light];
    tones.forEach((tone, at) => {
      const p = pose(t - (2 - at) * 0.22);
      person(g, 50 + (at - 2) * 7 * wave(t, slow), floor - 20 + p.y, 1.15, tone, p);
    });
  };
}

export function run({ rand, rate, hues }) {
  const step = rate(0.75);
  const scrolls = [0, 1, 2, 3, 4].map((lane) => rate(3.4 - lane * 0.4));
  const town = rate(9);
  const stride = 0.9 + rand() * 0.2;
  const clouds = scatter(rand, 5);
  return (g, H, t) => {
    const track = H * 0.6;
    sky(g, H, hues.top, hues.low, track);
    disc(g, 70, H * 0.24, 15, hues.pop);
    for (const cloud of clouds) {
      const x = saw(t, -rate(16), cloud.x / 100) * 140 - 20;
      const y = H * (0.1 + cloud.y * 0.25);
      for (let i = 0; i < 3; i++) disc(g, x + i * 6, y, 5 + (i % 2) * 3, fade(hues.light, 0.22), 3.2);
    }
    for (let i = 0; i < 9; i++) {
      const x = saw(t, -town, i / 9) * 130 - 15;
      block(g, x, track - 13 - (i % 3) * 6, 13, 30, hues.far, 2);
    }
    block(g, 0, track, 100, H - track, hues.mid);
    for (let lane = 0; lane < 5; lane++) {
      const y = track + 3 + lane * lane * 2.4 + lane * 4;
      block(g, 0, y, 100, 0.7 + lane * 0.25, fade(hues.light, 0.35));
      for (let i = 0; i < 3; i++) block(g, saw(t, -scrolls[lane], i / 3) * 140 - 20, y + 1.6, 9, 0.5, hues.near);
    }
    const a = wave(t, step) * stride;
    const b = wave(t, step, 0.25) * stride;
    disc(g, 48, track + 19, 15 + 2 * b, fade("#000000", 0.35), 2.6);
    person(g, 48, track - 8 - Math.abs(b) * 3.4, 1.05, hues.light, {
      lean: 0.26,
      arms: [[-0.9 * a, 1.5], [0.9 * a, 1.5]],
      legs: [[0.95 * a + 0.15, -0.75 + 0.6 * b], [-0.95 * a + 0.15, -0.75 - 0.6 * b]],
    });
    g.strokeStyle = hues.pop;
    g.lineWidth = 1.1;
    g.beginPath();
    for (let x = 0; x <= 100; x += 1) {
      const at = saw(t, -rate(1.6), x / 60);
      g.lineTo(x, H * 0.15 - 8 * Math.exp(-(((at - 0.5) * 26) ** 2)) + 4 * Math.exp(-(((at - 0.57) * 30) ** 2)));
    }
    g.stroke();
    ring(g, 48, track - 20, 38 + wave(t, step), 0.4, fade(hues.light, 0.25));
  };
}
