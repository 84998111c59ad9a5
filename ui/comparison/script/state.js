/* -------------------------------------------------------------------- state */

// What a view of the address has (ui/address/views.py), under the same names.
const MODES = ["side", "slider", "blink"];
const KINDS = ["signed", "absolute", "perceptual"];
const DECIMALS = 1e4;

const rounded = (value) => Math.round(value * DECIMALS) / DECIMALS;

/** Return a view as the address can hold it, its parts always in the same order. */
function toldView(view) {
  const { mode, frame, times, difference, channel, suspicion, overlays, fill } = view;
  const { opacity, zoom, x, y, divider, left, right, still } = view;
  return {
    ...{ mode, frame, times, difference, channel, suspicion, fill, left, right, still },
    overlays: MASKS.filter((name) => overlays.includes(name)),
    opacity: rounded(opacity),
    zoom: rounded(zoom),
    x: rounded(x),
    y: rounded(y),
    divider: rounded(divider),
  };
}

/** Tell whether two views are the same but for the snapshot. */
function sameLook(one, other) {
  const text = (view) => JSON.stringify({ ...toldView(view), frame: null });
  return text(one) === text(other);
}
