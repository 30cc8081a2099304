// Changes the text of a field as if the user had typed it, so that Ctrl+Z takes it back.

/**
 * Puts a text in place of a part of a field's text, and selects a part of the new text.
 * @param {HTMLTextAreaElement} field
 * @param {number} from
 * @param {number} to
 * @param {string} text
 * @param {[start: number, end: number]} [selected] after it; behind the new text without it
 */
export function typeInto(field, from, to, text, selected) {
  field.focus();
  field.setSelectionRange(from, to);
  // No other way leaves the field's own undo as it is; where there is none, the text is set.
  const command = text ? "insertText" : "delete";
  const typed = from === to && !text ? true : document.execCommand(command, false, text);
  if (!typed) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
  }
  if (selected) field.setSelectionRange(...selected);
}
