/* ----------------------------------------------------------------- controls */

function connectControls(viewer) {
  const { find, root } = viewer;
  const on = (selector, type, action) => viewer.listen(find(selector), type, action);
  const each = (selector, type, action) =>
    root.querySelectorAll(selector).forEach((part) => viewer.listen(part, type, () => action(part)));
  each("[data-mode-button]", "click", ({ dataset }) => viewer.setMode(dataset.modeButton));
  each("[data-difference]", "click", ({ dataset }) => viewer.change({ difference: dataset.difference }));
  each("[data-zoom-by]", "click", ({ dataset }) => viewer.zoomBy(dataset.zoomBy === "in" ? 1.25 : 0.8));
  each("[data-overlay] input", "change", (input) => viewer.toggleOverlay(input.parentElement.dataset.overlay));
  each(".partners select", "change", (list) => viewer.change({ [list.dataset.partner]: list.value }));
  on(".fit", "click", () => viewer.change(WHOLE));
  on(".channel", "change", ({ target }) => viewer.change({ channel: target.value }));
  on(".amplification", "input", ({ target }) => viewer.change({ times: viewer.looks.difference.factors[target.valueAsNumber] }));
  on(".automatic", "click", () => viewer.change({ times: viewer.state.times ? 0 : viewer.factor }));
  on(".opacity", "input", ({ target }) => viewer.change({ opacity: target.valueAsNumber }));
  on(".suspicion", "change", ({ target }) => suspect(viewer, target.value));
  on(".fill", "change", ({ target }) => viewer.change({ fill: target.checked }));
  on(".blink-play", "click", () => toggleBlink(viewer));
  on(".blink-next", "click", () => nextBlink(viewer));
  on(".play", "click", () => togglePlay(viewer));
  on(".keys-button", "click", () => toggleKeys(viewer, find(".keys").hidden));
  on(".fullscreen", "click", () => toggleFullscreen(viewer));
}

/** List the pictures that the slider can hold against each other. */
function offerPartners(viewer) {
  for (const list of viewer.root.querySelectorAll(".partners select")) {
    const entries = viewer.sources().map(({ key, name }) => element("option", name, { value: key }));
    list.replaceChildren(...entries);
  }
  viewer.find(".amplification").max = viewer.looks.difference.factors.length - 1;
}

function toggleKeys(viewer, open) {
  viewer.find(".keys").hidden = !open;
  viewer.find(".keys-button").setAttribute("aria-expanded", String(open));
}

async function toggleFullscreen(viewer) {
  if (viewer.root.matches(":fullscreen")) await document.exitFullscreen();
  else await viewer.root.requestFullscreen();
}

function showControls(viewer) {
  showModes(viewer);
  showDifferenceTools(viewer);
  showOverlays(viewer);
  showStep(viewer);
  showCaptions(viewer);
  const { zoom } = viewer.state;
  viewer.find(".zoom-text").textContent = `${Math.round(100 * zoom)} %`;
  viewer.find(".fit").disabled = zoom === 1;
}

const pressed = (part, on) => part.setAttribute("aria-pressed", String(on));

function showModes(viewer) {
  const { root, find, state, blink } = viewer;
  root.querySelectorAll("[data-mode-button]").forEach((button) => pressed(button, button.dataset.modeButton === state.mode));
  find(".partners").hidden = state.mode !== "slider";
  for (const side of ["left", "right"]) {
    find(`[data-partner=${side}]`).value = viewer.source(state[side], side === "left" ? 0 : 1).key;
  }
  find(".blink-tools").hidden = state.mode !== "blink";
  find(".blink-play").textContent = blink.running ? "pause" : "resume";
  const divider = find(".divider");
  divider.hidden = state.mode !== "slider";
  divider.style.left = `${100 * state.divider}%`;
  divider.setAttribute("aria-valuenow", String(Math.round(100 * state.divider)));
}

function showDifferenceTools({ root, find, state, factor, looks }) {
  find(".difference-tools").hidden = state.mode !== "side";
  root.querySelectorAll("[data-difference]").forEach((button) => pressed(button, button.dataset.difference === state.difference));
  find(".channel").value = state.channel;
  find(".channel").hidden = state.difference === "perceptual";
  find(".amplification").value = looks.difference.factors.findLastIndex((one) => one <= factor);
  find(".amplification").setAttribute("aria-valuetext", `${factor} times`);
  find(".amplification-text").textContent = `\u00d7 ${factor}`;
  pressed(find(".automatic"), state.times === 0);
}

function showOverlays(viewer) {
  const { find, root, state, comparison } = viewer;
  const sources = viewer.sources();
  for (const name of MASKS) {
    const label = find(`[data-overlay=${name}]`);
    const there = sources.some(({ masks }) => masks[name]);
    label.toggleAttribute("data-missing", !there);
    label.firstElementChild.disabled = !there;
    label.firstElementChild.checked = there && state.overlays.includes(name);
  }
  find(".fill").checked = state.fill;
  find(".suspicion").value = chosenDetector(viewer)?.name ?? "";
  find(".opacity").value = state.opacity;
  if (viewer.legendOf === comparison) return;
  viewer.legendOf = comparison;
  for (const [name, { colour }] of Object.entries(viewer.looks.roles)) {
    root.style.setProperty(`--${name}`, colour);
  }
  showClasses(find(".classes"), comparison.header.class_names, viewer.looks);
}

/** List the line style of each class, unless there is only one to outline. */
function showClasses(list, names, looks) {
  const entries = names.slice(1).map((name, i) => {
    const entry = element("span");
    entry.append(lineSample(dashOf(looks, i + 1)), name);
    return entry;
  });
  list.replaceChildren(...(entries.length > 1 ? entries : []));
}

function showCaptions(viewer) {
  const { reduced } = viewer.comparison.header;
  for (const panel of viewer.panels) {
    if (panel.run > viewer.comparison.beside.length) continue;
    const [first, second] = viewer.shown(panel);
    const text = panel.shows === "difference" ? differenceCaption(viewer, panel) : first.caption;
    panel.caption.textContent = text;
    panel.canvas.setAttribute("aria-label", second ? `${text}; ${second.caption}` : text);
    panel.reduced.textContent = reduced > 1 ? `shown at 1/${reduced} of its size` : "";
    if (panel.shows === "single") panel.element.querySelector(".second").textContent = second?.caption ?? "";
  }
}

function differenceCaption({ state, factor, comparison }, panel) {
  const { difference, channel, times } = state;
  const { beside, header } = comparison;
  const words = [`difference \u00d7 ${factor}${times ? "" : " auto"}`];
  words.push(difference === "perceptual" ? "CIEDE2000" : difference);
  if (difference !== "perceptual" && channel !== "largest") words.push(channel);
  const run = beside[panel.run - 1]?.key ?? header.key;
  return (beside.length ? [`run ${run}`, ...words] : words).join(", ");
}
