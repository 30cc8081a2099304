// Fields from an image or a link that the form has no control for: a chip each. A click on a chip
// removes its field.

import { say } from "../strings.js";
import { anyById, chip } from "../dom.js";

/** @param {() => void} onChange a field was removed */
export function createExtras(onChange) {
  /** @type {Map<string, string>} */
  const fields = new Map();

  function show() {
    const box = anyById("extras");
    const chips = [...fields].map(([name, value]) => {
      const drop = chip(say.extra(name, value), () => {
        fields.delete(name);
        show();
        onChange();
      });
      drop.title = say.dropExtra(name);
      return drop;
    });
    box.hidden = !chips.length;
    box.replaceChildren(...chips);
  }

  return { fields, show };
}
