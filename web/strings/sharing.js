// Texts of the switch for Cross-Origin Storage.

export const text = {
  label: () => "Share downloaded models with other sites",
  hint: () =>
    "This browser has a storage that all sites share, in which a file is known by its SHA-256. " +
    "With this switch, a model that another site has put there is not fetched again: its bytes " +
    "are compared with their checksums and stored here. And a model that you download here is " +
    "put there, where it stays when you delete it here. A site that knows a model’s checksums " +
    "can find out that you have it. Prompts, images and your own files are never shared.",
  later: () => "It is used as soon as this page is opened again, or reloaded.",
  given: (/** @type {string} */ title) => `${title} is shared.`,
  notGiven: (/** @type {string} */ title, /** @type {string} */ reason) =>
    `${title} is not shared: ${reason}`,
};
