// The list of what the built-in model draws: a search field, its things as buttons that write a
// prompt, and its other words. Loaded when it is first opened.

import { demoWords as text } from "../strings/demo_words.js";
import { chip, element, setText } from "../dom.js";

/** The most things that are shown at once: each is a stop of the Tab key. */
const SHOWN_MAX = 48;

/**
 * Fills a place with the list.
 * @param {HTMLElement} place
 * @param {import("./words.js").Words} words
 * @param {(prompt: string) => void} use writes a prompt
 */
export function showList(place, words, use) {
  const { things, colours, styles, sizes, places } = words.vocabulary;
  const search = element("input", { type: "search", id: "known-search", autocomplete: "off" });
  const label = element("label", { htmlFor: search.id }, text.search());
  const chips = element("div", { className: "chips" });
  chips.setAttribute("role", "group");
  chips.setAttribute("aria-label", text.things());
  const count = element("p", { className: "hint" });
  count.setAttribute("role", "status");

  function show() {
    const found = words.find(search.value);
    const shown = found.slice(0, SHOWN_MAX);
    chips.replaceChildren(
      ...shown.map((name) => chip(text.shown(name), () => use(words.prompt(name)))),
    );
    setText(count, text.found(shown.length, found.length, things.length));
  }

  search.addEventListener("input", show);
  // In a form the key would generate an image.
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) event.preventDefault();
  });
  show();
  const lists = [
    text.colours(colours),
    styles.length ? text.styles(styles) : "",
    text.sizes(sizes),
    text.places(places),
    text.seeds(),
  ];
  const others = lists.filter(Boolean).map((line) => element("p", { className: "hint" }, line));
  const field = element("div", { className: "field" }, label, search);
  place.replaceChildren(field, chips, count, ...others);
}
