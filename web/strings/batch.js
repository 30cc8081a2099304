// Texts of making many images at once. Loaded with the first use.

const numbers = (/** @type {number} */ count) => count.toLocaleString("en");
const images = (/** @type {number} */ count) =>
  count === 1 ? "1 image" : `${numbers(count)} images`;
const some = (/** @type {number} */ count, /** @type {string} */ what) =>
  count === 1 ? `1 ${what}` : `${numbers(count)} ${what}s`;

export const batchText = {
  /* Templates. */
  tooLong: (/** @type {number} */ most) =>
    `The text is longer than ${numbers(most)} characters once it is expanded.`,
  tooMuchText: () => "All texts together are too long. Use fewer combinations or shorter lists.",
  notOpened: (/** @type {number} */ at, /** @type {string} */ around) =>
    `The brace } at character ${at} (“${around}”) closes nothing. Write \\} for a plain brace.`,
  notClosed: (/** @type {number} */ at, /** @type {string} */ around) =>
    `The brace { at character ${at} (“${around}”) is not closed. Write \\{ for a plain brace.`,
  noVariables: (/** @type {string} */ around) =>
    `Variables such as “${around}” are not supported. Write \\$ for a plain $.`,
  noSamplers: (/** @type {string} */ around) =>
    `Samplers such as “${around}” are not supported. Write \\@ or \\! for a plain @ or !.`,
  noParameters: (/** @type {string} */ around) =>
    `Parameters of a list such as “${around}” are not supported. Write \\_ for a plain _.`,
  tooDeep: (/** @type {number} */ most) =>
    `There are more than ${most} levels of braces inside braces.`,
  listsTooDeep: (/** @type {number} */ most) =>
    `Lists use other lists more than ${most} levels deep.`,
  noWeight: (/** @type {string} */ around) =>
    `Each choice of “${around}” has the weight 0, so none can be chosen.`,
  tooManyPicks: (/** @type {number} */ most) => `The number before $$ is at most ${most}.`,
  tooManyChoices: (/** @type {number} */ most) =>
    `One text takes more than ${numbers(most)} choices: its lists name each other too often.`,
  noFirst: () => "The first value is the text to search for: it cannot be empty.",
  noList: (/** @type {string} */ name) =>
    `There is no list “${name}”. Make or import it under Many images…, Wildcards.`,
  emptyList: (/** @type {string} */ name) => `The list “${name}” has no lines to choose from.`,
  tooManyStars: (/** @type {number} */ most) => `A name has at most ${most} stars.`,
  circle: (/** @type {string[]} */ names) =>
    `A list contains itself: ${names.map((name) => `“${name}”`).join(" names ")}.`,
  wrongLine: (
    /** @type {string} */ list,
    /** @type {number} */ line,
    /** @type {string} */ reason,
  ) => `Line ${line} of the list “${list}”: ${reason}`,
  tooManyTexts: (/** @type {number} */ count, /** @type {number} */ most) =>
    `There are ${count >= Number.MAX_SAFE_INTEGER ? "more than " : ""}${numbers(count)} ` +
    `combinations. At most ${numbers(most)} can be made at once.`,
  inNegative: (/** @type {string} */ reason) => `Negative prompt: ${reason}`,

  /* Values and axes. */
  notNumbers: (/** @type {string} */ part) =>
    `“${part}” is no number and no range such as 1-5, 1-10 (+2) or 1-10 [5].`,
  notWhole: (/** @type {string} */ part) => `“${part}” has numbers that are not whole.`,
  wrongStep: (/** @type {string} */ part) =>
    `“${part}” has no values: its step leads away from its end, or is 0.`,
  notSeeds: (/** @type {string} */ part) =>
    `“${part}” is no seed and no range such as 1-20: whole numbers from 0 to 2⁶⁴ − 1.`,
  tooManyValues: (/** @type {number} */ most) => `These are more than ${numbers(most)} values.`,
  outside: (
    /** @type {string} */ label,
    /** @type {string} */ value,
    /** @type {number | undefined} */ least,
    /** @type {number | undefined} */ most,
  ) =>
    `${label}: ${value} is not ` +
    (least === undefined ? `at most ${most}.` : `from ${least} to ${most ?? "any number"}.`),
  asModel: () => "as the model says",
  replace: () => "Prompt search and replace",
  loraWeight: (/** @type {string} */ name) => `LoRA weight: ${name}`,
  promptOrder: () => "Prompt order",
  style: () => "Style",
  checkpoint: () => "Checkpoint",
  builtIn: () => "the built-in model",
  ownPart: (/** @type {string} */ part) => (part === "taesd" ? "none" : "the model’s own"),
  control: {
    weight: (/** @type {string} */ name) => `Control weight: ${name}`,
    start: (/** @type {string} */ name) => `Starting control step: ${name}`,
    end: (/** @type {string} */ name) => `Ending control step: ${name}`,
  },
  hintOrder: () =>
    "Words of the prompt between commas, which change places in all orders; empty: all parts of " +
    "the prompt between its commas",
  notInOrder: (/** @type {string} */ part) =>
    `“${part}” is not in the prompt, or only inside another part.`,
  tooManyOrders: (/** @type {number} */ count) =>
    `${count} parts have too many orders. Name up to 6 parts.`,
  hintWhole: () => "Such as 10, 20, 30 · 1-5 · 1-10 (+2) · 1-10 [5]",
  hintNumbers: () => "Such as 5, 7.5, 10 · 1-5 · 0-1 (+0.25) · 0-1 [6]",
  hintSeeds: () => "Such as 1, 2, 42 · 1-20 · 100-200 (+10)",
  hintTexts: () => "Values between commas; one with a comma in quotes",
  hintReplace: () =>
    "The first value is the text to search for; it is replaced by each value, itself included",
  notInPrompt: (/** @type {string} */ words) => `“${words}” is in neither prompt.`,
  noValues: (/** @type {string} */ label) => `${label}: give at least one value.`,
  twice: (/** @type {string} */ label) => `Two axes are ${label}. Choose another for one of them.`,
  tooManyCells: (/** @type {number} */ count, /** @type {number} */ most) =>
    `These are ${numbers(count)} images. A grid has at most ${numbers(most)}.`,
  noParts: () => "Separate optional parts by |: a photo | at night | by the sea.",
  tooManyParts: (/** @type {number} */ count, /** @type {number} */ most) =>
    `${count} optional parts make ${numbers(2 ** count)} images. At most ${most} parts are ` +
    "possible.",
  parts: () => "Prompt",
  nothing: () => "—",

  /* Lists. */
  wrongName: (/** @type {string} */ typed) =>
    `“${typed}” cannot be the name of a list: letters, digits, spaces, - _ . and / for folders, ` +
    "with no two underscores together and none at the ends.",
  listTooLong: (/** @type {string} */ name, /** @type {number} */ most) =>
    `The list “${name}” is longer than ${numbers(most)} characters.`,
  nameTaken: (/** @type {string} */ name) => `There is a list “${name}” already.`,
  lists: () => "Lists on this device",
  noLists: () =>
    "No list yet. A list is a text with one choice per line; __name__ in a prompt is replaced by " +
    "one of them.",
  lines: (/** @type {number} */ count) => some(count, "line"),
  newList: () => "New list",
  edit: () => "Edit",
  remove: () => "Delete",
  removed: (/** @type {string} */ name) => `The list “${name}” is deleted.`,
  importFiles: () => "Import files…",
  importFolder: () => "Import a folder…",
  /** @param {number} count @param {number} replaced of which a list had the same name */
  imported: (count, replaced) =>
    `${some(count, "list")} ${count === 1 ? "is" : "are"} imported.` +
    (replaced ? ` Replaced: ${replaced} of the same name.` : ""),
  nothingImported: () => "These files have no lists: choose .txt, .json, .yaml or .zip files.",
  /** @param {string[]} names @param {number} most that are named */
  leftOut: (names, most) =>
    ` Not read: ${names.slice(0, most).join(", ")}` +
    (names.length > most ? ` and ${numbers(names.length - most)} more.` : "."),
  notRead: (/** @type {string} */ path, /** @type {string} */ reason) => `${path} (${reason})`,
  wrongNamed: (/** @type {string} */ name) => `${name} (a name that no prompt can have)`,
  notImported: (/** @type {string} */ file, /** @type {string} */ reason) =>
    `${file} cannot be imported: ${reason}`,
  tooManyLists: (/** @type {number} */ most, /** @type {number} */ characters) =>
    `these are more than ${numbers(most)} lists, or more than ${numbers(characters)} characters.`,
  foldersTooDeep: (/** @type {number} */ most) => `its folders are more than ${most} deep.`,
  exportZip: () => "Export all (zip)",
  exportJson: () => "Export all (JSON)",
  listName: () => "Name",
  listText: () => "One choice per line; lines that begin with # are comments",
  save: () => "Save",
  cancel: () => "Cancel",
  sureToLeave: (/** @type {string} */ name) =>
    name
      ? `The list “${name}” has changes that are not saved. Discard them?`
      : "The new list is not saved. Discard it?",
  saved: (/** @type {string} */ name) => `The list “${name}” is saved.`,

  /* The dialog. */
  title: () => "Many images",
  tabs: () => "Ways to make many images",
  tab: {
    wildcards: "Wildcards",
    grid: "Grid",
    matrix: "Prompt matrix",
    seeds: "Seeds",
    results: "Results",
  },
  close: () => "Close",
  atOnce: () => "Start at once (otherwise the jobs wait in the queue)",
  generate: (count = 0) => (count ? `Generate ${images(count)}` : "Generate"),
  count: (/** @type {number} */ count) => `${images(count)}.`,
  queued: (/** @type {number} */ count) =>
    `${some(count, "job")} ${count === 1 ? "is" : "are"} added to the queue.`,

  dropped: (/** @type {number} */ count) =>
    `${some(count, "job")} ${count === 1 ? "is" : "are"} removed from the queue.`,

  expand: () => "Expand {a|b} and __lists__ in prompts",
  expandHint: () =>
    "When this is off, braces are plain text. When it is on, Generate and Add to queue add one " +
    "job for each image, with its own text. The seed of the image decides the choices.",
  syntax: () => "What can be written",
  syntaxRows: /** @type {[string, string][]} */ ([
    ["{red|blue}", "one of them"],
    ["{2::red|blue}", "red twice as often as blue"],
    ["{2$$a|b|c}", "two of them, joined by a comma"],
    ["{1-2$$ and $$a|b|c}", "one or two of them, joined by “ and ”"],
    ["__colours__", "one line of the list “colours”"],
    ["__animals/*__", "one line of all lists in the folder “animals”"],
    ["# a comment", "ignored up to the end of the line, like // a comment"],
    ["\\{ \\} \\| \\_ \\$ \\#", "the sign itself"],
  ]),
  combinations: (/** @type {number} */ count) =>
    count >= Number.MAX_SAFE_INTEGER
      ? `The form’s prompts have more than ${numbers(count)} combinations.`
      : count === 1
        ? "The form’s prompts have nothing to choose from: 1 combination."
        : `The form’s prompts have ${numbers(count)} combinations. For example:`,
  atRandom: (/** @type {number} */ count) => `Generate ${images(count)} at random`,
  all: (/** @type {number} */ count) => `Generate all ${numbers(count)} combinations`,
  allTooMany: () => "Generate all combinations",
  oneSeed: () => "One seed for all combinations",

  gridHint: () => "All other settings, including the seed, come from the form.",
  axis: (/** @type {string} */ name) => `${name} axis`,
  axisName: { x: "X", y: "Y", z: "Z" },
  none: () => "none",
  noAxis: () => "Choose what an axis changes.",
  values: (/** @type {string} */ name) => `${name} values`,
  gridTitle: (/** @type {string[]} */ labels) => labels.join(" × "),

  matrixHint: () =>
    "The text before the first bar is in every image. Each combination of the other parts " +
    "becomes one image.",
  matrixPrompt: () => "Prompt with optional parts, separated by |",
  separator: () => "Between the parts",
  separators: /** @type {[string, string][]} */ ([
    [", ", "a comma"],
    [" ", "a space"],
  ]),
  place: () => "Optional parts come",
  places: /** @type {[string, string][]} */ ([
    ["behind", "after the rest"],
    ["before", "before the rest"],
  ]),

  seedsHint: () => "One image for each seed; all other settings come from the form.",
  seeds: () => "Seeds",

  noGrids: () => "Grids and prompt matrices that you make are kept here.",
  grid: () => "Grid",
  gridOption: (/** @type {string} */ title, /** @type {number} */ made) =>
    `${title} · ${new Date(made).toLocaleString()}`,
  value: (/** @type {string} */ label, /** @type {string} */ value) =>
    ["Prompt", "Prompt search and replace", "Prompt order"].includes(label)
      ? value
      : `${label}: ${value}`,
  states: (/** @type {Map<string, number>} */ found) =>
    [...found].map(([state, count]) => `${numbers(count)} ${state}`).join(", "),
  state: /** @type {Record<string, string>} */ ({
    done: "done",
    waiting: "waiting",
    running: "running",
    failed: "failed",
    cancelled: "cancelled",
  }),
  cellName: (/** @type {string[]} */ values) => values.filter(Boolean).join(", "),
  failed: (/** @type {string} */ reason) => `failed: ${reason}`,
  openCell: (/** @type {string} */ name) => `Open in the gallery: ${name}`,
  savePng: () => "Save plot (PNG)",
  saveHtml: () => "Save as HTML",
  retry: (/** @type {number} */ count) => `Make ${some(count, "missing cell")} again`,
  startQueue: () => "Start the queue",
  stop: () => "Remove the waiting cells from the queue",
  dropGrid: () => "Delete grid",
  gridDropped: () => "The grid is deleted; its images stay in the gallery.",
  plotting: () => "Drawing the plot…",
  plotted: (/** @type {number} */ width, /** @type {number} */ height) =>
    `The plot has ${width} × ${height} pixels.`,
  plottedSmaller: (
    /** @type {number} */ width,
    /** @type {number} */ height,
    /** @type {number} */ scale,
  ) =>
    `At full size the plot would be too large for a canvas: it is drawn at ` +
    `${Math.max(1, Math.round(scale * 100))} %, ${width} × ${height} pixels.`,
  noCanvas: () => "The browser has no memory for a canvas of this size.",
  tooLargeForHtml: () =>
    "The images are too large for one HTML file: they are saved beside it, in a zip file.",
  firstCell: () => "Settings of the first cell",
};
