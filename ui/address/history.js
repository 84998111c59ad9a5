// What becomes an entry of the browser's history. Streamlit makes one of every change of an
// address, and none at a link to the page that is open, whose address it does not write either.
export default function ({ data }) {
  const told = (window.asmaHistory ??= begin());
  told.objects = data.objects;
}

function begin() {
  const told = { objects: {} };
  const push = window.history.pushState.bind(window.history);

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

  // Another object is a step that Back undoes; a setting of what is shown is none.
  window.history.pushState = (state, title, url) => {
    const to = new URL(url ?? "", window.location.href);
    if (same(to)) window.history.replaceState(state, title, to);
    else push(state, title, to);
  };

  // What Streamlit does at Back is right for any address: it takes over what the browser has.
  const open = (to) => {
    window.history.pushState({}, "", to);
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
      if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
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
