// One picture that is zoomed and moved as those of the comparison viewer are.
const STEP_IN = 1.5;
// Milliseconds of rest after which the page hears of a zoom.
const REST = 300;
const DIGITS = 4;

class Zoomed {
  constructor(root) {
    this.root = root;
    this.element = root.querySelector(".panel");
    this.image = root.querySelector("img");
    this.view = WHOLE;
    // The places that the page has ordered or been told for this picture.
    this.known = new Set();
    this.ends = new AbortController();
    const on = (type, action, options) =>
      this.element.addEventListener(type, action, { signal: this.ends.signal, ...options });
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", () => this.release());
    on("pointercancel", () => this.release());
    on("dblclick", () => this.moveTo(WHOLE));
    on("keydown", (event) => this.key(event));
    for (const button of root.querySelectorAll("button")) {
      button.addEventListener("click", () => this.act(button.dataset.key), { signal: this.ends.signal });
    }
    this.sizes = new ResizeObserver(() => this.show(this.view));
    this.sizes.observe(this.element);
  }

  load(bytes) {
    const { header, part } = unpack(bytes);
    if (header.name !== this.header?.name) {
      clearTimeout(this.resting);
      this.known.clear();
    }
    this.header = header;
    // What the page says because it was told is old news: the picture may have gone on meanwhile.
    const ordered = sayView(header.view);
    if (!this.known.has(ordered)) {
      clearTimeout(this.resting);
      this.view = header.view;
    }
    this.known.add(ordered);
    this.element.style.aspectRatio = `${header.width} / ${header.height}`;
    this.image.alt = header.name;
    const before = this.image.src;
    this.image.src = URL.createObjectURL(new Blob([part(header.picture)], { type: "image/jpeg" }));
    if (before) URL.revokeObjectURL(before);
    this.show(this.view);
  }

  get panel() {
    return { width: this.element.clientWidth || 1, height: this.element.clientHeight || 1 };
  }

  show(view) {
    if (!this.header) return;
    this.view = held(view, this.panel, this.header);
    const { scale, left, top } = placement(this.view, this.panel, this.header);
    this.image.style.width = `${this.header.width * scale}px`;
    this.image.style.transform = `translate(${left}px, ${top}px)`;
    const [zoom, ...centre] = sayView(this.view).split(" ");
    this.root.dataset.zoom = zoom;
    this.root.dataset.centre = centre.join(" ");
  }

  /** Show what a person asked for, and tell the page when they have come to rest. */
  moveTo(view) {
    this.show(view);
    const name = this.header.name;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const said = sayView(this.view);
      this.known.add(said);
      const [zoom, x, y] = said.split(" ").map(Number);
      reportOf(this.root, () => this.tell({ name, zoom, x, y }));
    }, REST);
  }

  zoomBy(factor, x = this.panel.width / 2, y = this.panel.height / 2) {
    this.moveTo(zoomedAt(this.view, factor, x, y, this.panel, this.header));
  }

  /** Zoom once the picture was clicked, or with Ctrl; else the wheel is the page's. */
  wheel(event) {
    if (!event.ctrlKey && this.element.getRootNode().activeElement !== this.element) return;
    event.preventDefault();
    const box = this.element.getBoundingClientRect();
    this.zoomBy(wheelFactor(event), event.clientX - box.left, event.clientY - box.top);
  }

  press(event) {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.last = { x: event.clientX, y: event.clientY };
  }

  move(event) {
    if (!this.last) return;
    const { scale } = placement(this.view, this.panel, this.header);
    const x = this.view.x - (event.clientX - this.last.x) / (this.header.width * scale);
    const y = this.view.y - (event.clientY - this.last.y) / (this.header.height * scale);
    this.last = { x: event.clientX, y: event.clientY };
    this.moveTo({ ...this.view, x, y });
  }

  release() {
    this.last = null;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.act(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Do what a key means; return whether it means anything. */
  act(key) {
    if (key === "+" || key === "=") this.zoomBy(STEP_IN);
    else if (key === "-") this.zoomBy(1 / STEP_IN);
    else if (key === "0") this.moveTo(WHOLE);
    else return false;
    return true;
  }

  close() {
    clearTimeout(this.resting);
    this.ends.abort();
    this.sizes.disconnect();
    URL.revokeObjectURL(this.image.src);
  }
}

/** Return zoom and centre as the address has them. */
function sayView({ zoom, x, y }) {
  return [zoom, x, y].map((value) => value.toFixed(DIGITS)).join(" ");
}

export default function ({ data, parentElement, setStateValue }) {
  const [zoomed, end] = lastingOf(parentElement, ".zoomed", (root) => new Zoomed(root));
  zoomed.tell = (view) => setStateValue("view", view);
  zoomed.load(data);
  return end;
}
