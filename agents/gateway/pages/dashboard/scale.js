// Scales: what of thousands of points a curve shows in so many columns, and where round numbers stand on an axis.

/**
 * A curve of any length as at most `columns` columns, each [column, first, least, greatest, last] of the points that
 * fall into it: nothing that sticks out is lost, however many points there are. A null in `values` is a gap: null.
 */
export function columnsOf(times, values, from, to, columns) {
  const made = [];
  const wide = Math.max(1, to - from);
  let column = null;
  for (let at = lowerBound(times, from); at < times.length && times[at] <= to; at += 1) {
    const value = values[at];
    if (value === null || value === undefined) {
      if (column) made.push(null);
      column = null;
      continue;
    }
    const place = Math.min(columns - 1, Math.floor(((times[at] - from) / wide) * columns));
    if (column?.[0] === place) {
      column[2] = Math.min(column[2], value);
      column[3] = Math.max(column[3], value);
      column[4] = value;
    } else {
      column = [place, value, value, value, value];
      made.push(column);
    }
  }
  return made;
}

/** The first place in ascending `times` that is not before `time`. */
export function lowerBound(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place in `times` that is nearest to `time`; -1 where there is none. */
export function nearest(times, time) {
  const after = Math.min(lowerBound(times, time), times.length - 1);
  return after > 0 && time - times[after - 1] < times[after] - time ? after - 1 : after;
}

/** Round numbers from 0 on, about `wanted` of them, the last at or above `most`. */
export function ticks(most, wanted = 3) {
  const rough = (most > 0 ? most : 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
  const made = [0];
  while (made.at(-1) < most || made.length < 2) made.push(made.length * step);
  return made;
}

const SPANS_MS = [5_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000];

/** Round moments between two, at most `wanted` of them. */
export function moments(from, to, wanted) {
  const step = SPANS_MS.find((one) => (to - from) / one <= wanted) ?? SPANS_MS.at(-1);
  const made = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) made.push(at);
  return made;
}
