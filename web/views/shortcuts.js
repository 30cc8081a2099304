// The fields that make a picture faster and another one: what those that are chosen save, and what
// they lose.

import { FIELDS } from "../engine/fields.js";
import { DEFAULTS } from "../request/defaults.js";
import { shortcutsText as text } from "../strings/shortcuts.js";
import { anyById, byId } from "../dom.js";

/** Fields of a request, with the values that leave nothing out. */
const EXACT = new Map([...DEFAULTS].filter(([name]) => FIELDS.get(name)?.faster));

/** The hint below the fields, which follows them. */
export function createShortcuts() {
  const fields = [...EXACT.keys()].map((name) => byId(name, HTMLSelectElement));

  function show() {
    const chosen = fields.filter((field) => field.value !== EXACT.get(field.id));
    const lines = chosen.map(({ id, value }) => text.lossOf(id, value));
    anyById("shortcuts-hint").textContent = lines.length ? lines.join(" ") : text.exact();
  }

  for (const field of fields) field.addEventListener("change", show);
  return { show };
}

/**
 * The shortcuts with which a picture was made, in words.
 * @param {import("../engine/protocol.js").Request} request
 */
export function shortcutsOf({ guidance_interval, cache_interval, token_merging_ratio }) {
  const interval = guidance_interval ?? [0, 1];
  const every = Number(cache_interval ?? 1);
  const merged = Number(token_merging_ratio ?? 0);
  return [
    ...(String(interval) === "0,1" ? [] : [text.guidance(...interval)]),
    ...(every === 1 ? [] : [text.cached(every)]),
    ...(merged === 0 ? [] : [text.merged(merged)]),
  ];
}
