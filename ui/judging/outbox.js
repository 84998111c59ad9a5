// Sends what a person says of a run. It is on every page: what a component of one page says just
// before that page is left would be lost, or would bring the page back. So while a link or Back is
// under way it waits for the run that follows.
export default function ({ setStateValue }) {
  const post = (window.asmaPost ??= begin());
  post.send = (said) => setStateValue("said", said);
  post.leaving = false;
  post.flush();
}

function begin() {
  const post = { waiting: null, leaving: false };
  post.flush = () => {
    const said = post.waiting;
    post.waiting = null;
    if (said) post.send(said);
  };
  window.asmaSay = (said) => {
    post.waiting = said;
    if (!post.leaving) post.flush();
  };
  const isLink = (event) => event.composedPath()[0].closest?.("a[href]") !== null;
  const on = (target, type, act) => target.addEventListener(type, act, true);
  on(document, "pointerdown", (event) => (post.leaving = isLink(event)));
  on(document, "pointerup", (event) => {
    if (isLink(event)) return;
    post.leaving = false;
    post.flush();
  });
  on(document, "keydown", (event) => (post.leaving ||= event.key === "Enter" && isLink(event)));
  on(window, "popstate", () => (post.leaving = true));
  return post;
}
