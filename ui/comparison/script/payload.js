// The comparison viewer, in the order of `viewer.py`; ui/pictures/pictures.js stands before it:
// pictures, masks, zoom and pan. All texts reach the page through textContent; nothing is fetched.

/* ------------------------------------------------------------------ payload */

/** Split the bytes of `payload.py` into the header and a function that gives a picture's bytes. */
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const body = bytes.subarray(4 + length);
  return { header, part: (place) => body.subarray(place.offset, place.offset + place.length) };
}

// What they are called; how they look is in the payload's header.
const MASKS = ["truth", "before", "target", "after"];
