// Texts about ControlNets, T2I-Adapters and their pictures. Loaded when the first is needed.

export const controlText = {
  title: (/** @type {number} */ place, /** @type {string} */ name) =>
    `Control ${place}${name ? `: ${name}` : ""}`,
  add: () => "Add a ControlNet or T2I-Adapter",
  about: () =>
    "A ControlNet or T2I-Adapter guides the image by another picture: its edges, a drawing, " +
    "a pose.",
  none: () =>
    "None is stored in this browser. Drop its file (.safetensors, .pth) or its folder on the " +
    "page, or import it below.",
  model: () => "Model",
  choose: () => "Choose…",
  offered: () => "On this site",
  absent: () => "not in this browser",
  get: (/** @type {string} */ name) => `Get ${name}`,
  picture: () => "Choose picture…",
  anotherPicture: () => "Another picture…",
  draw: (/** @type {boolean} */ drawn) => (drawn ? "Edit drawing…" : "Draw…"),
  replaced: () => "The drawing has taken the picture's place.",
  fromStart: () => "Use start image",
  /** @param {number} width @param {number} height */
  pictureSize: (width, height) => `Control picture, ${width} × ${height}`,
  noPictureYet: () => "No picture yet: choose, draw, drop or paste one.",
  noStart: () => "There is no start image.",
  preprocess: () => "Preprocessor",
  preprocessors: () => [
    ["none", "none"],
    ["canny", "canny (edges)"],
    ["invert", "invert (black on white)"],
  ],
  weight: () => "Control weight",
  slider: () => "Slider for the control weight",
  start: () => "Starting control step",
  end: () => "Ending control step",
  guess: () => "Guess mode",
  remove: () => "Remove",
  removeIt: (/** @type {string} */ title) => `Remove ${title}`,
  noModel: (/** @type {number} */ place) =>
    `Control ${place} has no model: choose one, or remove it.`,
  missing: (/** @type {string} */ name) =>
    `The ControlNet or T2I-Adapter “${name}” is not in this browser. Import its file, or remove ` +
    "it.",
  noPicture: (/** @type {string} */ name) => `${name} has no picture: choose, draw or drop one.`,
  pictureGone: (/** @type {string} */ name) =>
    `The picture of ${name} is no longer kept here. Choose it again.`,
  /** @param {string} name @param {string} file of the image */
  notExported: (name, file) =>
    `The picture of ${name} is no longer kept here: the request for ${file} is without it.`,
  noNumber: (/** @type {string} */ name, /** @type {string} */ text) =>
    `“${text}” of ${name} is not a number.`,
  wrongSteps: (/** @type {string} */ name) =>
    `${name} must begin before it ends, both from 0 to 1.`,
  noUpscaler: (/** @type {string} */ name) =>
    `The upscaler “${name}” is not in this browser. Import its file, or choose another.`,
  notAPicture: (/** @type {string} */ reason) => `That cannot be a control picture (${reason}).`,
};
