// Words: numbers, times and shares as people read them.

import { compact } from "../phone/dom.js";

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const NONE = "–";
/** How a time that is to come, goes on or is over is marked. */
export const STATES = { running: "good", "to come": "", over: "warn" };
const told = (value) => value !== null && value !== undefined && Number.isFinite(value);

/** 1,234, and 12.3M where more digits say nothing. */
export function count(value) {
  if (!told(value)) return NONE;
  return Math.abs(value) < 1e6 ? WHOLE.format(value) : compact(value);
}

/** So many a second: small ones with a digit behind the point. */
export function rate(value) {
  if (!told(value)) return NONE;
  return value > 0 && value < 99.95 ? value.toFixed(value < 0.095 ? 2 : 1) : count(value);
}

/** A share of 1 in per cent. */
export function percent(value) {
  if (!told(value)) return NONE;
  const hundred = value * 100;
  return `${hundred > 0 && hundred < 9.95 ? hundred.toFixed(1) : Math.round(hundred)} %`;
}

export const part = (some, all) => (all > 0 ? some / all : null);

export function seconds(value) {
  if (!told(value)) return NONE;
  if (value < 1) return `${Math.round(value * 1_000)} ms`;
  return value < 100 ? `${value.toFixed(1)} s` : `${count(value)} s`;
}

export function bytes(value) {
  if (!told(value)) return NONE;
  return value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

/** Three digits that count: for losses and scores. */
export const digits = (value) => (told(value) ? Number(value.toPrecision(3)).toString() : NONE);

export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");

/** A moment: the time alone on the same day, else the date too. */
export function moment(ms) {
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  return today ? clock(ms) : date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

export function ago(ms, now = Date.now()) {
  const passed_s = Math.max(0, (now - ms) / 1_000);
  if (passed_s < 60) return `${Math.round(passed_s)} s ago`;
  if (passed_s < 3_600) return `${Math.round(passed_s / 60)} min ago`;
  return passed_s < 172_800 ? `${Math.round(passed_s / 3_600)} h ago` : `${Math.round(passed_s / 86_400)} days ago`;
}

/** As short as a label below a curve. */
export const axis = (value) => (value >= 1_000 ? compact(value) : Number(value.toPrecision(3)).toString());
