// Requests of other programs: what of each is taken over, and what is named as lost. Each cell of
// the table in docs/imports.md is a case of tests/golden/imports; `UPDATE_DOCS=1` writes the table.

import assert from "node:assert/strict";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fieldsOf } from "../../../web/files/fields.js";
import { requestOf as readTexts } from "../../../web/files/request.js";
import { DEFAULTS, fieldName } from "../../../web/request/defaults.js";
import { requestOf } from "../../../web/request/fields.js";

/**
 * A cell: `add` is added to the program's text; `fields` that are filled in (null: not, as they
 * usually are), patterns of what is named as `lost`, `made` what made the image, `offer` what is
 * offered instead. `also`: what else differs from what is usual for the program.
 * @typedef {{ fields?: Record<string, string | null>, lost?: string[], gone?: string[] }} Also
 * @typedef {{ feature: string, add?: any, prompt?: string, line?: Record<string, string>,
 *   texts?: Record<string, string>, fields?: Record<string, string | null>, lost?: string[],
 *   made?: string[], offer?: string, also?: Also }} Cell
 * @typedef {{ name: string, program: string, column: string, about: string, keyword: string,
 *   form: "line" | "json" | "text", line: string, tail: string, text: string, json: any,
 *   keys: Record<string, string[]>, cells: Cell[],
 *   usual: { fields: Record<string, string>, lost: string[] } }} Program
 */

const root = join(import.meta.dirname, "../../..");
const folder = join(root, "tests/golden/imports");

/** Columns of the first table; the others are those of the second. */
const MAIN = [
  ...["a1111", "forge", "sdnext", "sdcpp", "comfyui", "invokeai", "swarmui", "fooocus", "novelai"],
  ...["draw_things", "easy_diffusion"],
];

/** The rows of the tables. */
const FEATURES = [
  ...["prompt", "negative prompt", "weights of words", "numeric weights", "long prompts"],
  ...["prompts in a row", "prompt editing", "alternating words", "several prompts"],
  ...["averaged prompts", "regional prompts", "wildcards", "styles", "steps", "guidance scale"],
  ...["CFG rescale", "seed", "variation seed", "size", "sampler", "other samplers"],
  ...[
    "custom samplers",
    "part of the steps",
    "one of a batch",
    "noise schedule",
    "other noise schedules",
  ],
  ...["custom noise levels", "timestep spacing", "zero terminal SNR", "noise source"],
  ...["noise source of the graphics card", "other noise sources", "noise of ancestral samplers"],
  ...["noise of SDE samplers", "eta", "eta of ancestral samplers", "noise seed delta"],
  ...["sigma churn", "numbers of samplers", "numbers of noise schedules"],
  ...["guidance of a part of the steps", "guidance of a start image", "noise of a start image"],
  ...["model", "VAE", "TAESD", "other emphasis", "types of weights", "ways of older versions"],
  ...[
    "refiner",
    "clip skip",
    "LoRA",
    "LoRA by blocks",
    "textual inversion",
    "hypernetwork",
    "start image",
    "mask",
  ],
  ...["soft inpainting", "second pass", "second pass of a size", "second pass of its own"],
  ...[
    "ControlNet",
    "ControlNet of a preprocessor",
    "IP-Adapter",
    "FreeU",
    "FreeU of the second version",
  ],
  ...["token merging"],
  ...["tiling", "face restoration", "detailer", "upscaling", "scripts", "unknown settings"],
];

/** @type {Program[]} */
const programs = [];
for (const file of (await readdir(folder)).sort()) {
  const read = JSON.parse(await readFile(join(folder, file), "utf8"));
  programs.push({ ...read, name: file.replace(".json", "") });
}

/** The second merged into the first; null takes away. @param {any} base @param {any} patch */
function merged(base, patch) {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const all = Array.isArray(base) ? [...base] : { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete all[name];
    else all[name] = merged(all[name], value);
  }
  return all;
}

/** The texts of an image by keyword. @param {Program} program @param {Partial<Cell>} cell */
function textsOf(program, { add, prompt = "a red fox", line = {}, texts = {} }) {
  if (program.form === "text") {
    const text = program.text.replace("{prompt}", prompt).replace("{add}", add ?? "");
    return new Map([[program.keyword, text]]);
  }
  if (program.form === "json") {
    const json = structuredClone(merged(program.json, add ?? {}));
    const keys = program.keys?.["prompt"] ?? [];
    if (prompt !== "a red fox") {
      const at = keys.slice(0, -1).reduce((one, key) => one[key], json);
      at[keys.at(-1) ?? ""] = prompt;
    }
    return new Map([[program.keyword, JSON.stringify(json)], ...Object.entries(texts)]);
  }
  let settings = program.line;
  for (const [name, value] of Object.entries(line)) {
    const before = new RegExp(`\\b${name}: [^,]*`);
    settings = before.test(settings)
      ? settings.replace(before, `${name}: ${value}`)
      : `${settings}, ${name}: ${value}`;
  }
  const all = [settings, add, program.tail].filter(Boolean).join(", ");
  return new Map([["parameters", `${prompt}\nNegative prompt: blurry\n${all}`]]);
}

/** @param {Map<string, string>} texts */
function read(texts) {
  const found = readTexts(texts);
  assert.ok(found && typeof found === "object", [...texts.values()].join("\n"));
  return found;
}

/**
 * Without what is empty or taken away, and in one order.
 * @param {Record<string, string | null>} fields
 */
const set = (fields) =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([name, value]) => value || (name === "prompt" && value === ""))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/**
 * Fails unless a cell is as it says, no more and no less.
 * @param {Program} program
 * @param {Cell} cell
 */
function check({ usual, ...program }, cell) {
  const about = `${program.name}: ${cell.feature}`;
  const found = read(textsOf({ usual, ...program }, cell));
  const { fields = {}, lost = [], gone = [] } = cell.also ?? {};
  assert.equal(found.program, program.program, about);
  const wanted = set({ ...usual.fields, ...cell.fields, ...fields });
  assert.deepEqual(set(Object.fromEntries(found.fields)), wanted, about);
  const { notImported } = found;
  const words = [...(cell.lost ?? []).map((one) => new RegExp(one)), ...lost];
  const isSaid = (/** @type {RegExp | string} */ word, /** @type {string} */ one) =>
    typeof word === "string" ? word === one : word.test(one);
  for (const word of words)
    assert.ok(
      notImported.some((one) => isSaid(word, one)),
      `${about}: ${word} is not in ${JSON.stringify(notImported)}`,
    );
  // Nothing is named that is taken over, or that the cell does not say.
  const more = notImported.filter((one) => !words.some((word) => isSaid(word, one)));
  const others = usual.lost.filter(
    (one) => !gone.includes(one) && !words.some((word) => isSaid(word, one)),
  );
  assert.deepEqual(more.sort(), others.sort(), about);
  const made = found.madeWith.map(({ kind, name, hash }) =>
    `${kind === "vae" ? "VAE" : kind} ${name}${hash && `, hash ${hash}`}`.trim(),
  );
  for (const one of cell.made ?? []) assert.ok(made.includes(one), `${about}: ${made}`);
  const offers = found.offers.map(({ name }) => name);
  assert.deepEqual(offers, cell.offer ? [cell.offer] : [], about);
}

/** A request with the form's defaults. @param {Iterable<[string, string]>} fields */
function requestFrom(fields) {
  const named = [...fields].map(([name, value]) => [fieldName(name), value]);
  const form = { ...Object.fromEntries(DEFAULTS), seed: "1", ...Object.fromEntries(named) };
  return requestOf(form).request;
}

for (const program of programs) {
  test(`${program.name}: each setting is taken over, or named as lost`, () => {
    for (const cell of program.cells) check(program, cell);
  });

  test(`${program.name}: what is taken over survives this program's own record`, () => {
    for (const cell of program.cells) {
      const once = requestFrom(read(textsOf(program, cell)).fields);
      const own = read(new Map([["darkroom", JSON.stringify(once)]]));
      assert.deepEqual(requestFrom(own.fields), once, cell.feature);
      assert.deepEqual(new Map(own.fields), new Map(fieldsOf(/** @type {any} */ (once))));
    }
  });
}

test("an image that was ended early says so, for its request makes another one", () => {
  const line = (/** @type {string} */ more) =>
    `a, Ended early: no\nSteps: 9, Seed: 3${more}, Safety checker: off, Model: b`;
  const lost = (/** @type {Record<string, string>} */ texts) =>
    read(new Map(Object.entries(texts))).notImported;
  const early = { parameters: line(", Ended early: after step 3 of 9") };
  const darkroom = JSON.stringify({ prompt: "a" });
  const wanted = ["Ended early: after step 3 of 9"];
  assert.deepEqual(lost(early), wanted);
  assert.deepEqual(lost({ darkroom, ...early }), wanted);
  assert.deepEqual(lost({ darkroom, parameters: line("") }), []);
});

test("the template of an expanded prompt is offered", () => {
  const darkroom = JSON.stringify({ prompt: "a red fox", negative_prompt: "blurry" });
  const found = (/** @type {string} */ template) =>
    read(
      new Map([
        ["darkroom", darkroom],
        ["darkroom-template", template],
      ]),
    );
  const { fields, offers } = found('{"prompt":"a {red|blue} fox","seed":"3"}');
  assert.equal(new Map(fields).get("prompt"), "a red fox");
  assert.deepEqual(offers, [
    {
      name: "template",
      fields: [["prompt", "a {red|blue} fox"]],
      said: "The prompt was made from a template: “a {red|blue} fox”.",
      label: "Use the template",
    },
  ]);
  for (const text of ["", "{", "[]", "null", '{"prompt":{}}', '{"seed":"1"}'])
    assert.deepEqual(found(text).offers, [], text);
});

test("the table of imports is in the documentation", async () => {
  const file = join(root, "docs/imports.md");
  const page = await readFile(file, "utf8");
  const [start, end] = ["<!-- table -->\n", "<!-- end of the table -->"];
  const [before = "", rest = ""] = page.split(start);
  const main = MAIN.map((name) => programs.find((one) => one.name === name)).filter((one) => !!one);
  const others = programs.filter(({ name }) => !MAIN.includes(name));
  const tables = `${table(main)}\n\n${table(others)}`;
  const made = `${before}${start}\n${tables}\n\n${end}${rest.split(end)[1]}`;
  if (process.env["UPDATE_DOCS"]) await writeFile(file, made);
  else assert.equal(page, made, "write it with UPDATE_DOCS=1 node --test tests/web/unit");
});

/** A table of Markdown. @param {Program[]} columns */
function table(columns) {
  const tested = new Set(columns.flatMap(({ cells }) => cells.map((cell) => cell.feature)));
  for (const feature of tested) assert.ok(FEATURES.includes(feature), feature);
  const features = FEATURES.filter((feature) => tested.has(feature));
  const head = ["", ...columns.map(({ column }) => column)];
  const rows = features.map((feature) => [
    feature,
    ...columns.map(({ cells }) => markOf(cells.filter((cell) => cell.feature === feature))),
  ]);
  const line = (/** @type {string[]} */ row) => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** @param {Cell[]} all cells of one feature */
function markOf(all) {
  if (!all.length) return "";
  const [taken, lost] = [all.some(({ fields }) => fields), all.some((cell) => cell.lost)];
  if (taken && lost) return "partly";
  if (all.some((cell) => cell.made)) return "told";
  return taken ? "yes" : "named";
}
