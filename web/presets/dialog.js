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
 * @param {(error: unknown) => void} form.tell shows a fault on the page
 */
export function createPresets(form) {
  const { dialog, list, none, told, name, choice, actions, input } = createParts();

  /**
   * Changes what is stored at this moment: another tab may have changed it since it was shown.
   * @param {(all: Preset[]) => Preset[]} change
   * @param {string} [focus] the preset that gets the focus
   * @returns {boolean} whether it was stored; if not, the page says why
   */
  function keep(change, focus) {
    try {
      storePresets(change(listPresets()));
    } catch (error) {
      show();
      if (dialog.open) tell(/** @type {Error} */ (error).message);
      else form.tell(error);
      return false;
    }
    show();
    const at = listPresets().findIndex((one) => one.name === focus);
    list.children[at]?.querySelector("button")?.focus();
    return true;
  }

  function show() {
    const apply = (/** @type {Preset} */ preset) => (dialog.close(), applied(preset, form));
    const acts = { apply, rename, remove };
    const presets = listPresets();
    list.replaceChildren(...presets.map((preset) => item(preset, acts)));
    none.hidden = presets.length > 0;
    actions.exports.disabled = !presets.length;
  }

  /** @param {string} sentence */
  const tell = (sentence) => setText(told, sentence);

  /** @param {Preset} former @param {string} wanted */
  function rename(former, wanted) {
    if (!wanted) return tell(text.noName());
    const others = without(listPresets(), former.name);
    if (others.some((one) => one.name === wanted)) return tell(text.taken(wanted));
    tell("");
    keep((all) => [...without(all, former.name), { ...former, name: wanted }], wanted);
  }

  /** Stores a preset as it was. @param {Preset} former */
  const bringBack = (former) => () =>
    void keep((all) => [...without(all, former.name), former], former.name);

  /** @param {Preset} preset */
  function remove(preset) {
    const presets = listPresets();
    const at = presets.findIndex((one) => one.name === preset.name);
    const others = without(presets, preset.name);
    const next = others[Math.min(at, others.length - 1)]?.name;
    if (!keep((all) => without(all, preset.name), next)) return;
    if (!others.length) name.focus();
    offerUndo(text.deleted(preset.name), bringBack(preset));
  }

  actions.save.addEventListener("click", () => {
    const wanted = name.value.trim();
    const fields = choice.fields();
    if (!wanted) return (name.focus(), tell(text.noName()));
    if (!Object.keys(fields).length) return tell(text.noField());
    const former = listPresets().find((one) => one.name === wanted);
    if (!keep((all) => [...without(all, wanted), { name: wanted, fields }])) return;
    tell(text.saved(wanted));
    if (former) offerUndo(text.replaced(wanted), bringBack(former));
  });
  actions.exports.addEventListener("click", () =>
    save("darkroom-presets.json", presetFile(listPresets())),
  );
  input.addEventListener("change", async () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (!file) return;
    try {
      const found = readPresets(await file.text());
      if (keep((all) => withNew(all, found.presets)))
        tell(text.imported(found.presets.length, found.unknown, found.wrong));
    } catch (error) {
      tell(text.wrongFile(file.name, /** @type {Error} */ (error).message));
    }
  });

  return {
    open() {
      tell("");
      show();
      choice.offer(form.all(), form.changed());
      dialog.showModal();
      (list.querySelector("button") ?? name).focus();
    },
  };
}

/** All, and new ones under names that are free. @param {Preset[]} all @param {Preset[]} more */
function withNew(all, more) {
  for (const one of more) all.push({ ...one, name: freeName(one.name, all) });
  return all;
}

/**
 * Applies a preset; Undo takes its own fields back, but what the user has changed since.
 * @param {Preset} preset
 * @param {{ all: () => Record<string, string>, fill: (fields: [string, string][]) => void }} form
 */
function applied({ name, fields }, form) {
  const before = form.all();
  form.fill(Object.entries(fields));
  const after = form.all();
  offerUndo(text.applied(name), () => {
    const now = form.all();
    const same = Object.keys(fields).filter((field) => now[field] === after[field]);
    form.fill(same.map((field) => [field, before[field] ?? ""]));
  });
}

/** The others. @param {Preset[]} all @param {string} name */
const without = (all, name) => all.filter((one) => one.name !== name);

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
