// The tab "Wildcards": whether prompts are expanded, what the form's prompts expand to, and the
// lists.

import { element, setText, withText } from "../dom.js";
import { expanding, setExpanding } from "../request/expands.js";
import { requestOf } from "../request/fields.js";
import { batchText as text } from "../strings/batch.js";
import { choose } from "./choose.js";
import { TEXTS_MAX } from "./combine.js";
import { combineRow, countRow, expandRow } from "./expand.js";
import { storedBook } from "./jobs.js";
import { createManager } from "./manager.js";
import { check, hint } from "./parts.js";
import { randomOf } from "./random.js";

/** @typedef {import("./book.js").Book} Book */
/** @typedef {import("../files/table.js").Row} Row */

/** How many examples are shown. */
const EXAMPLES = 3;

/** @param {import("./dialog.js").Work} work */
export function createWildcards({ form, enqueue }) {
  const expand = check("many-expand", text.expand(), expanding());
  expand.input.setAttribute("role", "switch");
  expand.input.setAttribute("aria-describedby", "many-expand-hint");
  expand.input.addEventListener("change", () => setExpanding(expand.input.checked));
  const found = withText("p", "");
  found.className = "hint";
  found.setAttribute("role", "status");
  const examples = element("ul", { className: "many-examples hint" });
  const random = element("button", { type: "button", className: "primary" });
  const all = element("button", { type: "button" });
  const same = check("many-same", text.oneSeed(), true);

  async function refresh() {
    const fields = form.fields();
    try {
      const book = await storedBook();
      const [count, combinations] = [requestOf(fields).count, countRow(fields, book)];
      found.classList.remove("cut");
      setText(found, text.combinations(combinations));
      examples.replaceChildren(...(combinations > 1 ? examplesOf(fields["prompt"], book) : []));
      random.textContent = text.atRandom(count);
      all.textContent = combinations <= TEXTS_MAX ? text.all(combinations) : text.allTooMany();
      all.hidden = same.label.hidden = combinations < 2;
      random.disabled = false;
      all.disabled = combinations > TEXTS_MAX;
      if (all.disabled) setText(found, text.tooManyTexts(combinations, TEXTS_MAX));
    } catch (error) {
      fail(error);
    }
  }

  /** @param {unknown} error */
  function fail(error) {
    found.classList.add("cut");
    setText(found, /** @type {Error} */ (error).message);
    examples.replaceChildren();
    random.textContent ||= text.atRandom(1);
    all.textContent ||= text.allTooMany();
    random.disabled = all.disabled = true;
  }

  /** @param {(fields: Row, book: Book) => import("./expand.js").Expanded[]} make */
  const start = (make) => async () => {
    try {
      await enqueue(make(form.fields(), await storedBook()));
    } catch (error) {
      fail(error);
    }
  };
  random.addEventListener("click", start(expandRow));
  all.addEventListener(
    "click",
    start((fields, book) => combineRow(fields, book, same.input.checked)),
  );
  const manager = createManager(() => void refresh());
  const rows = text.syntaxRows.flatMap(([written, means]) => [
    element("dt", {}, withText("code", written)),
    element("dd", {}, means),
  ]);
  const syntax = element("details", { className: "more" }, withText("summary", text.syntax()));
  syntax.append(element("dl", { className: "many-syntax" }, ...rows));
  const panel = element("div", {}, expand.label, hint(text.expandHint(), "many-expand-hint"));
  panel.append(syntax, found, examples, same.label);
  panel.append(element("div", { className: "actions" }, random, all), manager.box);
  return {
    panel,
    /** Leaves the editor of lists; whether there was one to leave. */
    leaveEditor: manager.leaveEditor,
    enter() {
      expand.input.checked = expanding();
      void manager.refresh();
    },
  };
}

/** Some texts of a prompt. @param {string | undefined} prompt @param {Book} book */
function examplesOf(prompt, book) {
  const template = book.read(prompt ?? "");
  const texts = Array.from({ length: EXAMPLES }, (_, seed) =>
    choose(template, randomOf(String(seed), "prompt")),
  );
  return [...new Set(texts)].map((one) => element("li", { dir: "auto" }, one));
}
