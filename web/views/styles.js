// The list of styles in the form, and the dialog that saves one.

import { applyStyle, keepStyles, keptStyles } from "../request/styles.js";
import { say } from "../strings.js";
import { anyById, button, byId, element, onPress } from "../dom.js";
import { offerUndo } from "./undo.js";

/** @typedef {import("../request/styles.js").Style} Style */

/**
 * @param {() => string[]} typed the form's prompt and negative prompt, for a new style
 * @param {() => void} onChange
 */
export function createStyles(typed, onChange) {
  const select = byId("style", HTMLSelectElement);
  const dialog = byId("style-dialog", HTMLDialogElement);
  const name = byId("style-name", HTMLInputElement);
  const prompt = byId("style-prompt", HTMLTextAreaElement);
  const negative = byId("style-negative", HTMLTextAreaElement);
  let styles = keptStyles();

  const chosen = () => styles.find((style) => style.name === select.value);

  /** @param {string} wanted */
  function offer(wanted) {
    const names = styles.map((style) => element("option", { value: style.name }, style.name));
    select.replaceChildren(element("option", { value: "" }, say.noStyle()), ...names);
    select.value = styles.some((style) => style.name === wanted) ? wanted : "";
    show();
  }

  function show() {
    const style = chosen();
    button("style-delete").disabled = !style;
    anyById("style-hint").textContent = style ? say.style(style.prompt, style.negative) : "";
  }

  /** @param {Style[]} all */
  const store = (all) => (styles = keepStyles(all));

  /** Stores a style as it was before; the others stay as they are. @param {Style} former */
  function bringBack(former) {
    store([...styles.filter(({ name }) => name !== former.name), former]);
    offer(former.name);
    onChange();
  }

  select.addEventListener("change", () => {
    show();
    onChange();
  });
  onPress("style-save", () => {
    const style = chosen();
    name.value = style?.name ?? "";
    prompt.value = style?.prompt ?? typed()[0] ?? "";
    negative.value = style?.negative ?? typed()[1] ?? "";
    dialog.returnValue = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    const named = name.value.trim();
    if (dialog.returnValue !== "save" || !named) return;
    const former = styles.find((style) => style.name === named);
    const rest = styles.filter((style) => style.name !== named);
    const typedWords = { prompt: prompt.value.trim(), negative: negative.value.trim() };
    store([...rest, { name: named, ...typedWords }]);
    offer(named);
    onChange();
    if (former) offerUndo(say.styleReplaced(named), () => bringBack(former));
  });
  onPress("style-delete", () => {
    const former = chosen();
    if (!former) return;
    store(styles.filter((style) => style !== former));
    offer("");
    onChange();
    offerUndo(say.styleDeleted(former.name), () => bringBack(former));
  });
  offer("");

  return {
    /** The name of the selected style; empty if there is none. */
    chosen: () => select.value,

    /** @param {string} wanted */
    choose: (wanted) => offer(wanted),

    /**
     * A prompt and a negative prompt with the words of the selected style.
     * @type {(text: string, negative: string) => string[]}
     */
    apply: (text, negative) => applyStyle(chosen(), text, negative),
  };
}
