// Which of the form's settings a preset gets: a box each.

import { presetText as text } from "../strings/presets.js";
import { chip, element } from "../dom.js";

/** The fields that have a box of their own. */
const PROMPTS = ["prompt", "negative_prompt"];

/** The name of a field, as its label in the form has it. @param {string} name */
function labelOf(name) {
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById(name));
  return field?.labels?.[0]?.textContent?.trim() || name.replaceAll("_", " ");
}

export function createChoice() {
  const prompts = element("input", { id: "preset-prompts", type: "checkbox" });
  const summary = element("summary", {});
  const boxes = element("div", { className: "preset-fields" });
  boxes.setAttribute("role", "group");
  boxes.ariaLabel = text.fields();
  /** @type {Record<string, string>} */
  let all = {};
  /** @type {Set<string>} */
  let changed = new Set();
  const inputs = () => [...boxes.querySelectorAll("input")];

  function show() {
    const chosen = inputs().filter(({ checked }) => checked).length;
    summary.textContent = text.which(chosen, inputs().length);
  }

  /** @param {(name: string) => boolean} wanted */
  function check(wanted) {
    for (const input of inputs()) input.checked = wanted(input.value);
    show();
  }

  boxes.addEventListener("change", show);
  const some = element("div", { className: "actions small-actions" });
  some.append(
    chip(text.all(), () => check(() => true)),
    chip(text.nothing(), () => check(() => false)),
    chip(text.changed(), () => check((name) => changed.has(name))),
  );
  const details = element("details", { className: "more" }, summary, some, boxes);
  const withPrompts = element("label", { className: "check" }, prompts, ` ${text.withPrompt()}`);

  return {
    parts: [withPrompts, details],

    /**
     * Offers these; those that differ from the defaults are chosen, or all if none does; the seed
     * is not: it is seldom meant to stay.
     * @param {Record<string, string>} fields
     * @param {Record<string, string>} different
     */
    offer(fields, different) {
      all = fields;
      changed = new Set(Object.keys(different).filter((name) => name !== "seed"));
      const names = Object.keys(all).filter((name) => !PROMPTS.includes(name));
      boxes.replaceChildren(
        ...names.map((name) => {
          const value = all[name] || text.empty();
          const input = element("input", { type: "checkbox", value: name });
          return element("label", { className: "check" }, input, ` ${labelOf(name)}: ${value}`);
        }),
      );
      const some = names.some((name) => changed.has(name));
      check((name) => (some ? changed.has(name) : name !== "seed"));
    },

    /** The chosen fields with their values. @returns {Record<string, string>} */
    fields() {
      const names = inputs().flatMap(({ checked, value }) => (checked ? [value] : []));
      const own = [...(prompts.checked ? PROMPTS : []), ...names];
      return Object.fromEntries(own.map((name) => [name, all[name] ?? ""]));
    },
  };
}
