// The dialog with the prompts of earlier images: search, fill in, forget. Loaded when it is first
// opened.

import { beginning } from "../strings.js";
import { promptText as text } from "../strings/prompt.js";
import { byId, chip, element, setText } from "../dom.js";
import { offerUndo } from "../views/undo.js";
import {
  PROMPTS_MAX,
  findPrompts,
  forgetPrompt,
  keepPrompts,
  keepsPrompts,
  listPrompts,
  storePrompts,
} from "./history.js";
import { typeInto } from "./typing.js";

/** @typedef {import("./history.js").Prompt} Prompt */

/** The most characters of a prompt that are shown. */
const SHOWN = 300;

/** @param {() => void} toForm shows the form */
export function createHistory(toForm) {
  const { dialog, search, negative, list, told, clear, keep } = createParts();

  function show() {
    const all = listPrompts();
    const found = findPrompts(all, search.value);
    list.replaceChildren(...found.map((prompt) => item(prompt, use, drop)));
    clear.disabled = !all.length;
    keep.checked = keepsPrompts();
    const none = all.length ? text.noMatch() : text.none(keep.checked);
    setText(told, found.length ? text.found(found.length) : none);
  }

  /** @param {Prompt} prompt */
  function use(prompt) {
    const withNegative = negative.checked;
    dialog.close();
    toForm();
    if (withNegative) fill("negative_prompt", prompt.negative);
    fill("prompt", prompt.prompt);
  }

  /** @param {Prompt[]} before those that were there @param {number} count of those that went */
  function offer(before, count) {
    offerUndo(text.cleared(count), () => {
      const known = listPrompts().map((one) => JSON.stringify(one));
      const missing = before.filter((one) => !known.includes(JSON.stringify(one)));
      storePrompts([...listPrompts(), ...missing]);
      if (dialog.open) show();
    });
  }

  /** @param {Prompt} prompt */
  function drop(prompt) {
    const before = listPrompts();
    const at = [...list.children].findIndex((one) => one.contains(document.activeElement));
    forgetPrompt(prompt);
    show();
    const next = list.children[Math.min(at, list.children.length - 1)]?.querySelector("button");
    (next ?? search).focus();
    offer(before, 1);
  }

  search.addEventListener("input", show);
  keep.addEventListener("change", () => {
    keepPrompts(keep.checked);
    show();
    const left = listPrompts().length;
    if (!keep.checked && left) setText(told, text.stay(left));
  });
  clear.addEventListener("click", () => {
    const before = listPrompts();
    storePrompts([]);
    show();
    search.focus();
    offer(before, before.length);
  });
  watchKeys(dialog, search, list);

  return {
    open() {
      search.value = "";
      show();
      dialog.showModal();
      search.focus();
    },
  };
}

/** Replaces a prompt's text; Ctrl+Z takes that back. @param {string} id @param {string} prompt */
function fill(id, prompt) {
  const field = byId(id, HTMLTextAreaElement);
  for (let box = field.closest("details"); box; box = box.parentElement?.closest("details") ?? null)
    box.open = true;
  typeInto(field, 0, field.value.length, prompt);
}

/**
 * @param {Prompt} prompt
 * @param {(prompt: Prompt) => void} use
 * @param {(prompt: Prompt) => void} drop
 */
function item(prompt, use, drop) {
  const shown = beginning(prompt.prompt, SHOWN);
  const button = chip(shown, () => use(prompt));
  button.dir = "auto";
  const forget = chip("✕", () => drop(prompt));
  forget.ariaLabel = text.forget(shown);
  const made = element("li", {}, button, forget);
  if (prompt.negative) {
    const hint = element("span", { className: "hint" });
    hint.textContent = text.without(beginning(prompt.negative, SHOWN));
    button.append(element("br", {}), hint);
  }
  return made;
}

/**
 * Arrows go between the search and the prompts, Enter takes the first, Delete forgets one.
 * @param {HTMLDialogElement} dialog
 * @param {HTMLInputElement} search
 * @param {HTMLElement} list
 */
function watchKeys(dialog, search, list) {
  dialog.addEventListener("keydown", (event) => {
    const { key, target, repeat } = event;
    const buttons = [...list.children].map((one) => one.querySelector("button"));
    const item = target instanceof Element ? target.closest("li") : null;
    const at = item ? [...list.children].indexOf(item) : -1;
    if (key === "Enter" && target === search) buttons[0]?.click();
    else if (key === "Delete" && item) repeat || item.querySelectorAll("button")[1]?.click();
    else if (key === "ArrowDown" && (item || target === search)) buttons[at + 1]?.focus();
    else if (key === "ArrowUp" && item) (buttons[at - 1] ?? search).focus();
    else return;
    event.preventDefault();
  });
}

/** The dialog's elements, added to the page. */
function createParts() {
  const dialog = element("dialog", { id: "history-dialog", className: "list-dialog" });
  dialog.setAttribute("aria-labelledby", "history-title");
  const search = element("input", { id: "history-search", type: "search" });
  const label = element("label", { htmlFor: search.id }, text.search());
  const negative = element("input", { id: "history-negative", type: "checkbox" });
  const keep = element("input", { id: "history-keep", type: "checkbox" });
  const list = element("ul", { id: "history-list", className: "list" });
  list.ariaLabel = text.history();
  const told = element("p", { className: "hint" });
  told.setAttribute("role", "status");
  const clear = chip(text.clear(), () => {});
  const close = chip(text.close(), () => dialog.close());
  const gap = element("span", { className: "gap" });
  dialog.append(
    element("h2", { id: "history-title" }, text.history()),
    element("p", { className: "hint" }, text.about(PROMPTS_MAX)),
    element("div", { className: "field" }, label, search),
    element("label", { className: "check" }, negative, ` ${text.negative()}`),
    ...[told, list],
    element("label", { className: "check" }, keep, ` ${text.keep()}`),
    element("div", { className: "actions" }, clear, gap, close),
  );
  document.body.append(dialog);
  return { dialog, search, negative, list, told, clear, keep };
}
