/* -------------------------------------------------------------------- entry */

function showFault(root, error) {
  const fault = root.querySelector(".fault");
  fault.hidden = false;
  fault.textContent = `The pictures can't be shown: ${error.message}`;
  throw error;
}

export default function ({ data, parentElement, setStateValue }) {
  const [viewer, end] = lastingOf(parentElement, ".viewer", (root) => new Viewer(root));
  viewer.load(data, setStateValue).catch((error) => showFault(viewer.root, error));
  return end;
}
