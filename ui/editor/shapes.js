// Shapes of the target editor: their paths on the screen, what they paint, how they are taken hold
// of. Coordinates are pixels of the image; (0, 0) is the outer corner of the first pixel.

/* ------------------------------------------------------------------- shapes */

const TARGET_LAYER = "target";
const REGION_LAYER = "region";
const exact = (value) => Math.round(value * 1000) / 1000;
const exactly = ([x, y]) => [exact(x), exact(y)];
const middle = ([a, b], [c, d]) => [(a + c) / 2, (b + d) / 2];
const apart = ([a, b], [c, d]) => Math.hypot(a - c, b - d);

/** Return the corners of a rectangle in their order, or the points of a polygon or stroke. */
function pointsOf(shape) {
  if (shape.kind !== "rectangle") return shape.points;
  const { left, top, width, height } = shape;
  return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]];
}

/** Return a shape's path in image coordinates; that of a stroke is its middle line. */
function pathOf(shape) {
  const path = new Path2D();
  if (shape.kind === "ellipse") {
    const { centre, radii } = shape;
    path.ellipse(centre[0], centre[1], Math.max(radii[0], 0), Math.max(radii[1], 0), 0, 0, 2 * Math.PI);
    return path;
  }
  const points = pointsOf(shape);
  points.forEach(([x, y], i) => (i === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
  if (shape.kind === "stroke") path.lineTo(...points.at(-1));
  else path.closePath();
  return path;
}

function boundsOf(shape) {
  if (shape.kind === "ellipse") {
    const { centre: [x, y], radii: [a, b] } = shape;
    return { left: x - a, top: y - b, right: x + a, bottom: y + b };
  }
  const points = pointsOf(shape);
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const more = shape.kind === "stroke" ? shape.width / 2 : 0;
  return {
    left: Math.min(...xs) - more,
    top: Math.min(...ys) - more,
    right: Math.max(...xs) + more,
    bottom: Math.max(...ys) + more,
  };
}

function moved(shape, dx, dy) {
  const by = ([x, y]) => exactly([x + dx, y + dy]);
  if (shape.kind === "rectangle") return { ...shape, left: exact(shape.left + dx), top: exact(shape.top + dy) };
  if (shape.kind === "ellipse") return { ...shape, centre: by(shape.centre) };
  return { ...shape, points: shape.points.map(by) };
}

/** Return the places by which a shape is reshaped. */
function handlesOf(shape) {
  if (shape.kind === "stroke") return [];
  if (shape.kind !== "ellipse") return pointsOf(shape);
  const { centre: [x, y], radii: [a, b] } = shape;
  return [[x + a, y], [x, y + b], [x - a, y], [x, y - b]];
}

/** Return the shape with one of its handles put to a point. */
function reshaped(shape, handle, [x, y]) {
  if (shape.kind === "rectangle") {
    const opposite = pointsOf(shape)[(handle + 2) % 4];
    return rectangleBetween(opposite, [x, y], shape);
  }
  if (shape.kind === "ellipse") {
    const radii = [...shape.radii];
    radii[handle % 2] = exact(Math.max(0.5, Math.abs([x, y][handle % 2] - shape.centre[handle % 2])));
    return { ...shape, radii };
  }
  return { ...shape, points: shape.points.map((point, i) => (i === handle ? exactly([x, y]) : point)) };
}

function rectangleBetween([a, b], [c, d], rest) {
  const [left, right, top, bottom] = [Math.min(a, c), Math.max(a, c), Math.min(b, d), Math.max(b, d)];
  return { ...rest, kind: "rectangle", left: exact(left), top: exact(top), width: exact(right - left), height: exact(bottom - top) };
}

/** Return a circle from one side of it to the other. */
function circleBetween(from, to, rest) {
  const radius = exact(apart(from, to) / 2);
  return { ...rest, kind: "ellipse", centre: exactly(middle(from, to)), radii: [radius, radius] };
}

/** Leave out what lies within `tolerance` of the line between its neighbours (Douglas, Peucker 1973). */
function simplified(points, tolerance) {
  const keep = new Set([0, points.length - 1]);
  const open = [[0, points.length - 1]];
  while (open.length) {
    const [first, last] = open.pop();
    let [most, place] = [tolerance, -1];
    for (let i = first + 1; i < last; i += 1) {
      const off = fromSegment(points[i], points[first], points[last]);
      if (off > most) [most, place] = [off, i];
    }
    if (place < 0) continue;
    keep.add(place);
    open.push([first, place], [place, last]);
  }
  return points.filter((_, i) => keep.has(i)).map(exactly);
}

function fromSegment([x, y], [a, b], [c, d]) {
  const [dx, dy] = [c - a, d - b];
  const length = dx * dx + dy * dy;
  const share = length ? clamp(((x - a) * dx + (y - b) * dy) / length, 0, 1) : 0;
  return Math.hypot(x - a - share * dx, y - b - share * dy);
}

/* ----------------------------------------------------------------- painting */

// The mask as asma_core/data/targets/drawing.py paints it: a pixel belongs to a shape when its
// centre does. What is attacked is painted there; this is what is seen while drawing.

const firstCentre = (coordinate, size) => clamp(Math.ceil(clamp(coordinate, -1, size + 1) - 0.5), 0, size);

function span(low, high, size) {
  const first = firstCentre(low, size);
  return [first, Math.max(firstCentre(high, size), first)];
}

/** Paint a shape into `map` {labels, width, height}. */
function paintShape(map, shape) {
  if (shape.kind === "ellipse") paintEllipse(map, shape.centre, shape.radii, shape.class);
  else if (shape.kind === "stroke") paintStroke(map, shape);
  else paintPolygon(map, pointsOf(shape), shape.class);
}

function paintPolygon({ labels, width, height }, corners, label) {
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [top, bottom] = span(Math.min(...ys), Math.max(...ys), height);
  const [left, right] = span(Math.min(...xs), Math.max(...xs), width);
  const [rows, columns] = [bottom - top, right - left];
  const winding = new Int16Array(rows * (columns + 1));
  for (let i = 0; i < corners.length; i += 1) {
    const [a, b] = [corners[i], corners[(i + 1) % corners.length]];
    const [startX, startY, endX, endY] = [a[0] - left, a[1] - top, b[0] - left, b[1] - top];
    const [first, last] = span(Math.min(startY, endY), Math.max(startY, endY), rows);
    for (let row = first; row < last; row += 1) {
      const x = startX + ((row + 0.5 - startY) * (endX - startX)) / (endY - startY);
      winding[row * (columns + 1) + firstCentre(x, columns)] += endY > startY ? 1 : -1;
    }
  }
  for (let row = 0; row < rows; row += 1) {
    let wound = 0;
    for (let column = 0; column < columns; column += 1) {
      wound += winding[row * (columns + 1) + column];
      if (wound !== 0) labels[(top + row) * width + left + column] = label;
    }
  }
}

function paintEllipse({ labels, width, height }, [x, y], [a, b], label) {
  if (!(a > 0 && b > 0)) return;
  const [top, bottom] = span(y - b, y + b, height);
  for (let row = top; row < bottom; row += 1) {
    const down = (row + 0.5 - y) / b;
    const half = a * Math.sqrt(Math.max(1 - down * down, 0));
    const [left, right] = span(x - half, x + half, width);
    labels.fill(label, row * width + left, row * width + right);
  }
}

function paintStroke(map, { points, width, class: label }) {
  const radius = width / 2;
  for (const point of points) paintEllipse(map, point, [radius, radius], label);
  for (let i = 1; i < points.length; i += 1) {
    const [[a, b], [c, d]] = [points[i - 1], points[i]];
    const length = Math.hypot(c - a, d - b);
    if (!length) continue;
    const [x, y] = [(-(d - b) * radius) / length, ((c - a) * radius) / length];
    paintPolygon(map, [[a + x, b + y], [c + x, d + y], [c - x, d - y], [a - x, b - y]], label);
  }
}
