// What is followed all the time: the latest look, and the curves of the last hour.

import { path } from "../phone/api.js";
import { lowerBound } from "./scale.js";

const HOUR_MS = 3_600_000;

/** Curves by name at common times, as they were read so far. */
class History {
  times = [];
  series = new Map();
  span_ms = 900_000;

  /** Add what came since: curves that are new, or have gaps, are filled up with null. */
  add({ at_ms, series }) {
    const before = this.times.length;
    this.times.push(...at_ms);
    for (const name of Object.keys(series)) {
      if (!this.series.has(name)) this.series.set(name, Array(before).fill(null));
    }
    const none = Array(at_ms.length).fill(null);
    for (const [name, values] of this.series) values.push(...(series[name] ?? none));
    const old = lowerBound(this.times, (this.times.at(-1) ?? 0) - HOUR_MS);
    if (!old) return;
    this.times.splice(0, old);
    for (const values of this.series.values()) values.splice(0, old);
  }

  /** Curves whose name begins with `prefix`, each with the sum of what it shows in the span. */
  curves(prefix) {
    const from = lowerBound(this.times, this.span()[0]);
    return [...this.series].filter(([name]) => name.startsWith(prefix)).map(([name, values]) => {
      let sum = 0;
      for (let at = from; at < values.length; at += 1) sum += values[at] ?? 0;
      return { name: name.slice(prefix.length).replace("_", " "), values, sum };
    });
  }

  /** From when to when curves are shown: the latest span, or as much of it as there is. */
  span() {
    const to = this.times.at(-1) ?? Date.now();
    return [Math.max(to - this.span_ms, Math.min(this.times[0] ?? to, to - 60_000)), to];
  }
}

/** Reads what is followed, once at a time; `error` says why it could not. */
export class Live extends EventTarget {
  now = null;
  error = null;
  history = new History();

  constructor(api) {
    super();
    this.api = api;
  }

  async read() {
    if (this.busy) return;
    this.busy = true;
    try {
      const query = { after_ms: this.history.times.at(-1) ?? 0 };
      const [now, curves] = await Promise.all([
        this.api.get(path("operate", "now")), this.api.get(path("operate", "history"), query),
      ]);
      this.now = now;
      this.history.add(curves);
      this.error = null;
    } catch (error) {
      this.error = error;
    }
    this.busy = false;
    this.dispatchEvent(new Event("change"));
  }
}
