// Beyond: planets and a comet, for science.

import { TAU, block, disc, fade, glow, saw, scatter, sky, wave } from "./draw.js";

export function orbit({ rand, rate, hues }) {
  const stars = scatter(rand, 90);
  const tilt = -0.35 + rand() * 0.25;
  const tones = [hues.pop, hues.low, hues.far, hues.light, "#7bdff2"];
  const planets = [17, 26, 36, 48].map((r, nth) => (
    { r, nth, size: 1.8 + rand() * 2.6, tone: tones[(nth + 1) % 5], from: rand(), speed: rate(5 + nth * 4) }));
  const ringed = 1 + Math.floor(rand() * 3);
  const [comet, twinkle, breath] = [rate(9), rate(2.4), rate(4)];
  return (g, H, t) => {
    const y = H * 0.42;
    sky(g, H, hues.top, hues.near);
    glow(g, 12, H * 0.2, 55, hues.far, 0.5);
    glow(g, 92, H * 0.75, 60, hues.mid, 0.8);
    for (const { x, y: at, r } of stars) {
      disc(g, x, at * H, 0.2 + r * 0.5, fade(hues.light, 0.45 + 0.4 * wave(t, twinkle, r)));
    }
    const d = saw(t, comet);
    for (let i = 0; i < 12; i++) {
      disc(g, 115 - 150 * d + i * 2, H * 0.08 + 40 * d - i * 0.55, 1.3 - i * 0.1, fade(hues.light, 0.8 - i * 0.065));
    }
    g.save();
    g.translate(50, y);
    g.rotate(tilt);
    const placed = planets.map((one) => ({ ...one, a: TAU * saw(t, one.speed, one.from) }));
    for (const { r } of placed) {
      g.strokeStyle = fade(hues.light, 0.16);
      g.lineWidth = 0.3;
      g.beginPath();
      g.ellipse(0, 0, r, r * 0.42, 0, 0, TAU);
      g.stroke();
    }
    const draw = (one) => planet(g, one, one.nth === ringed, hues);
    placed.filter((one) => Math.sin(one.a) < 0).forEach(draw);
    glow(g, 0, 0, 30 + 2 * wave(t, breath), hues.pop, 0.75);
    disc(g, 0, 0, 8.5, hues.light);
    disc(g, 0, 0, 7.6, hues.pop);
    placed.filter((one) => Math.sin(one.a) >= 0).forEach(draw);
    g.restore();
  };
}

function planet(g, { r, a, size, tone }, ringed, hues) {
  const [x, y] = [Math.cos(a) * r, Math.sin(a) * r * 0.42];
  const s = size * (1 + 0.25 * Math.sin(a)) * 1.5;
  disc(g, x, y, s, tone);
  g.save();
  g.beginPath();
  g.arc(x, y, s, 0, TAU);
  g.clip();
  block(g, x - s, y - s * 0.2, s * 2, s * 0.3, fade("#ffffff", 0.25));
  disc(g, x + Math.cos(a) * s * 0.7, y + Math.sin(a) * s * 0.7, s, fade("#000000", 0.35));
  g.restore();
  if (!ringed) return;
  g.strokeStyle = fade(hues.light, 0.8);
  g.lineWidth = 0.7;
  g.beginPath();
  g.ellipse(x, y, s * 1.9, s * 0.6, 0.3, -0.35, Math.PI + 0.35);
  g.stroke();
}
