// Two people who say something else of one run: what either has said is kept, and a person decides.

// What another's was saved over, by run, writer and field, until it is decided: a closed tab loses none.
const UNDECIDED = "asma-undecided-notes";
const WHEN = { verdict: "and you had not seen it", note: "while you wrote", tags: "while you wrote" };
// Of two verdicts one stays.
const BETWEEN = { note: "\n", tags: ", " };

class TwoSayings {
  /** Of one field of the strip; `decided` is called with the text that a person has decided for. */
  constructor(root, field, decided) {
    this.root = root;
    this.field = field;
    this.decided = decided;
    this.mine = null;
    this.part = this.madePart();
    this.buttons = [...this.part.querySelectorAll("[data-keep]")];
  }

  madePart() {
    const pattern = this.root.querySelector(".two.pattern");
    const part = pattern.cloneNode(true);
    part.classList.remove("pattern");
    part.dataset.field = this.field;
    if (!(this.field in BETWEEN)) part.querySelector("[data-keep=both]").remove();
    pattern.before(part);
    return part;
  }

  /**
   * Find out whether what somebody else said was saved over whose words ours were meant.
   *
   * `waits` is what the server has still to hear of the field, `another` whether it is one of
   * another run than before, `writing` whether a person is at it.
   */
  meet(data, waits, another, writing) {
    const { refused } = data.two[this.field];
    this.data = data;
    if (another) this.sent = undefined;
    // What has been written since it was refused is here alone.
    if (refused !== null && waits === undefined && !(this.name in undecided())) this.keep(refused);
    this.mine = waits === undefined ? (undecided()[this.name] ?? null) : null;
    if (this.mine === this.theirs) this.settle();
    // While one writes, what it was when that began stands, but for one's own words that have come.
    if (waits !== undefined) this.was = waits.was;
    else if (another || !writing || this.theirs === this.sent) this.was = this.theirs;
    this.show();
  }

  show() {
    const write = (name, text) => (this.part.querySelector(`.${name}`).textContent = text);
    this.part.hidden = this.mine === null;
    write("changed", `${this.data.two[this.field].changed} ${WHEN[this.field]}. Which one stays?`);
    write("theirs", this.theirs || "(empty)");
    write("yours", this.mine || "(empty)");
    const longest = this.data.longest[this.field];
    for (const button of this.buttons) button.disabled = this.kept(button.dataset.keep).length > longest;
  }

  get theirs() {
    return this.data[this.field];
  }

  kept(which) {
    const mine = this.mine ?? "";
    return { mine, theirs: this.theirs, both: [this.theirs, mine].filter(Boolean).join(BETWEEN[this.field]) }[which];
  }

  /** Return what goes out for a text: what it was when its writing began stands beside it. */
  sending(text) {
    this.sent = text;
    return { text, was: this.was };
  }

  /** Take a text that waits for a decision; return whether one is to be made. */
  hold(text) {
    if (this.mine === null) return false;
    this.mine = text;
    this.keep(text);
    this.show();
    return true;
  }

  decide(which) {
    const text = this.kept(which);
    this.settle();
    this.was = this.theirs;
    this.show();
    this.decided(text);
  }

  settle() {
    this.mine = null;
    this.keep(undefined);
  }

  /** Whose words on which run: other people may use this browser. A note's is as it was at first. */
  get name() {
    const { run, who } = this.data;
    return this.field === "note" ? `${run} ${who}` : `${run} ${who} ${this.field}`;
  }

  /** Keep what waits for a decision; undefined forgets it. */
  keep(text) {
    window.localStorage.setItem(UNDECIDED, JSON.stringify({ ...undecided(), [this.name]: text }));
  }
}

function undecided() {
  return JSON.parse(window.localStorage.getItem(UNDECIDED) ?? "{}");
}
