// Texts about YAML files of wildcard lists. Loaded with the first file of lists.

export const yamlText = {
  fault: (/** @type {number} */ line, /** @type {string} */ reason) => `line ${line}: ${reason}`,
  comments: (/** @type {number} */ count) =>
    `${count === 1 ? "1 item that begins" : `${count.toLocaleString("en")} items that begin`} ` +
    'with #, a comment in YAML: to be read it must stand in quotes, "#…"',
  indent: () => "its indentation fits nothing above it.",
  tab: () => "it begins with a tab. YAML wants spaces.",
  documents: () => "a second document begins. Only one is read.",
  nested: () => "a list or a map stands inside a list. Put the items below a name of their own.",
  twice: (/** @type {string} */ key) => `the name “${key}” is there twice in one map.`,
  quote: () => "its quotes are not closed, or something follows them.",
  escape: (/** @type {string} */ sign) => `${sign} means nothing inside double quotes. Write \\\\.`,
  sign: (/** @type {string} */ sign) =>
    `a text that begins with ${sign} must stand in quotes: "${sign}…".`,
  colon: () => "a text with “: ” inside must stand in quotes.",
  noKey: () => "there is no name with a colon, such as “colours:”, and no item such as “- red”.",
  bracket: () => "its [ is not closed, or something follows its ].",
  tooLong: (/** @type {number} */ most) => `it is longer than ${most.toLocaleString("en")} signs.`,
};
