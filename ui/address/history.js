// What becomes an entry of the browser's history. Streamlit makes one of every change of an
// address, and none at a link to the page that is open, whose address it does not write either.

// Milliseconds until a report has been sent.
const UNDER_WAY = 60;

export default function ({ data }) {
  const told = (window.asmaHistory ??= begin());
  told.objects = data.objects;
  told.hear(data.seen);
  // Streamlit also calls this when nothing has run.
  if (data.run !== told.run) told.stay();
  told.run = data.run;
}

/** What a component reports while its page is being left would bring Streamlit back to that page. */
function holdWhileLeaving(told) {
  const held = new Map();
  let leaving = false;
  let underWay = 0;
  let waiting = null;

  /** Carry out a component's report, or hold it until it is known whether the page is left. */
  told.tell = (component, report) => {
    if (leaving) {
      held.set(component, report);
      return;
    }
    underWay += 1;
    report();
    setTimeout(sent, UNDER_WAY);
  };

  // Each run says that it has come; so does a press on a link that was let go elsewhere.
  told.stay = () => {
    leaving = false;
    const reports = [...held].filter(([component]) => component.isConnected ?? true);
    held.clear();
    for (const [component, report] of reports) told.tell(component, report);
  };

  // A link that is opened elsewhere leaves no page.
  const linkOf = (event) => {
    const link = event.composedPath()[0].closest?.("a[href]");
    return link && link.target !== "_blank" && isPlain(event) ? link : null;
  };
  const press = (event) => {
    if (linkOf(event)) leaving = true;
    else if (leaving) told.stay();
  };
  const on = (target, type, act) => target.addEventListener(type, act, true);
  for (const type of ["pointerdown", "pointerup"]) on(document, type, press);
  on(document, "keydown", (event) => event.key === "Enter" && linkOf(event) && (leaving = true));
  on(window, "popstate", () => (leaving = true));

  // Streamlit sends a report a little later; a link that is clicked in between waits for it. A timer
  // tells when that is, and no clock: on a busy machine the click comes first, however late it is.
  const sent = () => {
    underWay -= 1;
    const link = underWay ? null : waiting;
    if (!link) return;
    waiting = null;
    link.click();
  };
  on(document, "click", (event) => {
    const link = linkOf(event);
    if (!link || !underWay) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = link;
  });
}

function isPlain(event) {
  return !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey;
}

function begin() {
  const told = { objects: {}, gone: null };
  holdWhileLeaving(told);
  const push = window.history.pushState.bind(window.history);

  const named = (page) => Object.keys(told.objects[page] ?? {});
  const objectOf = (url) => {
    const page = url.pathname.split("/").pop();
    return [page, ...named(page).map((name) => url.searchParams.get(name))].join("\n");
  };

  // A run that began before the person went elsewhere may still write its own address; it must not
  // take them back. The next run says what it has seen in the address.
  told.hear = (seen) => {
    const url = new URL(window.location.pathname, window.location.href);
    for (const [name, value] of Object.entries(seen)) url.searchParams.set(name, value);
    if (objectOf(url) === told.gone) told.gone = null;
  };
  window.addEventListener("popstate", () => (told.gone = objectOf(new URL(window.location.href))), true);

  const same = (to) => {
    const from = new URL(window.location.href);
    const page = to.pathname.split("/").pop();
    return (
      to.pathname === from.pathname &&
      Object.entries(told.objects[page] ?? {}).every(([name, filled]) => {
        const before = from.searchParams.get(name);
        return before === to.searchParams.get(name) || (filled && before === null);
      })
    );
  };

  const late = (to) => {
    const page = to.pathname.split("/").pop();
    const [where, ...values] = told.gone.split("\n");
    const fills = ([filled, wanted, value]) => value === wanted || (filled && wanted === "");
    const pairs = Object.entries(told.objects[page] ?? {}).map(([name, filled], i) => [filled, values[i], to.searchParams.get(name) ?? ""]);
    return where === page && !pairs.every(fills);
  };

  // Another object is a step that Back undoes; a setting of what is shown is none.
  window.history.pushState = (state, title, url) => {
    const to = new URL(url ?? "", window.location.href);
    if (told.gone !== null && !told.going && late(to)) {
      // Streamlit has taken it for the address; at Back it takes the browser's again.
      setTimeout(() => window.dispatchEvent(new PopStateEvent("popstate")));
      return;
    }
    if (same(to)) window.history.replaceState(state, title, to);
    else push(state, title, to);
  };

  // What Streamlit does at Back is right for any address: it takes over what the browser has.
  const open = (to) => {
    told.going = true;
    window.history.pushState({}, "", to);
    told.going = false;
    window.dispatchEvent(new PopStateEvent("popstate"));
  };

  // For components: another object on the page that is open. Null takes a parameter away.
  told.change = (parameters) => {
    const to = new URL(window.location.href);
    for (const [name, text] of Object.entries(parameters)) {
      if (text === null) to.searchParams.delete(name);
      else to.searchParams.set(name, text);
    }
    open(to);
  };

  // Streamlit would run its script with the link's address once, and with the old one from then on.
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("[data-testid='stPageLink'] a");
      if (!link || !isPlain(event)) return;
      const to = new URL(link.href);
      if (to.pathname !== window.location.pathname) return;
      event.preventDefault();
      event.stopPropagation();
      open(to);
    },
    true,
  );
  return told;
}
