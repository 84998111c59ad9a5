// The comparison viewer, in the order of `viewer.py`; ui/pictures/pictures.js stands before it:
// pictures, masks, zoom and pan. All texts reach the page through textContent; nothing is fetched.

/* ------------------------------------------------------------------ payload */

// What they are called; how they look is in the payload's header.
const MASKS = ["truth", "before", "target", "after"];
