// Disables the settings that the chosen sampler does not have. A value that was typed before stays,
// and the engine reports what is wrong with it.

import { FIELDS } from "../engine/fields.js";
import { abilitiesText } from "../strings/abilities.js";
import { byId } from "../dom.js";
import { DEFAULTS } from "../request/defaults.js";

/** @typedef {import("../engine/protocol.js").Abilities} Abilities */

export function createAbilities() {
  const sampler = byId("sampler", HTMLSelectElement);
  /** @type {Record<string, Abilities>} by sampler */
  let all = {};

  function show() {
    const can = Object.hasOwn(all, sampler.value) ? all[sampler.value] : {};
    for (const name of namesOf(all)) {
      const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (byId(name, HTMLElement));
      const lacks = can?.[name] === false;
      field.disabled = lacks && field.value === DEFAULTS.get(name);
      field.title = lacks ? abilitiesText.lacks() : "";
    }
    byId("eta", HTMLInputElement).placeholder = abilitiesText.eta(sampler.value);
  }

  sampler.addEventListener("change", show);
  return {
    show,
    /** @param {Record<string, Abilities>} [abilities] of an open model's samplers, by name */
    describe(abilities = {}) {
      all = abilities;
      show();
    },
  };
}

/**
 * The abilities that are fields of a request.
 * @param {Record<string, Abilities>} all
 */
function namesOf(all) {
  const names = new Set(Object.values(all).flatMap((can) => Object.keys(can)));
  return [...names].filter((name) => FIELDS.has(name));
}
