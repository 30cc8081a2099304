// The dialog of presets: saves the present settings under a name, applies, renames and deletes
// presets, exports and imports them. Loaded when it is first opened.

import { presetText as text } from "../strings/presets.js";
import { chip, element, rowButton, save, setText, withText } from "../dom.js";
import { offerUndo } from "../views/undo.js";
import { createChoice } from "./choice.js";
import { freeName, listPresets, presetFile, readPresets, storePresets } from "./presets.js";

/** @typedef {import("./presets.js").Preset} Preset */

/** The most characters of a preset's settings that the list shows. */
const SHOWN = 160;

/**
 * @param {object} form
 * @param {() => Record<string, string>} form.all the form's settings, as typed
 * @param {() => Record<string, string>} form.changed those that differ from the defaults
 * @param {(fields: [string, string][]) => void} form.fill fills in some
 * @param {() => () => void} form.snapshot what brings back the form as it is
 */
export function createPresets(form) {
  const { dialog, list, none, told, name, choice, actions, input } = createParts();
  let presets = listPresets();

  /** @param {Preset[]} all @param {string} [focus] the preset that gets the focus */
  function keep(all, focus) {
    presets = storePresets(all);
    show();
    const at = presets.findIndex((one) => one.name === focus);
    list.children[at]?.querySelector("button")?.focus();
  }

  function show() {
    const acts = { apply, rename, remove };
    list.replaceChildren(...presets.map((preset) => item(preset, acts)));
    none.hidden = presets.length > 0;
    actions.exports.disabled = !presets.length;
  }

  /** @param {string} sentence */
  const tell = (sentence) => setText(told, sentence);

  /** @param {Preset} preset */
  function apply(preset) {
    const back = form.snapshot();
    form.fill(Object.entries(preset.fields));
    dialog.close();
    offerUndo(text.applied(preset.name), back);
  }

  /** @param {Preset} former @param {string} wanted */
  function rename(former, wanted) {
    if (!wanted) return tell(text.noName());
    const others = presets.filter((one) => one !== former);
    if (others.some((one) => one.name === wanted)) return tell(text.taken(wanted));
    tell("");
    keep([...others, { ...former, name: wanted }], wanted);
  }

  /** Stores a preset as it was. @param {Preset} former */
  const bringBack = (former) => () =>
    keep([...presets.filter((one) => one.name !== former.name), former], former.name);

  /** @param {Preset} preset */
  function remove(preset) {
    const at = presets.indexOf(preset);
    const others = presets.filter((one) => one !== preset);
    keep(others, others[Math.min(at, others.length - 1)]?.name);
    if (!others.length) name.focus();
    offerUndo(text.deleted(preset.name), bringBack(preset));
  }

  actions.save.addEventListener("click", () => {
    const wanted = name.value.trim();
    const fields = choice.fields();
    if (!wanted) return (name.focus(), tell(text.noName()));
    if (!Object.keys(fields).length) return tell(text.noField());
    const former = presets.find((one) => one.name === wanted);
    keep([...presets.filter((one) => one !== former), { name: wanted, fields }]);
    tell(text.saved(wanted));
    if (former) offerUndo(text.replaced(wanted), bringBack(former));
  });
  actions.exports.addEventListener("click", () =>
    save("darkroom-presets.json", presetFile(presets)),
  );
  input.addEventListener("change", async () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) return;
    try {
      const found = readPresets(await file.text());
      const all = [...presets];
      for (const one of found.presets) all.push({ ...one, name: freeName(one.name, all) });
      keep(all);
      tell(text.imported(found.presets.length, found.unknown));
    } catch (error) {
      tell(text.wrongFile(file.name, /** @type {Error} */ (error).message));
    }
  });

  return {
    open() {
      presets = listPresets();
      tell("");
      show();
      choice.offer(form.all(), form.changed());
      dialog.showModal();
      (list.querySelector("button") ?? name).focus();
    },
  };
}

/**
 * @param {Preset} preset
 * @param {{ apply: (preset: Preset) => void, rename: (preset: Preset, name: string) => void,
 *   remove: (preset: Preset) => void }} acts
 */
function item(preset, { apply, rename, remove }) {
  const { name, fields } = preset;
  const settings = Object.entries(fields)
    .map(([field, value]) => `${field} ${value || text.empty()}`)
    .join(" · ");
  const use = chip(name, () => apply(preset));
  use.ariaLabel = text.apply(name);
  const hint = element("span", { className: "hint" });
  hint.textContent = settings.length > SHOWN ? `${settings.slice(0, SHOWN)}…` : settings;
  const renaming = rowButton(text.rename(), name, () => {
    const field = element("input", { value: name, ariaLabel: text.newName(name) });
    const done = chip(text.save(), () => rename(preset, field.value.trim()));
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      done.click();
    });
    renaming.replaceWith(element("span", { className: "joined" }, field, done));
    field.select();
    field.focus();
  });
  const removing = rowButton(text.delete(), name, () => remove(preset));
  const row = element("div", { className: "actions small-actions" }, use, renaming, removing);
  return element("li", {}, row, hint);
}

/** The dialog's elements, added to the page. */
function createParts() {
  const dialog = element("dialog", { id: "presets-dialog", className: "list-dialog" });
  dialog.setAttribute("aria-labelledby", "presets-title");
  const list = element("ul", { id: "presets-list", className: "list" });
  list.ariaLabel = text.list();
  const none = element("p", { className: "hint" }, text.none());
  const told = element("p", { id: "presets-told", className: "hint" });
  told.setAttribute("role", "status");
  const name = element("input", { id: "preset-name", autocomplete: "off" });
  const choice = createChoice();
  const actions = {
    save: element("button", { type: "button", className: "primary" }, text.save()),
    exports: chip(text.export(), () => {}),
  };
  name.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    actions.save.click();
  });
  const input = element("input", {
    ...{ id: "presets-import", type: "file", className: "unseen", accept: ".json" },
  });
  const importing = element("label", { className: "button", htmlFor: input.id }, text.import());
  const close = chip(text.close(), () => dialog.close());
  const gap = element("span", { className: "gap" });
  const named = element("div", { className: "field" });
  named.append(element("label", { htmlFor: name.id }, text.name()), name);
  dialog.append(
    element("h2", { id: "presets-title" }, text.title()),
    element("p", { className: "hint" }, text.about()),
    ...[list, none, withText("h3", text.saveNow()), named, ...choice.parts],
    ...[element("div", { className: "actions" }, actions.save), told],
    element("div", { className: "actions" }, actions.exports, input, importing, gap, close),
  );
  document.body.append(dialog);
  return { dialog, list, none, told, name, choice, actions, input };
}
