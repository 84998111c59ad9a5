// What a component keeps through the reruns of its page.
const lasting = new WeakMap();

/**
 * Return what shows a component, made at the first call for its element, and the answer to Streamlit.
 *
 * Streamlit calls a component at first and at every rerun, and its answer when the element goes; but
 * when reruns follow each other quickly it also calls the answer of one before it calls the next. So
 * nothing ends as long as the element is there.
 */
function lastingOf(parentElement, selector, make) {
  const root = parentElement.querySelector(selector);
  let one = lasting.get(parentElement);
  if (one?.root !== root) {
    one?.close();
    one = make(root);
    lasting.set(parentElement, one);
  }
  const end = () => {
    if (root.isConnected || lasting.get(parentElement) !== one) return;
    one.close();
    lasting.delete(parentElement);
  };
  return [one, () => setTimeout(end)];
}
