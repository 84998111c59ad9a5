/* ----------------------------------------------------------------- decoding */

const CACHED_BYTES = 96 * 2 ** 20;

/** The decoded pictures of one run; snapshots are decoded when asked for, the latest are kept. */
class Pictures {
  constructor(header, part) {
    this.header = header;
    this.part = part;
    this.frames = new Map();
    const pixels = (header.width_px * header.height_px) / header.reduced ** 2;
    this.room = Math.max(2, Math.floor(CACHED_BYTES / (8 * pixels)));
    this.course = inOrder(header.frames);
  }

  picture(place) {
    return decodePicture(this.part(place));
  }

  mask(place) {
    return place ? decodeMask(this.part(place)) : null;
  }

  async loadMasks() {
    const { truth, before, target } = this.header;
    const [a, b, c] = await Promise.all([truth, before, target].map((place) => this.mask(place)));
    this.masks = { truth: a, before: b, target: c };
  }

  async loadBeside() {
    const load = async ({ key, label, adversarial, after, target }) => {
      const places = [this.picture(adversarial), this.mask(after), this.mask(target)];
      const [picture, result, wanted] = await Promise.all(places);
      return { key, label, picture, after: result, target: wanted };
    };
    this.beside = await Promise.all(this.header.beside.map(load));
  }

  /** Return the maps of a detector; only those of the last one are kept. */
  mapsOf(detector) {
    if (this.maps?.detector !== detector) {
      const decode = (place) => decodeLabels(this.part(place));
      const found = Promise.all([decode(detector.original), decode(detector.adversarial)]);
      const loading = found.then(([original, adversarial]) => ({ detector, original, adversarial }));
      this.maps = { detector, loading };
    }
    return this.maps.loading;
  }

  shownFrame(frame) {
    const cached = this.frames.get(frame) ?? this.decodeFrame(frame);
    this.frames.delete(frame);
    this.frames.set(frame, cached);
    if (this.frames.size > this.room) this.frames.delete(this.frames.keys().next().value);
    return cached;
  }

  async decodeFrame(frame) {
    const { adversarial, after } = this.header.frames[frame];
    const [picture, mask] = await Promise.all([this.picture(adversarial), this.mask(after)]);
    return { frame, picture, after: mask };
  }
}

/** Return the snapshots' places by step; the result takes the place of the one at its step. */
function inOrder(frames) {
  const last = frames.length - 1;
  const places = frames.map((_, place) => place);
  return places
    .filter((place) => place === last || frames[place].step !== frames[last].step)
    .sort((a, b) => frames[a].step - frames[b].step);
}
