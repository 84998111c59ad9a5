/** Counts the seconds in which the page is in sight. */
class Clock {
  constructor() {
    this.counted = 0;
    this.since = document.hidden ? null : performance.now();
  }

  look() {
    if (this.since !== null) this.counted += performance.now() - this.since;
    this.since = document.hidden ? null : performance.now();
  }

  seconds() {
    this.look();
    return this.counted / 1000;
  }
}
