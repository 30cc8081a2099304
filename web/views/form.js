// The form. It gives requests as the user typed them, and shows what is wrong near the field.

import {
  DEFAULTS,
  MADE_FOR,
  fieldName,
  fieldNow,
  isOfStartImage,
  variedFields,
  withoutSecondPass,
} from "../request/defaults.js";
import { MODEL } from "../options.js";
import { requestOf } from "../request/fields.js";
import { isChosen } from "../request/seed.js";
import { callsIn } from "../store/addons.js";
import { say } from "../strings.js";
import { anyById, byId, button, onPress } from "../dom.js";
import { showButtons } from "./buttons.js";
import { control, offerSamplers, read, stepNumber, write } from "./controls.js";
import { createAbilities } from "./abilities.js";
import { ControlSlot } from "./control_slot.js";
import { createExtras } from "./extras.js";
import { createHires } from "./hires.js";
import { Loras } from "./loras.js";
import { createSeed } from "./seed.js";
import { createShortcuts } from "./shortcuts.js";
import { createSizes } from "./sizes.js";
import { StartImage } from "./start_image.js";
import { createStyles } from "./styles.js";

/**
 * @typedef {object} Handlers
 * @property {() => void} onGenerate
 * @property {() => void} onEndEarly the user wants the image as it is by now
 * @property {() => void} onPause the user wants to pause or to resume
 * @property {() => void} onCancel
 * @property {() => void} onChange
 * @property {import("./loras.js").Handlers["onGet"]} onGetAddon
 * @property {(open: boolean) => void} onEditor the painter of masks was opened or closed
 * @property {(file: Blob) => void} onEnlarge enlarges the start image
 * @property {import("./extend.js").Outpaint} outpaint
 * @property {(error: unknown) => void} onFault
 */

export class Form {
  #handlers;
  #extras;
  #hires;
  #seed;
  #sizes;
  #shortcuts;
  #abilities;
  #styles;
  /** The first values of these fields, with the open model. */
  #first = MADE_FOR.map((name) => DEFAULTS.get(name) ?? "");
  /** Whether one of them was given for the model that is opened next: all stay as they are. */
  #given = false;
  #isOpen;

  /**
   * @param {import("../state/page.js").Page} state
   * @param {Handlers} handlers
   */
  constructor(state, handlers) {
    this.#handlers = handlers;
    this.#isOpen = () => !!state.get().opened;
    const { onChange, onEditor, onEnlarge, outpaint, onFault } = handlers;
    this.#extras = createExtras(onChange);
    this.#hires = createHires(onChange, () => this.startImage.isThere());
    this.#seed = createSeed(onChange);
    this.#sizes = createSizes(onChange);
    this.#shortcuts = createShortcuts();
    this.#abilities = createAbilities();
    this.#styles = createStyles(() => [read("prompt"), read("negative_prompt")], onChange);
    const onSize = (/** @type {number} */ width, /** @type {number} */ height) => {
      this.#sizes.follow(width, height);
    };
    const onStart = () => (this.#hires.tell(), onChange());
    const others = { onEnlarge, outpaint, onSize, onFault };
    this.startImage = new StartImage({ onChange: onStart, onEditor, ...others });
    this.loras = new Loras({
      onChange,
      onFault,
      onGet: handlers.onGetAddon,
      isLocked: () => state.get().offlineLock,
      onFast: (settings) => {
        this.fill(Object.entries(settings));
        onChange();
      },
      onWord: (word) => {
        this.addWord("prompt", word);
        onChange();
      },
    });
    this.controls = new ControlSlot({
      onChange,
      onFault,
      onGet: handlers.onGetAddon,
      startFile: () => this.startImage.file(),
      draw: (image, drawn, onDrawn) => this.startImage.draw(image, drawn, onDrawn),
    });
    this.#listen();
    anyById("shortcut").textContent = /Mac|iP/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
    if (matchMedia("(max-width: 47.99rem)").matches)
      byId("settings", HTMLDetailsElement).open = false;
    offerSamplers(["ddim"]);
    for (const [name, value] of DEFAULTS) write(name, value);
    showButtons(state.get());
    state.subscribe(["phase", "pausing", "task"], showButtons);
    state.subscribe(["opened"], ({ opened }) => opened && this.#describe(opened));
  }

  #listen() {
    const { onGenerate, onPause, onEndEarly, onCancel, onChange } = this.#handlers;
    const form = byId("form", HTMLFormElement);
    const generate = button("generate");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!generate.disabled) onGenerate();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit(generate.disabled ? null : generate);
      }
      if (event.key === "ArrowUp" || event.key === "ArrowDown") stepNumber(event);
    });
    form.addEventListener("input", onChange);
    onPress("pause", onPause);
    onPress("end-early", onEndEarly);
    onPress("cancel", onCancel);
    onPress("reset", () => this.#reset());
  }

  #reset() {
    this.#given = false;
    this.#clear();
    this.startImage.reset();
    for (const [name, value] of DEFAULTS) write(name, value);
    this.#writeFirst();
    this.#refresh();
    this.#handlers.onChange();
  }

  #writeFirst() {
    for (const [i, name] of MADE_FOR.entries()) write(name, this.#first[i] ?? "");
  }

  #clear() {
    this.#extras.fields.clear();
    this.startImage.clear();
    this.loras.clear();
    this.controls.clear();
    this.#hires.use("");
    this.#styles.choose("");
  }

  #refresh() {
    this.#seed.show();
    this.#sizes.show();
    this.#shortcuts.show();
    this.#abilities.show();
    this.#hires.show();
    this.startImage.show();
    this.#extras.show();
  }

  /**
   * Adapts the form to a model: its samplers, their settings, its sizes; and what it was made for,
   * unless the user, a link or an image has said otherwise.
   * @param {import("../state/page.js").Opened} opened
   */
  #describe({ model, description }) {
    const { factor, width, height, samplers, abilities, made_for } = description;
    offerSamplers(samplers);
    const first = MADE_FOR.map((name) => String(made_for?.[name] ?? DEFAULTS.get(name) ?? ""));
    const untouched = !this.#given && MADE_FOR.every((name, i) => read(name) === this.#first[i]);
    this.#given = false;
    const others = first.some((value, i) => value !== this.#first[i]);
    this.#first = first;
    if (untouched && others) {
      this.#writeFirst();
      this.#handlers.onChange();
    }
    this.#abilities.describe(abilities);
    this.startImage.describe(description);
    anyById("size-hint").textContent = say.sizeHint(factor, width, height);
    this.#sizes.describe(factor, width, height, model === MODEL);
  }

  /**
   * The request as typed, with the style's words.
   * @param {string} [seed] is used if the field is empty; without it, a random seed is
   */
  read(seed = "") {
    this.#sizes.round();
    const fields = this.fields();
    return requestOf(isChosen(fields["seed"]) ? fields : { ...fields, seed });
  }

  /**
   * The fields as typed, by name, with the style's words; with a start image without a second pass.
   * @returns {Record<string, string>}
   */
  fields() {
    const typed = /** @type {const} */ ([read("prompt"), read("negative_prompt")]);
    const [prompt = "", negative_prompt = ""] = this.#styles.apply(...typed);
    const names = [...DEFAULTS.keys()].filter((name) => !isOfStartImage(name));
    const fields = Object.fromEntries(names.map((name) => [name, read(name)]));
    const beside = {
      ...{ ...this.loras.fields(), ...this.controls.fields() },
      ...this.#hires.fields(),
    };
    const others = { ...Object.fromEntries(this.#extras.fields), ...this.startImage.fields() };
    const all = { ...fields, ...others, ...beside, prompt, negative_prompt };
    return this.startImage.isThere() ? withoutSecondPass(all) : all;
  }

  /**
   * The fields that differ from the defaults, as typed, for a link; all of `MADE_FOR` where the
   * model has its own first values of them.
   * @returns {[string, string][]}
   */
  changes() {
    const own = MADE_FOR.some((name, i) => this.#first[i] !== DEFAULTS.get(name));
    const named = new Set(own || this.#given ? MADE_FOR : /** @type {string[]} */ ([]));
    // Only this browser has the start image: a link has neither its number nor its settings.
    const changes = [...DEFAULTS].filter(
      ([name, value]) => !isOfStartImage(name) && (named.has(name) || read(name) !== value),
    );
    const typed = changes.map(([name]) => /** @type {[string, string]} */ ([name, read(name)]));
    const style = this.#styles.chosen();
    const hires = Object.entries(this.#hires.fields());
    const extras = [...this.#extras.fields, ...this.loras.changes(), ...hires];
    return style ? [...typed, ...extras, ["style", style]] : [...typed, ...extras];
  }

  /**
   * Adds a word to a prompt as typed, unless it is there.
   * @param {"prompt" | "negative_prompt"} field
   * @param {string} word
   */
  addWord(field, word) {
    const typed = read(field);
    if (!callsIn(word, typed)) write(field, typed.trim() ? `${typed}, ${word}` : word);
  }

  /** An image was made; the lock of the seed uses its seed. @param {string} seed */
  made = (seed) => this.#seed.made(seed);

  /** The start image, its mask, their settings, those of before, and the controls. */
  startImageDraft() {
    const steps = this.startImage.steps();
    return { ...this.#imageFields(), ...(steps ? { steps } : {}) };
  }

  /** The fields that name stored images, and those that belong to them. */
  #imageFields() {
    return { ...this.startImage.allFields(), ...this.controls.fields() };
  }

  /** Resolves when images that are on their way are there; null if they are. */
  pending = () => this.startImage.pending() ?? this.controls.pending();

  /** A function that brings back the form as it is now. */
  snapshot() {
    const [typed, startImage] = [this.changes(), this.#imageFields()];
    return () => {
      this.open(typed);
      this.fill(Object.entries(startImage));
      this.#handlers.onChange();
    };
  }

  /**
   * Fills in the fields of a link; fields that it lacks get their defaults.
   * @param {[string, string][]} entries
   * @param {boolean} [another] whether another model is opened next
   */
  open(entries, another = false) {
    const named = new Set(entries.map(([name]) => fieldName(name)));
    const prompt = named.has("prompt") ? [] : [...DEFAULTS].slice(0, 1);
    this.fillRequest([...prompt, ...entries]);
    if (another) this.#given = MADE_FOR.some((name) => named.has(name));
  }

  /**
   * Fills in fields by name.
   * @param {Iterable<[string, string]>} entries
   */
  fill(entries) {
    const all = [...entries];
    if (!this.#isOpen()) this.#given ||= MADE_FOR.some((own) => all.some(([name]) => name === own));
    this.#write(all);
  }

  /** @param {[string, string][]} entries */
  #write(entries) {
    const extras = this.#extras.fields;
    for (const [field, value] of entries.map(fieldNow)) {
      if (field === "style") this.#styles.choose(value);
      else if (field === "initial") this.startImage.use(value);
      else if (field === "mask") this.startImage.useMask(value);
      else if (field === "loras") this.loras.use(value);
      else if (field === "lora") this.loras.link(value);
      else if (field === "controls") this.controls.use(value);
      else if (field === "upscaler") this.#hires.use(value);
      else if (field === "strength" && !value) write(field, DEFAULTS.get(field) ?? "");
      else if (DEFAULTS.has(field)) write(field, value);
      else if (value === "") extras.delete(field);
      else extras.set(field, value);
    }
    this.#refresh();
  }

  /** Fills in a whole request; fields that it lacks get their defaults, except the prompt. */
  fillRequest(/** @type {Iterable<[string, string]>} */ entries) {
    this.#clear();
    /** @type {Map<string, string>} */
    const named = new Map();
    for (const [name, value] of entries) {
      const field = fieldName(name);
      const before = field === "lora" && named.get(field);
      named.set(field, before ? `${before}\n${value}` : value);
    }
    const rest = [...DEFAULTS].filter(([name]) => !named.has(name) && name !== "prompt");
    this.fill(named);
    this.#write(rest);
    if (named.get("strength") && !named.get("initial")) this.startImage.miss();
  }

  /**
   * Fills in the request of an image again, with the image as start image.
   * @param {Iterable<[string, string]>} entries the request
   * @param {string} number of the start image
   * @param {string} strength
   */
  vary(entries, number, strength) {
    this.fillRequest([
      ...variedFields(entries),
      ["seed", ""],
      ["strength", strength],
      ["initial", number],
    ]);
  }

  /**
   * Shows a fault, and marks the field that is wrong; null removes both.
   * @param {{ message: string, field?: string | undefined } | null} problem
   * @param {Element | null} [place] in another view: the element to show it below
   */
  showFault(problem, place) {
    const fault = anyById("fault");
    (place ?? anyById("main-actions")).after(fault);
    for (const wrong of byId("form", HTMLFormElement).querySelectorAll("[aria-invalid]")) {
      wrong.removeAttribute("aria-invalid");
      wrong.removeAttribute("aria-errormessage");
    }
    fault.hidden = !problem;
    fault.textContent = problem?.message ?? "";
    const name = problem?.field && fieldName(problem.field);
    if (name === "initial-file") markWrong(startImageControl());
    else if (name === "loras") markWrong(this.loras.wrong());
    else if (name === "controls") markWrong(this.controls.wrong());
    else if (name === "upscaler") markWrong(control("hires-file"));
    else if (name === "mask") markWrong(control("initial-edit"));
    else if (name && DEFAULTS.has(name)) markWrong(control(name));
    else if (problem) fault.scrollIntoView({ block: "nearest" });
  }
}

/** What changes the start image: a file to choose, or the button that takes back what is there. */
const startImageControl = () =>
  control(anyById("initial-box").hidden ? "initial-file" : "initial-remove");

/** @param {HTMLElement} input */
function markWrong(input) {
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", "fault");
  for (let box = input.closest("details"); box; box = parentDetails(box)) box.open = true;
  input.focus();
}

/** @param {HTMLDetailsElement} box */
const parentDetails = (box) => box.parentElement?.closest("details") ?? null;
