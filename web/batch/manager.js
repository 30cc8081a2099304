// The user's wildcard lists in the dialog: make, edit, rename, delete, import, export.

import {
  anyById,
  chip,
  element,
  fitDirection,
  rowButton,
  save,
  setText,
  withText,
} from "../dom.js";
import { batchText as text } from "../strings/batch.js";
import { offerUndo } from "../views/undo.js";
import { linesOf } from "./book.js";
import { onChange } from "./database.js";
import { jsonOfLists, readListFiles, zipOfLists } from "./list_files.js";
import { checkList, listName, putLists, readLists } from "./lists.js";
import { field } from "./parts.js";

/** @typedef {import("./lists.js").List} List */

/** How many files are named that were not read. */
const NAMED = 5;

/** @param {() => void} onChanged the lists have changed */
export function createManager(onChanged) {
  const title = element("h3", {}, text.lists());
  const items = element("ul", { className: "many-lists" });
  const none = element("p", { className: "hint" }, text.noLists());
  const told = withText("p", "");
  told.className = "hint";
  told.setAttribute("role", "status");
  const tell = (/** @type {string} */ sentence) => setText(told, sentence);
  const fail = (/** @type {any} */ error) => tell(error.message);
  const editor = createEditor(async (list, before) => {
    const other = lists.find(({ name }) => name === list.name && name !== before);
    if (other) throw new Error(text.nameTaken(list.name));
    await putLists([list], before && before !== list.name ? [before] : []);
    tell(text.saved(list.name));
  });
  /** @type {List[]} */
  let lists = [];

  /** @param {List} list */
  function item(list) {
    const { name } = list;
    const lines = element("span", { className: "hint" }, text.lines(linesOf(list.text).length));
    const edit = rowButton(text.edit(), name, () => editor.open(list));
    const drop = rowButton(text.remove(), name, () => {
      const back = () => void putLists([list]).catch(fail);
      putLists([], [name]).then(() => offerUndo(text.removed(name), back), fail);
    });
    return element("li", {}, element("span", { dir: "auto" }, `__${name}__ `), lines, edit, drop);
  }

  async function refresh() {
    lists = await readLists();
    items.replaceChildren(...lists.map(item));
    none.hidden = lists.length > 0;
    for (const one of [exportZip, exportJson]) one.disabled = !lists.length;
    onChanged();
  }

  /** @param {FileList | null} files */
  async function take(files) {
    const own = [...(files ?? [])].map((file) => {
      // In a folder: without the name of the folder itself.
      const path = file.webkitRelativePath.split("/").slice(1).join("/");
      return { path: path || file.name, file };
    });
    if (!own.length) return;
    const { lists: found, left } = await readListFiles(own);
    const rest = left.length ? text.leftOut(left, NAMED) : "";
    if (!found.length) return tell(text.nothingImported() + rest);
    const known = new Set(lists.map(({ name }) => name));
    const replaced = lists.filter(({ name }) => found.some((one) => one.name === name));
    await putLists(found);
    const sentence = text.imported(found.length, replaced.length) + rest;
    tell(replaced.length ? "" : sentence);
    if (!replaced.length) return;
    const added = found.map(({ name }) => name).filter((name) => !known.has(name));
    offerUndo(sentence, () => void putLists(replaced, added).catch(fail));
  }

  const exportZip = chip(text.exportZip(), () => {
    zipOfLists(lists).then((file) => save("wildcards.zip", file), fail);
  });
  const exportJson = chip(text.exportJson(), () => save("wildcards.json", jsonOfLists(lists)));
  const making = chip(text.newList(), () => editor.open(null));
  const importing = createImport((files) => take(files).catch(fail));
  const actions = element("div", { className: "actions small-actions" }, making, ...importing);
  actions.append(exportZip, exportJson);
  onChange(() => void refresh().catch(fail));
  const box = element("div", { className: "many-manager" }, title, none, items, editor.box);
  box.append(actions, told);
  return { box, refresh: () => refresh().catch(fail), leaveEditor: editor.leave };
}

/**
 * What chooses files, and a folder of them.
 * @param {(files: FileList | null) => Promise<void>} take
 */
function createImport(take) {
  const [files, folder] = /** @type {const} */ (["many-files", "many-folder"]).map((id) => {
    const input = element("input", { id, type: "file", className: "unseen", multiple: true });
    const name = id === "many-files" ? text.importFiles() : text.importFolder();
    if (id === "many-files") input.accept = ".txt,.json,.yaml,.yml,.zip";
    else input.webkitdirectory = true;
    input.addEventListener("change", async () => {
      await take(input.files);
      input.value = "";
    });
    return [input, element("label", { className: "button", htmlFor: id }, name)];
  });
  return [...(files ?? []), ...(folder ?? [])];
}

/**
 * The form with the name and the text of a list.
 * @param {(list: List, before: string) => Promise<void>} onSave `before`: the name that it had
 */
function createEditor(onSave) {
  const name = element("input", { id: "many-list-name", spellcheck: false });
  const own = element("textarea", {
    id: "many-list-text",
    rows: 8,
    dir: "auto",
    spellcheck: false,
  });
  const fault = element("p", { className: "hint cut", hidden: true });
  fault.setAttribute("role", "alert");
  /** What gets the focus when the form is closed. @type {Element | null} */
  let opener = null;
  let before = "";
  /** The text that it was opened with. */
  let former = "";

  const box = element("div", { className: "many-editor", role: "group", hidden: true });
  box.ariaLabel = text.lists();

  function close() {
    box.hidden = true;
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    else anyById("many-tab-wildcards").focus();
  }

  async function keep() {
    fault.hidden = true;
    try {
      const list = { name: listName(name.value), text: own.value };
      checkList(list.name, list.text);
      await onSave(list, before);
      close();
    } catch (error) {
      fault.textContent = /** @type {Error} */ (error).message;
      fault.hidden = false;
      name.focus();
    }
  }

  const isChanged = () => name.value !== before || own.value !== former;
  const saving = chip(text.save(), () => void keep());
  saving.className = "primary";
  const actions = element("div", { className: "actions" }, saving, chip(text.cancel(), close));
  box.append(field(text.listName(), name), field(text.listText(), own), fault, actions);
  return {
    box,

    /** Asks first if a list in work would be lost. @param {List | null} list null for a new one */
    open(list) {
      if (!box.hidden && isChanged() && !confirm(text.sureToLeave(name.value.trim()))) return;
      opener = document.activeElement;
      before = list?.name ?? "";
      name.value = before;
      fitDirection(own, list?.text ?? "");
      own.value = list?.text ?? "";
      // As the field has it: line ends are its own.
      former = own.value;
      fault.hidden = true;
      box.hidden = false;
      name.focus();
    },

    /** Closes it; asks first if something would be lost. Whether it was in view. */
    leave() {
      if (!box.offsetParent) return false;
      if (!isChanged() || confirm(text.sureToLeave(name.value.trim()))) close();
      return true;
    },
  };
}
