// What becomes an entry of the browser's history. Streamlit makes one of every change of an
// address, and none at a link to the page that is open, whose address it does not write either.

// Milliseconds until a report has been sent.
const UNDER_WAY = 60;
const MENU = "[data-testid='stTopNavLink'], [data-testid='stSidebarNavLink']";

export default function ({ data }) {
  const told = (window.asmaHistory ??= begin());
  told.objects = data.objects;
  told.parameters = data.parameters;
  // Streamlit also calls this when nothing has run.
  if (data.run !== told.run) told.hear(data);
  told.run = data.run;
}

function isPlain(event) {
  return !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey;
}

/** What a component reports while its page is being left would bring Streamlit back to that page. */
function holdWhileLeaving(told) {
  const held = new Map();
  // What is being left, and where to, or null.
  const left = new Set();
  let aim = null;
  let underWay = 0;
  let waiting = null;

  /** Carry out a component's report, or hold it until it is known whether the page is left. */
  told.tell = (component, report) => {
    if (told.isLeaving()) {
      held.set(component, report);
      return;
    }
    underWay += 1;
    report();
    setTimeout(sent, UNDER_WAY);
  };

  // Who goes on before it has come leaves that as well: its run may still be heard.
  const leave = (to) => {
    left.add(aim ?? told.open);
    aim = told.objectOf(to);
  };
  const stay = () => {
    left.clear();
    aim = null;
    const reports = [...held].filter(([component]) => component.isConnected ?? true);
    held.clear();
    for (const [component, report] of reports) told.tell(component, report);
  };
  told.isLeaving = () => aim !== null;

  // The run of a report that was under way is still one of what is being left.
  told.arrive = (object) => {
    if (!told.isLeaving()) return;
    const isLeft = [...left].some((one) => told.isFilled(one, object));
    if (told.isFilled(aim, object) || !isLeft) stay();
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
    else if (told.isLeaving()) stay();
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
    told.last = told.doubtful = null;
    leave(new URL(window.location.href));
    told.gone = aim;
    wait(event, takeOver);
  });
}

/** Let Streamlit do what it does at Back: it takes over the address that the browser has. */
function takeOver() {
  window.dispatchEvent(new PopStateEvent("popstate"));
}

function begin() {
  // The object of the last run; the one that a link or Back led to until a run has seen it, and what
  // was to be written meanwhile; what was written last behind the path that is open.
  const told = { objects: {}, parameters: {}, open: "", gone: null, doubtful: null, last: null };
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
  // take them back. The next run says what it has seen in the address, and what the page before has
  // written into its own.
  told.hear = ({ page, seen, left }) => {
    // Home's path is empty, which alone would stand for the address that is open.
    const url = new URL(`./${page}`, window.location.href);
    for (const [name, value] of Object.entries(seen)) url.searchParams.set(name, value);
    told.open = told.objectOf(url);
    told.arrive(told.open);
    if (told.gone === null || !told.isFilled(told.gone, told.open)) return;
    told.gone = null;
    const { doubtful } = told;
    told.doubtful = null;
    if (doubtful && left && says(doubtful, left)) setTimeout(takeOver);
    else if (doubtful) replace({}, "", doubtful);
  };

  const same = (to) => told.isFilled(told.objectOf(new URL(window.location.href)), told.objectOf(to));

  const isEmbedding = (name) => name.startsWith("embed");
  const isStrange = (to) => {
    const known = told.parameters[pageOf(to)] ?? [];
    return [...to.searchParams.keys()].some((name) => !known.includes(name) && !isEmbedding(name));
  };

  const says = (url, query) => {
    const said = [...url.searchParams].filter(([name]) => !isEmbedding(name));
    return JSON.stringify(said) === JSON.stringify(Object.entries(query));
  };

  const late = (to) => {
    if (told.gone.split("\n")[0] !== pageOf(to)) return told.isLeaving();
    return !told.isFilled(told.gone, told.objectOf(to)) || isStrange(to);
  };

  // Streamlit writes the parameters of the page that a button switches to behind the path of the one
  // that goes, and later both together. An entry of the history keeps its own: what its page can't
  // have written stays out, and what it could is taken back when it comes again with the next path.
  const write = (state, title, url, mayStep) => {
    const here = new URL(window.location.href);
    const to = new URL(url ?? "", here);
    if (told.gone !== null && !told.going && late(to)) {
      // Streamlit has taken it for the address.
      setTimeout(takeOver);
      return;
    }
    // Of the page that comes or of the one that goes; both may know such parameters.
    told.doubtful = told.gone !== null && !told.going && told.isLeaving() ? to : null;
    if (told.doubtful) return;
    const { last } = told;
    const isHere = to.pathname === here.pathname;
    if (isHere && isStrange(to)) return;
    const isAgain = !isHere && last !== null && to.search === here.search;
    if (isAgain && !last.isStep) replace(state, title, last.before);
    const isStep = mayStep && !same(to) && !(isAgain && last.isStep);
    told.last = isHere ? { before: here, isStep } : null;
    // Another object is a step that Back undoes; a setting of what is shown is none.
    (isStep ? push : replace)(state, title, to);
  };
  // What was written before a button was pressed is of the page that it is on.
  for (const type of ["pointerdown", "keydown", "click"])
    document.addEventListener(type, () => (told.last = null), true);
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

  // Streamlit would write the address of another page when its run is seen, and none if a second
  // click comes first. On the page that is open it would run its script with the link's address once,
  // and with the old one from then on; and at the menu's entry it keeps the address, with what is open.
  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.(`[data-testid='stPageLink'] a, ${MENU}`);
      if (!link || !isPlain(event)) return;
      const to = new URL(link.href);
      const isHere = to.pathname === window.location.pathname;
      if (isHere && link.matches(MENU) && !opensOne()) return;
      event.preventDefault();
      event.stopPropagation();
      // An embedded app stays one.
      const params = new URLSearchParams(window.location.search);
      for (const [name, text] of params) if (isEmbedding(name)) to.searchParams.append(name, text);
      open(to);
    },
    true,
  );
  return told;
}
