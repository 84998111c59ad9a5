/* ------------------------------------------------------------------ colours */

// As asma_core/metrics/colour.py: sRGB to CIELAB for D65, and CIEDE2000 (Sharma, Wu, Dalal 2005).
const TO_XYZ = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];
const LINEAR = Float64Array.from({ length: 256 }, (_, value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});
const EDGE = 6 / 29;
const FAR = 25 ** 7;
const RADIANS = Math.PI / 180;

// Row by row over what white has, so that white is 1, 1, 1.
const RATIOS = TO_XYZ.map(([r, g, b]) => [r, g, b].map((part) => part / (r + g + b)));

function bent(row, red, green, blue) {
  const share = row[0] * LINEAR[red] + row[1] * LINEAR[green] + row[2] * LINEAR[blue];
  return share > EDGE ** 3 ? Math.cbrt(share) : share / (3 * EDGE ** 2) + 4 / 29;
}

/** Return the CIELAB colour of an 8-bit pixel. */
function toLab(red, green, blue) {
  const y = bent(RATIOS[1], red, green, blue);
  const x = bent(RATIOS[0], red, green, blue);
  return [116 * y - 16, 500 * (x - y), 200 * (y - bent(RATIOS[2], red, green, blue))];
}

const hueOf = (a, b) => (Math.atan2(b, a) / RADIANS + 360) % 360;

function ciede2000([l1, a1, b1], [l2, a2, b2]) {
  const mean7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const stretch = 1.5 - 0.5 * Math.sqrt(mean7 / (mean7 + FAR));
  const [c1, c2] = [Math.hypot(a1 * stretch, b1), Math.hypot(a2 * stretch, b2)];
  const [h1, h2] = [hueOf(a1 * stretch, b1), hueOf(a2 * stretch, b2)];
  const colourless = c1 * c2 === 0;
  const apart = h2 - h1;
  const turn = colourless ? 0 : apart - (apart > 180 ? 360 : 0) + (apart < -180 ? 360 : 0);
  const [chroma, hue] = [(c1 + c2) / 2, middleHue(h1, h2, colourless)];
  const fromGrey = ((l1 + l2) / 2 - 50) ** 2;
  const weight =
    1 - 0.17 * Math.cos((hue - 30) * RADIANS) + 0.24 * Math.cos(2 * hue * RADIANS) +
    0.32 * Math.cos((3 * hue + 6) * RADIANS) - 0.2 * Math.cos((4 * hue - 63) * RADIANS);
  const light = (l2 - l1) / (1 + (0.015 * fromGrey) / Math.sqrt(20 + fromGrey));
  const colour = (c2 - c1) / (1 + 0.045 * chroma);
  const shade = (2 * Math.sqrt(c1 * c2) * Math.sin((turn * RADIANS) / 2)) / (1 + 0.015 * chroma * weight);
  const angle = 60 * Math.exp(-(((hue - 275) / 25) ** 2));
  const turned = -2 * Math.sqrt(chroma ** 7 / (chroma ** 7 + FAR)) * Math.sin(angle * RADIANS);
  return Math.sqrt(Math.max(0, light ** 2 + colour ** 2 + shade ** 2 + turned * colour * shade));
}

function middleHue(one, other, colourless) {
  const both = one + other;
  if (colourless) return both;
  return (Math.abs(one - other) > 180 ? both + (both < 360 ? 360 : -360) : both) / 2;
}
