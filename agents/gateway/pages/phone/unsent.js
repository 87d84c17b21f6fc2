// Unsent events, written down in the browser, so that they outlive the page, its crash, and a day without a line. All
// tabs share what is written: each adds its own and strikes out what was delivered.

const PLACE = "feedstream.unsent";

/** So many are kept, about a megabyte: some hours of watching. */
export const KEPT = 2_000;

/** What is written down. */
export function unsent() {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE));
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/** Write down what waits beside what other tabs wrote. */
export function keep(waiting) {
  const mine = new Set(waiting.map((event) => event.event_id));
  write([...unsent().filter((event) => !mine.has(event.event_id)), ...waiting]);
}

/** Strike out what need not be sent any more. */
export function strike(ids) {
  if (localStorage.getItem(PLACE) !== null) write(unsent().filter((event) => !ids.has(event.event_id)));
}

export const burn = () => localStorage.removeItem(PLACE);

/**
 * As much of it as is kept: what a later report of the same watching says goes first, since it says it too; then the
 * oldest.
 */
export function latest(events) {
  if (events.length <= KEPT) return events;
  const last = new Map(events.filter(repeats).map((event) => [event.impression_id, event.event_id]));
  const needed = events.filter((event) => !repeats(event) || last.get(event.impression_id) === event.event_id);
  return needed.slice(-KEPT);
}

const repeats = ({ type, impression_id }) => type === "watch" && impression_id !== undefined;

function write(events) {
  const kept = latest(events);
  try {
    if (kept.length) localStorage.setItem(PLACE, JSON.stringify(kept));
    else burn();
  } catch {
    // a full store loses nothing that still waits in memory
  }
}
