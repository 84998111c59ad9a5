// What a person says of a run, until the server has taken it in. It is on every page: what a
// component of one page says just before that page is left would be lost; and as Streamlit passes
// over a state when a step to another page crosses it, it says again what was not heard.
const KEPT = "asma-outbox";

export default function ({ data, setStateValue }) {
  const outbox = (window.asmaOutbox ??= begin());
  outbox.send = (said) => setStateValue("said", said);
  outbox.hear(data.handled);
}

function begin() {
  const outbox = { entries: JSON.parse(window.sessionStorage.getItem(KEPT) ?? "[]"), handled: 0 };

  const keep = () => window.sessionStorage.setItem(KEPT, JSON.stringify(outbox.entries));
  const flush = () => {
    const send = () => outbox.send([...outbox.entries]);
    if (!outbox.entries.length) return;
    // Not there yet while the first page of a tab loads.
    if (window.asmaHistory) window.asmaHistory.tell(outbox, send);
    else send();
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

  return outbox;
}
