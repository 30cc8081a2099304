// The views of the page: a button with `data-view="x"` shows the section `view-x`.

import { anyById } from "../dom.js";
import { nameView } from "../tab/signal.js";

/**
 * @param {import("../state/page.js").Page} state
 * @param {Record<string, () => void>} enter functions to call when a view is shown, by its name
 * @param {(view: string) => void} onGo the user has gone to another view
 */
export function createNavigation(state, enter, onGo) {
  const tabs = [...anyById("views").querySelectorAll("button")];
  const name = (/** @type {HTMLElement} */ tab) => tab.dataset["view"] ?? "";
  const first = name(/** @type {HTMLElement} */ (tabs[0]));
  const here = () => state.get().view || first;

  /** @param {string} wanted */
  function show(wanted) {
    if (!tabs.some((tab) => name(tab) === wanted)) return;
    for (const tab of tabs) {
      const isHere = name(tab) === wanted;
      if (isHere) {
        tab.setAttribute("aria-current", "page");
        nameView(wanted === first ? "" : (tab.firstChild?.textContent?.trim() ?? ""));
      } else tab.removeAttribute("aria-current");
      anyById(`view-${name(tab)}`).hidden = !isHere;
    }
    state.set({ view: wanted });
    document.documentElement.dataset["shown"] = wanted;
    scrollTo(0, 0);
    enter[wanted]?.();
  }

  /** @param {string} wanted */
  function go(wanted) {
    show(wanted);
    onGo(here());
  }

  anyById("skip").addEventListener("click", (event) => {
    // Not by the link's #: that part of the URL has the form's fields.
    event.preventDefault();
    const heading = anyById(`view-${here()}`).querySelector("h2");
    (heading ?? anyById("prompt")).focus();
  });
  for (const tab of tabs) tab.addEventListener("click", () => go(name(tab)));
  return { go, show, here };
}
