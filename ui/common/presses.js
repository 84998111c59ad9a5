// A press counts though what was pressed moves before it is let go: Streamlit draws a page piece by
// piece, buttons shift under the hand, and the browser sends a click only if both ends hit the same.
const PRESSED = "button, a[href], label";
// Pixels that a hand moves in a click; who moves on takes the press back.
const STILL = 6;

export default function () {
  window.asmaPresses ??= begin();
}

function begin() {
  let pressed = null;
  const on = (type, act) => window.addEventListener(type, act, true);
  const found = (event) => event.composedPath().find((one) => one.matches?.(PRESSED));

  on("pointerdown", (event) => {
    const element = event.isPrimary && event.button === 0 ? found(event) : null;
    pressed = element && { element, x: event.clientX, y: event.clientY };
  });
  on("pointercancel", () => (pressed = null));
  on("pointerup", (event) => {
    const press = pressed;
    pressed = null;
    if (!press || Math.hypot(event.clientX - press.x, event.clientY - press.y) > STILL) return;
    if (event.composedPath().includes(press.element) || !press.element.isConnected) return;
    // What the browser makes of it comes at once, and hits what lies around both.
    setTimeout(() => press.element.click());
  });
  return true;
}
