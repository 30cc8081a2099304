// What the readers of other programs' files say of the texts of an image.

import assert from "node:assert/strict";
import { requestOf } from "../../../web/files/request.js";

/** @typedef {{ [field: string]: any, program: string, notImported: string[] }} Told */

/**
 * @param {Record<string, unknown>} texts by keyword; what is no text becomes JSON
 * @returns {Told}
 */
export function read(texts) {
  const all = Object.entries(texts).map(([keyword, text]) => {
    return /** @type {const} */ ([keyword, typeof text === "string" ? text : JSON.stringify(text)]);
  });
  const found = requestOf(new Map(all));
  assert.ok(found && typeof found === "object", JSON.stringify(texts));
  return {
    ...Object.fromEntries(found.fields),
    program: found.program,
    notImported: found.notImported,
  };
}
