// The models that this site offers: the manifests in models/, each with its licence.

/** @typedef {import("./protocol.js").Known} Known */

/**
 * Folders in models/ with a manifest; `scripts/site.mjs` writes them into this line. The built-in
 * model is no part of it: it needs not be fetched.
 * @type {string[]}
 */
const OFFERED = [];

/** @returns {Promise<Known[]>} */
export async function readOffered() {
  const all = await Promise.all(OFFERED.map(read));
  return all.filter((one) => one !== null);
}

/** @param {string} name */
async function read(name) {
  const address = new URL(`models/${name}/`, document.baseURI).href;
  const answer = await fetch(`${address}manifest.json`);
  if (!answer.ok) return null;
  const manifest = await answer.text();
  const { file } = JSON.parse(manifest).licence;
  const licence = file ? await (await fetch(address + file)).text() : undefined;
  return { manifest, address, ...(licence === undefined ? {} : { licence_text: licence }) };
}
