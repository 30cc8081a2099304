// The fields of shortcuts, which make an image faster and slightly different: a hint shows what the
// chosen ones save and lose.

import { FIELDS } from "../engine/fields.js";
import { DEFAULTS } from "../request/defaults.js";
import { shortcutsText as text } from "../strings/shortcuts.js";
import { anyById, byId } from "../dom.js";

/** The fields, with the values that switch them off. */
const EXACT = new Map([...DEFAULTS].filter(([name]) => FIELDS.get(name)?.faster));

/** Keeps the hint below the fields up to date. */
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
 * The shortcuts of a request, as text.
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
