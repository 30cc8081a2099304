// The form: what to make. Gives requests as they were typed, and says near the field what is wrong.

import { DEFAULTS, fieldName } from "../request/defaults.js";
import { requestOf } from "../request/fields.js";
import { isChosen } from "../request/seed.js";
import { say } from "../strings.js";
import { anyById, byId, button, onPress } from "../dom.js";
import { control, offerSamplers, read, stepNumber, write } from "./controls.js";
import { createAbilities } from "./abilities.js";
import { createExtras } from "./extras.js";
import { createInitial } from "./initial.js";
import { createSeed } from "./seed.js";
import { createShortcuts } from "./shortcuts.js";
import { createSizes } from "./sizes.js";
import { createStyles } from "./styles.js";

/** The strength of a variation that is asked for with one press. */
const VARIATION = "0.6";

/**
 * @typedef {object} Handlers
 * @property {() => void} onGenerate
 * @property {() => void} onPause it is to rest, or to go on
 * @property {() => void} onCancel
 * @property {() => void} onChange
 * @property {(error: unknown) => void} onFault
 */

export class Form {
  #handlers;
  #extras;
  #seed;
  #sizes;
  #shortcuts;
  #abilities;
  #styles;

  /**
   * @param {import("../state/page.js").Page} state
   * @param {Handlers} handlers
   */
  constructor(state, handlers) {
    this.#handlers = handlers;
    const { onChange, onFault } = handlers;
    this.#extras = createExtras(onChange);
    this.#seed = createSeed(onChange);
    this.#sizes = createSizes(onChange);
    this.#shortcuts = createShortcuts();
    this.#abilities = createAbilities();
    this.#styles = createStyles(() => [read("prompt"), read("negative_prompt")], onChange);
    /** The picture to begin with. */
    this.initial = createInitial({ onChange, onFault });
    this.#listen();
    anyById("shortcut").textContent = /Mac|iP/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
    if (matchMedia("(max-width: 47.99rem)").matches)
      byId("settings", HTMLDetailsElement).open = false;
    offerSamplers(["ddim"]);
    for (const [name, value] of DEFAULTS) write(name, value);
    showButtons(state.get());
    state.subscribe(["phase", "pausing", "job"], showButtons);
    state.subscribe(["opened"], ({ opened }) => opened && this.#describe(opened.description));
  }

  #listen() {
    const { onGenerate, onPause, onCancel, onChange } = this.#handlers;
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
    onPress("cancel", onCancel);
    onPress("reset", () => this.#reset());
  }

  #reset() {
    this.#clear();
    for (const [name, value] of DEFAULTS) write(name, value);
    this.#refresh();
    this.#handlers.onChange();
  }

  #clear() {
    this.#extras.fields.clear();
    this.initial.clear();
    this.#styles.choose("");
  }

  #refresh() {
    this.#seed.show();
    this.#sizes.show();
    this.#shortcuts.show();
    this.#abilities.show();
    this.initial.show();
    this.#extras.show();
  }

  /**
   * Offers what this model can do.
   * @param {import("../engine/protocol.js").Description} description
   */
  #describe({ factor, width, height, samplers, abilities }) {
    offerSamplers(samplers);
    this.#abilities.describe(abilities);
    anyById("size-hint").textContent = say.sizeHint(factor, width, height);
    this.#sizes.describe(factor, width, height);
  }

  /**
   * The request as typed, its style applied; an empty seed becomes a random one.
   * @param {string} [seed] or this one
   */
  read(seed = "") {
    this.#sizes.round();
    const fields = this.fields();
    return requestOf(isChosen(fields["seed"]) ? fields : { ...fields, seed });
  }

  /**
   * The fields as typed, by name; the style applied.
   * @returns {Record<string, string>}
   */
  fields() {
    const typed = /** @type {const} */ ([read("prompt"), read("negative_prompt")]);
    const [prompt = "", negative_prompt = ""] = this.#styles.apply(...typed);
    const names = [...DEFAULTS.keys()].filter((name) => name !== "strength");
    const fields = Object.fromEntries(names.map((name) => [name, read(name)]));
    const others = { ...Object.fromEntries(this.#extras.fields), ...this.initial.fields() };
    return { ...fields, ...others, prompt, negative_prompt };
  }

  /**
   * What differs from the defaults, as typed, for the address.
   * @returns {[string, string][]}
   */
  changes() {
    // Only this browser has the picture to begin with: a link names neither it nor its strength.
    const changes = [...DEFAULTS].filter(
      ([name, value]) => name !== "strength" && read(name) !== value,
    );
    const typed = changes.map(([name]) => /** @type {[string, string]} */ ([name, read(name)]));
    const style = this.#styles.chosen();
    const extras = [...this.#extras.fields];
    return style ? [...typed, ...extras, ["style", style]] : [...typed, ...extras];
  }

  /** A picture was made, whose seed can be kept. @param {string} seed */
  made(seed) {
    this.#seed.made(seed);
  }

  /** The picture to begin with, and its strength. @returns {Record<string, string>} */
  begins() {
    return this.initial.fields();
  }

  /** How to bring back the form as it is now. */
  snapshot() {
    const [typed, begins] = [this.changes(), this.begins()];
    return () => {
      this.open(typed);
      this.fill(Object.entries(begins));
      this.#handlers.onChange();
    };
  }

  /** Fills in a link's form: what it does not name has its default. */
  open(/** @type {[string, string][]} */ entries) {
    const named = new Set(entries.map(([name]) => fieldName(name)));
    const prompt = named.has("prompt") ? [] : [...DEFAULTS].slice(0, 1);
    this.fillRequest([...prompt, ...entries]);
  }

  /**
   * Fills in fields by name.
   * @param {Iterable<[string, string]>} entries
   */
  fill(entries) {
    const extras = this.#extras.fields;
    for (const [name, value] of entries) {
      const field = fieldName(name);
      if (field === "style") this.#styles.choose(value);
      else if (field === "initial") this.initial.use(value);
      else if (field === "strength" && !value) write(field, DEFAULTS.get(field) ?? "");
      else if (DEFAULTS.has(field)) write(field, value);
      else if (value === "") extras.delete(field);
      else extras.set(field, value);
    }
    this.#refresh();
  }

  /** Fills in a whole request: what it does not name has its default. */
  fillRequest(/** @type {Iterable<[string, string]>} */ entries) {
    this.#clear();
    /** @type {Map<string, string>} */
    const named = new Map();
    for (const [name, value] of entries) named.set(fieldName(name), value);
    const rest = [...DEFAULTS].filter(([name]) => !named.has(name) && name !== "prompt");
    this.fill([...rest, ...named]);
    if (named.get("strength") && !named.get("initial")) this.initial.miss();
  }

  /**
   * Asks for a variation of a picture: its request with another seed, begun with it.
   * @param {Iterable<[string, string]>} entries
   * @param {string} number the picture, among those that others begin with
   */
  vary(entries, number) {
    const rest = [...entries].filter(([name]) => !["seed", "strength", "initial"].includes(name));
    this.fillRequest([...rest, ["seed", ""], ["strength", VARIATION], ["initial", number]]);
  }

  /**
   * Says what is wrong, at the field when it is one field's fault; null takes it back.
   * @param {{ message: string, field?: string | undefined } | null} problem
   * @param {Element | null} [place] in another view, where it is said below this
   */
  complain(problem, place) {
    const fault = anyById("fault");
    (place ?? anyById("main-actions")).after(fault);
    for (const wrong of byId("form", HTMLFormElement).querySelectorAll("[aria-invalid]")) {
      wrong.removeAttribute("aria-invalid");
      wrong.removeAttribute("aria-errormessage");
    }
    fault.hidden = !problem;
    fault.textContent = problem?.message ?? "";
    const name = problem?.field && fieldName(problem.field);
    if (name && (DEFAULTS.has(name) || name === "initial-file")) markWrong(control(name));
  }
}

/** @param {HTMLElement} input */
function markWrong(input) {
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", "fault");
  for (let box = input.closest("details"); box; box = parentDetails(box)) box.open = true;
  input.focus();
}

/** @param {HTMLDetailsElement} box */
const parentDetails = (box) => box.parentElement?.closest("details") ?? null;

/**
 * Which buttons can be pressed; the focus goes on where its button cannot be pressed any more.
 * @param {import("../state/page.js").PageState} state
 */
function showButtons({ phase, pausing, job }) {
  const [generate, pause, cancel] = [button("generate"), button("pause"), button("cancel")];
  const hadFocus = document.activeElement;
  generate.disabled = phase === "loading" || phase === "generating";
  // Before the first job there is nothing to cancel.
  cancel.disabled = !generate.disabled || !job;
  pause.disabled = phase !== "generating";
  pause.textContent = pausing && !pause.disabled ? say.goOn() : say.pause();
  // The picture is in view, and stays there.
  const stay = { preventScroll: true };
  if (hadFocus === generate && generate.disabled) cancel.focus(stay);
  if (hadFocus === cancel && cancel.disabled) generate.focus(stay);
}
