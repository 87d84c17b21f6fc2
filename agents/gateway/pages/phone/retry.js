// Trying again: how long to wait after a call that failed. Ever longer, never all pages at once, and never before the
// gateway said.

export class Retry {
  constructor(first_ms, slowest_ms) {
    this.first_ms = first_ms;
    this.slowest_ms = slowest_ms;
    this.failures = 0;
    this.until_ms = -Infinity; // before this the gateway asked not to come again
  }

  /** A call failed: how long to wait, in milliseconds. */
  after(error) {
    this.failures += 1;
    const pause_ms = Math.min(this.slowest_ms, this.first_ms * 2 ** this.failures) * (0.75 + Math.random() / 2);
    const told_ms = (error?.retry_s ?? 0) * 1_000;
    this.until_ms = performance.now() + told_ms;
    return Math.max(told_ms, pause_ms);
  }

  /** How long the gateway still asks to wait; 0 where a call may be made now. */
  get told_ms() {
    return Math.max(0, this.until_ms - performance.now());
  }

  worked() {
    this.failures = 0;
    this.until_ms = -Infinity;
  }
}
