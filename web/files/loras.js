// The LoRAs of a request as text, as the form, links and lists have them:
//
//     style:0.8, hands#0123456789ab:1:0
//
// a name (the file's, without its extension), on wish the first digits of a hash of the file, the
// weight in the UNet, and the weight in the text encoder where it is another one. Commas, colons
// and number signs in a name are percent-encoded.

import { loraText } from "../strings/addons.js";

/**
 * A LoRA and its weights. `hash`: first digits of its file's SHA-256, or of the hash by which other
 * programs know it; or empty.
 * @typedef {{ name: string, hash: string, weight: number, textWeight: number }} LoraChoice
 */

/** How many digits of a hash are written. */
const DIGITS = 12;

/** The first digits of a hash, as requests have them. @param {string} hash */
export const hashDigits = (hash) => hash.slice(0, DIGITS);

/** The tag of a LoRA in AUTOMATIC1111's syntax; crate/src/text/tags.rs reads the same. */
const TAG = /<(?:lora|lyco):([^:>]+)(?::([^>]*))?>/g;

/**
 * @param {string} text
 * @returns {LoraChoice[]}
 * @throws {Error} of kind request, if a part of it is no LoRA with a weight
 */
export function readLoras(text) {
  const parts = text.split(",").map((part) => part.trim());
  return parts.filter(Boolean).map((part) => {
    const [, name = "", hash = "", unet = "1", encoder = unet] =
      /^([^#:]+)(?:#([0-9a-f]{1,64}))?(?::([^:]*))?(?::([^:]*))?$/i.exec(part) ?? [];
    const [weight, textWeight] = [unet, encoder].map(numberOf);
    if (!name || weight === undefined || textWeight === undefined) throw wrong(part);
    return { name: decoded(name.trim()), hash: hash.toLowerCase(), weight, textWeight };
  });
}

/**
 * A LoRA of a link, `#lora=NAME-or-URL[:weight[:weight in the text encoder]]`; `from`: its address,
 * or empty.
 * @param {string} text
 * @returns {LoraChoice & { from: string }}
 */
export function readLink(text) {
  const number = /(?::(-?\d*\.?\d+))?/.source;
  const [, what = "", unet = "1", encoder = unet] =
    new RegExp(`^(.*?)${number}${number}$`).exec(text.trim()) ?? [];
  const isAddress = what.includes("/");
  const name = isAddress ? nameIn(what) : what;
  const [weight, textWeight] = [Number(unet), Number(encoder)];
  return { name, hash: "", weight, textWeight, from: isAddress ? what : "" };
}

/**
 * As `readLink` reads it.
 * @param {string} address
 * @param {Pick<LoraChoice, "weight" | "textWeight">} weights
 */
export const writeLink = (address, { weight, textWeight }) =>
  `${address}:${weight}${textWeight === weight ? "" : `:${textWeight}`}`;

/** The name of the file, or of the manifest's folder, at an address. @param {string} address */
function nameIn(address) {
  const [path = ""] = address.split(/[?#]/);
  const parts = path.replace(/(\/manifest\.json)?\/*$/, "").split("/");
  return decoded(parts.at(-1) ?? "").replace(/\.[a-z]+$/i, "");
}

/** @param {LoraChoice[]} choices */
export function writeLoras(choices) {
  return choices
    .map(({ name, hash, weight, textWeight }) => {
      const own = name.replace(/[%,:#]/g, (char) => encodeURIComponent(char));
      const encoder = textWeight === weight ? "" : `:${textWeight}`;
      return `${own}${hash && `#${hashDigits(hash)}`}:${weight}${encoder}`;
    })
    .join(", ");
}

/**
 * The LoRAs that made an image, from the text of its file (`darkroom-loras`). Empty if it has none.
 * @param {string | undefined} json
 * @param {Set<string>} [named] names in lower case that are left out
 */
export function writtenIn(json, named = new Set()) {
  const list = parsed(json ?? "[]");
  if (!Array.isArray(list)) return "";
  return writeLoras(
    list
      .filter((one) => typeof one?.name === "string" && Number.isFinite(one.weight))
      .filter(({ name }) => !named.has(name.toLowerCase()))
      .map(({ name, weight, text_encoder_weight: encoder, sha256 }) => ({
        name,
        weight,
        textWeight: Number.isFinite(encoder) ? encoder : weight,
        hash: /^[0-9a-f]{12,64}$/.test(sha256) ? sha256 : "",
      })),
  );
}

/** @param {string} json @returns {unknown} */
function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

/**
 * The LoRAs that a prompt names.
 * @param {string} prompt
 * @returns {{ name: string, weight: string }[]}
 */
export const taggedIn = (prompt) =>
  [...prompt.matchAll(TAG)].map(([, name = "", weight = ""]) => ({ name: name.trim(), weight }));

/**
 * The weights that a tag has after its name, as the engine reads them: by place (text encoder,
 * UNet) or by name (te, unet).
 * @param {string} text
 */
export function tagWeights(text) {
  const values = text.split(":").filter(Boolean);
  const named = (/** @type {string} */ name) =>
    values.findLast((value) => value.startsWith(`${name}=`))?.slice(name.length + 1);
  const places = values.filter((value) => !value.includes("="));
  const textWeight = numberOf(named("te") ?? places[0] ?? "1") ?? 1;
  return { weight: numberOf(named("unet") ?? places[1] ?? String(textWeight)) ?? 1, textWeight };
}

/**
 * A prompt without the tag of a LoRA.
 * @param {string} prompt
 * @param {string} name
 */
export const withoutTag = (prompt, name) =>
  prompt.replace(TAG, (all, own) => (own.trim() === name ? "" : all)).trim();

/** @param {string} text */
function numberOf(text) {
  const number = Number(text.trim() || "NaN");
  return Number.isFinite(number) ? number : undefined;
}

/** @param {string} name */
function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** @param {string} part */
const wrong = (part) =>
  Object.assign(new Error(loraText.wrong(part)), { kind: "request", field: "loras" });
