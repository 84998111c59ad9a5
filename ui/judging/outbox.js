// What a person says of a run, until the server has taken it in. It is on every page: what a
// component of one page says just before that page is left would be lost, or would bring the page
// back. So while a link or Back is under way it waits for the run that follows; and as Streamlit
// passes over a state when a step to another page crosses it, it says again what was not heard.
const KEPT = "asma-outbox";

export default function ({ data, setStateValue }) {
  const outbox = (window.asmaOutbox ??= begin());
  outbox.send = (said) => setStateValue("said", said);
  outbox.leaving = false;
  outbox.hear(data.handled);
}

function begin() {
  const outbox = { entries: JSON.parse(window.sessionStorage.getItem(KEPT) ?? "[]"), leaving: false, handled: 0 };

  const keep = () => window.sessionStorage.setItem(KEPT, JSON.stringify(outbox.entries));
  const flush = () => {
    if (outbox.entries.length && !outbox.leaving) outbox.send([...outbox.entries]);
  };

  outbox.hear = (handled) => {
    outbox.handled = handled;
    outbox.entries = outbox.entries.filter(({ number }) => number > handled);
    keep();
    flush();
  };

  /** Say a field of a run; what was said of it before and is not heard yet means nothing more. */
  outbox.say = (run, field, text) => {
    const number = Math.max(Date.now(), outbox.handled + 1, (outbox.entries.at(-1)?.number ?? 0) + 1);
    const others = outbox.entries.filter((entry) => !(entry.run === run && entry.field === field));
    outbox.entries = [...others, { number, run, field, text }];
    keep();
    flush();
  };

  /** Return what a server that has heard all up to `handled` has still to hear. */
  outbox.waiting = (run, handled, field) =>
    outbox.entries.find((entry) => entry.run === run && entry.field === field && entry.number > handled)?.text;

  const isLink = (event) => event.composedPath()[0].closest?.("a[href]") !== null;
  const on = (target, type, act) => target.addEventListener(type, act, true);
  on(document, "pointerdown", (event) => (outbox.leaving = isLink(event)));
  on(document, "pointerup", (event) => {
    if (isLink(event) || !outbox.leaving) return;
    outbox.leaving = false;
    flush();
  });
  on(document, "keydown", (event) => (outbox.leaving ||= event.key === "Enter" && isLink(event)));
  on(window, "popstate", () => (outbox.leaving = true));
  return outbox;
}
