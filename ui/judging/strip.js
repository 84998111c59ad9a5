// What is said goes out with the run that it is said of, by the outbox that every page has. Other
// runs are opened by their address, as a link does; so the address, what is on screen and what is
// judged are one run.
const PAUSE = 400;
const GO_ON = "asma-go-to-the-next";
const WRITTEN = { own: "verdict", note: "note", tags: "tags" };

class Strip {
  constructor(root) {
    this.root = root;
    this.going = null;
    this.fields = Object.fromEntries(Object.keys(WRITTEN).map((name) => [name, root.querySelector(`.${name}`)]));
    this.runs = root.querySelector(".runs");
    this.on = root.querySelector(".on");
    // By what each is called in the store.
    this.two = Object.fromEntries(Object.values(WRITTEN).map((field) => [field, new TwoSayings(root, field, (text) => this.decided(field, text))]));
    this.closing = new AbortController();
    this.on.checked = window.localStorage.getItem(GO_ON) === "1";
    this.connect();
  }

  listen(target, name, act, options = {}) {
    target.addEventListener(name, act, { signal: this.closing.signal, ...options });
  }

  connect() {
    const find = (selector) => this.root.querySelector(selector);
    this.listen(this.on, "change", () => window.localStorage.setItem(GO_ON, this.on.checked ? "1" : "0"));
    this.listen(this.runs, "change", () => this.open(this.runs.value));
    this.root.querySelectorAll("[data-step]").forEach((button) => this.listen(button, "click", () => this.step(Number(button.dataset.step))));
    this.listen(find(".unjudged"), "click", () => this.open(this.unjudged()));
    for (const two of Object.values(this.two)) two.buttons.forEach((button) => this.listen(button, "click", () => two.decide(button.dataset.keep)));
    for (const [name, field] of Object.entries(this.fields)) this.connectField(name, field);
    this.listen(this.fields.tags, "input", () => this.offerTags());
    this.listen(document, "keydown", (event) => this.press(event), { capture: true });
    // Back and a closed tab take the focus from no field before they leave.
    for (const leaving of ["pagehide", "popstate"]) this.listen(window, leaving, () => this.sayAll(), { capture: true });
    this.listen(window, "popstate", () => this.turnBack(), { capture: true });
  }

  connectField(name, field) {
    this.listen(field, "input", () => {
      this.state("");
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.say(name), PAUSE);
    });
    this.listen(field, "blur", () => this.say(name));
    this.listen(field, "keydown", (event) => {
      event.stopPropagation();
      if (event.key !== "Escape" && (event.key !== "Enter" || name === "note")) return;
      event.preventDefault();
      const judged = name === "own" && event.key === "Enter" && field.value.trim();
      field.blur();
      if (judged) this.goOn();
    });
  }

  // What the server says -----------------------------------------------------------------------

  load(data) {
    const another = this.data?.run !== data.run;
    if (this.data && another) this.leave();
    this.data = data;
    if (another || data.run === this.going) this.going = null;
    this.root.dataset.run = data.run;
    this.root.classList.toggle("bar", data.place === "bar");
    this.root.classList.toggle("panel", data.place === "panel");
    this.root.classList.toggle("still", !data.along.length);
    if (another) this.known = {};
    for (const [name, field] of Object.entries(WRITTEN)) {
      const writing = this.root.getRootNode().activeElement === this.fields[name];
      this.two[field].meet(data, this.waiting(field), another, writing);
    }
    const undecided = Object.values(this.two).some(({ mine }) => mine !== null);
    this.showTrouble(undecided ? "" : data.trouble);
    this.showSaid(another);
    this.showRuns();
    this.freeze();
  }

  /** What was typed for the run before goes out before the fields are the next one's. */
  leave() {
    this.sayAll();
    const focused = this.root.getRootNode().activeElement;
    if (Object.values(this.fields).includes(focused)) focused.blur();
  }

  showSaid(another) {
    const { verdicts, longest } = this.data;
    const waits = Object.values(WRITTEN).some((field) => this.waiting(field) !== undefined);
    this.verdict = this.said("verdict").trim();
    const own = this.verdict in verdicts ? "" : this.verdict;
    const said = { own, note: this.said("note"), tags: this.said("tags") };
    for (const [name, field] of Object.entries(this.fields)) {
      field.maxLength = longest[WRITTEN[name]] ?? 400;
      const typing = this.root.getRootNode().activeElement === field;
      if (!another && typing) continue;
      this.known[name] = field.value = said[name];
    }
    if (another) this.state("");
    else if (!waits && this.waited) this.state(this.data.trouble ? "" : "Saved");
    this.waited = waits;
    this.showVerdict();
    this.offerTags();
  }

  /** Return what the server has still to hear of a field of this run. */
  waiting(field) {
    const { run, handled } = this.data;
    // Not there yet while the first page of a tab loads.
    const said = window.asmaOutbox?.waiting(run, handled, field);
    // Before an upgrade verdicts and tags were said as mere texts.
    return typeof said === "string" ? { text: said } : said;
  }

  /** Return what a field is to show: what one has said last, or what is saved. */
  said(field) {
    return this.two[field].mine ?? this.waiting(field)?.text ?? this.data[field];
  }

  showVerdict() {
    const part = this.root.querySelector(".verdicts");
    for (const [verdict, key] of Object.entries(this.data.verdicts)) {
      const button = part.querySelector(`[data-verdict="${verdict}"]`) ?? this.addVerdict(part, verdict, key);
      button.setAttribute("aria-pressed", String(verdict === this.verdict));
    }
    this.fields.own.classList.toggle("given", Boolean(this.verdict) && !(this.verdict in this.data.verdicts));
  }

  addVerdict(part, verdict, key) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.verdict = verdict;
    button.append(verdict[0].toUpperCase() + verdict.slice(1), Object.assign(document.createElement("kbd"), { textContent: key }));
    part.insertBefore(button, this.fields.own);
    this.listen(button, "click", () => this.judge(verdict));
    return button;
  }

  showRuns() {
    const lines = JSON.stringify(this.data.along);
    if (lines !== this.lines) {
      this.lines = lines;
      this.runs.replaceChildren(...this.data.along.map(({ id, line }) => Object.assign(document.createElement("option"), { value: id, textContent: line })));
    }
    this.runs.value = this.at();
    this.runs.title = this.runs.selectedOptions[0]?.textContent ?? "";
  }

  showTrouble(text) {
    const trouble = this.root.querySelector(".trouble");
    trouble.textContent = text;
    trouble.hidden = !text;
  }

  offerTags() {
    const before = this.fields.tags.value.replace(/[^,]*$/, "");
    const has = before.split(",").map((tag) => tag.trim());
    const offered = this.data.known_tags.filter((tag) => !has.includes(tag));
    const options = offered.map((tag) => Object.assign(document.createElement("option"), { value: before ? `${before.trim()} ${tag}` : tag }));
    this.root.querySelector("datalist").replaceChildren(...options);
  }

  state(text) {
    this.root.querySelector(".state").textContent = text;
  }

  // What a person says -------------------------------------------------------------------------

  put(field, text) {
    this.waited = true;
    this.state("Saving");
    window.asmaOutbox.say(this.data.run, field, this.two[field].sending(text));
  }

  /** Send a field if its text is news. */
  say(name) {
    const field = this.fields[name];
    if (field.value === this.known[name]) return;
    clearTimeout(this.timer);
    this.known[name] = field.value;
    if (name === "own") this.verdict = field.value.trim();
    if (!this.two[WRITTEN[name]].hold(field.value)) this.put(WRITTEN[name], field.value);
    this.showVerdict();
  }

  sayAll() {
    Object.keys(this.fields).forEach((name) => this.say(name));
  }

  /** Take the text that a person has decided for. */
  decided(field, text) {
    this.put(field, text);
    for (const [name, written] of Object.entries(WRITTEN)) {
      if (written === field) this.known[name] = this.fields[name].value = name === "own" && text in this.data.verdicts ? "" : text;
    }
    if (field === "verdict") this.verdict = text.trim();
    this.showVerdict();
  }

  judge(verdict) {
    // Between two runs nobody has seen yet what would be judged.
    if (this.going) return;
    const taken = this.verdict === verdict;
    this.verdict = taken ? "" : verdict;
    this.known.own = this.fields.own.value = "";
    const held = this.two.verdict.hold(this.verdict);
    if (!held) this.put("verdict", this.verdict);
    this.showVerdict();
    // Who has still to decide stays.
    if (!held && !taken) this.goOn();
  }

  // Other runs ---------------------------------------------------------------------------------

  at() {
    return this.going ?? this.data.run;
  }

  place() {
    return this.data.along.findIndex(({ id }) => id === this.at());
  }

  step(by) {
    this.open(this.data.along[this.place() + by]?.id);
  }

  goOn() {
    if (this.on.checked) this.step(1);
  }

  unjudged() {
    const place = this.place();
    const others = [...this.data.along.slice(place + 1), ...this.data.along.slice(0, Math.max(place, 0))];
    return others.find(({ id, judged }) => !judged && !(id === this.data.run && this.verdict))?.id;
  }

  open(id) {
    if (!id || id === this.at()) return;
    this.sayAll();
    this.going = id;
    this.showRuns();
    this.freeze();
    const [run, ...others] = this.data.parameters;
    // What hangs on the run, such as those beside it, means nothing for another.
    window.asmaHistory.change({ [run]: id, ...Object.fromEntries(others.map((name) => [name, null])) });
  }

  /** Back can come before the next run does. */
  turnBack() {
    const asked = new URLSearchParams(window.location.search).get(this.data.parameters[0]);
    if (this.going === null || asked === this.going) return;
    this.going = null;
    this.showRuns();
    this.freeze();
  }

  freeze() {
    const going = Boolean(this.going);
    const place = this.place();
    this.root.setAttribute("aria-busy", String(going));
    Object.values(this.fields).forEach((field) => (field.readOnly = going));
    this.root.querySelectorAll("[data-verdict]").forEach((button) => (button.disabled = going));
    this.root.querySelectorAll("[data-step]").forEach((button) => (button.disabled = !this.data.along[place + Number(button.dataset.step)]));
    this.root.querySelector(".unjudged").disabled = !this.unjudged();
  }

  // Keys ---------------------------------------------------------------------------------------

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyped(event) || !this.root.checkVisibility()) return;
    const act = this.action(event.key.toLowerCase());
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat || "jk".includes(event.key.toLowerCase())) act();
  }

  action(key) {
    const verdict = Object.entries(this.data.verdicts).find(([, pressed]) => pressed === key)?.[0];
    if (verdict) return () => this.judge(verdict);
    if (key === "n") return () => this.write();
    if (!this.data.along.length) return null;
    return { j: () => this.step(1), k: () => this.step(-1), u: () => this.open(this.unjudged()) }[key];
  }

  write() {
    const { note } = this.fields;
    if (this.going) return;
    note.focus();
    note.setSelectionRange(note.value.length, note.value.length);
  }

  close() {
    this.sayAll();
    clearTimeout(this.timer);
    this.closing.abort();
  }
}

/** Whether a key is for a text, a choice or a question that is open. */
function isTyped(event) {
  const [target] = event.composedPath();
  if (target.isContentEditable) return true;
  if (document.querySelector("[role=dialog][aria-modal=true]")) return true;
  return target.matches?.("select, textarea, input:not([type=range], [type=checkbox], [type=radio])") ?? false;
}

export default function ({ data, parentElement }) {
  const [strip, end] = lastingOf(parentElement, ".strip", (root) => new Strip(root));
  strip.load(data);
  return end;
}
