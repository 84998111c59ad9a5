// What becomes an entry of the browser's history. Streamlit makes one of every change of an
// address, and none at a link to the page that is open, whose address it does not write either.

// Milliseconds until a report has been sent.
const UNDER_WAY = 60;
// How often what differs from an address that Back led to is held for a late word.
const DOUBTS = 3;
const MENU = "[data-testid='stTopNavLink'], [data-testid='stSidebarNavLink']";

export default function ({ data }) {
  const told = (window.asmaHistory ??= begin());
  told.objects = data.objects;
  told.parameters = data.parameters;
  // Streamlit also calls this when nothing has run.
  if (data.run !== told.run) told.hear(data.page, data.seen);
  told.run = data.run;
}

function isPlain(event) {
  return !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey;
}

/** What a component reports while its page is being left would bring Streamlit back to that page. */
function holdWhileLeaving(told) {
  const held = new Map();
  // What was open when it was left, or null; and where to.
  let left = null;
  let aim = null;
  let underWay = 0;
  let waiting = null;

  /** Carry out a component's report, or hold it until it is known whether the page is left. */
  told.tell = (component, report) => {
    if (left !== null) {
      held.set(component, report);
      return;
    }
    underWay += 1;
    report();
    setTimeout(sent, UNDER_WAY);
  };

  const leave = (to) => {
    left ??= told.open;
    aim = told.objectOf(to);
    told.aimed = to.search;
  };
  const stay = () => {
    left = aim = null;
    const reports = [...held].filter(([component]) => component.isConnected ?? true);
    held.clear();
    for (const [component, report] of reports) told.tell(component, report);
  };
  told.isLeaving = () => left !== null;
  const pageOf = (object) => object.split("\n")[0];
  told.isLeavingPage = (page) => left !== null && pageOf(left) === page && pageOf(aim) !== page;

  // The run of a report that was under way is still one of what is being left.
  told.arrive = (object) => {
    if (left !== null && (told.isFilled(aim, object) || !told.isFilled(left, object))) stay();
  };

  // A link that is opened elsewhere leaves no page.
  const linkOf = (event) => {
    const link = event.composedPath()[0].closest?.("a[href]:not([href^='#'])");
    return link && link.target !== "_blank" && isPlain(event) ? link : null;
  };
  // A press on a link that was let go elsewhere leaves none either.
  const press = (event) => {
    const link = linkOf(event);
    if (link) leave(new URL(link.href));
    else if (left !== null) stay();
  };
  const on = (target, type, act) => target.addEventListener(type, act, true);
  for (const type of ["pointerdown", "pointerup"]) on(document, type, press);
  on(document, "keydown", (event) => event.key === "Enter" && linkOf(event) && press(event));

  // Streamlit sends a report a little later; a link that is clicked in between, or Back, waits for
  // it. A timer tells when that is, and no clock: on a busy machine the click comes first, however
  // late it is.
  const sent = () => {
    underWay -= 1;
    if (underWay || !waiting) return;
    const go = waiting;
    waiting = null;
    go();
  };
  const wait = (event, go) => {
    if (!underWay) return false;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = go;
    return true;
  };
  on(document, "click", (event) => {
    const link = linkOf(event);
    if (!link || wait(event, () => link.click())) return;
    leave(new URL(link.href));
    // Who goes on from where Back leads is not led back there.
    told.gone = null;
  });
  on(window, "popstate", (event) => {
    leave(new URL(window.location.href));
    told.gone = aim;
    if (event.isTrusted) told.doubts = DOUBTS;
    wait(event, takeOver);
  });
}

/** Let Streamlit do what it does at Back: it takes over the address that the browser has. */
function takeOver() {
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function begin() {
  // The object of the last run, and the one that Back led to until a run has seen it.
  const told = { objects: {}, parameters: {}, open: "", gone: null, doubts: 0, stale: null };
  const push = window.history.pushState.bind(window.history);
  const replace = window.history.replaceState.bind(window.history);

  const pageOf = (url) => url.pathname.split("/").pop();
  const named = (page) => Object.keys(told.objects[page] ?? {});
  told.objectOf = (url) =>
    [pageOf(url), ...named(pageOf(url)).map((name) => url.searchParams.get(name))].join("\n");
  // Whether the page may have filled one in to make it the other.
  told.isFilled = (one, other) => {
    const [page, ...values] = one.split("\n");
    const [where, ...others] = other.split("\n");
    const fills = Object.values(told.objects[page] ?? {});
    return page === where && values.every((value, i) => value === others[i] || (fills[i] && value === ""));
  };
  holdWhileLeaving(told);

  // A run that began before the person went elsewhere may still write its own address; it must not
  // take them back. The next run says what it has seen in the address.
  told.hear = (page, seen) => {
    // Home's path is empty, which alone would stand for the address that is open.
    const url = new URL(`./${page}`, window.location.href);
    for (const [name, value] of Object.entries(seen)) url.searchParams.set(name, value);
    told.open = told.objectOf(url);
    if (told.open === told.gone) told.gone = null;
    told.arrive(told.open);
  };

  const same = (to) => told.isFilled(told.objectOf(new URL(window.location.href)), told.objectOf(to));

  const late = (to) => {
    if (told.gone.split("\n")[0] !== pageOf(to)) return told.isLeaving();
    if (!told.isFilled(told.gone, told.objectOf(to))) return true;
    // Streamlit writes what a run of another page has chosen behind the path that Back led to, and
    // Back leads to addresses that a page has filled in already.
    if (to.href === window.location.href || !told.isLeaving() || !told.doubts) return false;
    told.doubts -= 1;
    return true;
  };

  // Streamlit writes the parameters of the page that comes behind the path of the one that goes, and
  // later both together; an entry of the history keeps its own. So it does with a late word of the
  // page that goes.
  const isAhead = (to) => {
    if (to.pathname !== window.location.pathname) return false;
    const known = told.parameters[pageOf(to)] ?? [];
    const isStrange = (name) => !known.includes(name) && !name.startsWith("embed");
    const isOther = [...to.searchParams.keys()].some(isStrange);
    const isLeft = told.isLeavingPage(pageOf(to));
    told.stale = isLeft && !isOther ? to.search : null;
    return isOther || isLeft;
  };

  // Another object is a step that Back undoes; a setting of what is shown is none.
  const write = (state, title, url, step) => {
    const to = new URL(url ?? "", window.location.href);
    if (told.gone !== null && !told.going && late(to)) {
      // Streamlit has taken it for the address.
      setTimeout(takeOver);
      return;
    }
    if (isAhead(to)) return;
    if (told.stale && to.search === told.stale) {
      to.search = told.aimed;
      setTimeout(takeOver);
    }
    told.stale = null;
    if (step && !same(to)) push(state, title, to);
    else replace(state, title, to);
  };
  window.history.pushState = (state, title, url) => write(state, title, url, true);
  // So it writes in the runs that Back asks for.
  window.history.replaceState = (state, title, url) => write(state, title, url, false);

  const open = (to) => {
    told.going = true;
    window.history.pushState({}, "", to);
    told.going = false;
    takeOver();
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

  const opensOne = () => {
    const here = new URL(window.location.href);
    const opening = Object.entries(told.objects[pageOf(here)] ?? {}).filter(([, filled]) => !filled);
    return opening.some(([name]) => here.searchParams.has(name));
  };

  // Streamlit would run its script with the link's address once, and with the old one from then on;
  // and at the menu's entry of the page that is open it keeps the address, with what is open.
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.(`[data-testid='stPageLink'] a, ${MENU}`);
      if (!link || !isPlain(event)) return;
      const to = new URL(link.href);
      if (to.pathname !== window.location.pathname || (link.matches(MENU) && !opensOne())) return;
      event.preventDefault();
      event.stopPropagation();
      open(to);
    },
    true,
  );
  return told;
}
