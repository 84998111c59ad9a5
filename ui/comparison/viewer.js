// The comparison viewer. Sections: difference, state, pictures, painting, pointer,
// keyboard, controls, and the entry point that Streamlit calls. ui/pictures/pictures.js stands
// before it: pictures, masks, zoom and pan.
// All texts reach the page through textContent; nothing is fetched.

// What they are called; how they look is in the payload's header.
const MASKS = ["truth", "before", "target", "after"];

/* --------------------------------------------------------------- difference */

function parseHex(text) {
  return [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
}

/** Return the colour at `t` in [0, 1] on the straight lines between (place, [r, g, b]) stops. */
function interpolate(stops, t) {
  const next = Math.max(1, stops.findIndex(([place]) => place >= t));
  const [[from, a], [to, b]] = [stops[next - 1], stops[next]];
  const share = (t - from) / (to - from);
  return a.map((value, i) => Math.round(value + (b[i] - value) * share));
}

function signedColour({ light, dark, middle }, t, zero) {
  const onDark = 0.2126 * zero[0] + 0.7152 * zero[1] + 0.0722 * zero[2] < 128;
  const [half, end] = (onDark ? dark : light)[t < 0 ? "negative" : "positive"].map(parseHex);
  return interpolate([[0, zero], [middle, half], [1, end]], Math.abs(t));
}

function absoluteColour({ magnitude }, t) {
  return interpolate(magnitude.map((hex, i) => [i / (magnitude.length - 1), parseHex(hex)]), t);
}

/** Return the colour of a difference `t` in [-1, 1]. */
function differenceColour(look, t, signed, zero) {
  return signed ? signedColour(look, t, zero) : absoluteColour(look, Math.abs(t));
}

/**
 * Return the difference of every pixel in 8-bit units: of one channel, or of the one that changed
 * most, as in asma_core/runs/difference.py; a mean would cancel what goes up in one and down in
 * another.
 */
function differences(original, adversarial, channel) {
  const [a, b] = [original.pixels, adversarial.pixels];
  const out = new Int16Array(original.width * original.height);
  const only = { red: 0, green: 1, blue: 2 }[channel];
  for (let i = 0, p = 0; i < out.length; i += 1, p += 4) {
    if (only !== undefined) out[i] = b[p + only] - a[p + only];
    else out[i] = largest(b[p] - a[p], b[p + 1] - a[p + 1], b[p + 2] - a[p + 2]);
  }
  return out;
}

function largest(red, green, blue) {
  const most = Math.abs(green) > Math.abs(red) ? green : red;
  return Math.abs(blue) > Math.abs(most) ? blue : most;
}

const TABLE_ZERO = 255;

/** Return the RGBA colour of every possible value of `differences`, as 32-bit words. */
function colourTable(look, amplification, signed, zero) {
  const bytes = new Uint8ClampedArray(4 * (2 * TABLE_ZERO + 1)).fill(255);
  for (let value = -TABLE_ZERO; value <= TABLE_ZERO; value += 1) {
    const t = Math.max(-1, Math.min(1, value * (amplification / 255)));
    bytes.set(differenceColour(look, t, signed, zero), 4 * (value + TABLE_ZERO));
  }
  return new Uint32Array(bytes.buffer);
}

function paintDifference(canvas, values, table) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i += 1) words[i] = table[values[i] + TABLE_ZERO];
  context.putImageData(image, 0, 0);
}

/* -------------------------------------------------------------------- state */

const MEMORY = "asma.comparison";
const MODES = ["side", "slider", "blink"];
const FACTORS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100];
const DEFAULTS = {
  mode: "side",
  amplification: 20,
  signed: true,
  channel: "largest",
  overlays: ["before", "target", "after"],
  fill: false,
  opacity: 1,
  divider: 0.5,
  view: WHOLE,
};

const isShare = (value) => Number.isFinite(value) && value >= 0 && value <= 1;
const VALID = {
  mode: (value) => MODES.includes(value),
  amplification: (value) => Number.isInteger(value) && value >= 1 && value <= 100,
  signed: (value) => typeof value === "boolean",
  channel: (value) => ["largest", "red", "green", "blue"].includes(value),
  overlays: (value) => Array.isArray(value) && value.every((name) => MASKS.includes(name)),
  fill: (value) => typeof value === "boolean",
  opacity: isShare,
  divider: isShare,
  view: (value) => isShare(value?.x) && isShare(value?.y) && Number.isFinite(value.zoom) && value.zoom >= 1,
};

const usable = (state) =>
  Object.fromEntries(Object.entries(state).filter(([name, value]) => VALID[name]?.(value)));

/** Return what this tab remembers; a browser may forbid storage, then the view starts anew. */
function recall() {
  try {
    return usable(JSON.parse(sessionStorage.getItem(MEMORY)) ?? {});
  } catch (error) {
    console.info("the comparison viewer starts with its defaults:", error.message);
    return {};
  }
}

function keep(state) {
  try {
    sessionStorage.setItem(MEMORY, JSON.stringify(state));
  } catch (error) {
    console.info("the comparison viewer can't remember its view:", error.message);
  }
}

/* ------------------------------------------------------------------- viewer */

const CACHED_BYTES = 96 * 2 ** 20;
const REPORT_DELAY = 300;
// After a click elsewhere, which may be leaving the page: a report would call it back.
const CLICK_DELAY = 1500;
const BLINK_DELAY = 300;
const PLAY_DELAY = 250;

class Viewer {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.stage = this.find(".stage");
    this.panels = [...root.querySelectorAll(".panel")].map((element) => newPanel(element));
    this.state = { ...DEFAULTS, ...recall() };
    this.frame = 0;
    this.playing = false;
    this.blink = { second: false, running: !matchMedia("(prefers-reduced-motion: reduce)").matches };
    this.pointers = new Map();
    this.stop = new AbortController();
    this.resizing = new ResizeObserver(() => this.layOut());
    this.resizing.observe(this.stage);
    this.resizing.observe(root);
    connectControls(this);
    connectPointer(this);
    connectKeyboard(this);
    this.listen(window, "pagehide", () => keep(this.state));
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
    keep(this.state);
  }

  /* ---------------------------------------------------------------- pictures */

  /** Take what Python sent. A rerun sends the same again, then only the theme may have changed. */
  async load(bytes, setStateValue) {
    this.setStateValue = setStateValue;
    const { header, part } = unpack(bytes);
    this.maxHeight = header.height;
    const fresh = header.fingerprint !== this.fingerprint;
    const first = this.fingerprint === undefined;
    this.fingerprint = header.fingerprint;
    if (first) this.begin(header);
    if (fresh) await this.take(header, part, first ? header.view.frame : undefined);
    else this.layOut();
    this.show();
  }

  /** Start with what the page asks for; what Python thinks is on show is then known too. */
  begin(header) {
    const asked = usable(header.view);
    Object.assign(this.state, asked);
    const last = header.frame_count - 1;
    const frame = Math.min(header.view.frame ?? last, last);
    this.visit = 0;
    this.reported = JSON.stringify(this.report({ ...DEFAULTS, ...asked }, frame));
  }

  /** Count another run; the page knows by itself that it starts at its result. */
  visitNext(header) {
    this.visit += 1;
    if (this.visit === 1) return;
    const known = { ...JSON.parse(this.reported), frame: header.frames.at(-1).index };
    this.reported = JSON.stringify(known);
  }

  /** Show another run as soon as its pictures are decoded; until then the old one stays. */
  async take(header, part, askedIndex) {
    const comparison = new Pictures(header, part);
    const last = header.frames.length - 1;
    const asked = header.frames.findLastIndex(({ index }) => index <= askedIndex);
    // The same run again has got other runs beside it: what is looked at stays.
    const same = this.comparison?.header.key === header.key;
    const frame = same ? Math.min(this.frame, last) : asked < 0 ? last : asked;
    const original = await comparison.picture(header.original);
    const [shown] = await Promise.all([
      comparison.shownFrame(frame),
      comparison.loadMasks(),
      comparison.loadBeside(),
    ]);
    if (this.fingerprint !== header.fingerprint) return;
    this.play(false);
    if (!same) this.visitNext(header);
    Object.assign(this, { comparison, original, frame });
    offerAgainst(this);
    this.present(shown);
    this.find(".fault").hidden = true;
    this.layOut();
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
    Object.assign(this, { picture, after, shownFrame: frame, differenceKey: undefined });
  }

  get looks() {
    return this.comparison.header.looks;
  }

  get step() {
    return this.comparison.header.frames[this.frame];
  }

  /** Return the masks that a panel outlines: another run has its own target and result. */
  masks(panel) {
    const { masks } = this.comparison;
    const beside = panel?.kind === "beside" ? this.besideOf(panel) : null;
    return beside ? { ...masks, target: beside.target, after: beside.after } : { ...masks, after: this.after };
  }

  besideOf(panel) {
    return this.comparison.beside[panel.place];
  }

  /** Return the bitmap that slider and blink hold the adversarial image against. */
  get against() {
    return (this.comparison.beside.find(({ key }) => key === this.againstKey)?.picture ?? this.original).bitmap;
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
    if (mode !== this.state.mode) this.blink.second = false;
    this.state.mode = mode;
    this.layOut();
    this.show();
  }

  zoomBy(factor, panel = this.visible()[0], px = panel.width / 2, py = panel.height / 2) {
    this.change({ view: zoomedAt(this.state.view, factor, px, py, panel, this.original) });
  }

  panBy(dx, dy, panel) {
    const { view } = this.state;
    const { scale } = placement(view, panel, this.original);
    const moved = {
      x: view.x - dx / scale / this.original.width,
      y: view.y - dy / scale / this.original.height,
      zoom: view.zoom,
    };
    this.change({ view: held(moved, panel, this.original) });
  }

  play(on) {
    clearInterval(this.player);
    this.playing = on;
    if (!on) return;
    const last = this.comparison.header.frames.length - 1;
    if (this.frame === last) this.goTo(0);
    this.player = setInterval(() => {
      if (this.frame === last) this.play(false);
      else if (this.shownFrame === this.frame) this.goTo(this.frame + 1);
      this.show();
    }, PLAY_DELAY);
  }

  blinkOn() {
    if (this.state.mode !== "blink" || !this.blink.running || !this.picture) return;
    this.blink.second = !this.blink.second;
    this.show();
  }

  /* --------------------------------------------------------------------- show */

  visible() {
    return this.panels.filter(({ element }) => !element.hidden);
  }

  belongs(panel, mode) {
    if (panel.kind === "beside" && !this.besideOf(panel)) return false;
    return (panel.kind === "single") !== (mode === "side");
  }

  /** Give the stage its height: as much as the picture needs, at most what the page grants. */
  layOut() {
    if (!this.original) return;
    const { mode } = this.state;
    for (const panel of this.panels) panel.element.hidden = !this.belongs(panel, mode);
    this.root.dataset.mode = mode;
    this.root.dataset.beside = String(this.comparison.beside.length > 0);
    // The panels' widths do not depend on the height, so they can be read before it is set.
    const panel = this.visible()[0].element;
    const borders = panel.offsetHeight - panel.clientHeight;
    const tall = Math.ceil((panel.clientWidth * this.original.height) / this.original.width) + borders;
    const height = clamp(tall, Math.min(200, this.maxHeight), this.maxHeight);
    this.root.style.setProperty("--stage-height", `${height}px`);
    for (const panel of this.visible()) measure(panel);
    this.show();
  }

  /** Bring controls, pictures, memory and page up to date; many calls cost one painting. */
  show() {
    if (!this.comparison) return;
    showControls(this);
    cancelAnimationFrame(this.painting);
    this.painting = requestAnimationFrame(() => this.paint());
    this.tellAfter(REPORT_DELAY);
  }

  /** Tell at once when the user turns away: a rerun just after a click elsewhere can swallow it. */
  tellNow(event) {
    if (!this.comparison || this.root.contains(event.relatedTarget)) return;
    clearTimeout(this.reporting);
    this.tell();
  }

  /** Let a click elsewhere be answered first; if it leaves the page, nothing is told. */
  giveWay(event) {
    if (!this.comparison || event.composedPath().includes(this.root)) return;
    this.tellAfter(CLICK_DELAY);
  }

  tellAfter(delay) {
    clearTimeout(this.reporting);
    this.reporting = setTimeout(() => this.tell(), delay);
  }

  report(state, frame) {
    const { mode, amplification, signed, channel, overlays } = state;
    return { mode, frame, amplification, signed, channel, overlays };
  }

  /** Tell the page what it may put into the address, only when that changed. */
  tell() {
    keep(this.state);
    if (this.playing) return;
    const report = this.report(this.state, this.step.index);
    const text = JSON.stringify(report);
    if (text === this.reported) return;
    this.reported = text;
    this.setStateValue("view", { ...report, visit: this.visit });
  }

  paint() {
    if (!this.picture) return;
    this.zero = readColour(getComputedStyle(this.root).backgroundColor);
    if (this.state.mode === "side") this.updateDifference();
    for (const panel of this.visible()) {
      measure(panel);
      paintPanel(this, panel);
    }
    showReadout(this);
    publish(this);
  }

  updateDifference() {
    const { amplification, signed, channel } = this.state;
    const key = [this.fingerprint, this.shownFrame, channel].join();
    const look = [key, amplification, signed, this.zero].join();
    if (key !== this.differenceKey) {
      this.differences = differences(this.original, this.picture, channel);
      this.differenceKey = key;
      this.differenceLook = undefined;
    }
    if (look === this.differenceLook) return;
    const { width, height } = this.original;
    const size = this.difference;
    if (size?.width !== width || size?.height !== height) this.difference = new OffscreenCanvas(width, height);
    const table = colourTable(this.looks.difference, amplification, signed, this.zero);
    paintDifference(this.difference, this.differences, table);
    this.differenceLook = look;
    paintScale(this);
  }
}

/** The decoded pictures of one run; snapshots are decoded when asked for, the latest are kept. */
class Pictures {
  constructor(header, part) {
    this.header = header;
    this.part = part;
    this.frames = new Map();
    const pixels = (header.width_px * header.height_px) / header.reduced ** 2;
    this.room = Math.max(2, Math.floor(CACHED_BYTES / (8 * pixels)));
  }

  picture(place) {
    return decodePicture(this.part(place));
  }

  mask(place) {
    return place ? decodeMask(this.part(place)) : null;
  }

  async loadMasks() {
    const { truth, before, target } = this.header;
    const [a, b, c] = await Promise.all([truth, before, target].map((place) => this.mask(place)));
    this.masks = { truth: a, before: b, target: c };
  }

  async loadBeside() {
    const load = async ({ key, label, adversarial, after, target }) => {
      const places = [this.picture(adversarial), this.mask(after), this.mask(target)];
      const [picture, result, wanted] = await Promise.all(places);
      return { key, label, picture, after: result, target: wanted };
    };
    this.beside = await Promise.all(this.header.beside.map(load));
  }

  shownFrame(frame) {
    const cached = this.frames.get(frame) ?? this.decodeFrame(frame);
    this.frames.delete(frame);
    this.frames.set(frame, cached);
    if (this.frames.size > this.room) this.frames.delete(this.frames.keys().next().value);
    return cached;
  }

  async decodeFrame(frame) {
    const { adversarial, after } = this.header.frames[frame];
    const [picture, mask] = await Promise.all([this.picture(adversarial), this.mask(after)]);
    return { frame, picture, after: mask };
  }
}

/* ----------------------------------------------------------------- painting */

function newPanel(element) {
  return {
    element,
    kind: element.dataset.panel,
    place: Number(element.dataset.place ?? 0),
    canvas: element.querySelector("canvas"),
    caption: element.querySelector(".caption"),
    reduced: element.querySelector(".reduced"),
    pointer: element.querySelector(".pointer"),
    width: 1,
    height: 1,
  };
}

function paintPanel(viewer, panel) {
  const context = panel.canvas.getContext("2d");
  const { scale, left, top } = placement(viewer.state.view, panel, viewer.original);
  const size = scale * panel.ratio;
  // Whole device pixels keep enlarged picture pixels sharp; outlines take the same matrix.
  const matrix = new DOMMatrix([size, 0, 0, size, Math.round(left * panel.ratio), Math.round(top * panel.ratio)]);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, panel.canvas.width, panel.canvas.height);
  context.imageSmoothingEnabled = scale <= 2;
  context.imageSmoothingQuality = "medium";
  paintPictures(viewer, panel, context, matrix);
  paintMasks(viewer, panel, context, matrix);
}

function paintPictures(viewer, panel, context, matrix) {
  const draw = (picture, from, to) => {
    const clipped = new Path2D();
    clipped.rect(from, 0, to - from, panel.canvas.height);
    context.save();
    context.clip(clipped);
    context.setTransform(matrix);
    context.drawImage(picture, 0, 0);
    context.restore();
  };
  const { width } = panel.canvas;
  const { original, picture, state } = viewer;
  const split = Math.round(state.divider * width);
  if (panel.kind === "original") draw(original.bitmap, 0, width);
  else if (panel.kind === "adversarial") draw(picture.bitmap, 0, width);
  else if (panel.kind === "difference") draw(viewer.difference, 0, width);
  else if (panel.kind === "beside") draw(viewer.besideOf(panel).picture.bitmap, 0, width);
  else if (state.mode === "blink") draw(viewer.blink.second ? picture.bitmap : viewer.against, 0, width);
  else {
    draw(viewer.against, 0, split);
    draw(picture.bitmap, split, width);
  }
  if (panel.kind === "difference") frameDifference(viewer, panel, context, matrix);
}

/** Show where the difference ends: its zero is the page's own background. */
function frameDifference(viewer, panel, context, matrix) {
  const { width, height } = viewer.original;
  context.save();
  context.strokeStyle = getComputedStyle(panel.element).borderTopColor;
  context.lineWidth = panel.ratio;
  context.strokeRect(matrix.e - 0.5, matrix.f - 0.5, width * matrix.a + 1, height * matrix.d + 1);
  context.restore();
}

function paintMasks(viewer, panel, context, matrix) {
  const masks = viewer.masks(panel);
  const { looks } = viewer;
  const chosen = viewer.state.overlays.filter((name) => masks[name]);
  const lines = chosen.flatMap((name) =>
    masks[name].map((shape) => ({
      ...looks.roles[name],
      ...placed(shape, panel, matrix),
      dash: dashOf(looks, shape.label),
    })),
  );
  context.save();
  context.lineJoin = "round";
  context.globalAlpha = viewer.state.opacity;
  if (viewer.state.fill) for (const line of lines) fillArea(context, line, viewer.state.opacity);
  // All halos lie under all lines, or a halo would dim its neighbour.
  for (const line of lines) strokeHalo(context, line, panel.ratio);
  for (const line of lines) strokeLine(context, line, panel.ratio);
  context.restore();
}

/** Draw the difference's colours with the 8-bit differences at their ends. */
function paintScale(viewer) {
  const { signed, amplification } = viewer.state;
  const canvas = viewer.find(".scale canvas");
  canvas.width = 80;
  const context = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x += 1) {
    const share = x / (canvas.width - 1);
    const colour = differenceColour(viewer.looks.difference, signed ? 2 * share - 1 : share, signed, viewer.zero);
    context.fillStyle = `rgb(${colour.join(" ")})`;
    context.fillRect(x, 0, 1, 1);
  }
  const end = 255 / amplification;
  const text = end >= 10 ? end.toFixed(0) : end.toFixed(1);
  viewer.find(".scale .low").textContent = signed ? `\u2212${text}` : "0";
  viewer.find(".scale .high").textContent = signed ? `+${text}` : text;
}

/** Expose what is on show, for tests and for styles. */
function publish({ root, state, step, blink, shownFrame, comparison }) {
  Object.assign(root.dataset, {
    ready: "true",
    run: comparison.header.key,
    zoom: state.view.zoom.toFixed(4),
    centre: `${state.view.x.toFixed(4)},${state.view.y.toFixed(4)}`,
    frame: String(shownFrame),
    step: String(step.step),
    shown: blink.second ? "adversarial" : "original",
    blinking: String(blink.running),
    divider: state.divider.toFixed(3),
  });
}

/* ------------------------------------------------------------------ pointer */

function connectPointer(viewer) {
  for (const panel of viewer.panels) {
    const on = (type, action, options) => viewer.listen(panel.element, type, action, options);
    on("wheel", (event) => wheel(viewer, panel, event), { passive: false });
    on("pointerdown", (event) => press(viewer, panel, event));
    on("pointermove", (event) => move(viewer, panel, event));
    on("pointerup", (event) => release(viewer, panel, event));
    on("pointercancel", (event) => release(viewer, panel, event));
    on("pointerleave", () => showPointer(viewer, panel, null));
    on("dblclick", () => viewer.change({ view: WHOLE }));
  }
}

function position(panel, event) {
  const box = panel.canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function wheel(viewer, panel, event) {
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  // A pinch on a touchpad arrives as small wheel steps with Ctrl.
  const speed = event.ctrlKey ? 0.01 : 0.0018;
  const { x, y } = position(panel, event);
  viewer.zoomBy(Math.exp(-clamp(event.deltaY * lines, -400, 400) * speed), panel, x, y);
  showPointer(viewer, panel, { x, y });
}

function press(viewer, panel, event) {
  if (event.button !== 0) return;
  const divider = event.target.closest(".divider") !== null;
  panel.element.setPointerCapture(event.pointerId);
  viewer.pointers.set(event.pointerId, { ...position(panel, event), divider });
  panel.element.classList.toggle("dragging", !divider);
  if (!divider) viewer.root.focus({ preventScroll: true });
}

function move(viewer, panel, event) {
  const at = position(panel, event);
  const last = viewer.pointers.get(event.pointerId);
  if (last?.divider) viewer.change({ divider: clamp(at.x / panel.width, 0, 1) });
  else if (last && viewer.pointers.size === 2) pinch(viewer, panel, event.pointerId, at);
  else if (last) viewer.panBy(at.x - last.x, at.y - last.y, panel);
  if (last) viewer.pointers.set(event.pointerId, { ...last, ...at });
  showPointer(viewer, panel, at);
}

/** Zoom by how far two fingers part, around the middle between them. */
function pinch(viewer, panel, id, at) {
  const other = [...viewer.pointers].find(([pointer]) => pointer !== id)[1];
  const last = viewer.pointers.get(id);
  const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
  viewer.panBy((at.x - last.x) / 2, (at.y - last.y) / 2, panel);
  viewer.zoomBy(apart(at) / apart(last), panel, (at.x + other.x) / 2, (at.y + other.y) / 2);
}

function release(viewer, panel, event) {
  viewer.pointers.delete(event.pointerId);
  panel.element.classList.remove("dragging");
}

/** Mark the same point in the other panels, and read the pixels there. */
function showPointer(viewer, panel, at) {
  for (const other of viewer.visible()) {
    if (!other.pointer) continue;
    other.pointer.hidden = at === null || other === panel;
    if (at) other.pointer.style.transform = `translate(${at.x}px, ${at.y}px)`;
  }
  viewer.hover = at && { panel, at };
  showReadout(viewer);
}

function pixelAt(viewer, panel, at) {
  if (!viewer.picture) return null;
  const { width, height } = viewer.original;
  const { scale, left, top } = placement(viewer.state.view, panel, viewer.original);
  const [x, y] = [Math.floor((at.x - left) / scale), Math.floor((at.y - top) / scale)];
  return x >= 0 && y >= 0 && x < width && y < height ? { x, y } : null;
}

const signedText = (value) => (value > 0 ? `+${value}` : String(value).replace("-", "\u2212"));
const columns = (values, width) => values.map((value) => String(value).padStart(width)).join(" ");

function showReadout(viewer) {
  const { hover } = viewer;
  const pixel = hover && !hover.panel.element.hidden ? pixelAt(viewer, hover.panel, hover.at) : null;
  const readout = viewer.find(".readout");
  readout.classList.toggle("on", pixel !== null);
  if (pixel === null) return;
  const { original, picture, comparison } = viewer;
  const first = 4 * (pixel.y * original.width + pixel.x);
  const was = [...original.pixels.slice(first, first + 3)];
  const is = [...picture.pixels.slice(first, first + 3)];
  const times = comparison.header.reduced;
  readout.querySelector(".place").textContent = `x ${columns([pixel.x * times], 4)}  y ${columns([pixel.y * times], 4)}`;
  readout.querySelector(".was").textContent = columns(was, 3);
  readout.querySelector(".is").textContent = columns(is, 3);
  readout.querySelector(".by").textContent = columns(is.map((value, i) => signedText(value - was[i])), 4);
}

/* ----------------------------------------------------------------- keyboard */

const OVERLAY_KEYS = { t: "truth", b: "before", g: "target", a: "after" };

function connectKeyboard(viewer) {
  viewer.listen(document, "keydown", (event) => pressKey(viewer, event), { capture: true });
}

/** Keys act while the viewer has the focus, or the pointer and nobody types elsewhere. */
function isMeant(viewer, event) {
  if (!viewer.comparison || event.ctrlKey || event.metaKey || event.altKey) return false;
  const path = event.composedPath();
  if (path[0].matches?.("select, textarea, input:not([type=range], [type=checkbox])")) return false;
  if (path[0].isContentEditable) return false;
  return path.includes(viewer.root) || (viewer.root.matches(":hover") && path[0] === document.body);
}

function pressKey(viewer, event) {
  if (!isMeant(viewer, event)) return;
  const act = keyAction(viewer, event.key.length === 1 ? event.key.toLowerCase() : event.key, event);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

/** Return what a key does now, or nothing: arrows and space keep their meaning on controls. */
function keyAction(viewer, key, event) {
  const control = event.composedPath()[0];
  if (control.matches("input[type=range]") && key.startsWith("Arrow")) return null;
  if (key === " ") return control.matches("button:not([data-mode-button]), input") ? null : spaceAction(viewer);
  if (key === "ArrowLeft") return () => arrow(viewer, -1);
  if (key === "ArrowRight") return () => arrow(viewer, 1);
  if (key === "Escape") return viewer.find(".keys").hidden ? null : () => toggleKeys(viewer, false);
  if (key in OVERLAY_KEYS) return () => viewer.toggleOverlay(OVERLAY_KEYS[key]);
  return {
    1: () => viewer.setMode("side"),
    2: () => viewer.setMode("slider"),
    3: () => viewer.setMode("blink"),
    0: () => viewer.change({ view: WHOLE }),
    "+": () => viewer.zoomBy(1.25),
    "=": () => viewer.zoomBy(1.25),
    "-": () => viewer.zoomBy(0.8),
    s: () => viewer.change({ signed: !viewer.state.signed }),
    f: () => viewer.change({ fill: !viewer.state.fill }),
  }[key];
}

function spaceAction(viewer) {
  return viewer.state.mode === "blink" ? () => toggleBlink(viewer) : null;
}

function toggleBlink(viewer) {
  viewer.blink.running = !viewer.blink.running;
  viewer.show();
}

function arrow(viewer, direction) {
  const { mode, divider } = viewer.state;
  if (mode === "slider") viewer.change({ divider: clamp(divider + 0.02 * direction, 0, 1) });
  else if (mode === "blink") {
    viewer.blink = { running: false, second: !viewer.blink.second };
    viewer.show();
  } else viewer.goTo(viewer.frame + direction);
}

/* ----------------------------------------------------------------- controls */

function connectControls(viewer) {
  const { find, root } = viewer;
  const on = (selector, type, action) => viewer.listen(find(selector), type, action);
  const each = (selector, type, action) =>
    root.querySelectorAll(selector).forEach((element) => viewer.listen(element, type, () => action(element)));
  find(".amplification").max = FACTORS.length - 1;
  each("[data-mode-button]", "click", ({ dataset }) => viewer.setMode(dataset.modeButton));
  each("[data-signed]", "click", ({ dataset }) => viewer.change({ signed: dataset.signed === "true" }));
  each("[data-zoom-by]", "click", ({ dataset }) => viewer.zoomBy(dataset.zoomBy === "in" ? 1.25 : 0.8));
  each("[data-overlay] input", "change", (input) => viewer.toggleOverlay(input.parentElement.dataset.overlay));
  on(".fit", "click", () => viewer.change({ view: WHOLE }));
  on(".against", "change", ({ target }) => holdAgainst(viewer, target.value));
  on(".channel", "change", ({ target }) => viewer.change({ channel: target.value }));
  on(".amplification", "input", ({ target }) => viewer.change({ amplification: FACTORS[target.valueAsNumber] }));
  on(".opacity", "input", ({ target }) => viewer.change({ opacity: target.valueAsNumber }));
  on(".fill", "change", ({ target }) => viewer.change({ fill: target.checked }));
  on(".blink-play", "click", () => toggleBlink(viewer));
  on(".frame", "input", ({ target }) => seek(viewer, target.valueAsNumber));
  on(".play", "click", () => togglePlay(viewer));
  on(".keys-button", "click", () => toggleKeys(viewer, find(".keys").hidden));
  on(".fullscreen", "click", () => toggleFullscreen(viewer));
}

/** List the pictures that the adversarial image can be held against. */
function offerAgainst(viewer) {
  const list = viewer.find(".against");
  const entries = [["", "against the original"], ...viewer.comparison.beside.map(({ key }) => [key, `against run ${key}`])];
  list.replaceChildren(
    ...entries.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })),
  );
  const known = entries.some(([value]) => value === viewer.againstKey);
  viewer.againstKey = known ? viewer.againstKey : "";
  list.value = viewer.againstKey;
}

function holdAgainst(viewer, key) {
  viewer.againstKey = key;
  viewer.show();
}

function seek(viewer, frame) {
  viewer.play(false);
  viewer.goTo(frame);
}

function togglePlay(viewer) {
  viewer.play(!viewer.playing);
  viewer.show();
}

function toggleKeys(viewer, open) {
  viewer.find(".keys").hidden = !open;
  viewer.find(".keys-button").setAttribute("aria-expanded", String(open));
}

async function toggleFullscreen(viewer) {
  if (viewer.root.matches(":fullscreen")) await document.exitFullscreen();
  else await viewer.root.requestFullscreen();
}

function showControls(viewer) {
  showModes(viewer);
  showDifferenceTools(viewer);
  showOverlays(viewer);
  showScrubber(viewer);
  showCaptions(viewer);
  const { zoom } = viewer.state.view;
  viewer.find(".zoom-text").textContent = `${Math.round(100 * zoom)} %`;
  viewer.find(".fit").disabled = zoom === 1;
}

const pressed = (element, on) => element.setAttribute("aria-pressed", String(on));

function showModes({ root, find, state, blink, comparison }) {
  find(".against").hidden = state.mode === "side" || comparison.beside.length === 0;
  root.querySelectorAll("[data-mode-button]").forEach((button) => pressed(button, button.dataset.modeButton === state.mode));
  find(".blink-play").hidden = state.mode !== "blink";
  find(".blink-play").textContent = blink.running ? "pause" : "resume";
  const divider = find(".divider");
  divider.hidden = state.mode !== "slider";
  divider.style.left = `${100 * state.divider}%`;
  divider.setAttribute("aria-valuenow", String(Math.round(100 * state.divider)));
}

function showDifferenceTools({ root, find, state }) {
  find(".difference-tools").hidden = state.mode !== "side";
  root.querySelectorAll("[data-signed]").forEach((button) => pressed(button, button.dataset.signed === String(state.signed)));
  find(".channel").value = state.channel;
  const nearest = FACTORS.findLastIndex((factor) => factor <= state.amplification);
  find(".amplification").value = nearest;
  find(".amplification").setAttribute("aria-valuetext", `${state.amplification} times`);
  find(".amplification-text").textContent = `\u00d7 ${state.amplification}`;
}

function showOverlays(viewer) {
  const { find, state, comparison } = viewer;
  const masks = viewer.masks();
  for (const name of MASKS) {
    const label = find(`[data-overlay=${name}]`);
    label.toggleAttribute("data-missing", !masks[name]);
    label.firstElementChild.disabled = !masks[name];
    label.firstElementChild.checked = Boolean(masks[name]) && state.overlays.includes(name);
  }
  find(".fill").checked = state.fill;
  find(".opacity").value = state.opacity;
  if (viewer.legendOf === comparison) return;
  viewer.legendOf = comparison;
  for (const [name, { colour }] of Object.entries(viewer.looks.roles)) {
    find(`[data-overlay=${name}]`).style.setProperty("--colour", colour);
  }
  showClasses(find(".classes"), comparison.header.class_names, viewer.looks);
}

/** List the line style of each class, unless there is only one to outline. */
function showClasses(list, names, looks) {
  const entries = names.slice(1).map((name, i) => {
    const entry = document.createElement("span");
    entry.append(lineSample(dashOf(looks, i + 1)), name);
    return entry;
  });
  list.replaceChildren(...(entries.length > 1 ? entries : []));
}

function showScrubber(viewer) {
  const { find, frame, playing, comparison, step } = viewer;
  const { frames, frame_count: count } = comparison.header;
  find(".scrubber").classList.toggle("quiet", frames.length < 2);
  find(".frame").max = frames.length - 1;
  find(".frame").value = frame;
  find(".frame").setAttribute("aria-valuetext", step.label);
  find(".frame").title = frames.length < count ? `${frames.length} of ${count} snapshots` : "";
  find(".frame-text").textContent = step.label;
  pressed(find(".play"), playing);
}

function showCaptions(viewer) {
  const { panels, state, blink, comparison, find } = viewer;
  const { amplification, signed, channel } = state;
  const shown = comparison.header.frames[viewer.shownFrame];
  const adversarial = `adversarial, ${shown.label}`;
  const difference = [`difference \u00d7 ${amplification}`, signed ? "signed" : "absolute"];
  if (channel !== "largest") difference.push(channel);
  const against = viewer.againstKey ? `run ${viewer.againstKey}` : "original";
  const single = state.mode === "blink" && blink.second ? adversarial : against;
  const texts = { original: "original", adversarial, difference: difference.join(", "), single };
  for (const panel of panels) {
    panel.caption.textContent = texts[panel.kind] ?? comparison.beside[panel.place]?.label ?? "";
    panel.reduced.textContent = comparison.header.reduced > 1 ? `shown at 1/${comparison.header.reduced} of its size` : "";
  }
  find(".second").textContent = state.mode === "slider" ? adversarial : "";
}

/* -------------------------------------------------------------------- entry */

const viewers = new WeakMap();

function showFault(root, error) {
  const fault = root.querySelector(".fault");
  fault.hidden = false;
  fault.textContent = `The pictures can't be shown: ${error.message}`;
  throw error;
}

/** Streamlit calls this at first and on every rerun, and the last answer when the element goes. */
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".viewer");
  let viewer = viewers.get(parentElement);
  if (viewer?.root !== root) {
    viewer?.close();
    viewer = new Viewer(root);
    viewers.set(parentElement, viewer);
  }
  viewer.calls = (viewer.calls ?? 0) + 1;
  const call = viewer.calls;
  viewer.load(data, setStateValue).catch((error) => showFault(root, error));
  return () => {
    // The answer of a call that was overtaken by a rerun must not end the viewer that goes on.
    if (viewer.calls !== call) return;
    viewer.close();
    viewers.delete(parentElement);
  };
}
