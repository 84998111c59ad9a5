/* -------------------------------------------------------------------- entry */

const viewers = new WeakMap();

function showFault(root, error) {
  const fault = root.querySelector(".fault");
  fault.hidden = false;
  fault.textContent = `The pictures can't be shown: ${error.message}`;
  throw error;
}

/** Streamlit calls this at first and on every rerun, and the last answer when the element goes. */
export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".viewer");
  let viewer = viewers.get(parentElement);
  if (viewer?.root !== root) {
    viewer?.close();
    viewer = new Viewer(root);
    viewers.set(parentElement, viewer);
  }
  viewer.calls = (viewer.calls ?? 0) + 1;
  const call = viewer.calls;
  viewer.load(data, setStateValue).catch((error) => showFault(root, error));
  return () => {
    // The answer of a call that was overtaken by a rerun must not end the viewer that goes on.
    if (viewer.calls !== call) return;
    viewer.close();
    viewers.delete(parentElement);
  };
}
