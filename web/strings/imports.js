// Texts about requests and lists from files of other programs.

export const importText = {
  pasted: () => "The form was filled in from the text in the prompt.",
  /** @param {string} name */
  workflowOnly: (name) =>
    `${name} holds a ComfyUI workflow without the values that it ran with, so its request cannot ` +
    "be read. In ComfyUI, save the image again after a run.",
  /** @param {string} name */
  unread: (name) => `${name} holds a request in a form that this page cannot read.`,
  /** @param {number} width @param {number} height @param {number} most */
  tooLarge: (width, height, most) =>
    `it has ${width} × ${height} pixels; at most ${most} × ${most} are read`,

  /** @param {number} line @param {string} reason */
  line: (line, reason) => `line ${line}: ${reason}`,
  noPrompt: () => "no prompt",
  /** @param {string} name */
  unknownColumn: (name) => `the column “${name}” is not a field of a request`,
  /** @param {string} name @param {string} value @param {string} wanted */
  wrongValue: (name, value, wanted) => `${name} must be ${wanted}, not “${value}”`,
  /** @param {string} seed @param {string} count */
  seedTooLarge: (seed, count) =>
    `seed ${seed} is too large for ${count} images: the last would be beyond ` +
    "18446744073709551615",
  wrongText: () => "its text is neither UTF-8 nor UTF-16. Save it as UTF-8",
  openQuote: () => "a quote is not closed",
  /** @param {string} word */
  noOption: (word) => `“${word}” is not an option of the form --name value`,
  /** @param {string} name @param {string} path */
  beside: (name, path) =>
    `“${name}” is an image beside the list (${path}), which cannot be read here. Drop the zip ` +
    `file with the list and its images, or remove “${name}”`,
  noRequests: () => "the archive holds no requests.jsonl",
  /** @param {string} path */
  notInZip: (path) => `the archive has no file ${path}`,
  wrongZip: () => "it is not a whole zip file",
};
