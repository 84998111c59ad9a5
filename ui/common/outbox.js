// What a person says or draws, until the server has taken it in. It is on every page: what a
// component of one page says just before that page is left would be lost; and as Streamlit passes
// over a state when a step to another page crosses it, it says again what was not heard.
const KEPT = "asma-outbox";
// Milliseconds until it is said again on the page where it was said; then twice as many.
const PATIENCE = 2000;

export default function ({ data, setStateValue }) {
  const outbox = (window.asmaOutbox ??= begin());
  outbox.send = (said) => setStateValue("said", said);
  outbox.hear(data.handled, data.page);
}

function begin() {
  const before = JSON.parse(window.sessionStorage.getItem(KEPT) ?? "[]");
  const entries = before.map((entry) => ({ ...entry, late: true }));
  // The page of the last run, and the one where all that waits was said.
  const outbox = { entries, handled: 0, page: null, saidOn: null };
  let again = null;
  let pause = PATIENCE;

  const keep = () => {
    try {
      window.sessionStorage.setItem(KEPT, JSON.stringify(outbox.entries));
    } catch {
      // More than a tab may keep through a reload; it is said all the same.
      window.sessionStorage.removeItem(KEPT);
    }
  };
  const flush = () => {
    const send = () => outbox.send([...outbox.entries]);
    clearTimeout(again);
    if (!outbox.entries.length) return;
    again = setTimeout(flush, pause);
    pause *= 2;
    outbox.saidOn = outbox.page;
    // Not there yet while the first page of a tab loads.
    if (window.asmaHistory) window.asmaHistory.tell(outbox, send);
    else send();
  };

  // Only a step to another page makes Streamlit forget: what is said twice ends the run between.
  outbox.hear = (handled, page) => {
    Object.assign(outbox, { handled, page });
    outbox.entries = outbox.entries.filter(({ number }) => number > handled);
    keep();
    if (outbox.saidOn !== page) flush();
  };

  /** Say a field of something; what was said of it before and is not heard yet means nothing more. */
  outbox.say = (about, field, value) => {
    const number = Math.max(Date.now(), outbox.handled + 1, (outbox.entries.at(-1)?.number ?? 0) + 1);
    const others = outbox.entries.filter((entry) => !(entry.about === about && entry.field === field));
    outbox.entries = [...others, { number, about, field, value }];
    pause = PATIENCE;
    keep();
    flush();
  };

  /** Return what a server that has heard all up to `handled` has still to hear. */
  outbox.waiting = (about, handled, field) =>
    outbox.entries.find((entry) => entry.about === about && entry.field === field && entry.number > handled)?.value;

  return outbox;
}
