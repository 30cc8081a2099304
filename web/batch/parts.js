// Small parts of the dialog's tabs: labelled fields, hints, and a line with the number of images or
// what is wrong.

import { batchText as text } from "../strings/batch.js";
import { element, setText, withText } from "../dom.js";

/** @param {string} own @param {string} [id] */
export function hint(own, id = "") {
  return element("p", { className: "hint", ...(id && { id }) }, own);
}

/**
 * A field with its label above it.
 * @param {string} label
 * @param {HTMLElement} input with an id
 * @param {...Node} more below it
 */
export function field(label, input, ...more) {
  const own = element("label", { htmlFor: input.id }, label);
  return element("div", { className: "field" }, own, input, ...more);
}

/**
 * A list to choose from.
 * @param {string} id
 * @param {[value: string, label: string][]} options
 */
export function select(id, options) {
  const made = element("select", { id });
  made.append(...options.map(([value, label]) => element("option", { value }, label)));
  return made;
}

/**
 * A box to check.
 * @param {string} id
 * @param {string} label
 * @param {boolean} checked
 */
export function check(id, label, checked) {
  const input = element("input", { type: "checkbox", id, checked });
  return { input, label: element("label", { className: "check" }, input, ` ${label}`) };
}

/**
 * A line that says how many images there would be, or why there can be none, and the button that
 * makes them.
 * @param {() => number | Promise<number>} count throws a sentence
 * @param {() => Promise<void>} act
 */
export function createStart(count, act) {
  const line = withText("p", "");
  line.className = "hint";
  line.setAttribute("role", "status");
  const button = element("button", { type: "button", className: "primary" });
  let runs = false;
  /** Counts the counts: an older one that ends later is ignored. */
  let counts = 0;

  async function refresh() {
    const mine = (counts += 1);
    const answer = await Promise.resolve()
      .then(count)
      .then(
        (found) => ({ found, said: text.count(found), wrong: false }),
        (/** @type {Error} */ error) => ({ found: 0, said: error.message, wrong: true }),
      );
    if (mine !== counts) return;
    const { found, said, wrong } = answer;
    button.disabled = runs || !found;
    button.textContent = wrong ? text.generate() : text.generate(found);
    line.classList.toggle("cut", wrong);
    setText(line, said);
  }

  button.addEventListener("click", async () => {
    if (runs) return;
    runs = true;
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      line.classList.add("cut");
      setText(line, /** @type {Error} */ (error).message);
    }
    runs = false;
    button.disabled = false;
  });
  button.textContent = text.generate();
  return { line, button, refresh };
}
