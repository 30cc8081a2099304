// The models that this site offers: the manifests in models/, each with its licence.

/** @typedef {import("./protocol.js").OfferedModel} OfferedModel */
/** @typedef {import("./protocol.js").Manifest} Manifest */

/**
 * Folders in models/ with a manifest; `scripts/site.mjs` writes them into this line. The built-in
 * model is not among them: it needs no download.
 * @type {string[]}
 */
const OFFERED = [];

/** @returns {Promise<OfferedModel[]>} */
export async function readOffered() {
  const all = await Promise.all(OFFERED.map(read));
  return all.filter((one) => one !== null);
}

/** @param {string} name */
async function read(name) {
  const address = new URL(`models/${name}/`, document.baseURI).href;
  const response = await fetch(`${address}manifest.json`);
  if (!response.ok) return null;
  const manifest = await response.text();
  const { file } = JSON.parse(manifest).licence;
  const licence = file ? await (await fetch(address + file)).text() : undefined;
  return { manifest, address, ...(licence === undefined ? {} : { licence_text: licence }) };
}

/** The sum of the known sizes of a model's files. @param {Manifest} manifest */
const bytesOf = ({ files }) => files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);

/**
 * Offered models that are smaller than this one.
 * @param {OfferedModel[]} offered
 * @param {Manifest} manifest
 */
export function smallerThan(offered, manifest) {
  const all = offered.map((one) => /** @type {Manifest} */ (JSON.parse(one.manifest)));
  return all.filter((one) => bytesOf(one) < bytesOf(manifest));
}
