/* --------------------------------------------------------------------- grid */

const GAP = 8;
const NARROW = 520;
const SMALLEST = 240;
// Outlines and scrubber stay in sight below the pictures, and the judging at the window's edge.
const BELOW = 152;
// Another shape of the grid must make the pictures that much larger.
const WORTH = 1.15;

/** Return (columns, rows) of the grids to choose from: a column, or a row, for each run. */
function shapes(runs, narrow) {
  if (narrow) return [[1, 1 + 2 * runs]];
  return runs === 1 ? [[3, 1], [2, 2]] : [[runs + 1, 2], [3, runs]];
}

/** Return the grid in which the pictures are largest: {columns, height} of its cells. */
function bestGrid(runs, room, picture) {
  const narrow = room.width < NARROW;
  let best;
  for (const [columns, rows] of shapes(runs, narrow)) {
    const width = (room.width - GAP * (columns - 1)) / columns;
    const high = narrow ? room.height : (room.height - GAP * (rows - 1)) / rows;
    const natural = (width * picture.height) / picture.width;
    const height = Math.max(Math.min(natural, high), Math.min(natural, SMALLEST));
    const scale = height / picture.height;
    if (!best || scale > WORTH * best.scale) best = { columns, height, scale };
  }
  return best;
}

/** Return where a panel stands: [column, row], or nothing where panels just follow each other. */
function cell(panel, columns, runs) {
  if (runs === 1 || columns === 1) return ["auto", "auto"];
  const second = panel.shows === "difference";
  if (panel.shows === "original") return [1, 1];
  return columns === runs + 1 ? [panel.run + 2, second ? 2 : 1] : [second ? 3 : 2, panel.run + 1];
}

/** Return the room for all pictures: the window's, below where they begin. */
function roomOf(root, stage) {
  const inShadow = root.getRootNode().host ?? root;
  const scrolled = inShadow.closest("[data-testid=stMain]")?.scrollTop ?? window.scrollY;
  const top = stage.getBoundingClientRect().top + scrolled;
  const full = root.matches(":fullscreen");
  const height = window.innerHeight - BELOW - (full ? stage.getBoundingClientRect().top : top);
  return { width: stage.clientWidth, height: Math.max(SMALLEST, height) };
}
