// What the comparison viewer and the target editor share: unpacking and decoding pictures, tracing
// and drawing the outlines of masks, zoom and pan. It is put before the script of either.

/* ----------------------------------------------------------------- pictures */

/** Split the bytes of a component into the header and a function that gives a picture's bytes. */
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const body = bytes.subarray(4 + length);
  return { header, part: (place) => body.subarray(place.offset, place.offset + place.length) };
}

/** Decode a PNG to a bitmap for drawing and its 8-bit RGBA values, untouched by colour profiles. */
async function decodePicture(bytes) {
  const blob = new Blob([bytes], { type: "image/png" });
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(blob, exact);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
  return { bitmap, pixels, width: bitmap.width, height: bitmap.height };
}

/** Decode a mask PNG (grey value = class number) to its labels. */
async function decodeLabels(bytes) {
  const { bitmap, pixels, width, height } = await decodePicture(bytes);
  bitmap.close();
  const labels = new Uint8Array(width * height);
  for (let i = 0; i < labels.length; i += 1) labels[i] = pixels[4 * i];
  return Object.assign(labels, { across: width, down: height });
}

/** Decode a mask PNG and trace its outlines. */
async function decodeMask(bytes) {
  const labels = await decodeLabels(bytes);
  return traceMask(labels, labels.across, labels.down);
}

/* -------------------------------------------------------------------- masks */

// Headings east, south, west, north. An outline is walked with the structure on its right hand:
// AHEAD_RIGHT and AHEAD_LEFT are the pixels on both sides of the edge that leaves a corner.
const STEP = [[1, 0], [0, 1], [-1, 0], [0, -1]];
const AHEAD_RIGHT = [[0, 0], [-1, 0], [-1, -1], [0, -1]];
const AHEAD_LEFT = [[0, -1], [0, 0], [-1, 0], [-1, -1]];

/** Trace every structure once: per class its closed area and the outline that it is drawn with. */
function traceMask(labels, width, height) {
  const shapes = new Map();
  const seen = new Uint8Array(width * height);
  for (let i = 0; i < labels.length; i += 1) {
    const label = labels[i];
    if (label === 0 || seen[i] || (i >= width && labels[i - width] === label)) continue;
    if (!shapes.has(label)) shapes.set(label, { label, area: new Path2D(), outline: new Path2D() });
    const corners = traceLoop(labels, width, height, i % width, Math.floor(i / width), seen);
    addArea(shapes.get(label).area, corners);
    addOutline(shapes.get(label).outline, corners);
  }
  return [...shapes.values()].sort((a, b) => a.label - b.label);
}

/**
 * Walk one boundary between pixels, from the top edge of pixel (x, y) back to it.
 * A corner is noted where the heading changes or where the edge changes its owner: between two
 * structures the higher class draws the edge, so that no edge is drawn twice in two line styles.
 */
function traceLoop(labels, width, height, startX, startY, seen) {
  const label = labels[startY * width + startX];
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : labels[y * width + x]);
  const beside = (sides, heading, x, y) => at(x + sides[heading][0], y + sides[heading][1]);
  const corners = [];
  let [x, y, heading, lastHeading, lastOwned] = [startX, startY, 0, -1, false];
  do {
    const owned = beside(AHEAD_LEFT, heading, x, y) < label;
    if (heading !== lastHeading || owned !== lastOwned) corners.push({ x, y, owned });
    [lastHeading, lastOwned] = [heading, owned];
    if (heading === 0) seen[y * width + x] = 1;
    x += STEP[heading][0];
    y += STEP[heading][1];
    if (beside(AHEAD_RIGHT, heading, x, y) !== label) heading = (heading + 1) % 4;
    else if (beside(AHEAD_LEFT, heading, x, y) === label) heading = (heading + 3) % 4;
  } while (x !== startX || y !== startY || heading !== 0);
  return corners;
}

function addArea(path, corners) {
  corners.forEach(({ x, y }, i) => (i === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
  path.closePath();
}

/** Add the owned edges, as a closed line or as runs that start behind an edge of another owner. */
function addOutline(path, corners) {
  const first = corners.findIndex((corner, i) => corner.owned && !corners.at(i - 1).owned);
  if (first < 0) {
    if (corners[0].owned) addArea(path, corners);
    return;
  }
  for (let i = 0, drawing = false; i < corners.length; i += 1) {
    const from = corners[(first + i) % corners.length];
    const to = corners[(first + i + 1) % corners.length];
    if (from.owned && !drawing) path.moveTo(from.x, from.y);
    if (from.owned) path.lineTo(to.x, to.y);
    drawing = from.owned;
  }
}

const LINE = 2;

/** Return the line style of a class in CSS pixels. */
function dashOf({ dashes }, label) {
  return dashes[(label - 1) % dashes.length].map((length) => LINE * length);
}

/* --------------------------------------------------------------------- view */

// The view is {x, y, zoom}: the picture's point in the middle of every panel, as a share of its
// width and height, and how much larger than "whole picture" it is drawn. So it holds for panels
// and pictures of any size.
const WHOLE = { x: 0.5, y: 0.5, zoom: 1 };
const LARGEST_PIXEL = 96;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

const fitScale = (panel, picture) => Math.min(panel.width / picture.width, panel.height / picture.height);

/** Return CSS pixels per picture pixel and where the picture's corner lies in the panel. */
function placement(view, panel, picture) {
  const scale = fitScale(panel, picture) * view.zoom;
  return {
    scale,
    left: panel.width / 2 - view.x * picture.width * scale,
    top: panel.height / 2 - view.y * picture.height * scale,
  };
}

/** Keep the picture over the panel: centred where it is smaller, without a gap where larger. */
function held(view, panel, picture) {
  const scale = fitScale(panel, picture) * view.zoom;
  const axis = (centre, room, size) => {
    const half = room / 2 / (size * scale);
    return half >= 0.5 ? 0.5 : clamp(centre, half, 1 - half);
  };
  return {
    x: axis(view.x, panel.width, picture.width),
    y: axis(view.y, panel.height, picture.height),
    zoom: view.zoom,
  };
}

/** Zoom by a factor so that the picture's point under (px, py) of the panel stays there. */
function zoomedAt(view, factor, px, py, panel, picture) {
  const largest = Math.max(1, LARGEST_PIXEL / fitScale(panel, picture));
  const zoom = clamp(view.zoom * factor, 1, largest);
  const before = placement(view, panel, picture);
  const after = fitScale(panel, picture) * zoom;
  const x = (px - before.left) / before.scale + (panel.width / 2 - px) / after;
  const y = (py - before.top) / before.scale + (panel.height / 2 - py) / after;
  return held({ x: x / picture.width, y: y / picture.height, zoom }, panel, picture);
}

/** Let a component report, but not while its page is being left (ui/address/history.js). */
function reportOf(root, report) {
  if (window.asmaHistory) window.asmaHistory.tell(root, report);
  else report();
}

/** Return by how much a turn of the wheel zooms. */
function wheelFactor(event) {
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  // A pinch on a touchpad arrives as small wheel steps with Ctrl.
  const small = event.ctrlKey && Math.abs(event.deltaY) < 40;
  return Math.exp(-clamp(event.deltaY * lines, -400, 400) * (small ? 0.01 : 0.0018));
}

/* ------------------------------------------------------------------ drawing */

/** Give the canvas one pixel for each of the screen's. */
function measure(panel) {
  panel.width = Math.max(1, panel.element.clientWidth);
  panel.height = Math.max(1, panel.element.clientHeight);
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(panel.width * ratio), Math.round(panel.height * ratio)];
  if (panel.canvas.width !== width) panel.canvas.width = width;
  if (panel.canvas.height !== height) panel.canvas.height = height;
  panel.ratio = ratio;
}

/** Return any CSS colour as [r, g, b]. */
function readColour(text) {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** Return a shape's paths in device pixels, so that its line is as thin at any zoom. */
function placed(shape, panel, matrix) {
  const [area, outline, outside] = [new Path2D(), new Path2D(), new Path2D()];
  area.addPath(shape.area, matrix);
  outline.addPath(shape.outline, matrix);
  outside.rect(0, 0, panel.canvas.width, panel.canvas.height);
  outside.addPath(area);
  return { area, outline, outside };
}

function fillArea(context, { area, colour }, opacity) {
  context.globalAlpha = 0.25 * opacity;
  context.fillStyle = colour;
  context.fill(area, "evenodd");
  context.globalAlpha = opacity;
}

/** Stroke on one side of the boundary only: twice the width, clipped to that side. */
function strokeSide(context, line, width) {
  context.save();
  context.clip(line.side === "inside" ? line.area : line.outside, "evenodd");
  context.lineWidth = 2 * width;
  context.stroke(line.outline);
  context.restore();
}

function strokeHalo(context, line, ratio) {
  context.setLineDash(line.dash.map((length) => length * ratio));
  context.strokeStyle = "rgb(0 0 0 / 0.5)";
  strokeSide(context, line, (LINE + 1) * ratio);
  context.lineWidth = 1.5 * ratio;
  context.stroke(line.outline);
}

function strokeLine(context, line, ratio) {
  context.setLineDash(line.dash.map((length) => length * ratio));
  context.strokeStyle = line.colour;
  strokeSide(context, line, LINE * ratio);
}

/** Return a sample of a line style, for a legend. */
function lineSample(dash) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 28 8");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", "M0 4H28");
  line.setAttribute("stroke-dasharray", dash.join(" ") || "none");
  svg.append(line);
  return svg;
}
