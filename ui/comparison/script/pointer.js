/* ------------------------------------------------------------------ pointer */

const HINT_DELAY = 1600;

function connectPointer(viewer) {
  for (const panel of viewer.panels) {
    const on = (type, action, options) => viewer.listen(panel.element, type, action, options);
    on("wheel", (event) => wheel(viewer, panel, event), { passive: false });
    on("pointerdown", (event) => press(viewer, panel, event));
    on("pointermove", (event) => move(viewer, panel, event));
    on("pointerup", (event) => release(viewer, panel, event));
    on("pointercancel", (event) => release(viewer, panel, event));
    on("pointerleave", () => showPointer(viewer, panel, null));
    on("click", () => viewer.hold(true));
    on("dblclick", () => viewer.change(WHOLE));
  }
}

function position(panel, event) {
  const box = panel.canvas.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

/** Zoom once the picture was clicked, or with Ctrl; else the wheel is the page's. */
function wheel(viewer, panel, event) {
  if (!viewer.holding && !event.ctrlKey) {
    hint(viewer);
    return;
  }
  event.preventDefault();
  const { x, y } = position(panel, event);
  viewer.zoomBy(wheelFactor(event), panel, x, y);
  showPointer(viewer, panel, { x, y });
}

function hint({ find }) {
  const words = find(".hint");
  words.classList.add("on");
  clearTimeout(words.fading);
  words.fading = setTimeout(() => words.classList.remove("on"), HINT_DELAY);
}

function press(viewer, panel, event) {
  if (event.button !== 0) return;
  const divider = event.target.closest(".divider") !== null;
  if (event.pointerType === "mouse") viewer.hold(true);
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
    other.pointer.hidden = at === null || other === panel;
    if (at) other.pointer.style.transform = `translate(${at.x}px, ${at.y}px)`;
  }
  viewer.hover = at && { panel, at };
  showReadout(viewer);
}

function pixelAt(viewer, panel, at) {
  if (!viewer.picture) return null;
  const { width, height } = viewer.original;
  const { scale, left, top } = placement(viewer.view, panel, viewer.original);
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
  const { original, comparison } = viewer;
  // Where the original is on screen, it is held against the run itself.
  const { picture } = viewer.shown(hover.panel).find(({ key }) => key !== "original") ?? viewer.source("run", 1);
  const first = 4 * (pixel.y * original.width + pixel.x);
  const was = [...original.pixels.slice(first, first + 3)];
  const is = [...picture.pixels.slice(first, first + 3)];
  const times = comparison.header.reduced;
  readout.querySelector(".place").textContent = `x ${columns([pixel.x * times], 4)}  y ${columns([pixel.y * times], 4)}`;
  readout.querySelector(".was").textContent = columns(was, 3);
  readout.querySelector(".is").textContent = columns(is, 3);
  readout.querySelector(".by").textContent = columns(is.map((value, i) => signedText(value - was[i])), 4);
}
