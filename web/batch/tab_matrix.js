// The tab "Prompt matrix": an image for each combination of the optional parts of a prompt, as a
// grid.

import { fitDirection, element } from "../dom.js";
import { beginning } from "../strings.js";
import { batchText as text } from "../strings/batch.js";
import { matrixOf } from "./cells.js";
import { createStart, field, hint, select } from "./parts.js";

/** Characters of a grid's title. */
const TITLE = 80;

/** @param {import("./dialog.js").Work} work */
export function createMatrix({ form, addGrid }) {
  const prompt = element("textarea", { id: "many-matrix", rows: 3, dir: "auto" });
  const separator = select("many-separator", text.separators);
  const place = select("many-place", text.places);
  const grid = () => {
    const how = { separator: separator.value, before: place.value === "before" };
    return matrixOf(form.fields(), prompt.value, how);
  };
  const start = createStart(
    () => grid().cells.length,
    () => addGrid(`${text.tab.matrix}: ${beginning(prompt.value, TITLE)}`, grid()),
  );
  const panel = element(
    "div",
    {},
    hint(text.matrixHint()),
    field(text.matrixPrompt(), prompt),
    element(
      "div",
      { className: "grid" },
      field(text.separator(), separator),
      field(text.place(), place),
    ),
    start.line,
    element("div", { className: "actions" }, start.button),
  );
  panel.addEventListener("input", () => void start.refresh());
  return {
    panel,
    enter() {
      if (!prompt.value) {
        const own = form.fields()["prompt"] ?? "";
        fitDirection(prompt, own);
        prompt.value = own;
      }
      void start.refresh();
    },
  };
}
