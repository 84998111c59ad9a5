/* ----------------------------------------------------------------- painting */

const MOST_RUNS = 4;

/** Make a panel of each kind from the pattern in the page. */
function makePanels(pattern) {
  const make = (kind, shows, run) => {
    const element = pattern.cloneNode(true);
    Object.assign(element.dataset, { panel: kind, place: String(Math.max(0, run - 1)) });
    if (shows !== "single") element.querySelectorAll(".divider, .second").forEach((part) => part.remove());
    pattern.before(element);
    return newPanel(element, shows, run);
  };
  const others = Array.from({ length: MOST_RUNS - 1 }, (_, place) => place + 1);
  const panels = [
    make("original", "original", 0),
    make("adversarial", "adversarial", 0),
    make("difference", "difference", 0),
    ...others.flatMap((run) => [
      make("beside", "adversarial", run),
      make("beside-difference", "difference", run),
    ]),
    make("single", "single", 0),
  ];
  pattern.remove();
  return panels;
}

function newPanel(element, shows, run) {
  return {
    element,
    shows,
    run,
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
  const { scale, left, top } = placement(viewer.view, panel, viewer.original);
  const size = scale * panel.ratio;
  // Whole device pixels keep enlarged picture pixels sharp; outlines take the same matrix.
  const matrix = new DOMMatrix([size, 0, 0, size, Math.round(left * panel.ratio), Math.round(top * panel.ratio)]);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, panel.canvas.width, panel.canvas.height);
  context.imageSmoothingEnabled = scale <= 2;
  context.imageSmoothingQuality = "medium";
  const { width } = panel.canvas;
  const [first, second] = viewer.shown(panel);
  const split = second ? Math.round(viewer.state.divider * width) : width;
  paintPart(viewer, panel, context, matrix, first, 0, split);
  if (second) paintPart(viewer, panel, context, matrix, second, split, width);
  if (panel.shows === "difference" || first.map) frameDifference(viewer, panel, context, matrix);
}

/** Paint a source and its outlines from one column of the screen to another. */
function paintPart(viewer, panel, context, matrix, source, from, to) {
  const part = new Path2D();
  part.rect(from, 0, to - from, panel.canvas.height);
  context.save();
  context.clip(part);
  context.save();
  context.setTransform(matrix);
  context.drawImage(pictureOf(viewer, panel, source), 0, 0);
  context.restore();
  paintMasks(viewer, panel, context, matrix, source.masks);
  context.restore();
}

function pictureOf(viewer, panel, source) {
  if (panel.shows === "difference") return panel.picture;
  return source.map ? mapPicture(viewer, source.map) : source.picture.bitmap;
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

function paintMasks(viewer, panel, context, matrix, masks) {
  const { looks, state } = viewer;
  const chosen = state.overlays.filter((name) => masks[name]);
  const lines = chosen.flatMap((name) =>
    masks[name].map((shape) => ({
      ...looks.roles[name],
      ...placed(shape, panel, matrix),
      dash: dashOf(looks, shape.label),
    })),
  );
  context.save();
  context.lineJoin = "round";
  context.globalAlpha = state.opacity;
  if (state.fill) for (const line of lines) fillArea(context, line, state.opacity);
  // All halos lie under all lines, or a halo would dim its neighbour.
  for (const line of lines) strokeHalo(context, line, panel.ratio);
  for (const line of lines) strokeLine(context, line, panel.ratio);
  context.restore();
}

/** Bring a panel's difference up to date: its values, then their colours and its scale. */
function updateDifference(viewer, panel) {
  const { difference, channel } = viewer.state;
  const [{ picture }] = viewer.shown(panel);
  const of = [difference, difference === "perceptual" ? "" : channel].join();
  if (panel.of !== of || panel.adversarial !== picture) {
    panel.values = differences(viewer.original, picture, difference, channel);
    Object.assign(panel, { of, adversarial: picture, look: undefined });
  }
  const look = [viewer.factor, viewer.zero].join();
  if (look === panel.look) return;
  panel.look = look;
  const { width, height } = viewer.original;
  const fits = panel.picture?.width === width && panel.picture.height === height;
  if (!fits) panel.picture = new OffscreenCanvas(width, height);
  const colour = colourTable(viewer.looks.difference, difference, viewer.factor, viewer.zero);
  paintDifference(panel.picture, panel.values, colour);
  paintScale(viewer, panel.element);
}

/** Draw the difference's colours with what their ends stand for. */
function paintScale(viewer, element) {
  const { state, looks, factor } = viewer;
  const kind = state.difference;
  const end = scaleEnd(looks.difference, kind, factor);
  const high = kind === "signed" ? `+${end}` : kind === "absolute" ? end : `${end} \u0394E`;
  paintColours(viewer, element, kind, kind === "signed" ? `\u2212${end}` : "0", high);
}

/** Draw colours from one end to the other, with what the ends stand for. */
function paintColours({ looks, zero }, element, kind, low, high) {
  const canvas = element.querySelector(".scale canvas");
  canvas.width = 80;
  const context = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x += 1) {
    const share = x / (canvas.width - 1);
    const colour = differenceColour(looks.difference, kind, kind === "signed" ? 2 * share - 1 : share, zero);
    context.fillStyle = `rgb(${colour.join(" ")})`;
    context.fillRect(x, 0, 1, 1);
  }
  element.querySelector(".scale .low").textContent = low;
  element.querySelector(".scale .high").textContent = high;
}

/** Expose what is on show, for tests and for styles. */
function publish(viewer) {
  const { root, state, step, blink, shownFrame, comparison } = viewer;
  Object.assign(root.dataset, {
    ready: "true",
    run: comparison.header.key,
    runs: String(1 + comparison.beside.length),
    zoom: state.zoom.toFixed(4),
    centre: `${state.x.toFixed(4)},${state.y.toFixed(4)}`,
    frame: String(shownFrame),
    step: String(step.step),
    shown: viewer.sources()[blink.place].key,
    blinking: String(blink.running),
    divider: state.divider.toFixed(3),
    suspicion: mapOf(viewer, "original") ? chosenDetector(viewer).name : "",
  });
}
