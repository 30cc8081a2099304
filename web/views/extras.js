// Fields from a picture or a link that have no place in the form; a press takes one away.

import { say } from "../strings.js";
import { anyById, chip } from "../dom.js";

/** @param {() => void} onChange one was taken away */
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
