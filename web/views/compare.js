// The view "Compare": images of the same prompts and seeds from two or more checkpoints, or from
// files of the user, in a table with the measured values.

import { toCsv, toJson } from "../compare.js";
import { readLines } from "../files/lines.js";
import { say } from "../strings.js";
import { compareText as text } from "../strings/compare.js";
import { anyById, button, byId, element, onPress, save, withText } from "../dom.js";

/** @typedef {import("../compare.js").Comparison} Comparison */
/** @typedef {import("../compare.js").Column} Column */
/** @typedef {import("../compare.js").Cell} Cell */
/** @typedef {{ name: string, model: string }} ModelChoice a model's title and address */

/** The most images of one table; the native program can compare more. */
const PICTURES_MAX = 400;

/**
 * @typedef {object} Handlers
 * @property {ModelChoice} builtIn
 * @property {() => Promise<ModelChoice[]>} stored the models in the browser's storage
 * @property {(model: string) => string} address the absolute address; throws if it is not allowed
 * @property {(prompt: string, seed: string) => import("../engine/protocol.js").Request} request
 * with the form's other fields
 * @property {(comparison: Comparison, judge: string, onProgress: OnProgress) => Promise<void>}
 * onRun
 * @property {() => void} onCancel
 */

/**
 * Is called before each image and score, and when cells have changed; as in ../compare.js.
 * @typedef {(progress: { model?: string, row?: number, judging?: boolean }) => void} OnProgress
 */

/** @param {Handlers} handlers */
export function createCompare(handlers) {
  const { onRun, onCancel } = handlers;
  const judge = byId("compare-judge", HTMLInputElement);
  const status = anyById("compare-status");
  const models = createModels(handlers);
  const sheet = createSheet();
  /** @type {Comparison | null} */
  let comparison = null;

  /** @type {OnProgress} */
  function onProgress({ model, row, judging }) {
    if (judging) status.textContent = text.judging();
    else if (model) status.textContent = text.now(model, row, comparison?.rows.length ?? 0);
    if (comparison) sheet.show(comparison);
  }

  async function run() {
    button("compare-run").disabled = true;
    try {
      const [columns, rows] = [await models.columns(), requests(handlers.request)];
      if (rows.length * columns.length > PICTURES_MAX) throw new Error(text.tooMany(PICTURES_MAX));
      comparison = { columns, rows };
      sheet.clear();
      status.textContent = "";
      busy(true);
      await onRun(comparison, judge.value.trim(), onProgress);
      status.textContent = judge.value.trim() ? text.done() : text.doneWithoutJudge();
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
    } finally {
      busy(false);
      button("compare-run").disabled = false;
    }
  }

  /** @param {boolean} running */
  function busy(running) {
    button("compare-cancel").disabled = !running;
    for (const id of ["compare-csv", "compare-json"]) button(id).disabled = running || !comparison;
    if (comparison) sheet.show(comparison);
  }

  onPress("compare-run", () => void run());
  onPress("compare-cancel", onCancel);
  onPress("compare-csv", () => {
    if (comparison) save("compare.csv", new Blob([toCsv(comparison)], { type: "text/csv" }));
  });
  onPress("compare-json", () => {
    const type = "application/json";
    if (comparison) save("compare.json", new Blob([toJson(comparison)], { type }));
  });
  return { enter: () => void models.enter() };
}

/** The list of checkpoints, and the user's own files. @param {Handlers} handlers */
function createModels({ builtIn, stored, address }) {
  const list = anyById("compare-models");
  const other = byId("compare-other", HTMLInputElement);
  const files = byId("compare-files", HTMLInputElement);
  const status = anyById("compare-status");

  /** Adds a model to the list. @param {ModelChoice} model */
  function choice({ name, model }, checked = false) {
    const box = element("input", { type: "checkbox", value: model, checked });
    box.dataset["name"] = name;
    const label = element("label", { className: "check" }, box, " ", name);
    list.append(element("li", {}, label));
  }

  function add() {
    const model = other.value.trim();
    if (!model) return;
    try {
      address(model);
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
      return;
    }
    choice({ name: model.replace(/\/+$/, "").split("/").pop() || model, model }, true);
    other.value = status.textContent = "";
  }

  onPress("compare-add", add);
  other.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  });

  return {
    async enter() {
      if (list.childElementCount) return;
      choice(builtIn, true);
      try {
        for (const model of await stored()) choice(model);
      } catch (error) {
        status.textContent = /** @type {Error} */ (error).message;
      }
    },

    /** The chosen models and files. @returns {Promise<Column[]>} */
    async columns() {
      const boxes = [...list.querySelectorAll("input")].filter(({ checked }) => checked);
      /** @type {Column[]} */
      const columns = boxes.map(({ value, dataset }) => {
        return { name: dataset["name"] ?? value, address: address(value) };
      });
      if (files.files?.length) {
        const own = [...files.files].sort((a, b) => a.name.localeCompare(b.name, "en"));
        columns.push({ name: text.own(), pictures: await Promise.all(own.map(toPng)) });
      }
      if (columns.length < 2) throw new Error(text.tooFew());
      return columns;
    },
  };
}

/**
 * A row for each prompt and seed.
 * @param {Handlers["request"]} request
 * @returns {Comparison["rows"]}
 */
function requests(request) {
  const prompts = byId("compare-prompts", HTMLTextAreaElement);
  const seeds = byId("compare-seeds", HTMLInputElement);
  const rows = readLines(prompts.value).flatMap(({ prompt = "" }) =>
    seeds.value
      .split(/[\s,]+/)
      .flatMap((seed) => (seed ? [{ request: request(prompt, seed), cells: [] }] : [])),
  );
  if (!rows.length) throw new Error(text.noPrompts());
  return rows;
}

/** The table with all results so far. */
function createSheet() {
  /** @type {Map<Uint8Array, string>} blob: addresses of the images that are shown */
  const shown = new Map();

  /**
   * @param {Cell | undefined} cell
   * @param {string} prompt
   * @param {string} column
   */
  function entry(cell, prompt, column) {
    if (!cell?.png) return withText("td", cell ? cell.fault || text.missing() : "");
    const src =
      shown.get(cell.png) ?? URL.createObjectURL(new Blob([cell.png], { type: "image/png" }));
    shown.set(cell.png, src);
    const image = element("img", { src, alt: text.picture(prompt, column) });
    const facts = element("p", { className: "hint" }, text.facts(cell));
    return element("td", {}, image, facts);
  }

  return {
    clear() {
      anyById("compare-sheet").replaceChildren();
      for (const address of shown.values()) URL.revokeObjectURL(address);
      shown.clear();
    },

    /** @param {Comparison} comparison */
    show({ columns, rows }) {
      const head = element("tr", {}, heading("col", text.request(), ""));
      for (const { name, memory } of columns)
        head.append(heading("col", name, memory === undefined ? "" : text.memory(memory)));
      const lines = rows.map(({ request, cells }) => {
        const line = element("tr", {}, heading("row", request.prompt, text.seed(request.seed)));
        line.append(...columns.map(({ name }, i) => entry(cells[i], request.prompt, name)));
        return line;
      });
      anyById("compare-sheet").replaceChildren(
        element("thead", {}, head),
        element("tbody", {}, ...lines),
      );
      anyById("compare-table").hidden = false;
    },
  };
}

/**
 * @param {"col" | "row"} scope
 * @param {string} name
 * @param {string} more
 */
function heading(scope, name, more) {
  const cell = element("th", { scope, dir: "auto" }, name || say.noPrompt());
  if (more) cell.append(element("span", { className: "hint" }, more));
  return cell;
}

/**
 * An image file of any type as a PNG file with the same pixels.
 * @param {File} file
 */
async function toPng(file) {
  if (file.type === "image/png") return new Uint8Array(await file.arrayBuffer());
  const picture = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  picture.close();
  return new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
}
