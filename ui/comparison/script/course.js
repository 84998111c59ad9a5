/* ------------------------------------------------------------------- course */

// The run over its steps: the scrubber, the curve below it and the figures beside are one.

const SVG = "http://www.w3.org/2000/svg";

function connectCourse(viewer) {
  const curve = viewer.find(".curve");
  const at = (event) => stepAt(viewer, event);
  viewer.listen(viewer.find(".frame"), "input", ({ target }) => seek(viewer, nearest(viewer, target.valueAsNumber)));
  viewer.listen(curve, "pointerdown", (event) => {
    if (event.button !== 0) return;
    curve.setPointerCapture(event.pointerId);
    seek(viewer, nearest(viewer, at(event)));
  });
  viewer.listen(curve, "pointermove", (event) => {
    if (curve.hasPointerCapture(event.pointerId)) seek(viewer, nearest(viewer, at(event)));
    showPoint(viewer, at(event));
  });
  viewer.listen(curve, "pointerleave", () => showPoint(viewer, null));
  viewer.listen(viewer.find(".result"), "click", () => seek(viewer, viewer.comparison.header.frames.length - 1));
}

/** Return the steps at both ends of scrubber and curve. */
function span({ header, course }) {
  const steps = [...course.map((place) => header.frames[place].step), ...(header.curves?.step ?? [])];
  return [Math.min(...steps), Math.max(...steps)];
}

function shareOf(viewer, step) {
  const [first, last] = span(viewer.comparison);
  return last > first ? (step - first) / (last - first) : 0;
}

function stepAt(viewer, event) {
  const box = viewer.find(".curve svg").getBoundingClientRect();
  const [first, last] = span(viewer.comparison);
  return first + clamp((event.clientX - box.left) / box.width, 0, 1) * (last - first);
}

/** Return the place of the snapshot that is nearest to a step. */
function nearest({ comparison }, step) {
  const { frames } = comparison.header;
  const away = (place) => Math.abs(frames[place].step - step);
  return comparison.course.reduce((best, place) => (away(place) < away(best) ? place : best));
}

/** Return the snapshot before or after the one on screen. */
function neighbour({ comparison, frame }, direction) {
  const { course, header } = comparison;
  const known = course.indexOf(frame);
  // The snapshot at the result's step is not in the course; an address may name it.
  const place = known < 0 ? course.indexOf(header.frames.length - 1) : known;
  return course[clamp(place + direction, 0, course.length - 1)];
}

function seek(viewer, frame) {
  viewer.play(false);
  viewer.goTo(frame);
}

function togglePlay(viewer) {
  viewer.play(!viewer.playing);
  viewer.show();
}

/** Draw what stays while one looks through the run: curves, marks, and the table's frame. */
function showCourse(viewer) {
  const { find, comparison } = viewer;
  const { curves, frames, frame_count: count } = comparison.header;
  const input = find(".frame");
  [input.min, input.max] = span(comparison);
  input.title = frames.length < count ? `${frames.length} of ${count} snapshots` : "";
  find(".course").classList.toggle("quiet", comparison.course.length < 2 && !curves);
  find(".curve").hidden = !curves;
  find(".mark").style.left = `${100 * shareOf(viewer, frames.at(-1).step)}%`;
  if (curves) drawCurves(viewer, curves);
  makeFigures(viewer);
}

function drawCurves(viewer, { label, wanted, step, score, l2 }) {
  const { find } = viewer;
  const most = Math.max(...l2.filter((value) => value !== null), 0) || 1;
  const path = (values, top) => pathOf(step.map((at) => 1000 * shareOf(viewer, at)), values, top);
  find(".curve .score").setAttribute("d", path(score, 1));
  find(".curve .l2").setAttribute("d", path(l2, most));
  find(".curve .wanted").setAttribute("d", pathOf([0, 1000], [wanted, wanted], 1));
  const { frames } = viewer.comparison.header;
  const ticks = viewer.comparison.course.map((place) => 1000 * shareOf(viewer, frames[place].step));
  find(".curve .ticks").setAttribute("d", ticks.map((x) => `M${x} 96V100`).join(""));
  find(".curve").style.setProperty("--score", viewer.looks.roles.after.colour);
  find(".curve-names .score-name").textContent = label;
  find(".curve-names .wanted-name").textContent = `wanted ${wanted}`;
  find(".curve-names .l2-name").textContent = `L2, up to ${most.toFixed(2)}`;
}

/** Return an SVG path through (x, value / top), 100 high, broken where a value is undefined. */
function pathOf(x, values, top) {
  const at = (value) => 97 - (94 * clamp(value, 0, top)) / top;
  const begins = (i) => i === 0 || values[i - 1] === null;
  const point = (value, i) => `${begins(i) ? "M" : "L"}${x[i].toFixed(1)} ${at(value).toFixed(2)}`;
  // A line of no length has round ends, so that a value by itself is seen.
  return values.map((value, i) => (value === null ? "" : point(value, i) + (begins(i) ? "h0" : ""))).join("");
}

/** Say what the curves have under the pointer. */
function showPoint(viewer, step) {
  const { find, comparison } = viewer;
  const text = find(".curve-point");
  text.textContent = "";
  if (step === null) return;
  const { curves } = comparison.header;
  const closest = curves.step.reduce((best, at, i) => (Math.abs(at - step) < Math.abs(curves.step[best] - step) ? i : best), 0);
  const told = (value) => (value === null ? "n/a" : value.toFixed(3));
  text.textContent = `step ${curves.step[closest]}: ${curves.label} ${told(curves.score[closest])}, L2 ${told(curves.l2[closest])}`;
}

/** Bring scrubber, curve and figures to the step on screen. */
function showStep(viewer) {
  const { find, frame, playing, comparison, step } = viewer;
  const share = `${100 * shareOf(viewer, step.step)}%`;
  const atResult = frame === comparison.header.frames.length - 1;
  find(".frame").value = step.step;
  find(".frame").setAttribute("aria-valuetext", step.label);
  find(".frame-text").textContent = step.label;
  find(".cursor").style.left = share;
  pressed(find(".play"), playing);
  pressed(find(".result"), atResult);
  showFigures(viewer);
}

/* ------------------------------------------------------------------ figures */

const element = (name, text = "", more = {}) => Object.assign(document.createElement(name), { textContent: text, ...more });

/** Make the table: the step's figures first and large, then how visible the results are. */
function makeFigures(viewer) {
  const { header } = viewer.comparison;
  const table = viewer.find(".figures table");
  const named = header.beside.map(({ key }) => key);
  table.tHead.replaceChildren();
  if (named.length) {
    const row = table.tHead.insertRow();
    row.append(element("td"), ...[header.key, ...named].map((key) => element("th", key, { scope: "col" })));
  }
  fillRows(table.tBodies[1], header.visible, header.beside.map(({ visible }) => visible));
  viewer.find(".figures").hidden = !header.visible.length && !header.frames.some(({ figures }) => figures.length);
  viewer.find(".noticed").hidden = !header.visible.length;
}

function showFigures(viewer) {
  if (viewer.figuresOf === viewer.step) return;
  viewer.figuresOf = viewer.step;
  const { header } = viewer.comparison;
  const measured = viewer.step === header.frames.at(-1) ? ", 8-bit file" : "";
  viewer.find(".of-step").textContent = viewer.step.label + measured;
  fillRows(viewer.find(".figures table").tBodies[0], viewer.step.figures, header.beside.map(({ figures }) => figures));
}

/** Fill a part of the table: a row for each figure, a cell for each run. */
function fillRows(body, own, others) {
  const heading = body.rows[0];
  const rows = own.map(([name, value], i) => {
    const row = document.createElement("tr");
    const cells = [value, ...others.map((figures) => figures[i]?.[1] ?? "")];
    row.append(element("th", name, { scope: "row" }), ...cells.map((text) => element("td", text)));
    return row;
  });
  heading.cells[0].colSpan = 2 + others.length;
  body.replaceChildren(heading, ...rows);
}
