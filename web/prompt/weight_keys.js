// Ctrl or Cmd with the arrows up and down changes a weight in a prompt; a line says so where the
// form's syntax of prompts does not read weights. Loaded with the first such key or weight.

import { promptText as text } from "../strings/prompt.js";
import { anyById, chip, element, setText } from "../dom.js";
import { typeInto } from "./typing.js";
import { hasWeights, weigh } from "./weights.js";

/** The field that has weights read, and its value for that. @type {[string, string]} */
const READS = ["prompt_syntax", "a1111"];

/** @type {HTMLElement | null} */
let line = null;

/**
 * Changes the weight at the caret.
 * @param {HTMLTextAreaElement} field
 * @param {number} by 1 or −1
 */
export function changeWeight(field, by) {
  const { value, selectionStart, selectionEnd } = field;
  const change = weigh(value, selectionStart, selectionEnd, by);
  if (change) typeInto(field, change.from, change.to, change.text, change.selected);
}

/**
 * Shows the line where prompts have weights that are not read, and hides it elsewhere.
 * @param {string[]} prompts
 * @param {Record<string, string>} fields of the form, as typed
 * @param {(fields: [string, string][]) => void} fill fills in some of the form's fields
 */
export function tellOfWeights(prompts, fields, fill) {
  const shown = prompts.some(hasWeights) && fields[READS[0]] !== READS[1];
  if (!line && !shown) return;
  if (!line) {
    const say = element("span", {});
    say.setAttribute("role", "status");
    const act = chip(text.readWeights(), () => {
      fill([READS]);
      tellOfWeights([], {}, fill);
      anyById("prompt").focus();
    });
    line = element("p", { id: "weights-hint", className: "hint cut" }, say, " ", act);
    act.className = "link";
    anyById("unknown").after(line);
  }
  line.hidden = !shown;
  setText(/** @type {HTMLElement} */ (line.firstElementChild), shown ? text.notRead() : "");
}
