// What this site offers: the manifests in models/, each with its licence, of models and of files
// that change one; and what a link names by its address.

import { ADDON, kindOf, nameOf } from "./addons.js";

/** @typedef {import("./protocol.js").OfferedModel} OfferedModel */
/** @typedef {import("./protocol.js").Manifest} Manifest */

/**
 * Folders in models/ with a manifest; `scripts/site.mjs` writes them into this line. The built-in
 * model is not among them: it needs no download.
 * @type {string[]}
 */
const OFFERED = [];

/** The unit of fetching a file that has no manifest, in bytes. */
const CHUNK_BYTES = 16 << 20;
/** How many digits of an address's hash tell files of one name apart. */
const DIGITS = 16;

/** @returns {Promise<OfferedModel[]>} */
export async function readOffered() {
  const all = await Promise.all(
    OFFERED.map((name) => read(new URL(`models/${name}/`, document.baseURI).href)),
  );
  return all.filter((one) => one !== null);
}

/** @param {string} address of a manifest's folder */
async function read(address) {
  const response = await fetch(`${address}manifest.json`);
  if (!response.ok) return null;
  const manifest = await response.text();
  const { file } = JSON.parse(manifest).licence;
  const found = file ? await fetch(address + file) : undefined;
  // Without the text of its licence nothing is offered.
  if (found && !found.ok) return null;
  const licence = await found?.text();
  return { manifest, address, ...(licence === undefined ? {} : { licence_text: licence }) };
}

/** @param {OfferedModel} offered @returns {Manifest} */
export const manifestOf = ({ manifest }) => JSON.parse(manifest);

/**
 * The offered LoRA of this name, which is its file's or its id.
 * @param {OfferedModel[]} offered
 * @param {string} name
 */
export const offeredLora = (offered, name) =>
  offered.find((one) => {
    const manifest = manifestOf(one);
    const names = [nameOf({ manifest }), manifest.id].map((own) => own.toLowerCase());
    return kindOf({ manifest }) === "lora" && names.includes(name.toLowerCase());
  });

/**
 * The LoRA at an address: that of a manifest, of its folder, or of the file itself, which is made a
 * manifest here: its hash is pinned by the first download.
 * @param {string} address from the page
 * @returns {Promise<OfferedModel | null>} null if there is none
 */
export async function loraAt(address) {
  const url = new URL(address, document.baseURI);
  if (ADDON.test(url.pathname)) return madeUp(url);
  const folder = url.pathname.endsWith("manifest.json") ? new URL(".", url) : url;
  const found = await read(folder.href.replace(/\/*$/, "/"));
  return found && kindOf({ manifest: manifestOf(found) }) === "lora" ? found : null;
}

/** @param {URL} url @returns {Promise<OfferedModel | null>} */
async function madeUp(url) {
  // The download asks for the path alone.
  const { ok, headers } = await fetch(url.origin + url.pathname, { method: "HEAD" });
  const bytes = Number(headers.get("Content-Length"));
  if (!ok || !bytes) return null;
  const [path = ""] = /[^/]*$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const folder = new URL(".", url).href;
  const isHere = url.origin === location.origin;
  // Publishers lead requests for bytes to other hosts of theirs, which the site's manifests name.
  const known = (await readOffered()).flatMap((one) => manifestOf(one).hosts);
  const name = path.replace(/\.[^.]*$/, "");
  // Many publishers have files of one name: the address tells them apart.
  const digits = await digest(folder + path);
  const id = `${name.toLowerCase().replace(/[^a-z0-9]+/g, "-")}-${digits}`.replace(/^-+/, "");
  const manifest = {
    format: 1,
    id: id.slice(-80),
    title: name,
    kind: "lora",
    licence: { name: "not told" },
    base: isHere ? "" : folder,
    hosts: isHere ? [] : [...new Set([url.origin, ...known])],
    chunk_bytes: CHUNK_BYTES,
    files: [{ path, bytes }],
  };
  return { manifest: JSON.stringify(manifest), address: folder };
}

/** The first digits of a text's SHA-256. @param {string} text */
async function digest(text) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const digits = [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0"));
  return digits.join("").slice(0, DIGITS);
}

/** The sum of the known sizes of a model's files. @param {Manifest} manifest */
const bytesOf = ({ files }) => files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);

/**
 * Offered models that are smaller than this one.
 * @param {OfferedModel[]} offered
 * @param {Manifest} manifest
 */
export function smallerThan(offered, manifest) {
  const all = offered.map(manifestOf).filter((one) => kindOf({ manifest: one }) === "model");
  return all.filter((one) => bytesOf(one) < bytesOf(manifest));
}
