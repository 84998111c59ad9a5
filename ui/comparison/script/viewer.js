/* ------------------------------------------------------------------- viewer */

const REPORT_DELAY = 300;
// After a click elsewhere, which may be leaving the page: a report would call it back.
const CLICK_DELAY = 1500;
const BLINK_DELAY = 400;
const PLAY_DELAY = 250;

class Viewer {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.stage = this.find(".stage");
    this.panels = makePanels(this.find("[data-panel=pattern]"));
    this.playing = false;
    this.holding = false;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.blink = { place: 0, running: !this.calm };
    this.pointers = new Map();
    this.stop = new AbortController();
    this.resizing = new ResizeObserver(() => this.layOutSoon());
    this.resizing.observe(root);
    connectControls(this);
    connectCourse(this);
    connectPointer(this);
    connectKeys(this);
    this.listen(window, "resize", () => this.layOutSoon());
    this.listen(document, "pointerdown", (event) => this.giveWay(event), { capture: true });
    for (const type of ["pointerleave", "focusout"]) this.listen(root, type, (event) => this.tellNow(event));
    this.blinker = setInterval(() => this.blinkOn(), BLINK_DELAY);
  }

  listen(target, type, action, options = {}) {
    target.addEventListener(type, action, { ...options, signal: this.stop.signal });
  }

  close() {
    this.stop.abort();
    this.resizing.disconnect();
    clearInterval(this.blinker);
    clearInterval(this.player);
    clearTimeout(this.reporting);
    cancelAnimationFrame(this.painting);
    cancelAnimationFrame(this.layingOut);
  }

  /* ---------------------------------------------------------------- pictures */

  /** Take what Python sent. A rerun sends the same again, then only the theme may have changed. */
  async load(bytes, setStateValue) {
    this.setStateValue = setStateValue;
    const { header, part } = unpack(bytes);
    if (header.fingerprint !== this.fingerprint) {
      this.fingerprint = header.fingerprint;
      await this.take(header, part);
    } else if (header.view.order !== this.order && this.comparison) {
      this.obey(header.view);
      this.goTo(this.frame);
    }
    this.layOut();
    if (this.comparison) await fetchMaps(this);
  }

  /**
   * Show the view that the address orders; it outranks all that was shown before. Where the order
   * is what was told last, what was changed since is newer than it, but for the snapshot.
   */
  obey({ order, ...view }) {
    const known = this.told !== undefined && sameLook(this.told, view);
    this.order = order;
    this.state = known ? { ...this.state, frame: view.frame } : view;
    this.frame = this.frameOf(view.frame);
    if (!known) this.blink = { place: this.placeOf(view.still), running: !view.still && !this.calm };
    this.told = toldView({ ...view, frame: this.report().frame });
  }

  /** Show another run as soon as its pictures are decoded; until then the old one stays. */
  async take(header, part) {
    const comparison = new Pictures(header, part);
    const last = header.frames.length - 1;
    // The same run again has got other runs beside it: what is looked at stays.
    const same = this.comparison?.header.key === header.key && header.view.order === this.order;
    const asked = header.view.frame;
    const frame = same ? Math.min(this.frame, last) : placeOfFrame(header.frames, asked);
    const original = await comparison.picture(header.original);
    const [shown] = await Promise.all([
      comparison.shownFrame(frame),
      comparison.loadMasks(),
      comparison.loadBeside(),
    ]);
    if (this.fingerprint !== header.fingerprint) return;
    this.play(false);
    Object.assign(this, { comparison, original, frame });
    this.present(shown);
    if (!same) this.obey(header.view);
    const { still } = this.state;
    this.blink.place = still ? this.placeOf(still) : Math.min(this.blink.place, this.sources().length - 1);
    showCourse(this);
    offerPartners(this);
    offerDetectors(this);
    this.find(".fault").hidden = true;
  }

  frameOf(index) {
    return placeOfFrame(this.comparison.header.frames, index);
  }

  /** Show a snapshot; when several are asked for quickly, the last one wins. */
  async goTo(frame) {
    const { comparison } = this;
    this.frame = clamp(frame, 0, comparison.header.frames.length - 1);
    this.show();
    const shown = await comparison.shownFrame(this.frame);
    if (this.comparison !== comparison || shown.frame !== this.frame) return;
    this.present(shown);
    this.show();
  }

  present({ picture, after, frame }) {
    Object.assign(this, { picture, after, shownFrame: frame });
  }

  get looks() {
    return this.comparison.header.looks;
  }

  get step() {
    return this.comparison.header.frames[this.frame];
  }

  get view() {
    const { x, y, zoom } = this.state;
    return { x, y, zoom };
  }

  /** Return the factor of the differences: the chosen one, or the automatic one. */
  get factor() {
    const { times, difference, channel } = this.state;
    return times || this.comparison.header.automatic[difference === "perceptual" ? difference : channel];
  }

  /** Return all pictures but the differences, each with the outlines that belong to it. */
  sources() {
    const { masks, beside, header } = this.comparison;
    const shown = header.frames[this.shownFrame ?? this.frame];
    const own = { ...masks, after: this.after };
    const caption = `${beside.length ? `run ${header.key}` : "adversarial"}, ${shown.label}`;
    const told = (key, text) => ({ key, caption: suspicionCaption(this, key, text), map: mapOf(this, key), masks: own });
    return [
      { ...told("original", "original"), name: "original", picture: this.original },
      { ...told("run", caption), name: "this run", picture: this.picture },
      ...beside.map(({ key, label, picture, after, target }) => ({
        ...{ key, name: `run ${key}`, caption: label, picture },
        masks: { ...masks, target, after },
      })),
    ];
  }

  source(key, otherwise) {
    const all = this.sources();
    return all.find((source) => source.key === key) ?? all[otherwise];
  }

  placeOf(key) {
    return Math.max(0, this.sources().findIndex((source) => source.key === key));
  }

  /** Return what a panel shows: one source, or the two of the slider. */
  shown(panel) {
    const { mode, left, right } = this.state;
    if (panel.shows === "original") return [this.source("original", 0)];
    if (panel.shows !== "single") return [this.sources()[panel.run + 1]];
    if (mode === "blink") return [this.sources()[this.blink.place]];
    return [this.source(left, 0), this.source(right, 1)];
  }

  /* ------------------------------------------------------------------- change */

  /** Take a change of the settings by the user. */
  change(part) {
    Object.assign(this.state, part);
    this.show();
  }

  toggleOverlay(name) {
    const chosen = new Set(this.state.overlays);
    if (!chosen.delete(name)) chosen.add(name);
    this.change({ overlays: MASKS.filter((mask) => chosen.has(mask)) });
  }

  setMode(mode) {
    this.state.mode = mode;
    this.layOut();
  }

  zoomBy(factor, panel = this.visible()[0], px = panel.width / 2, py = panel.height / 2) {
    this.change(zoomedAt(this.view, factor, px, py, panel, this.original));
  }

  panBy(dx, dy, panel) {
    const { scale } = placement(this.view, panel, this.original);
    const moved = {
      x: this.state.x - dx / scale / this.original.width,
      y: this.state.y - dy / scale / this.original.height,
      zoom: this.state.zoom,
    };
    this.change(held(moved, panel, this.original));
  }

  /** Let the wheel zoom, or give it back to the page. */
  hold(on) {
    this.holding = on;
    this.root.toggleAttribute("data-holding", on);
  }

  play(on) {
    clearInterval(this.player);
    this.playing = on;
    if (!on) return;
    const course = this.comparison.course;
    if (this.frame === course.at(-1)) this.goTo(course[0]);
    this.player = setInterval(() => {
      if (this.frame === course.at(-1)) this.play(false);
      else if (this.shownFrame === this.frame) this.goTo(neighbour(this, 1));
      this.show();
    }, PLAY_DELAY);
  }

  blinkOn() {
    if (this.state?.mode !== "blink" || !this.blink.running || !this.picture) return;
    this.turn();
    this.draw();
  }

  turn() {
    this.blink.place = (this.blink.place + 1) % this.sources().length;
  }

  /* --------------------------------------------------------------------- show */

  visible() {
    return this.panels.filter(({ element }) => !element.hidden);
  }

  belongs(panel, mode) {
    if (panel.run > this.comparison.beside.length) return false;
    return (panel.shows === "single") !== (mode === "side");
  }

  layOutSoon() {
    cancelAnimationFrame(this.layingOut);
    this.layingOut = requestAnimationFrame(() => this.layOut());
  }

  /** Choose the grid in which the pictures are largest in the window. */
  layOut() {
    if (!this.comparison) return;
    const { mode } = this.state;
    const runs = 1 + this.comparison.beside.length;
    for (const panel of this.panels) panel.element.hidden = !this.belongs(panel, mode);
    this.root.dataset.mode = mode;
    const room = roomOf(this.root, this.stage);
    const grid = mode === "side" ? bestGrid(runs, room, this.original) : { columns: 1, height: room.height };
    this.stage.style.gridTemplateColumns = `repeat(${grid.columns}, minmax(0, 1fr))`;
    this.stage.style.gridAutoRows = `${Math.floor(grid.height)}px`;
    for (const panel of this.visible()) {
      const [column, row] = mode === "side" ? cell(panel, grid.columns, runs) : ["auto", "auto"];
      Object.assign(panel.element.style, { gridColumn: column, gridRow: row });
      measure(panel);
    }
    this.show();
  }

  /** Bring controls, pictures and page up to date; many calls cost one painting. */
  show() {
    if (!this.comparison) return;
    this.draw();
    this.tellAfter(REPORT_DELAY);
  }

  draw() {
    showControls(this);
    cancelAnimationFrame(this.painting);
    this.painting = requestAnimationFrame(() => this.paint());
  }

  paint() {
    if (!this.picture) return;
    this.zero = readColour(getComputedStyle(this.root).backgroundColor);
    for (const panel of this.visible()) {
      measure(panel);
      if (panel.shows === "difference") updateDifference(this, panel);
      else showMapScale(this, panel);
      paintPanel(this, panel);
    }
    showReadout(this);
    publish(this);
  }

  /* --------------------------------------------------------------------- tell */

  /** Tell at once when the user turns away: a rerun just after a click elsewhere can swallow it. */
  tellNow(event) {
    if (!this.comparison || this.root.contains(event.relatedTarget)) return;
    clearTimeout(this.reporting);
    this.tell();
  }

  /** Let a click elsewhere be answered first; if it leaves the page, nothing is told. */
  giveWay(event) {
    if (!this.comparison || event.composedPath().includes(this.root)) return;
    this.hold(false);
    this.tellAfter(CLICK_DELAY);
  }

  tellAfter(delay) {
    clearTimeout(this.reporting);
    this.reporting = setTimeout(() => this.tell(), delay);
  }

  report() {
    const { frames } = this.comparison.header;
    const frame = this.frame === frames.length - 1 ? null : frames[this.frame].index;
    return toldView({ ...this.state, frame });
  }

  /** Tell the page what it may put into the address, only when that changed. */
  tell() {
    if (this.playing) return;
    const report = this.report();
    if (JSON.stringify(report) === JSON.stringify(this.told)) return;
    this.told = report;
    reportOf(this.root, () => this.setStateValue("view", { ...report, order: this.order }));
  }
}

/** Return the place of the last snapshot up to the one that is asked for; the result's for none. */
function placeOfFrame(frames, index) {
  const found = index === null ? -1 : frames.findLastIndex((frame) => frame.index <= index);
  return found < 0 ? frames.length - 1 : found;
}
