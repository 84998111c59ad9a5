// The target editor. ui/pictures/pictures.js and shapes.js stand before it. Sections: history,
// editor, painting, pointer, tools, keyboard, controls, and the entry point that Streamlit calls.
// All texts reach the page through textContent; nothing is fetched.

/* ------------------------------------------------------------------ history */

const MOST_STEPS = 200;
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * What can be undone: steps of {head, shapes, label}. The head is the start, the scenario and the
 * region, which Python shows and makes a mask of; the label is the class that is drawn with.
 */
class History {
  constructor(step) {
    this.steps = [step];
    this.position = 0;
  }

  get now() {
    return this.steps[this.position];
  }

  push(change) {
    const step = { ...this.now, ...change };
    if (same(step, this.now)) return false;
    this.steps = [...this.steps.slice(0, this.position + 1), step].slice(-MOST_STEPS);
    this.position = this.steps.length - 1;
    return true;
  }

  /** Take a new head; moving one slider of a scenario is one step. */
  pushHead(head) {
    const before = this.steps[this.position - 1];
    const still = ({ values, margin, ...rest }) => rest;
    const sliding =
      before && same(before.shapes, this.now.shapes) && same(still(before.head), still(this.now.head)) && same(still(head), still(this.now.head));
    if (sliding && this.position === this.steps.length - 1) this.steps[this.position] = { ...this.now, head };
    else this.push({ head });
  }

  go(by) {
    const to = clamp(this.position + by, 0, this.steps.length - 1);
    if (to === this.position) return false;
    this.position = to;
    return true;
  }
}

// The histories of all images of this tab: leaving the page must not end them.
const remembered = (window.asmaDrawings ??= { turns: 0, histories: new Map() });

/* ------------------------------------------------------------------- editor */

const TOOLS = ["pick", "brush", "polygon", "rectangle", "circle", "eraser"];
const TOOL_KEYS = { v: "pick", b: "brush", p: "polygon", r: "rectangle", c: "circle", e: "eraser" };
const HINTS = {
  pick: "Click a shape to pick it: drag it, drag its corners, Delete takes it away. Drag elsewhere to move the picture.",
  brush: "Drag to paint. Shift: a straight line.",
  polygon: "Click the corners; Enter, a double click or the first corner closes it. Backspace takes a corner back.",
  rectangle: "Drag from corner to corner. Shift: a square.",
  circle: "Drag from one side of the circle to the other.",
  eraser: "Drag over what is to go. Shift: a straight line.",
};
// In CSS pixels: how near a pointer has to come, and the least drag that anybody means.
const REACH = 9;
const LEAST_DRAG = 3;
const LEAST_HEIGHT = 280;
const SCREEN_REST = 52;
const PREFERENCES = "asma.editor";

class Editor {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.stage = this.find(".stage");
    this.canvas = this.find(".stage canvas");
    this.panel = { element: this.stage, canvas: this.canvas, width: 1, height: 1, ratio: 1 };
    this.state = { tool: "brush", size: null, fill: false, layer: TARGET_LAYER, ...recallPreferences() };
    this.view = WHOLE;
    this.pointers = new Map();
    this.corners = [];
    this.stop = new AbortController();
    this.resizing = new ResizeObserver(() => this.layOut());
    this.resizing.observe(root);
    const content = document.querySelector("[data-testid=stMainBlockContainer]");
    if (content) this.resizing.observe(content);
    this.listen(window, "resize", () => this.layOut());
    connectControls(this);
    connectPointer(this);
    this.listen(document, "keydown", (event) => pressKey(this, event), { capture: true });
    this.listen(document, "keyup", (event) => event.key === " " && this.holdSpace(false), { capture: true });
    this.listen(document, "pointerdown", (event) => this.letWheelGo(event), { capture: true });
  }

  listen(target, type, action, options = {}) {
    target.addEventListener(type, action, { ...options, signal: this.stop.signal });
  }

  close() {
    this.stop.abort();
    this.resizing.disconnect();
    cancelAnimationFrame(this.painting);
    this.keepCorners();
  }

  /* ------------------------------------------------------------------ loading */

  async load(bytes) {
    const call = (this.calls = (this.calls ?? 0) + 1);
    const { header, part } = unpack(bytes);
    const known = header.picture_key === this.header?.picture_key;
    const read = (place, decode) => (place ? decode(part(place)) : null);
    const [picture, base, before, region] = await Promise.all([
      known ? this.picture : decodePicture(part(header.picture)),
      read(header.base, decodeLabels),
      read(header.before, decodeLabels),
      read(header.region, decodeLabels),
    ]);
    if (call !== this.calls) return;
    const first = header.identity !== this.header?.identity;
    if (first) this.keepCorners();
    Object.assign(this, { header, picture, base, region });
    this.before = before && traceMask(before, header.width, header.height);
    if (first) this.open();
    this.takeGiven();
    this.takeHead();
    showClasses(this);
    this.refresh();
    this.layOut();
  }

  /** Begin with another image. */
  open() {
    const { identity } = this.header;
    this.view = WHOLE;
    this.picked = null;
    this.cancel();
    const known = remembered.histories.get(identity);
    this.corners = known?.corners ?? [];
    this.toldHead = known?.toldHead;
  }

  /** Take a drawing that the page gives: at first, or from an address; what was there can be undone. */
  takeGiven() {
    const { identity, revision, given, head } = this.header;
    let known = remembered.histories.get(identity);
    if (known?.revision === revision) {
      this.history = known.history;
      return;
    }
    const step = { head, shapes: given.shapes, label: given.label };
    known ??= { history: new History({ ...step, shapes: [] }), sent: [] };
    known.history.push(step);
    Object.assign(known, { revision, toldHead: JSON.stringify(head) });
    remembered.histories.set(identity, known);
    this.history = known.history;
    this.corners = given.corners ?? [];
  }

  /** Take a start, scenario or region that was chosen on the page, as a step. */
  takeHead() {
    const known = remembered.histories.get(this.header.identity);
    const told = JSON.stringify(this.header.head);
    if (told === known.toldHead) return;
    known.toldHead = told;
    const echo = known.sent.indexOf(told);
    if (echo >= 0) known.sent.splice(0, echo + 1);
    else if (!same(this.header.head, this.now.head)) this.history.pushHead(this.header.head);
  }

  keepCorners() {
    const known = this.header && remembered.histories.get(this.header.identity);
    if (known) known.corners = this.corners;
  }

  get now() {
    return this.history.now;
  }

  /** Return a shape as it is on screen, also while it is being changed. */
  shown(place) {
    return place === null || place === undefined ? null : (this.changing ?? this.now.shapes[place]);
  }

  /** Make the next step; say so to the page. */
  step(change) {
    if (!this.history.push(change)) return;
    this.refresh();
    this.report();
  }

  go(by) {
    const before = this.now.head;
    this.cancel();
    if (!this.history.go(by)) return;
    if (!same(before, this.now.head)) {
      remembered.turns += 1;
      remembered.histories.get(this.header.identity).sent.push(JSON.stringify(this.now.head));
    }
    this.picked = null;
    this.refresh();
    this.report();
  }

  report() {
    const { editor, identity, revision } = this.header;
    const said = { editor, identity, revision, turns: remembered.turns, ...this.now, corners: this.corners };
    window.asmaOutbox.say(identity, "drawing", said);
  }

  /* ---------------------------------------------------------------- what is seen */

  /** Paint the masks anew from what was drawn, and show all. */
  refresh() {
    const { width, height } = this.header;
    const labels = Uint8Array.from(this.base ?? new Uint8Array(width * height));
    const shapes = this.now.shapes.map((shape, i) => (i === this.picked ? this.shown(i) : shape));
    const known = ({ layer, class: label }) => layer !== REGION_LAYER && label < this.header.classes.length;
    for (const shape of shapes.filter(known)) paintShape({ labels, width, height }, shape);
    this.target = traceMask(labels, width, height);
    this.area = labels.reduce((count, label) => count + (label > 0), 0);
    this.refreshRegion(shapes.filter((shape) => shape.layer === REGION_LAYER));
    this.show();
  }

  /** The first thing painted where the image may change everywhere says: only here. */
  refreshRegion(shapes) {
    const { width, height } = this.header;
    this.shade = this.regionLines = null;
    if (!this.region && !shapes.length) return;
    const everywhere = new Uint8Array(width * height).fill(shapes[0]?.class ? 0 : 1);
    const labels = this.region ? Uint8Array.from(this.region) : everywhere;
    for (const shape of shapes) paintShape({ labels, width, height }, shape);
    this.shade = shadeOf(labels, width, height);
    this.regionLines = traceMask(labels, width, height);
  }

  show() {
    showControls(this);
    cancelAnimationFrame(this.painting);
    this.painting = requestAnimationFrame(() => paint(this));
    publish(this);
  }

  /** Fill the column, and the window's height below what stands above. */
  layOut() {
    if (!this.header) return;
    const { width, height } = this.header;
    const scrolled = document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0;
    const room = window.innerHeight - (this.stage.getBoundingClientRect().top + scrolled) - SCREEN_REST;
    const whole = (this.root.clientWidth * height) / width;
    const tall = Math.round(Math.min(whole, Math.max(room, LEAST_HEIGHT)));
    const text = `${tall}px`;
    if (this.root.style.getPropertyValue("--stage-height") !== text) this.root.style.setProperty("--stage-height", text);
    measure(this.panel);
    this.view = held(this.view, this.panel, this.header);
    this.show();
  }

  /** CSS pixels to and from image pixels, by what is really painted. */
  get matrix() {
    const { scale, left, top } = placement(this.view, this.panel, this.header);
    const { ratio } = this.panel;
    return new DOMMatrix([scale * ratio, 0, 0, scale * ratio, Math.round(left * ratio), Math.round(top * ratio)]);
  }

  inImage({ x, y }) {
    const { a, e, f } = this.matrix;
    const { ratio } = this.panel;
    return [(x * ratio - e) / a, (y * ratio - f) / a];
  }

  get scale() {
    return placement(this.view, this.panel, this.header).scale;
  }

  zoomBy(factor, x = this.panel.width / 2, y = this.panel.height / 2) {
    this.view = zoomedAt(this.view, factor, x, y, this.panel, this.header);
    this.show();
  }

  panBy(x, y) {
    const { width, height } = this.header;
    const { scale } = this;
    const moved = { ...this.view, x: this.view.x - x / (width * scale), y: this.view.y - y / (height * scale) };
    this.view = held(moved, this.panel, this.header);
    this.show();
  }

  holdSpace(on) {
    this.space = on;
    showCursor(this);
  }

  letWheelGo(event) {
    if (!event.composedPath().includes(this.stage)) this.wheeling = false;
  }

  /* ------------------------------------------------------------------- choices */

  get brush() {
    const { width, height } = this.header;
    return this.state.size ?? Math.max(1, Math.round(Math.max(width, height) / 20));
  }

  get widest() {
    return Math.max(2, Math.round(Math.max(this.header.width, this.header.height) / 4));
  }

  setSize(size) {
    const width = clamp(Math.round(size), 1, this.widest);
    this.change({ size: width });
    const shape = this.now.shapes[this.picked];
    if (shape?.kind === "stroke") this.replace({ ...shape, width });
  }

  change(change) {
    this.state = { ...this.state, ...change };
    keepPreferences(this.state);
    this.show();
  }

  setTool(tool) {
    if (this.corners.length >= 3) this.closePolygon();
    else if (this.corners.length) this.giveUpPolygon("A polygon needs three corners; the one begun is given up.");
    if (tool !== "pick") this.picked = null;
    this.change({ tool });
  }

  setLabel(label) {
    if (label < 1 || label >= this.header.classes.length) return;
    const shape = this.now.shapes[this.picked];
    if (shape && shape.class && shape.layer !== REGION_LAYER) {
      const shapes = this.now.shapes.with(this.picked, { ...shape, class: label });
      this.step({ shapes, label });
    } else {
      this.history.steps[this.history.position] = { ...this.now, label };
      this.report();
    }
    if (this.state.tool === "eraser") this.change({ tool: "brush" });
    this.show();
  }

  /** What a new shape of the tool is besides its form. */
  get rest() {
    const { layer, tool } = this.state;
    const label = tool === "eraser" ? 0 : layer === REGION_LAYER ? 1 : this.now.label;
    return { class: label, layer };
  }

  add(shape) {
    this.step({ shapes: [...this.now.shapes, shape] });
  }

  replace(shape) {
    this.step({ shapes: this.now.shapes.with(this.picked, shape) });
  }

  deletePicked() {
    if (this.picked === null) return;
    const shapes = this.now.shapes.toSpliced(this.picked, 1);
    this.picked = null;
    this.step({ shapes });
  }

  clear() {
    this.picked = null;
    this.corners = [];
    this.step({ shapes: this.now.shapes.filter(({ layer }) => layer !== this.state.layer) });
  }

  /** Give up what is being dragged. */
  cancel() {
    this.live = this.drag = this.changing = null;
  }

  /* ------------------------------------------------------------------- polygon */

  addCorner(point) {
    this.corners = [...this.corners, exactly(point)];
    this.show();
    this.report();
  }

  closePolygon() {
    const points = this.corners;
    if (points.length < 3) {
      this.say("A polygon needs three corners.");
      return;
    }
    this.corners = [];
    this.add({ kind: "polygon", points, ...this.rest, class: this.cornerLabel });
  }

  get cornerLabel() {
    return this.state.layer === REGION_LAYER ? 1 : this.now.label;
  }

  takeCornerBack() {
    this.corners = this.corners.slice(0, -1);
    this.show();
    this.report();
  }

  giveUpPolygon(words = "") {
    this.corners = [];
    this.say(words);
    this.show();
    this.report();
  }

  /** Say something once in the place of the hint. */
  say(words) {
    this.words = words;
    showHint(this);
  }
}

function recallPreferences() {
  try {
    const { tool, fill } = JSON.parse(sessionStorage.getItem(PREFERENCES)) ?? {};
    return { ...(TOOLS.includes(tool) && { tool }), fill: fill === true };
  } catch (error) {
    console.info("the target editor starts with its defaults:", error.message);
    return {};
  }
}

function keepPreferences({ tool, fill }) {
  try {
    sessionStorage.setItem(PREFERENCES, JSON.stringify({ tool, fill }));
  } catch (error) {
    console.info("the target editor can't remember its tool:", error.message);
  }
}

/* ----------------------------------------------------------------- painting */

/** Return a picture that darkens all that may not change. */
function shadeOf(labels, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < labels.length; i += 1) image.data[4 * i + 3] = labels[i] ? 0 : 150;
  context.putImageData(image, 0, 0);
  return canvas;
}

function paint(editor) {
  const { panel, canvas, view, header, picture } = editor;
  if (!header) return;
  const context = canvas.getContext("2d");
  const { matrix } = editor;
  const { scale } = placement(view, panel, header);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(matrix);
  context.imageSmoothingEnabled = scale * panel.ratio < 2;
  context.drawImage(picture.bitmap, 0, 0, header.width, header.height);
  if (editor.shade) {
    context.imageSmoothingEnabled = false;
    context.drawImage(editor.shade, 0, 0);
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (editor.before) paintOutline(editor, editor.before, header.looks.roles.before, matrix, false);
  if (editor.regionLines) paintRegion(editor, matrix);
  paintOutline(editor, editor.target, header.looks.roles.target, matrix, editor.state.fill);
  paintLive(editor, context, matrix);
  paintPicked(editor, context, matrix);
  paintRing(editor, context);
}

function paintOutline({ panel, canvas, header }, shapes, role, matrix, fill) {
  const context = canvas.getContext("2d");
  const lines = shapes.map((shape) => ({ ...role, ...placed(shape, panel, matrix), dash: dashOf(header.looks, shape.label) }));
  context.save();
  context.lineJoin = "round";
  if (fill) for (const line of lines) fillArea(context, line, 1);
  for (const line of lines) strokeHalo(context, line, panel.ratio);
  for (const line of lines) strokeLine(context, line, panel.ratio);
  context.restore();
}

function paintRegion({ panel, canvas, regionLines }, matrix) {
  const context = canvas.getContext("2d");
  context.save();
  for (const shape of regionLines) {
    const line = { ...placed(shape, panel, matrix), side: "inside", colour: "#ffffff", dash: [2, 4] };
    strokeHalo(context, line, panel.ratio);
    strokeLine(context, line, panel.ratio);
  }
  context.restore();
}

/** What is being drawn: a stroke, a shape between two points, a polygon without its end. */
function paintLive(editor, context, matrix) {
  const { live, corners, header, panel, state } = editor;
  const colour = live?.class === 0 ? "#8a949a" : state.layer === REGION_LAYER ? "#ffffff" : header.looks.roles.target.colour;
  context.save();
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = context.fillStyle = colour;
  if (live) {
    const path = new Path2D();
    path.addPath(pathOf(live), matrix);
    context.globalAlpha = 0.4;
    context.lineWidth = live.kind === "stroke" ? live.width * matrix.a : 2 * panel.ratio;
    if (live.kind === "stroke") context.stroke(path);
    else context.fill(path);
    context.globalAlpha = 1;
    if (live.kind !== "stroke") context.stroke(path);
  }
  if (corners.length) paintCorners(editor, context, matrix, colour);
  context.restore();
}

function paintCorners({ corners, pointer, panel }, context, matrix, colour) {
  const points = corners.map(([x, y]) => [x * matrix.a + matrix.e, y * matrix.d + matrix.f]);
  const line = pointer ? [...points, [pointer.x * panel.ratio, pointer.y * panel.ratio]] : points;
  for (const [style, width] of [["rgb(0 0 0 / 0.6)", 4], [colour, 2]]) {
    context.strokeStyle = style;
    context.lineWidth = width * panel.ratio;
    context.beginPath();
    line.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
  }
  points.forEach((point, i) => paintHandle(context, point, panel.ratio, i === 0 ? colour : "#ffffff"));
}

function paintHandle(context, [x, y], ratio, colour) {
  context.beginPath();
  context.arc(x, y, 4.5 * ratio, 0, 2 * Math.PI);
  context.globalAlpha = 1;
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 1.5 * ratio;
  context.strokeStyle = "#1c2429";
  context.stroke();
}

function paintPicked(editor, context, matrix) {
  const shape = editor.shown(editor.picked);
  if (!shape) return;
  const { ratio } = editor.panel;
  const path = new Path2D();
  path.addPath(pathOf(shape), matrix);
  context.save();
  context.setLineDash([4 * ratio, 4 * ratio]);
  for (const [style, width] of [["rgb(0 0 0 / 0.7)", 3], ["#ffffff", 1.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width * ratio;
    context.stroke(path);
  }
  context.setLineDash([]);
  for (const [x, y] of handlesOf(shape)) {
    paintHandle(context, [x * matrix.a + matrix.e, y * matrix.d + matrix.f], ratio, "#ffffff");
  }
  context.restore();
}

/** The brush's own size, around the pointer. */
function paintRing({ pointer, state, brush, panel, scale, space, drag }, context) {
  if (!pointer || space || drag?.pan || !["brush", "eraser"].includes(state.tool)) return;
  const [x, y, radius] = [pointer.x, pointer.y, (brush * scale) / 2].map((value) => value * panel.ratio);
  for (const [style, width] of [["rgb(0 0 0 / 0.7)", 3], ["#ffffff", 1.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width * panel.ratio;
    context.beginPath();
    context.arc(x, y, Math.max(radius, 1.5 * panel.ratio), 0, 2 * Math.PI);
    context.stroke();
  }
}

/* ------------------------------------------------------------------ pointer */

function connectPointer(editor) {
  const on = (type, action, options) => editor.listen(editor.stage, type, (event) => editor.header && action(editor, event), options);
  on("wheel", wheel, { passive: false });
  on("pointerdown", press);
  on("pointermove", move);
  on("pointerup", release);
  on("pointercancel", giveUp);
  on("pointerleave", leave);
  on("dblclick", doubleClick);
  on("contextmenu", (_, event) => event.preventDefault());
}

function position(editor, event) {
  const box = editor.canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function wheel(editor, event) {
  if (!editor.wheeling && !event.ctrlKey && !editor.drag) return;
  event.preventDefault();
  const { x, y } = position(editor, event);
  editor.zoomBy(wheelFactor(event), x, y);
}

/** Return a point of the image, on its edge if the pointer is beyond. */
function clipped(editor, [x, y]) {
  return [clamp(x, 0, editor.header.width), clamp(y, 0, editor.header.height)];
}

function press(editor, event) {
  const at = position(editor, event);
  editor.pointers.set(event.pointerId, at);
  editor.stage.setPointerCapture(event.pointerId);
  editor.root.focus({ preventScroll: true });
  editor.wheeling = true;
  editor.say("");
  if (editor.pointers.size === 2) {
    // A second finger: it was no drawing.
    editor.cancel();
    editor.drag = { pinch: true };
    editor.show();
    return;
  }
  if (event.button === 1 || (event.button === 0 && editor.space)) editor.drag = { pan: true };
  else if (event.button === 0) begin(editor, at, event);
  showCursor(editor);
}

function begin(editor, at, event) {
  const { tool } = editor.state;
  const point = editor.inImage(at);
  if (tool === "pick") pick(editor, at, point);
  else if (tool === "polygon") {
    const [first] = editor.corners;
    const { scale } = editor;
    const near = first && apart(first, point) * scale <= REACH;
    if (near && editor.corners.length >= 3) editor.closePolygon();
    else if (event.detail < 2) editor.addCorner(clipped(editor, point));
  } else if (tool === "brush" || tool === "eraser") {
    editor.drag = { tool, from: point };
    editor.live = { kind: "stroke", points: [point], width: editor.brush, ...editor.rest };
  } else editor.drag = { tool, from: clipped(editor, point), at };
  editor.show();
}

/** Pick the shape on top under the pointer, or take hold of a handle of the picked one. */
function pick(editor, at, point) {
  const picked = editor.now.shapes[editor.picked];
  const { scale } = editor;
  const handle = picked ? handlesOf(picked).findIndex((place) => apart(place, point) * scale <= REACH) : -1;
  if (handle >= 0) {
    editor.drag = { handle, at };
    return;
  }
  editor.picked = shapeAt(editor, point);
  const shape = editor.now.shapes[editor.picked];
  editor.drag = shape ? { from: point, at } : { pan: true };
  if (shape) editor.change({ layer: shape.layer });
}

function shapeAt({ now, scale }, [x, y]) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  const hit = (shape) => {
    const path = pathOf(shape);
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = Math.max(shape.kind === "stroke" ? shape.width : 0, REACH / scale);
    return (shape.kind !== "stroke" && context.isPointInPath(path, x, y)) || context.isPointInStroke(path, x, y);
  };
  const place = now.shapes.findLastIndex(hit);
  return place < 0 ? null : place;
}

function move(editor, event) {
  const at = position(editor, event);
  const last = editor.pointers.get(event.pointerId);
  editor.pointer = at;
  if (last && editor.pointers.size === 2) pinch(editor, event.pointerId, at);
  else if (last && editor.drag?.pan) editor.panBy(at.x - last.x, at.y - last.y);
  else if (last && editor.drag && !editor.drag.pinch) drag(editor, event, at);
  if (last) editor.pointers.set(event.pointerId, at);
  if (editor.state.tool === "pick") showCursor(editor);
  editor.show();
}

/** Zoom by how far two fingers part, around the middle between them. */
function pinch(editor, id, at) {
  const other = [...editor.pointers].find(([pointer]) => pointer !== id)[1];
  const last = editor.pointers.get(id);
  const between = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
  editor.panBy((at.x - last.x) / 2, (at.y - last.y) / 2);
  editor.zoomBy(between(at) / between(last), (at.x + other.x) / 2, (at.y + other.y) / 2);
}

function drag(editor, event, at) {
  const { drag: held_, state } = editor;
  const moves = event.getCoalescedEvents?.() ?? [];
  if (held_.handle !== undefined || held_.tool === undefined) {
    changePicked(editor, at);
    return;
  }
  const point = editor.inImage(at);
  if (state.tool === "brush" || state.tool === "eraser") {
    const fine = moves.length > 1 && !event.shiftKey ? moves.map((each) => editor.inImage(position(editor, each))) : [point];
    const points = event.shiftKey ? [editor.live.points[0], point] : [...editor.live.points, ...fine];
    editor.live = { ...editor.live, points };
    return;
  }
  const to = clipped(editor, point);
  editor.live = state.tool === "circle" ? circleBetween(held_.from, to, editor.rest) : rectangleBetween(held_.from, squared(held_.from, to, event.shiftKey), editor.rest);
}

function squared([a, b], [x, y], wanted) {
  if (!wanted) return [x, y];
  const side = Math.min(Math.abs(x - a), Math.abs(y - b));
  return [a + Math.sign(x - a) * side, b + Math.sign(y - b) * side];
}

function changePicked(editor, at) {
  const shape = editor.now.shapes[editor.picked];
  const { handle, from, at: begun } = editor.drag;
  if (!shape || Math.hypot(at.x - begun.x, at.y - begun.y) < LEAST_DRAG) return;
  const point = editor.inImage(at);
  editor.changing = handle === undefined ? moved(shape, point[0] - from[0], point[1] - from[1]) : reshaped(shape, handle, clipped(editor, point));
  editor.refresh();
}

function release(editor, event) {
  const at = position(editor, event);
  const { drag: done, live, changing } = editor;
  editor.pointers.delete(event.pointerId);
  if (editor.pointers.size) return;
  editor.cancel();
  if (done?.pinch || done?.pan) showCursor(editor);
  else if (changing) editor.replace(changing);
  else if (live) finish(editor, live, done, at);
  editor.show();
}

function finish(editor, live, done, at) {
  if (live.kind === "stroke") {
    // Under a quarter of a pixel of the image nobody sees it.
    editor.add({ ...live, points: simplified(live.points, 0.2), width: editor.brush });
    return;
  }
  const { left, top, right, bottom } = boundsOf(live);
  if (Math.hypot(at.x - done.at.x, at.y - done.at.y) < LEAST_DRAG || right <= left || bottom <= top) return;
  editor.add(live);
}

function giveUp(editor, event) {
  editor.pointers.delete(event.pointerId);
  editor.cancel();
  editor.refresh();
}

function leave(editor) {
  if (editor.pointers.size) return;
  editor.pointer = null;
  editor.show();
}

function doubleClick(editor) {
  if (editor.state.tool === "polygon") {
    if (editor.corners.length) editor.closePolygon();
  } else if (editor.state.tool === "pick" && editor.picked === null) {
    editor.view = WHOLE;
    editor.show();
  }
}

/* ----------------------------------------------------------------- keyboard */

/** Keys act wherever the focus is, but while somebody types or a dialog is open. */
function isMeant(editor, event) {
  if (!editor.header || event.altKey || !editor.root.isConnected) return false;
  const [first] = event.composedPath();
  if (first.matches?.("select, textarea, input:not([type=range], [type=checkbox], [type=radio])")) return false;
  if (first.isContentEditable || document.querySelector("[role=dialog]")) return false;
  return true;
}

function pressKey(editor, event) {
  if (!isMeant(editor, event)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const act = event.ctrlKey || event.metaKey ? controlKey(editor, key, event) : plainKey(editor, key, event);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function controlKey(editor, key, event) {
  if (key === "z") return () => editor.go(event.shiftKey ? 1 : -1);
  return key === "y" ? () => editor.go(1) : null;
}

function plainKey(editor, key, event) {
  const [control] = event.composedPath();
  if (key in TOOL_KEYS) return () => editor.setTool(TOOL_KEYS[key]);
  if (/^[1-9]$/.test(key)) return Number(key) < editor.header.classes.length ? () => editor.setLabel(Number(key)) : null;
  if (key === " ") return control.matches?.("button, input, [role=button], [role=radio], summary, a") ? null : () => editor.holdSpace(true);
  if (key === "Enter") return editor.corners.length && !control.matches?.("button, a, summary") ? () => editor.closePolygon() : null;
  if (key === "Backspace" && editor.corners.length) return () => editor.takeCornerBack();
  if (key === "Delete" || key === "Backspace") return editor.picked === null ? null : () => editor.deletePicked();
  if (key === "Escape") return escape(editor);
  const size = Math.max(1, editor.brush / 8);
  return {
    "[": () => editor.setSize(editor.brush - size),
    "]": () => editor.setSize(editor.brush + size),
    l: () => editor.change({ layer: editor.state.layer === REGION_LAYER ? TARGET_LAYER : REGION_LAYER }),
    f: () => editor.change({ fill: !editor.state.fill }),
    0: () => fit(editor),
    "+": () => editor.zoomBy(1.25),
    "=": () => editor.zoomBy(1.25),
    "-": () => editor.zoomBy(0.8),
  }[key];
}

function fit(editor) {
  editor.view = WHOLE;
  editor.show();
}

function escape(editor) {
  if (!editor.find(".keys").hidden) return () => toggleKeys(editor, false);
  if (editor.drag) {
    return () => {
      editor.cancel();
      editor.refresh();
    };
  }
  if (editor.corners.length) return () => editor.giveUpPolygon();
  if (editor.picked !== null) {
    return () => {
      editor.picked = null;
      editor.show();
    };
  }
  return editor.wheeling ? () => (editor.wheeling = false) : null;
}

/* ----------------------------------------------------------------- controls */

function connectControls(editor) {
  const { find, root } = editor;
  const on = (selector, type, action) => editor.listen(find(selector), type, (event) => editor.header && action(event));
  root.querySelectorAll("[data-tool]").forEach((button) => editor.listen(button, "click", () => editor.setTool(button.dataset.tool)));
  root.querySelectorAll("[data-layer]").forEach((button) => editor.listen(button, "click", () => editor.change({ layer: button.dataset.layer })));
  on(".size", "input", ({ target }) => editor.setSize(editor.widest ** (target.valueAsNumber / 1000)));
  on(".undo", "click", () => editor.go(-1));
  on(".redo", "click", () => editor.go(1));
  on(".clear", "click", () => editor.clear());
  on(".delete", "click", () => editor.deletePicked());
  on(".zoom-in", "click", () => editor.zoomBy(1.25));
  on(".zoom-out", "click", () => editor.zoomBy(0.8));
  on(".fit", "click", () => fit(editor));
  on(".keys-button", "click", () => toggleKeys(editor, find(".keys").hidden));
}

function toggleKeys(editor, open) {
  editor.find(".keys").hidden = !open;
  editor.find(".keys-button").setAttribute("aria-expanded", String(open));
}

const pressed = (element, on) => element.setAttribute("aria-pressed", String(on));

function showControls(editor) {
  const { find, root, state, history, now } = editor;
  root.querySelectorAll("[data-tool]").forEach((button) => pressed(button, button.dataset.tool === state.tool));
  root.querySelectorAll("[data-layer]").forEach((button) => pressed(button, button.dataset.layer === state.layer));
  root.querySelectorAll("[data-class]").forEach((button) => pressed(button, Number(button.dataset.class) === now.label));
  find(".classes").hidden = editor.header.classes.length < 3 || state.layer === REGION_LAYER;
  find(".undo").disabled = history.position === 0;
  find(".redo").disabled = history.position === history.steps.length - 1;
  find(".clear").disabled = !now.shapes.some(({ layer }) => layer === state.layer);
  find(".delete").hidden = editor.picked === null;
  const stroke = now.shapes[editor.picked]?.kind === "stroke";
  find(".brush-size").hidden = !stroke && !["brush", "eraser"].includes(state.tool);
  find(".size").value = Math.round((1000 * Math.log(editor.brush)) / Math.log(editor.widest));
  find(".size").setAttribute("aria-valuetext", `${editor.brush} pixels`);
  find(".size-text").textContent = `${editor.brush} px`;
  find(".zoom-text").textContent = `${Math.round(100 * editor.view.zoom)} %`;
  find(".fit").disabled = editor.view.zoom === 1;
  showHint(editor);
  showCursor(editor);
}

function showHint({ find, state, words }) {
  const text = words || HINTS[state.tool];
  if (find(".hint").textContent !== text) find(".hint").textContent = text;
}

function showCursor(editor) {
  const { stage, state, space, drag: dragged, pointer, now } = editor;
  let cursor = ["brush", "eraser"].includes(state.tool) ? "ring" : "cross";
  if (space || dragged?.pan) cursor = "grab";
  else if (state.tool === "pick") cursor = pointer && now && shapeAt(editor, editor.inImage(pointer)) !== null ? "move" : "arrow";
  stage.dataset.cursor = cursor;
}

/** Offer the classes, each with its line and its digit. */
function showClasses(editor) {
  const { header, find } = editor;
  const names = header.classes.slice(1);
  if (same(names, editor.offered)) return;
  editor.offered = names;
  find(".classes").replaceChildren(...names.map((name, i) => classButton(editor, name, i + 1)));
}

function classButton(editor, name, label) {
  const button = document.createElement("button");
  const key = Object.assign(document.createElement("kbd"), { textContent: label < 10 ? String(label) : "" });
  button.type = "button";
  button.dataset.class = String(label);
  button.title = label < 10 ? `draw ${name} (${label})` : `draw ${name}`;
  button.append(lineSample(dashOf(editor.header.looks, label)), name, key);
  button.addEventListener("click", () => editor.setLabel(label));
  return button;
}

/** Expose what is on show, for tests and for styles. */
function publish({ root, state, header, now, history, view, corners, picked, area, panel }) {
  Object.assign(root.dataset, {
    ready: header.identity,
    tool: state.tool,
    layer: state.layer,
    label: String(now.label),
    shapes: String(now.shapes.length),
    corners: String(corners.length),
    picked: picked === null || picked === undefined ? "" : String(picked),
    step: `${history.position + 1}/${history.steps.length}`,
    area: String(area),
    zoom: view.zoom.toFixed(6),
    centre: `${view.x.toFixed(6)},${view.y.toFixed(6)}`,
    panel: `${panel.width}x${panel.height}`,
  });
}

/* -------------------------------------------------------------------- entry */

export default function ({ data, parentElement }) {
  const [editor, end] = lastingOf(parentElement, ".editor", (root) => new Editor(root));
  editor.load(data).catch((error) => {
    const fault = editor.root.querySelector(".fault");
    fault.hidden = false;
    fault.textContent = `The picture can't be shown: ${error.message}`;
    throw error;
  });
  return end;
}
