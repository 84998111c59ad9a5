// The address that was asked for by somebody who was not signed in: kept in the tab while the
// identity provider is shown, and opened after that, as Streamlit leads to the first page.
const WANTED = "asma-wanted";

export default function ({ data }) {
  if (data.act === "keep") {
    window.sessionStorage.setItem(WANTED, window.location.pathname + window.location.search);
    return;
  }
  const wanted = window.sessionStorage.getItem(WANTED);
  if (wanted === null) return;
  window.sessionStorage.removeItem(WANTED);
  const here = window.location.pathname + window.location.search;
  const isOurs = new URL(wanted, window.location.href).origin === window.location.origin;
  if (isOurs && wanted !== here) window.location.replace(wanted);
}
