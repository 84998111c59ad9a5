/* --------------------------------------------------------------------- keys */

// They work wherever the focus is, unless somebody types; 1 2 3 N J K U belong to the judging.
const MODE_KEYS = { q: "side", w: "slider", e: "blink" };
const OVERLAY_KEYS = { t: "truth", b: "before", g: "target", a: "after" };

function connectKeys(viewer) {
  viewer.listen(document, "keydown", (event) => pressKey(viewer, event), { capture: true });
}

const TYPING =
  "select, textarea, input:not([type=range], [type=checkbox], [type=radio]), [role=combobox], [role=listbox], [role=textbox]";

function isMeant(viewer, event) {
  if (!viewer.comparison || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.composedPath()[0];
  return !target.matches?.(TYPING) && !target.isContentEditable;
}

function pressKey(viewer, event) {
  if (!isMeant(viewer, event)) return;
  const act = keyAction(viewer, event.key.length === 1 ? event.key.toLowerCase() : event.key, event);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

/** Return what a key does now, or nothing: arrows and space keep their meaning on controls. */
function keyAction(viewer, key, event) {
  const control = event.composedPath()[0];
  if (key === " ") return spaceAction(viewer, control);
  if (key.startsWith("Arrow")) return arrowAction(viewer, control, key);
  if (key === "Escape") return escapeAction(viewer);
  if (key in MODE_KEYS) return () => viewer.setMode(MODE_KEYS[key]);
  if (key in OVERLAY_KEYS) return () => viewer.toggleOverlay(OVERLAY_KEYS[key]);
  return {
    0: () => viewer.change(WHOLE),
    "+": () => viewer.zoomBy(1.25),
    "=": () => viewer.zoomBy(1.25),
    "-": () => viewer.zoomBy(0.8),
    "?": () => toggleKeys(viewer, viewer.find(".keys").hidden),
    d: () => viewer.change({ difference: KINDS[(KINDS.indexOf(viewer.state.difference) + 1) % KINDS.length] }),
    f: () => viewer.change({ fill: !viewer.state.fill }),
    p: () => togglePlay(viewer),
    x: () => nextBlink(viewer),
    s: viewer.comparison.header.suspicions.length ? () => nextDetector(viewer) : undefined,
  }[key];
}

function escapeAction(viewer) {
  if (!viewer.find(".keys").hidden) return () => toggleKeys(viewer, false);
  return viewer.holding ? () => viewer.hold(false) : null;
}

/** Step through the run; on a control of its own an arrow moves that. */
function arrowAction(viewer, control, key) {
  const direction = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (!direction) return null;
  if (control.matches(".divider")) {
    return () => viewer.change({ divider: clamp(viewer.state.divider + 0.02 * direction, 0, 1) });
  }
  if (control.matches("input:not(.frame), [role=tab], [role=slider]")) return null;
  return () => seek(viewer, neighbour(viewer, direction));
}

/** Pause blink or let it go on; elsewhere, and on controls, the space bar is not ours. */
function spaceAction(viewer, control) {
  if (viewer.state.mode !== "blink") return null;
  if (control.matches("button:not([data-mode-button]), input, a, summary, [role=button]")) return null;
  return () => toggleBlink(viewer);
}

function toggleBlink(viewer) {
  const running = !viewer.blink.running;
  viewer.blink.running = running;
  viewer.change({ still: running ? "" : viewer.sources()[viewer.blink.place].key });
}

function nextBlink(viewer) {
  viewer.turn();
  viewer.blink.running = false;
  viewer.change({ still: viewer.sources()[viewer.blink.place].key });
}
