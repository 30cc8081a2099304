// The form: what to make. Gives requests as they were typed, and says near the field what is wrong.

import { EXAMPLES, SAMPLERS, say } from "../strings.js";
import { anyById, byId } from "./dom.js";

const FIELDS = [
  "prompt",
  "negative_prompt",
  "steps",
  "guidance_scale",
  "width",
  "height",
  "seed",
  "sampler",
];

/** Names that the engine and links use for fields, where they differ from the form's. */
const ALIASES = new Map([
  ["negative", "negative_prompt"],
  ["guidance", "guidance_scale"],
]);

/** @param {string} name */
const fieldName = (name) => ALIASES.get(name) ?? name.replaceAll(" ", "_");

/** @param {{ onGenerate: () => void, onCancel: () => void }} handlers */
export function createForm({ onGenerate, onCancel }) {
  const form = byId("form", HTMLFormElement);
  const generate = byId("generate", HTMLButtonElement);
  const cancel = byId("cancel", HTMLButtonElement);
  const fault = anyById("fault");

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
  cancel.addEventListener("click", onCancel);
  byId("dice", HTMLButtonElement).addEventListener("click", () => write("seed", randomSeed()));
  anyById("shortcut").textContent = /Mac|iP/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";
  if (matchMedia("(max-width: 47.99rem)").matches)
    byId("settings", HTMLDetailsElement).open = false;
  addExamples();
  offerSamplers(["ddim"]);

  return {
    /** The request as typed; an empty seed becomes a random one. */
    read() {
      const size = (/** @type {string} */ name) => (read(name).trim() ? number(read(name)) : null);
      return {
        prompt: read("prompt"),
        negative_prompt: read("negative_prompt"),
        seed: read("seed").trim() || randomSeed(),
        steps: number(read("steps")),
        guidance_scale: number(read("guidance_scale")),
        sampler: read("sampler"),
        width: size("width"),
        height: size("height"),
      };
    },

    /**
     * Fills in fields by name; what is no field is left alone.
     * @param {Iterable<[string, string]>} entries
     */
    fill(entries) {
      for (const [name, value] of entries) write(fieldName(name), value);
    },

    /**
     * Offers what this model can do.
     * @param {import("../engine/protocol.js").Description} description
     */
    describe({ factor, width, height, samplers }) {
      offerSamplers(samplers);
      anyById("size-hint").textContent = say.sizeHint(factor, width, height);
      for (const [name, side] of Object.entries({ width, height })) {
        const input = byId(name, HTMLInputElement);
        input.placeholder = String(side);
        input.dataset["step"] = input.dataset["min"] = String(factor);
      }
    },

    /** @param {"loading" | "ready" | "generating" | "error"} state */
    show(state) {
      const hadFocus = document.activeElement;
      generate.disabled = state === "loading" || state === "generating";
      cancel.disabled = !generate.disabled;
      if (hadFocus === generate && generate.disabled) cancel.focus();
      if (hadFocus === cancel && cancel.disabled) generate.focus();
    },

    /**
     * Says what is wrong, at the field when it is one field's fault; null takes it back.
     * @param {{ message: string, field?: string | undefined } | null} problem
     */
    complain(problem) {
      for (const element of form.querySelectorAll("[aria-invalid]")) {
        element.removeAttribute("aria-invalid");
        element.removeAttribute("aria-errormessage");
      }
      fault.hidden = !problem;
      fault.textContent = problem?.message ?? "";
      const name = problem?.field && fieldName(problem.field);
      const input = name && FIELDS.includes(name) ? control(name) : null;
      if (!input) return;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-errormessage", "fault");
      if (anyById("settings").contains(input)) byId("settings", HTMLDetailsElement).open = true;
      input.focus();
    },
  };
}

/**
 * @param {string} name
 * @returns {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement}
 */
function control(name) {
  return /** @type {HTMLInputElement} */ (anyById(name));
}

/** @param {string} name */
const read = (name) => control(name).value;

/**
 * @param {string} name
 * @param {string} value
 */
function write(name, value) {
  if (!FIELDS.includes(name)) return;
  const field = control(name);
  if (
    field instanceof HTMLSelectElement &&
    ![...field.options].some((option) => option.value === value)
  ) {
    field.add(new Option(value, value));
  }
  field.value = value;
}

/**
 * The number that was typed, or else the text: the engine says what is wrong with it.
 * @param {string} text
 */
function number(text) {
  return text.trim() && Number.isFinite(Number(text)) ? Number(text) : text;
}

function randomSeed() {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return String((BigInt(high ?? 0) << 32n) | BigInt(low ?? 0));
}

function addExamples() {
  const chips = EXAMPLES.map((prompt) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.textContent = prompt;
    chip.addEventListener("click", () => {
      write("prompt", prompt);
      control("prompt").focus();
    });
    return chip;
  });
  anyById("examples").replaceChildren(...chips);
}

/**
 * Lists the samplers and keeps the choice, even one that this model does not have.
 * @param {string[]} samplers
 */
function offerSamplers(samplers) {
  const chosen = read("sampler");
  const options = samplers.map((name) => new Option(SAMPLERS.get(name) ?? name, name));
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
  input.value = String(Math.max(value, Number(input.dataset["min"] ?? 0)));
}
