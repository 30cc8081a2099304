// The tab "Seeds": one image for each of some seeds, all else as in the form.

import { batchText as text } from "../strings/batch.js";
import { element } from "../dom.js";
import { createStart, field, hint } from "./parts.js";
import { readSeeds } from "./values.js";

/** @param {import("./dialog.js").Work} work */
export function createSeeds({ form, enqueue }) {
  const input = element("input", { id: "many-seeds", value: "1-4", spellcheck: false });
  const about = hint(text.hintSeeds(), "many-seeds-hint");
  input.setAttribute("aria-describedby", about.id);
  const seeds = () => readSeeds(input.value);
  const start = createStart(
    () => seeds().length,
    () => {
      const fields = { ...form.fields(), count: "1" };
      return enqueue(seeds().map((seed) => ({ fields: { ...fields, seed } })));
    },
  );
  input.addEventListener("input", () => void start.refresh());
  const panel = element("div", {}, hint(text.seedsHint()), field(text.seeds(), input, about));
  panel.append(start.line, element("div", { className: "actions" }, start.button));
  return { panel, enter: () => void start.refresh() };
}
