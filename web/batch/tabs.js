// Tabs as WAI-ARIA has them: one is in the order of Tab, the arrow keys choose another.

import { element } from "../dom.js";

/**
 * @typedef {object} Tab
 * @property {string} name
 * @property {string} label
 * @property {HTMLElement} panel
 * @property {() => void} [enter] is called when it is shown
 */

/**
 * @param {string} label of all
 * @param {Tab[]} tabs
 */
export function createTabs(label, tabs) {
  const list = element("div", { className: "many-tabs", role: "tablist", ariaLabel: label });
  const buttons = tabs.map(({ name, label: own, panel }) => {
    const made = element("button", { type: "button", id: `many-tab-${name}`, role: "tab" }, own);
    made.setAttribute("aria-controls", `many-panel-${name}`);
    panel.id = `many-panel-${name}`;
    panel.classList.add("many-panel");
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", made.id);
    made.addEventListener("click", () => show(name));
    return made;
  });
  list.append(...buttons);

  /** @param {string} name */
  function show(name) {
    for (const [i, tab] of tabs.entries()) {
      const chosen = tab.name === name;
      const own = buttons[i];
      if (!own) continue;
      own.ariaSelected = String(chosen);
      own.tabIndex = chosen ? 0 : -1;
      tab.panel.hidden = !chosen;
      if (chosen) tab.enter?.();
    }
  }

  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    const forwards = getComputedStyle(list).direction === "ltr" ? 1 : -1;
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: at + forwards, ArrowLeft: at - forwards, Home: 0, End: -1 };
    const next = steps[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const own = buttons.at(next % buttons.length);
    const tab = tabs[own ? buttons.indexOf(own) : -1];
    if (!own || !tab) return;
    show(tab.name);
    own.focus();
  });
  return { list, show };
}
