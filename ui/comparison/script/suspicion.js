/* ---------------------------------------------------------------- suspicion */

// A detector's maps stand in the place of original and result, under the same zoom and outlines.

/** Return the detector that is chosen, if it has looked at this run. */
function chosenDetector({ state, comparison }) {
  return comparison.header.suspicions.find(({ name }) => name === state.suspicion);
}

/** Choose a detector, or with "" the pictures. */
async function suspect(viewer, name) {
  viewer.change({ suspicion: name });
  await fetchMaps(viewer);
}

/** Have the chosen detector's maps decoded; until they are the pictures stay. */
async function fetchMaps(viewer) {
  const { comparison } = viewer;
  const detector = chosenDetector(viewer);
  if (!detector) return;
  const maps = await comparison.mapsOf(detector);
  if (viewer.comparison !== comparison || chosenDetector(viewer) !== detector) return;
  viewer.maps = maps;
  viewer.show();
}

/** Return a source's map, if there is one and it is to be shown: of the original or the result. */
function mapOf(viewer, key) {
  const detector = chosenDetector(viewer);
  if (!detector || viewer.maps?.detector !== detector) return undefined;
  const frame = viewer.shownFrame ?? viewer.frame;
  const atResult = frame === viewer.comparison.header.frames.length - 1;
  return key === "original" ? viewer.maps.original : atResult ? viewer.maps.adversarial : undefined;
}

/** Return what a panel says of a picture whose place a map may have taken. */
function suspicionCaption(viewer, key, caption) {
  const detector = chosenDetector(viewer);
  if (!detector) return caption;
  if (mapOf(viewer, key)) return `${caption}: ${detector.title}, ${detector.unit}`;
  return key === "run" ? `${caption}; ${detector.title}: of the result only` : caption;
}

/** Return a map in colours, as the amount of a difference has them. */
function mapPicture({ looks, zero }, map) {
  const look = zero.join();
  if (map.look !== look) {
    map.canvas ??= new OffscreenCanvas(map.across, map.down);
    paintDifference(map.canvas, map, colourTable(looks.difference, "absolute", 1, zero));
    map.look = look;
  }
  return map.canvas;
}

/** Draw the scale of the maps on a panel that shows one, and hide it on the others. */
function showMapScale(viewer, panel) {
  const shows = viewer.shown(panel).some(({ map }) => map);
  panel.element.querySelector(".scale").hidden = !shows;
  if (shows) paintColours(viewer, panel.element, "absolute", "0", chosenDetector(viewer).end);
}

/** List the detectors that have looked at the run. */
function offerDetectors(viewer) {
  const { suspicions } = viewer.comparison.header;
  const entries = suspicions.map(({ name, title }) => element("option", title, { value: name }));
  viewer.find(".suspicion").replaceChildren(element("option", "nobody: the pictures", { value: "" }), ...entries);
  viewer.find(".suspicious").hidden = suspicions.length === 0;
}

function nextDetector(viewer) {
  const names = ["", ...viewer.comparison.header.suspicions.map(({ name }) => name)];
  const place = names.indexOf(chosenDetector(viewer)?.name ?? "");
  return suspect(viewer, names[(place + 1) % names.length]);
}
