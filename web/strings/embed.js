// Texts of embed.html, the page for frames of other sites.

const list = (/** @type {readonly string[]} */ names) => names.join(", ");

export const text = {
  alone: () => "This page makes images for pages of other sites, which hold it in a frame.",
  nobody: () =>
    "No other site may use this page. Its host allows origins when the site is built: " +
    "scripts/build --embed-host https://example.org",
  waiting: (/** @type {string[]} */ hosts) => `Pages of ${list(hosts)} may ask for images here.`,
  works: (/** @type {string} */ host) => `Images are made for ${host}.`,
  version: (/** @type {number} */ version) => `darkroom must be ${version}.`,
  call: (/** @type {readonly string[]} */ names) => `call must be one of ${list(names)}.`,
  id: () => "id must be a text, which the answers have too.",
  cancelled: () => "Cancelled.",
  taken: (/** @type {string | null} */ id) => `An image with the id "${id}" is being made.`,
  request: () => "request must be an object with the fields of a request.",
  model: (/** @type {string} */ base) =>
    `model must be the address of a model's folder or file below ${base}.`,
  options: (/** @type {readonly string[]} */ names) =>
    `options may have ${list(names)}, each of them a text.`,
};
