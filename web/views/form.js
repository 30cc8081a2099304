// The form: what to make. Gives requests as they were typed, and says near the field what is wrong.

import { DEFAULTS, fieldName, linkOf } from "../request/defaults.js";
import { SAMPLERS, say } from "../strings.js";
import { anyById, byId, button, chip, element, fitDirection, onPress } from "../dom.js";
import { createAbilities } from "./abilities.js";
import { requestOf } from "./fields.js";
import { createInitial } from "./initial.js";
import { createSeed, isChosen } from "./seed.js";
import { createShortcuts } from "./shortcuts.js";
import { createSizes } from "./sizes.js";
import { createStyles } from "./styles.js";

/** The strength of a variation that is asked for with one press. */
const VARIATION = "0.6";

/**
 * @param {object} handlers
 * @param {() => void} handlers.onGenerate
 * @param {() => void} handlers.onPause it is to rest, or to go on
 * @param {() => void} handlers.onCancel
 * @param {() => void} handlers.onChange
 * @param {(error: unknown) => void} handlers.onFault
 * @param {string} first the prompt to begin with
 */
export function createForm({ onGenerate, onPause, onCancel, onChange, onFault }, first) {
  const form = byId("form", HTMLFormElement);
  const generate = button("generate");
  const pause = button("pause");
  const cancel = button("cancel");
  const fault = anyById("fault");
  DEFAULTS.set("prompt", first);
  /** @type {Map<string, string>} fields of a request that the form has no place for */
  const extras = new Map();
  const seed = createSeed(onChange);
  const sizes = createSizes(onChange);
  const shortcuts = createShortcuts();
  const abilities = createAbilities();
  const initial = createInitial({ onChange, onFault });
  const styles = createStyles(() => [read("prompt"), read("negative_prompt")], onChange);

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
  pause.addEventListener("click", onPause);
  cancel.addEventListener("click", onCancel);
  onPress("reset", () => {
    extras.clear();
    initial.clear();
    showExtras(extras, onChange);
    styles.choose("");
    for (const [name, value] of DEFAULTS) write(name, value);
    refresh();
    onChange();
  });
  anyById("shortcut").textContent = /Mac|iP/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
  if (matchMedia("(max-width: 47.99rem)").matches)
    byId("settings", HTMLDetailsElement).open = false;
  offerSamplers(["ddim"]);
  for (const [name, value] of DEFAULTS) write(name, value);

  function refresh() {
    seed.show();
    sizes.show();
    shortcuts.show();
    abilities.show();
    initial.show();
    showExtras(extras, onChange);
  }

  return {
    /** The picture to begin with. */
    initial,

    /**
     * The request as typed, its style applied; an empty seed becomes a random one.
     * @param {string} [seed] or this one
     */
    read(seed = "") {
      sizes.round();
      const fields = this.fields();
      return requestOf(isChosen(fields["seed"]) ? fields : { ...fields, seed });
    },

    /**
     * The fields as typed, by name; the style applied.
     * @returns {Record<string, string>}
     */
    fields() {
      const typed = /** @type {const} */ ([read("prompt"), read("negative_prompt")]);
      const [prompt = "", negative_prompt = ""] = styles.apply(...typed);
      const names = [...DEFAULTS.keys()].filter((name) => name !== "strength");
      const fields = Object.fromEntries(names.map((name) => [name, read(name)]));
      const others = { ...Object.fromEntries(extras), ...initial.fields() };
      return { ...fields, ...others, prompt, negative_prompt };
    },

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
      const style = styles.chosen();
      return style ? [...typed, ...extras, ["style", style]] : [...typed, ...extras];
    },

    /** The picture to begin with, and its strength. @returns {Record<string, string>} */
    begins: () => initial.fields(),

    linkOf,

    /** How to bring back the form as it is now. */
    snapshot() {
      const [typed, begins] = [this.changes(), this.begins()];
      return () => {
        this.open(typed);
        this.fill(Object.entries(begins));
        onChange();
      };
    },

    /** Fills in a link's form: what it does not name has its default. */
    open(/** @type {[string, string][]} */ entries) {
      const named = new Set(entries.map(([name]) => fieldName(name)));
      const prompt = named.has("prompt") ? [] : [...DEFAULTS].slice(0, 1);
      this.fillRequest([...prompt, ...entries]);
    },

    /**
     * Fills in fields by name.
     * @param {Iterable<[string, string]>} entries
     */
    fill(entries) {
      for (const [name, value] of entries) {
        const field = fieldName(name);
        if (field === "style") styles.choose(value);
        else if (field === "initial") initial.use(value);
        else if (field === "strength" && !value) write(field, DEFAULTS.get(field) ?? "");
        else if (DEFAULTS.has(field)) write(field, value);
        else if (value === "") extras.delete(field);
        else extras.set(field, value);
      }
      refresh();
    },

    /** Fills in a whole request: what it does not name has its default. */
    fillRequest(/** @type {Iterable<[string, string]>} */ entries) {
      extras.clear();
      initial.clear();
      styles.choose("");
      /** @type {Map<string, string>} */
      const named = new Map();
      for (const [name, value] of entries) named.set(fieldName(name), value);
      const rest = [...DEFAULTS].filter(([name]) => !named.has(name) && name !== "prompt");
      this.fill([...rest, ...named]);
      if (named.get("strength") && !named.get("initial")) initial.miss();
    },

    /**
     * Asks for a variation of a picture: its request with another seed, begun with it.
     * @param {Iterable<[string, string]>} entries
     * @param {string} number the picture, among those that others begin with
     */
    vary(entries, number) {
      const rest = [...entries].filter(([name]) => !["seed", "strength", "initial"].includes(name));
      this.fillRequest([...rest, ["seed", ""], ["strength", VARIATION], ["initial", number]]);
    },

    /**
     * Offers what this model can do.
     * @param {import("../engine/protocol.js").Description} description
     */
    describe({ factor, width, height, samplers, abilities: can }) {
      offerSamplers(samplers);
      abilities.describe(can);
      anyById("size-hint").textContent = say.sizeHint(factor, width, height);
      sizes.describe(factor, width, height);
    },

    /** @param {"loading" | "ready" | "generating" | "error"} state */
    show(state) {
      const hadFocus = document.activeElement;
      generate.disabled = state === "loading" || state === "generating";
      cancel.disabled = !generate.disabled;
      pause.disabled = state !== "generating";
      if (pause.disabled) this.rest(false);
      // The picture is in view, and stays there.
      const stay = { preventScroll: true };
      if (hadFocus === generate && generate.disabled) cancel.focus(stay);
      if (hadFocus === cancel && cancel.disabled) generate.focus(stay);
    },

    /** Whether the picture rests, so that the button offers to go on. @param {boolean} rests */
    rest(rests) {
      pause.textContent = rests ? say.goOn() : say.pause();
    },

    /**
     * Says what is wrong, at the field when it is one field's fault; null takes it back.
     * @param {{ message: string, field?: string | undefined } | null} problem
     * @param {Element | null} [place] in another view, where it is said below this
     */
    complain(problem, place) {
      (place ?? anyById("initial")).after(fault);
      for (const wrong of form.querySelectorAll("[aria-invalid]")) {
        wrong.removeAttribute("aria-invalid");
        wrong.removeAttribute("aria-errormessage");
      }
      fault.hidden = !problem;
      fault.textContent = problem?.message ?? "";
      const name = problem?.field && fieldName(problem.field);
      const ours = name && (DEFAULTS.has(name) || name === "initial-file");
      const input = ours ? control(name) : null;
      if (!input) return;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-errormessage", "fault");
      for (let box = input.closest("details"); box; box = parentDetails(box)) box.open = true;
      input.focus();
    },
  };
}

/** @param {HTMLDetailsElement} box */
const parentDetails = (box) => box.parentElement?.closest("details") ?? null;

/**
 * @param {string} name
 * @returns {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement}
 */
function control(name) {
  return /** @type {HTMLInputElement} */ (anyById(name));
}

/** @param {string} name */
function read(name) {
  const field = control(name);
  const checks = field instanceof HTMLInputElement && field.type === "checkbox";
  return checks ? String(field.checked) : field.value;
}

/**
 * @param {string} name
 * @param {string} value
 */
function write(name, value) {
  const field = control(name);
  if (field instanceof HTMLSelectElement) {
    const known = [...field.options].some((option) => option.value === value);
    if (!known) field.add(new Option(value, value));
  }
  if (field instanceof HTMLInputElement && field.type === "checkbox")
    field.checked = value === "true";
  else {
    if (field instanceof HTMLTextAreaElement) fitDirection(field, value);
    field.value = value;
  }
}

/**
 * Fields from a picture or a link that have no place in the form; a press takes one away.
 * @param {Map<string, string>} extras
 * @param {() => void} onChange
 */
function showExtras(extras, onChange) {
  const box = anyById("extras");
  const chips = [...extras].map(([name, value]) => {
    const drop = chip(say.extra(name, value), () => {
      extras.delete(name);
      showExtras(extras, onChange);
      onChange();
    });
    drop.title = say.dropExtra(name);
    return drop;
  });
  box.hidden = !chips.length;
  box.replaceChildren(...chips);
}

/**
 * Lists the samplers and keeps the choice, even one that this model does not have.
 * @param {string[]} samplers
 */
function offerSamplers(samplers) {
  const chosen = read("sampler");
  const options = samplers.map((name) =>
    element("option", { value: name }, SAMPLERS.get(name) ?? name),
  );
  byId("sampler", HTMLSelectElement).replaceChildren(...options);
  if (chosen) write("sampler", chosen);
}

/**
 * Up and down arrows count in a number field.
 * @param {KeyboardEvent} event
 */
function stepNumber(event) {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !input.dataset["step"]) return;
  const step = Number(input.dataset["step"]) * (event.key === "ArrowUp" ? 1 : -1);
  const value = Number(input.value.trim() || input.placeholder || "NaN") + step;
  if (!Number.isFinite(value)) return;
  event.preventDefault();
  const rounded = Number(Math.max(value, Number(input.dataset["min"] ?? 0)).toFixed(6));
  input.value = String(rounded);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}
