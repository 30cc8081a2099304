// Texts about presets. Loaded when their dialog is first opened.

export const presetText = {
  title: () => "Presets: saved settings",
  about: () =>
    "A preset is settings of the form under a name. When you apply it, it changes these " +
    "settings and no others. (A style is different: it adds words to the prompt.)",
  list: () => "Stored presets",
  none: () => "No preset is stored.",
  /** @param {string} name */
  apply: (name) => `Apply ${name}`,
  rename: () => "Rename",
  renameIt: (/** @type {string} */ name) => `Rename ${name}`,
  delete: () => "Delete",
  deleteIt: (/** @type {string} */ name) => `Delete ${name}`,
  newName: (/** @type {string} */ name) => `New name of ${name}`,
  save: () => "Save",
  saveNow: () => "Save the current settings",
  name: () => "Name",
  withPrompt: () => "Prompt and negative prompt too",
  which: (/** @type {number} */ chosen, /** @type {number} */ all) =>
    `Which settings (${chosen} of ${all})`,
  all: () => "All",
  nothing: () => "None",
  changed: () => "Those that differ from the defaults",
  fields: () => "Settings",
  empty: () => "empty",
  noName: () => "Give it a name.",
  noField: () => "Choose at least one setting.",
  taken: (/** @type {string} */ name) => `There is a preset “${name}” already.`,
  saved: (/** @type {string} */ name) => `“${name}” is saved.`,
  replaced: (/** @type {string} */ name) => `The preset “${name}” is replaced.`,
  deleted: (/** @type {string} */ name) => `The preset “${name}” is deleted.`,
  applied: (/** @type {string} */ name) => `The preset “${name}” is applied.`,
  export: () => "Export all",
  import: () => "Import…",
  imported: (
    /** @type {number} */ count,
    /** @type {string[]} */ unknown,
    /** @type {string[]} */ wrong,
  ) =>
    (count === 1 ? "1 preset is imported." : `${count} presets are imported.`) +
    (unknown.length
      ? ` Left out, because this page has no such field: ${unknown.join(", ")}.`
      : "") +
    (wrong.length ? ` Left out, because no image can be made with it: ${wrong.join(", ")}.` : ""),
  notStored: () =>
    "Not saved: the browser does not store it. Its storage is full, or blocked for this page.",
  tooMany: () =>
    "Not saved: all presets together are too large. Delete some, or shorten their prompts.",
  wrongFile: (/** @type {string} */ name, /** @type {string} */ reason) =>
    `${name} cannot be read: ${reason}`,
  noJson: (/** @type {string} */ reason) => `it is no JSON (${reason}).`,
  noList: () => "it has no list of presets.",
  noPreset: () =>
    "none of its entries is a preset, which has a name and fields that this page knows.",
  tooLarge: () => "it is too large for a list of presets.",
  close: () => "Close",
};
