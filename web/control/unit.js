// One ControlNet or T2I-Adapter in the form: its model, its picture, its settings.

import { labelOf, networkFile } from "../store/networks.js";
import { controlText } from "../strings/control.js";
import { chip, element, withText } from "../dom.js";

/** @typedef {import("../files/control_choices.js").ControlChoice} ControlChoice */
/** @typedef {import("../store/networks.js").Network} Network */

/** What the slider of the weight reaches; the field beside it takes any number. */
const [LEAST, MOST, STEP] = ["0", "2", "0.05"];

/**
 * @typedef {object} Handlers
 * @property {{ stored: Network[], offered: Network[], found: Network | undefined }} networks
 * @property {boolean} absent whether its model is not stored
 * @property {(change: Partial<ControlChoice>) => void} onChange
 * @property {() => void} onRemove
 * @property {(file: Blob) => void} onPicture
 * @property {() => Promise<void>} onStart makes the start image its picture
 * @property {() => Promise<void>} onDraw
 * @property {(error: unknown) => void} onFault
 * @property {() => Promise<void>} [onGet] fetches its model, which the site offers
 */

/**
 * @param {ControlChoice} choice
 * @param {number} at its place
 * @param {Handlers} handlers
 */
export function createUnit(choice, at, handlers) {
  const id = (/** @type {string} */ name) => `control-${at + 1}-${name}`;
  const title = controlText.title(at + 1, choice.name);
  const model = modelField(id("model"), choice, handlers);
  const picture = pictureField(id, choice, handlers);
  const settings = settingsOf(id, choice, handlers.onChange);
  const remove = chip(controlText.remove(), handlers.onRemove);
  remove.ariaLabel = controlText.removeIt(title);
  remove.id = id("remove");
  const group = element("fieldset", { className: "control" });
  group.append(withText("legend", title), ...model.parts, picture.box, settings.grid);
  group.append(element("div", { className: "actions small-actions" }, remove));
  return {
    item: element("li", {}, group),
    canvas: picture.canvas,
    first: model.select,
    focus: () => model.select.focus(),
    showPicture: picture.show,

    /** Whether the fields show these settings. @param {ControlChoice} other */
    shows: (other) => settings.shows(other),

    /** The field that is wrong, if one is. @returns {HTMLElement | null} */
    wrong() {
      if (handlers.absent) return group.querySelector(".control-get") ?? model.select;
      if (!choice.name) return model.select;
      return choice.image ? settings.wrong() : picture.input;
    },
  };
}

/** @param {string} id @param {ControlChoice} choice @param {Handlers} handlers */
function modelField(id, choice, { networks, absent, onChange, onGet, onFault }) {
  const select = element("select", { id });
  const { stored, offered, found } = networks;
  const option = (/** @type {Network} */ one) =>
    element("option", { value: one.id }, labelOf(one, [...stored, ...offered]));
  select.append(element("option", { value: "" }, controlText.choose()), ...stored.map(option));
  if (offered.length)
    select.append(element("optgroup", { label: controlText.offered() }, ...offered.map(option)));
  const kept = offered.find((one) => one.name === choice.name);
  if (choice.name && !found && !kept)
    select.append(element("option", { value: "absent" }, choice.name));
  select.value = found?.id ?? kept?.id ?? (choice.name ? "absent" : "");
  select.addEventListener("change", () => {
    const one = [...stored, ...offered].find((network) => network.id === select.value);
    onChange(one ? networkFile(one) : { name: "", hash: "" });
  });
  const parts = [field(controlText.model(), select)];
  if (absent) parts.push(element("p", { className: "hint cut" }, `(${controlText.absent()})`));
  if (onGet) {
    const get = chip(controlText.get(choice.name), () => {
      if (get.ariaDisabled) return;
      // The focus stays on it, unlike on a button that is disabled.
      get.ariaDisabled = "true";
      onGet()
        .catch(onFault)
        .finally(() => (get.ariaDisabled = null));
    });
    get.className = "control-get";
    parts.push(element("div", { className: "actions small-actions" }, get));
  }
  return { select, parts };
}

/**
 * @param {(name: string) => string} id
 * @param {ControlChoice} choice
 * @param {Handlers} handlers
 */
function pictureField(id, { drawn, image }, { onPicture, onStart, onDraw, onFault }) {
  const canvas = element("canvas", { hidden: true });
  canvas.setAttribute("role", "img");
  const none = element("p", { className: "hint" }, controlText.noPictureYet());
  const input = element("input", {
    ...{ id: id("picture"), type: "file", accept: "image/*", className: "unseen" },
  });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) onPicture(file);
  });
  const label = element("label", { className: "button", htmlFor: input.id }, controlText.picture());
  const draw = chip(controlText.draw(drawn && !!image), () => void onDraw().catch(onFault));
  draw.id = id("draw");
  const start = chip(controlText.fromStart(), () => void onStart().catch(onFault));
  start.id = id("start-image");
  const acts = element("div", { className: "actions small-actions" }, input, label, draw, start);
  const box = element("div", { className: "control-picture" }, canvas, none, acts);
  /** @param {{ width: number, height: number } | null} size of the picture, if there is one */
  const show = (size) => {
    canvas.hidden = !size;
    none.hidden = !!size;
    if (!size) return;
    canvas.ariaLabel = controlText.pictureSize(size.width, size.height);
    label.textContent = controlText.anotherPicture();
  };
  return { box, canvas, input, show };
}

/**
 * @param {(name: string) => string} id
 * @param {ControlChoice} choice
 * @param {(change: Partial<ControlChoice>) => void} onChange
 */
function settingsOf(id, choice, onChange) {
  /** @param {"weight" | "start" | "end"} name @param {string} step */
  const numbered = (name, step) => {
    const input = element("input", { id: id(name), inputMode: "decimal", value: choice[name] });
    Object.assign(input.dataset, { step, min: name === "weight" ? "-10" : "0" });
    input.addEventListener("input", () => {
      mark(input);
      if (name === "weight") slider.value = input.value;
      onChange({ [name]: input.value });
    });
    return input;
  };
  const slider = element("input", { type: "range", min: LEAST, max: MOST, step: STEP });
  slider.id = id("slider");
  slider.ariaLabel = controlText.slider();
  const [weight, start, end] = [
    numbered("weight", STEP),
    numbered("start", STEP),
    numbered("end", STEP),
  ];
  slider.value = choice.weight;
  slider.addEventListener("input", () => {
    weight.value = slider.value;
    mark(weight);
    onChange({ weight: slider.value });
  });
  const preprocess = element("select", { id: id("preprocess") });
  for (const [value = "", text = ""] of controlText.preprocessors())
    preprocess.append(element("option", { value }, text));
  preprocess.value = choice.preprocess;
  preprocess.addEventListener("change", () => onChange({ preprocess: preprocess.value }));
  const guess = element("input", { id: id("guess"), type: "checkbox", checked: choice.guess });
  guess.addEventListener("change", () => onChange({ guess: guess.checked }));
  const both = element("div", { className: "field control-weight" });
  both.append(element("label", { htmlFor: weight.id }, controlText.weight()), slider, weight);
  const grid = element("div", { className: "grid" });
  grid.append(field(controlText.preprocess(), preprocess), both);
  grid.append(field(controlText.start(), start), field(controlText.end(), end));
  grid.append(element("label", { className: "check wide" }, guess, controlText.guess()));
  const numbers = [weight, start, end];
  numbers.forEach(mark);
  return {
    grid,
    shows: (/** @type {ControlChoice} */ other) =>
      weight.value === other.weight &&
      start.value === other.start &&
      end.value === other.end &&
      preprocess.value === other.preprocess &&
      guess.checked === other.guess,
    wrong: () => numbers.find((input) => input.hasAttribute("data-wrong")) ?? wrongStep(start, end),
  };
}

/**
 * The field of the step that is wrong: the one that is not from 0 to 1, else the end if it is not
 * after the start.
 * @param {HTMLInputElement} start
 * @param {HTMLInputElement} end
 */
function wrongStep(start, end) {
  const number = ({ value = "" }) => Number(value.trim().replace(",", "."));
  const [from, to] = [number(start), number(end)];
  if (from < 0 || from >= 1) return start;
  return to > 1 || to <= from ? end : null;
}

/** Marks a field whose text is no number. @param {HTMLInputElement} input */
function mark(input) {
  const number = Number(input.value.trim().replace(",", ".") || "NaN");
  const wrong = !Number.isFinite(number);
  input.toggleAttribute("data-wrong", wrong);
  input.setAttribute("aria-invalid", String(wrong));
}

/** @param {string} text @param {HTMLElement} control */
const field = (text, control) =>
  element("div", { className: "field" }, element("label", { htmlFor: control.id }, text), control);
