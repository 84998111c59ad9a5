// One picture after another, or one pair, each answered once. An answer goes out by the outbox that
// every page has, and the next picture, which is here already, is shown at once.
const FIELD = "review";
const STEP_IN = 1.5;
// Milliseconds in which nobody has looked at a picture: a key that was hit twice is no answer to it.
const GLANCE = 300;
// Below the pictures: the answers.
const ROOM_BELOW = 76;
const LOWEST = 220;

class Screen {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector(".stage");
    this.ends = new AbortController();
    this.pictures = new Map();
    this.said = new Set();
    this.panels = [];
    this.pointers = new Map();
    this.turn = null;
    this.listen(document, "keydown", (event) => this.press(event), { capture: true });
    this.listen(document, "visibilitychange", () => this.clock?.look());
    this.listen(window, "resize", () => this.layOut());
    for (const button of root.querySelectorAll("[data-key]")) this.listen(button, "click", () => this.zoom(button.dataset.key));
    this.sizes = new ResizeObserver(() => this.layOut());
    this.sizes.observe(this.stage);
  }

  listen(target, name, act, options = {}) {
    target.addEventListener(name, act, { signal: this.ends.signal, ...options });
  }

  // What the server says -----------------------------------------------------------------------

  load(bytes) {
    const { header, part } = unpack(bytes);
    const whose = `${header.review} ${header.reviewer}`;
    // What went wrong is asked about again.
    if (whose !== this.whose || header.trouble) this.said.clear();
    if (whose !== this.whose) this.turn = null;
    this.whose = whose;
    this.header = header;
    this.answered = new Set([...header.answered, ...header.gone]);
    this.take(header.items, part);
    this.showQuestion();
    this.goOn();
  }

  /** Decode the pictures that are new, and let those go that are answered. */
  take(items, part) {
    for (const turn of this.pictures.keys()) {
      if (!items.some((item) => item.turn === turn) && turn !== this.turn) this.pictures.delete(turn);
    }
    for (const item of items) {
      // The bytes are Streamlit's, and gone at the next run.
      if (!this.pictures.has(item.turn)) this.pictures.set(item.turn, decoded(item, (place) => part(place).slice()));
    }
  }

  showQuestion() {
    const { asked, answers, thing, trouble, total } = this.header;
    this.root.querySelector(".asked").textContent = asked;
    const told = this.root.querySelector(".trouble");
    told.textContent = trouble;
    told.hidden = !trouble;
    const progress = this.root.querySelector("progress");
    progress.max = total;
    progress.setAttribute("aria-label", `${thing}s answered`);
    const row = this.root.querySelector(".answers");
    if (row.childElementCount) return;
    for (const { value, label, keys } of answers) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.answer = value;
      button.append(label, Object.assign(document.createElement("kbd"), { textContent: keys[0].toUpperCase() }));
      row.append(button);
      this.listen(button, "click", () => this.answer(value));
    }
  }

  // One after the other ------------------------------------------------------------------------

  isDone(turn) {
    const { review, reviewer, handled } = this.header;
    // Not there yet while the first page of a tab loads.
    const waits = window.asmaOutbox?.waiting(`${review} ${turn} ${reviewer}`, handled, FIELD);
    return this.answered.has(turn) || this.said.has(turn) || waits !== undefined;
  }

  goOn() {
    const turns = Array.from({ length: this.header.total }, (_, turn) => turn);
    const next = turns.find((turn) => !this.isDone(turn)) ?? null;
    const done = turns.filter((turn) => this.isDone(turn)).length;
    this.root.querySelector("progress").value = done;
    const place = next === null ? "Saving" : `${this.header.thing} ${Math.min(done + 1, turns.length)} of ${turns.length}`;
    this.root.querySelector(".place").textContent = place;
    if (next === this.turn && next !== null && this.shown) return;
    this.turn = next;
    this.shown = null;
    this.ready(false);
    this.pictures.get(next)?.then((picture) => this.turn === next && this.show(picture));
  }

  show(picture) {
    this.shown = picture;
    this.view = WHOLE;
    this.makePanels(picture.bitmaps.length);
    this.layOut();
    // Who began by a button that is gone now is read the question.
    if (document.activeElement === document.body) this.root.querySelector(".asked").focus({ preventScroll: true });
    // Twice: before the second one the first has been painted.
    requestAnimationFrame(() => requestAnimationFrame(() => this.begin(picture)));
  }

  begin(picture) {
    if (this.shown !== picture) return;
    this.clock = new Clock();
    clearTimeout(this.looking);
    this.looking = setTimeout(() => this.shown === picture && this.ready(true), GLANCE);
  }

  ready(yes) {
    this.isReady = yes;
    this.root.dataset.ready = String(yes);
    this.root.dataset.turn = String(this.turn);
    this.stage.setAttribute("aria-busy", String(!this.shown));
    // Not `disabled`, which would take the focus from who answers by Tab and Enter.
    for (const button of this.root.querySelectorAll("[data-answer]")) button.setAttribute("aria-disabled", String(!yes));
  }

  answer(value) {
    if (!this.isReady) return;
    const { review, reviewer } = this.header;
    this.said.add(this.turn);
    window.asmaOutbox.say(`${review} ${this.turn} ${reviewer}`, FIELD, { answer: value, seconds: this.clock.seconds() });
    this.goOn();
  }

  // Keys ---------------------------------------------------------------------------------------

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || !this.root.checkVisibility()) return;
    const act = this.action(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act(event.repeat);
  }

  action(key) {
    const answer = this.header?.answers.find(({ keys }) => keys.includes(key));
    if (answer) return (again) => again || this.answer(answer.value);
    return ["+", "=", "-", "0"].includes(key) ? () => this.zoom(key) : null;
  }

  // Pictures -----------------------------------------------------------------------------------

  makePanels(count) {
    if (this.panels.length === count) return;
    this.panels = Array.from({ length: count }, (_, place) => {
      const element = Object.assign(document.createElement("div"), { className: "panel" });
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", count === 1 ? "The picture" : ["The left picture", "The right picture"][place]);
      element.append(canvas);
      const panel = { element, canvas, width: 1, height: 1 };
      this.listen(element, "wheel", (event) => this.wheel(panel, event), { passive: false });
      this.listen(element, "pointerdown", (event) => this.grab(panel, event));
      this.listen(element, "pointermove", (event) => this.drag(panel, event));
      for (const end of ["pointerup", "pointercancel"]) this.listen(element, end, (event) => this.pointers.delete(event.pointerId));
      this.listen(element, "dblclick", () => this.look(WHOLE));
      return panel;
    });
    this.stage.replaceChildren(...this.panels.map(({ element }) => element));
  }

  layOut() {
    if (!this.shown) return;
    const room = window.innerHeight - this.stage.getBoundingClientRect().top - ROOM_BELOW;
    const across = (this.stage.clientWidth - 8 * (this.panels.length - 1)) / this.panels.length;
    const { width, height } = this.shown;
    const tall = Math.max(LOWEST, Math.min(room, (across * height) / width));
    for (const { element } of this.panels) {
      element.style.height = `${tall}px`;
      // Two pictures that are compared stand close together.
      element.style.maxWidth = this.panels.length > 1 ? `${(tall * width) / height}px` : "none";
    }
    this.look(this.view);
  }

  look(view) {
    if (!this.shown) return;
    this.panels.forEach(measure);
    this.view = held(view, this.panels[0], this.shown);
    this.root.dataset.zoom = this.view.zoom.toFixed(2);
    this.panels.forEach((panel, place) => paint(panel, this.view, this.shown, place));
  }

  zoom(key) {
    if (!this.shown) return;
    const [panel] = this.panels;
    const by = { "+": STEP_IN, "=": STEP_IN, "-": 1 / STEP_IN }[key];
    this.look(by ? zoomedAt(this.view, by, panel.width / 2, panel.height / 2, panel, this.shown) : WHOLE);
  }

  /** Zoom once the picture was clicked, or with Ctrl; else the wheel is the page's. */
  wheel(panel, event) {
    if (!event.ctrlKey && this.root.getRootNode().activeElement !== this.stage) return;
    event.preventDefault();
    const box = panel.canvas.getBoundingClientRect();
    this.look(zoomedAt(this.view, wheelFactor(event), event.clientX - box.left, event.clientY - box.top, panel, this.shown));
  }

  grab(panel, event) {
    if (event.button !== 0) return;
    panel.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, pointOf(panel, event));
  }

  /** Move by one finger or the mouse; by two fingers zoom as well, around the middle between them. */
  drag(panel, event) {
    const last = this.pointers.get(event.pointerId);
    if (!last || !this.shown) return;
    const at = pointOf(panel, event);
    const other = [...this.pointers].find(([pointer]) => pointer !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, at);
    const share = other ? 0.5 : 1;
    this.moveBy(panel, (at.x - last.x) * share, (at.y - last.y) * share);
    if (!other) return;
    const apart = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const middle = [(at.x + other.x) / 2, (at.y + other.y) / 2];
    this.look(zoomedAt(this.view, apart(at) / apart(last), ...middle, panel, this.shown));
  }

  moveBy(panel, across, down) {
    const { scale } = placement(this.view, panel, this.shown);
    const x = this.view.x - across / (this.shown.width * scale);
    const y = this.view.y - down / (this.shown.height * scale);
    this.look({ ...this.view, x, y });
  }

  close() {
    clearTimeout(this.looking);
    this.ends.abort();
    this.sizes.disconnect();
  }
}

function pointOf(panel, event) {
  const box = panel.canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

/** Decode an item's pictures, and trace the outline if it has one. */
async function decoded(item, part) {
  const bitmaps = await Promise.all(item.pictures.map(async (place) => (await decodePicture(part(place))).bitmap));
  const shapes = item.outline ? await decodeMask(part(item.outline)) : [];
  return { bitmaps, shapes, looks: item.looks, width: item.width, height: item.height };
}

function paint(panel, view, shown, place) {
  const context = panel.canvas.getContext("2d");
  const { scale, left, top } = placement(view, panel, shown);
  const size = scale * panel.ratio;
  const matrix = new DOMMatrix([size, 0, 0, size, Math.round(left * panel.ratio), Math.round(top * panel.ratio)]);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, panel.canvas.width, panel.canvas.height);
  context.imageSmoothingEnabled = scale <= 2;
  context.imageSmoothingQuality = "medium";
  context.setTransform(matrix);
  context.drawImage(shown.bitmaps[place], 0, 0);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.lineJoin = "round";
  const lines = shown.shapes.map((shape) => ({
    ...shown.looks.role,
    ...placed(shape, panel, matrix),
    dash: dashOf(shown.looks, shape.label),
  }));
  for (const line of lines) strokeHalo(context, line, panel.ratio);
  for (const line of lines) strokeLine(context, line, panel.ratio);
}

/** Whether a key is for a text or a choice. */
function isTyping(event) {
  const [target] = event.composedPath();
  if (target.isContentEditable || document.querySelector("[role=dialog][aria-modal=true]")) return true;
  return target.matches?.("select, textarea, [role=combobox], input:not([type=range], [type=checkbox], [type=radio])") ?? false;
}

export default function ({ data, parentElement }) {
  const [screen, end] = lastingOf(parentElement, ".review", (root) => new Screen(root));
  screen.load(data);
  return end;
}
