// Two people who write one note: what either has written is kept, and a person decides.

// Notes over which another was saved, by run and writer, until it is decided: a closed tab loses none.
const UNDECIDED = "asma-undecided-notes";

class TwoNotes {
  /** `decided` is called with the text that a person has decided for. */
  constructor(root, decided) {
    this.part = root.querySelector(".two");
    this.buttons = [...this.part.querySelectorAll("[data-keep]")];
    this.decided = decided;
    this.mine = null;
  }

  /**
   * Find out whether somebody else's note was saved over whose words ours were meant.
   *
   * `waits` is what the server has still to hear of the note, `another` whether it is one of another
   * run than before, `writing` whether a person is at it.
   */
  meet(data, waits, another, writing) {
    const { refused, note } = data;
    this.data = data;
    if (another) this.sent = undefined;
    // What has been written since it was refused is here alone.
    if (refused !== null && waits === undefined && !(this.name in undecided())) this.keep(refused);
    this.mine = waits === undefined ? (undecided()[this.name] ?? null) : null;
    if (this.mine === note) this.settle();
    // While one writes, what it was when that began stands, but for one's own words that have come.
    if (waits !== undefined) this.was = waits.was;
    else if (another || !writing || note === this.sent) this.was = note;
    this.show();
  }

  show() {
    const { note, changed, longest } = this.data;
    const write = (name, text) => (this.part.querySelector(`.${name}`).textContent = text);
    this.part.hidden = this.mine === null;
    write("changed", `${changed} while you wrote. Which one stays?`);
    write("theirs", note || "(empty)");
    write("yours", this.mine || "(empty)");
    for (const button of this.buttons) button.disabled = this.kept(button.dataset.keep).length > longest.note;
  }

  kept(which) {
    const { note } = this.data;
    const mine = this.mine ?? "";
    return { mine, theirs: note, both: [note, mine].filter(Boolean).join("\n") }[which];
  }

  /** Return what goes out for a note's text: what it was when its writing began stands beside it. */
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
    this.was = this.data.note;
    this.show();
    this.decided(text);
  }

  settle() {
    this.mine = null;
    this.keep(undefined);
  }

  /** Whose words on which run: other people may use this browser. */
  get name() {
    return `${this.data.run} ${this.data.who}`;
  }

  /** Keep what waits for a decision; undefined forgets it. */
  keep(text) {
    window.localStorage.setItem(UNDECIDED, JSON.stringify({ ...undecided(), [this.name]: text }));
  }
}

function undecided() {
  return JSON.parse(window.localStorage.getItem(UNDECIDED) ?? "{}");
}
