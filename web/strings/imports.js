// Texts about requests and lists from files of other programs.

/** The names of kinds of added networks. */
const NETWORKS = new Map([
  ["lora", "LoRA"],
  ["lyco", "LyCORIS"],
  ["hypernet", "hypernetwork"],
]);

export const importText = {
  /** @param {string} kind @param {string} name @param {string} weight */
  network: (kind, name, weight) =>
    `${NETWORKS.get(kind) ?? kind} ${name}${weight ? ` (${weight})` : ""}`,
  /** @param {string} name */
  embedding: (name) => `textual inversion ${name}`,
  /**
   * What is not here, with its hash.
   * @param {string} what
   * @param {string} hash
   * @param {boolean} [named] whether another file of the name is here
   */
  withHash: (what, hash, named = false) =>
    (hash ? `${what}, hash ${hash.slice(0, 12)}` : what) +
    (named ? " (the stored file of that name is used instead)" : ""),
  /** @param {string} text */
  editing: (text) => `prompt that changes on the way: ${text}`,
  and: () => "AND between prompts (read as a comma)",
  /** @param {string} name */
  sampler: (name) => `sampler ${name}, which is not available here (choose one)`,
  /** @param {string} name */
  schedule: (name) => `noise schedule ${name}`,
  /** @param {string} name */
  noise: (name) => `noise source ${name}`,
  controlImages: () => "the pictures of ControlNets, which are not in the file",
  startImage: () => "the start image, which is not in the file",
  styles: () => "styles",
  /** @param {string} settings */
  pass: (settings) => `a second pass (${settings})`,
  pasted: () => "The form was filled in from the text in the prompt.",
  /** @param {string[]} settings */
  notImported: (settings) => `Not taken over: ${settings.join("; ")}.`,

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
  noRequests: () => "the archive holds no requests.jsonl",
  /** @param {string} path */
  notInZip: (path) => `the archive has no file ${path}`,
  wrongZip: () => "it is not a whole zip file",
};
