/* --------------------------------------------------------------- difference */

// As asma_core/runs/difference.py, whose colours, ranges and factors come in the payload's header.

function parseHex(text) {
  return [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
}

/** Return the colour at `t` in [0, 1] on the straight lines between (place, [r, g, b]) stops. */
function interpolate(stops, t) {
  const next = Math.max(1, stops.findIndex(([place]) => place >= t));
  const [[from, a], [to, b]] = [stops[next - 1], stops[next]];
  const share = (t - from) / (to - from);
  return a.map((value, i) => Math.round(value + (b[i] - value) * share));
}

/** Return the colour of a difference `t` in [-1, 1]; no difference is the page's background. */
function differenceColour({ light, dark, middle }, kind, t, zero) {
  const onDark = 0.2126 * zero[0] + 0.7152 * zero[1] + 0.0722 * zero[2] < 128;
  const name = kind !== "signed" ? "amount" : t < 0 ? "negative" : "positive";
  const [half, end] = (onDark ? dark : light)[name].map(parseHex);
  return interpolate([[0, zero], [middle, half], [1, end]], Math.abs(t));
}

// Differences are whole numbers, so that a table gives their colours: of 8-bit values, and of
// hundredths of CIEDE2000.
const UNITS = { signed: 1, absolute: 1, perceptual: 100 };

/**
 * Return the difference of every pixel: of one channel, or of the one that changed most; a mean
 * would cancel what goes up in one and down in another.
 */
function differences(original, adversarial, kind, channel) {
  const [a, b] = [original.pixels, adversarial.pixels];
  const out = new Int16Array(original.width * original.height);
  const only = { red: 0, green: 1, blue: 2 }[channel];
  const sign = kind === "absolute" ? Math.abs : (value) => value;
  for (let i = 0, p = 0; i < out.length; i += 1, p += 4) {
    if (kind === "perceptual") out[i] = noticed(a, b, p);
    else if (only !== undefined) out[i] = sign(b[p + only] - a[p + only]);
    else out[i] = sign(largest(b[p] - a[p], b[p + 1] - a[p + 1], b[p + 2] - a[p + 2]));
  }
  return out;
}

function noticed(a, b, p) {
  if (a[p] === b[p] && a[p + 1] === b[p + 1] && a[p + 2] === b[p + 2]) return 0;
  const difference = ciede2000(toLab(a[p], a[p + 1], a[p + 2]), toLab(b[p], b[p + 1], b[p + 2]));
  return Math.round(UNITS.perceptual * difference);
}

function largest(red, green, blue) {
  const most = Math.abs(green) > Math.abs(red) ? green : red;
  return Math.abs(blue) > Math.abs(most) ? blue : most;
}

/** Return what gives the colour of every value of `differences`, as 32-bit words. */
function colourTable(look, kind, factor, zero) {
  const words = new Map();
  const steepness = factor / (look.ranges[kind] * UNITS[kind]);
  return (value) => {
    let word = words.get(value);
    if (word === undefined) {
      const [red, green, blue] = differenceColour(look, kind, clamp(value * steepness, -1, 1), zero);
      word = new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer)[0];
      words.set(value, word);
    }
    return word;
  };
}

function paintDifference(canvas, values, colour) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < values.length; i += 1) words[i] = colour(values[i]);
  context.putImageData(image, 0, 0);
}

/** Return what the end of the scale stands for, as a number. */
function scaleEnd(look, kind, factor) {
  const end = look.ranges[kind] / factor;
  return end >= 10 ? end.toFixed(0) : end.toFixed(1);
}
