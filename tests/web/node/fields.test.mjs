// The fields of a request on the page: none is lost between form, address, record, list and
// picture, and the form has a control for each. The page's table is the crate's (tests/fields).

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ALIASES, FIELDS } from "../../../web/engine/fields.js";
import { fieldsOf } from "../../../web/files/fields.js";
import { requestOf as readPicture } from "../../../web/files/request.js";
import { readRows } from "../../../web/files/table.js";
import { readOptions } from "../../../web/options.js";
import {
  DEFAULTS,
  changedFields,
  fieldName,
  isOfStartImage,
} from "../../../web/request/defaults.js";
import { requestOf } from "../../../web/request/fields.js";

const root = join(import.meta.dirname, "../../..");

/**
 * A request with no field at its default, and the text in its PNG, also as it was before.
 * @type {{ request: Record<string, any>, text: string, earlier_text: string }}
 */
const {
  request,
  text,
  earlier_text: earlier,
} = JSON.parse(await readFile(join(root, "tests/golden/request.json"), "utf8"));
/** The form gives the number of images apart from the request. */
const { count, ...alone } = request;

/**
 * What the form makes of fields: those that it is not given have their defaults.
 * @param {Iterable<[string, string]>} fields
 */
function made(fields) {
  const named = [...fields].map(([name, value]) => [fieldName(name), value]);
  const form = { ...Object.fromEntries(DEFAULTS), ...Object.fromEntries(named) };
  const { request, count } = requestOf(form);
  return { ...request, count };
}

test("the sample has every field, and none has its default", () => {
  assert.deepEqual(Object.keys(request), [...FIELDS.keys()]);
  for (const [name, value] of fieldsOf(request)) assert.notEqual(value, DEFAULTS.get(name), name);
});

test("every field survives the form, a record and a link", () => {
  const fields = fieldsOf(request);
  assert.deepEqual(made(fields), request);
  // A picture's record holds its request, and a link to it what differs from the defaults.
  const link = changedFields(/** @type {any} */ (request));
  const hash = `#${new URLSearchParams(link)}`;
  Object.assign(globalThis, { location: { hash } });
  /** @type {Record<string, unknown>} */
  const linked = made(readOptions().fields);
  const start = [...FIELDS.keys()].filter(isOfStartImage);
  assert.equal(start.length, 4);
  const ofStart = Object.fromEntries(start.map((name) => [name, request[name]]));
  assert.deepEqual({ ...linked, ...ofStart }, request);
  const first = { strength: 0.8, mask_blur: 4, masked_content: "original" };
  for (const [name, value] of Object.entries({ ...first, padding_mask_crop: null }))
    assert.equal(linked[name], value, "a link has no picture to begin with, and no mask");
  // Nothing is said: the engine's own defaults, but for what the form begins with.
  const { seed, prompt, strength, mask_blur: blur, ...plain } = made([]);
  for (const [name, value] of Object.entries(plain))
    assert.deepEqual(value, FIELDS.get(name)?.default, name);
  assert.match(seed, /^\d+$/);
  assert.deepEqual([typeof prompt, strength, blur], ["string", 0.8, 4]);
});

test("every field survives a picture, by our own text and by the one that programs share", () => {
  for (const [keyword, value, beside] of /** @type {const} */ ([
    ["darkroom", JSON.stringify(request), { count }],
    ["parameters", text, { count: 1 }],
    ["parameters", earlier, { count: 1 }],
  ])) {
    const found = readPicture(new Map([[keyword, value]]));
    assert.ok(found && typeof found === "object");
    assert.deepEqual(made(found.fields), { ...alone, ...beside }, keyword);
  }
});

test("every field survives a list, by each of its names", () => {
  const [row] = readRows("list.jsonl", JSON.stringify(request));
  assert.deepEqual(made(Object.entries(row ?? {})), request);
  for (const [alias, name] of ALIASES) {
    const [one] = readRows("list.jsonl", JSON.stringify({ prompt: "a", [alias]: request[name] }));
    assert.equal(one?.[name], String(request[name]), alias);
    assert.equal(fieldName(alias), name);
  }
  for (const [name, { kind }] of FIELDS) {
    if (["text", "sampler"].includes(kind)) continue;
    const wrong = JSON.stringify({ prompt: "a", [name]: "wrong" });
    assert.throws(() => readRows("list.jsonl", wrong), new RegExp(`line 1: ${name} must be`));
  }
});

test("the form has a control for each field, with the table's names", async () => {
  const page = await readFile(join(root, "web/index.html"), "utf8");
  for (const [name, { kind, names, optional }] of FIELDS) {
    const begin = page.search(new RegExp(`<(input|select|textarea)[^>]*\\bid="${name}"`));
    assert.ok(begin > 0, `${name} has no control`);
    // The samplers are those of the open model.
    if (!names || kind === "sampler") continue;
    const select = page.slice(begin, page.indexOf("</select>", begin));
    const values = [...select.matchAll(/<option value="([^"]*)"/g)].map(([, value]) => value);
    assert.deepEqual(values.sort(), [...names, ...(optional ? [""] : [])].sort(), name);
  }
});

test("readers of other programs' pictures name fields of the table", async () => {
  const readers = [
    ...["comfy", "comfy_passes", "draw_things", "easy", "fooocus", "invoke", "novelai", "swarm"],
    ...["webui"],
  ];
  // Files that stand beside a request's own fields.
  const beside = ["controls", "upscaler"];
  for (const reader of readers) {
    const code = await readFile(join(root, `web/files/${reader}.js`), "utf8");
    // `["steps", …` in a list of fields, on a line of its own.
    const named = [...code.matchAll(/^ +\["([a-z_]+)", (?!")/gm)].map(([, name = ""]) => name);
    assert.ok(named.length > 1, reader);
    for (const name of named)
      assert.ok(FIELDS.has(name) || beside.includes(name), `${reader}: ${name}`);
  }
});
