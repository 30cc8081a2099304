// The tab "Grid": up to three axes, each with what it changes and the values.

import { element } from "../dom.js";
import { beginning } from "../strings.js";
import { batchText as text } from "../strings/batch.js";
import { axisKinds } from "./axes.js";
import { gridOf } from "./cells.js";
import { NO_MODELS } from "./choices.js";
import { createStart, field, hint, select } from "./parts.js";

/** @typedef {import("./axes.js").AxisKind} AxisKind */

/** Characters of a prompt in a grid's title. */
const TITLE = 60;

/** @param {import("./dialog.js").Work} work */
export function createGrid({ form, samplers, models, addGrid }) {
  const axes = /** @type {const} */ (["x", "y", "z"]).map((id) => createAxis(id));
  const chosen = () => axes.flatMap((axis) => axis.read(form.fields()));
  let known = NO_MODELS;
  const grid = () => {
    const read = chosen();
    if (!read.length) throw new Error(text.noAxis());
    return gridOf(form.fields(), read);
  };
  const start = createStart(
    () => grid().cells.length,
    () => {
      const labels = text.gridTitle(chosen().map(({ kind }) => kind.label));
      return addGrid(`${labels}: ${beginning(form.fields()["prompt"] ?? "", TITLE)}`, grid());
    },
  );
  const rows = axes.map(({ row }) => row);
  const panel = element("div", {}, hint(text.gridHint()), ...rows, start.line);
  panel.append(element("div", { className: "actions" }, start.button));
  panel.addEventListener("input", () => void start.refresh());
  function offer() {
    const kinds = axisKinds(form.fields(), samplers(), known);
    for (const [i, axis] of axes.entries()) axis.offer(kinds, i === 0 ? "steps" : "");
    void start.refresh();
  }

  return {
    panel,
    enter() {
      offer();
      void models().then((found) => {
        // A list that is open must not close.
        if (JSON.stringify(found) === JSON.stringify(known)) return;
        known = found;
        offer();
      });
    },
  };
}

/** One axis of the tab. @param {"x" | "y" | "z"} id */
function createAxis(id) {
  const name = text.axisName[id];
  const kind = select(`many-${id}`, []);
  const typed = element("input", { id: `many-${id}-values`, spellcheck: false });
  const about = hint("", `many-${id}-hint`);
  typed.setAttribute("aria-describedby", about.id);
  const typing = field(text.values(name), typed, about);
  const legend = element("legend", {}, text.values(name));
  const boxes = element("div", { className: "many-names" });
  const naming = element("fieldset", { className: "field plain" }, legend, boxes);
  const row = element("div", { className: "many-axis" }, field(text.axis(name), kind));
  row.append(typing, naming);
  /** @type {AxisKind[]} */
  let kinds = [];
  const present = () => kinds.find((one) => one.id === kind.value);

  function show() {
    const own = present();
    typing.hidden = !own || !!own.names;
    naming.hidden = !own?.names;
    about.textContent = own?.hint ?? "";
    const before = new Set(checked());
    boxes.replaceChildren(
      ...(own?.names ?? []).map((value) => {
        const box = element("input", { type: "checkbox", value, checked: before.has(value) });
        return element("label", { className: "check" }, box, ` ${own?.show(value) ?? value}`);
      }),
    );
  }

  const checked = () =>
    [...boxes.querySelectorAll("input")].filter((box) => box.checked).map(({ value }) => value);

  kind.addEventListener("change", () => {
    typed.value = "";
    show();
  });
  return {
    row,

    /** @param {AxisKind[]} offered @param {string} first the one that is chosen at first */
    offer(offered, first) {
      const before = kinds.length ? kind.value : first;
      kinds = offered;
      const options = [["", text.none()], ...offered.map(({ id: own, label }) => [own, label])];
      kind.replaceChildren(
        ...options.map(([value = "", label = ""]) => element("option", { value }, label)),
      );
      kind.value = offered.some((one) => one.id === before) ? before : "";
      show();
    },

    /**
     * The axis with its values; nothing if it is not used.
     * @param {Record<string, string>} fields
     * @returns {import("./axes.js").Axis[]}
     */
    read(fields) {
      const own = present();
      if (!own) return [];
      return [{ kind: own, values: own.names ? checked() : own.read(typed.value, fields) }];
    },
  };
}
