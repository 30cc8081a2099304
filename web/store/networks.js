// The ControlNets, T2I-Adapters and upscalers that this browser stores, and which of them a request
// means. Loaded when the first is needed.

import { startImageFile } from "../storage/start_images.js";
import { hashDigits } from "../files/loras.js";
import { pixelsOf } from "../files/pixels.js";
import { controlText } from "../strings/control.js";
import { diskNameOf, kindOf, nameOf, pathOf } from "./addons.js";
import { hasHash } from "./loras.js";
import { manifestOf } from "./offered.js";
import { theStore } from "./shared.js";

/** @typedef {import("./protocol.js").StoredModel} StoredModel */
/** @typedef {import("./protocol.js").OfferedModel} OfferedModel */
/** @typedef {import("../files/control_choices.js").ControlChoice} ControlChoice */
/** @typedef {"control" | "upscaler"} NetworkKind */

/**
 * A network of a file: `name` of that, without the extension, or of its folder; the file's SHA-256.
 * @typedef {{ id: string, name: string, sha256: string }} Network
 */

/** @param {StoredModel} model @returns {Network} */
export function networkOf({ manifest, files }) {
  const path = pathOf(manifest);
  const listed = manifest.files.find((file) => file.path === path);
  const sha256 = files[path]?.sha256 ?? listed?.sha256 ?? "";
  return { id: manifest.id, name: nameOf({ manifest }), sha256 };
}

/**
 * All of a kind that are stored completely, by name.
 * @param {NetworkKind} kind
 */
export async function listNetworks(kind) {
  const models = await theStore().list();
  const stored = models.filter((model) => kindOf(model) === kind && model.complete);
  return stored.map(networkOf).sort((a, b) => a.name.localeCompare(b.name));
}

/**
 * Those of a kind that the site offers.
 * @param {OfferedModel[]} offered
 * @param {NetworkKind} kind
 */
export const offeredNetworks = (offered, kind) =>
  offered.flatMap((one) => {
    const manifest = manifestOf(one);
    if (kindOf({ manifest }) !== kind) return [];
    const path = pathOf(manifest);
    const sha256 = manifest.files.find((file) => file.path === path)?.sha256 ?? "";
    return [{ id: manifest.id, name: nameOf({ manifest }), sha256, offered: one }];
  });

/**
 * What a list of networks shows of one: its name, with digits of its hash where another file
 * has that name too.
 * @param {Network} network
 * @param {Network[]} all
 */
export const labelOf = ({ name, sha256 }, all) =>
  all.some((one) => one.name === name && one.sha256 !== sha256)
    ? `${name} (${sha256.slice(0, 6)})`
    : name;

/** Name and hash as requests have them. @param {Network} network */
export const networkFile = ({ name, sha256 }) => ({ name, hash: hashDigits(sha256) });

/**
 * The one that a request means: by the hash if it has one, else by the name.
 * @template {Network} T
 * @param {T[]} networks
 * @param {{ name: string, hash: string }} choice
 */
export function findNetwork(networks, { name, hash }) {
  if (hash) return networks.find(({ sha256 }) => hasHash(hash, sha256));
  const lower = name.toLowerCase();
  return networks.find((one) => one.name.toLowerCase() === lower);
}

/**
 * What the engine is given for the controls of a request.
 * @param {ControlChoice[]} choices
 * @returns {Promise<import("../engine/protocol.js").Control[]>}
 * @throws {Error} of kind request for one that is not here, has no picture, or no numbers
 */
export async function controlsOf(choices) {
  if (!choices.length) return [];
  const stored = await listNetworks("control");
  return Promise.all(
    choices.map(async (choice, at) => {
      if (!choice.name) throw wrong(controlText.noModel(at + 1));
      const found = findNetwork(stored, choice);
      if (!found) throw wrong(controlText.missing(choice.name));
      if (!choice.image) throw wrong(controlText.noPicture(choice.name));
      const file = await startImageFile(choice.image);
      if (!file) throw wrong(controlText.pictureGone(choice.name));
      const [weight = 0, start = 0, end = 0] = [choice.weight, choice.start, choice.end].map(
        (text) => {
          const number = numberOf(text);
          if (number === null) throw wrong(controlText.noNumber(choice.name, text));
          return number;
        },
      );
      if (!(start >= 0 && start < end && end <= 1))
        throw wrong(controlText.wrongSteps(choice.name));
      const { guess, preprocess } = choice;
      const image = await pixelsOf(file);
      return { address: `stored:${found.id}`, image, weight, start, end, guess, preprocess };
    }),
  );
}

/**
 * How the files of ControlNets and T2I-Adapters are named on a disk, by those of a request; one
 * that is not stored has its name without an extension.
 * @param {ControlChoice[]} choices
 * @returns {Promise<string[]>}
 */
export async function controlFiles(choices) {
  if (!choices.length) return [];
  const models = (await theStore().list()).filter((model) => kindOf(model) === "control");
  const stored = models.map((model) => ({ ...networkOf(model), file: diskNameOf(model) }));
  return choices.map((choice) => findNetwork(stored, choice)?.file ?? choice.name);
}

/**
 * The address of the upscaler that a request means.
 * @param {{ name: string, hash: string }} choice
 */
export async function upscalerOf(choice) {
  const found = findNetwork(await listNetworks("upscaler"), choice);
  if (found) return `stored:${found.id}`;
  const message = controlText.noUpscaler(choice.name);
  throw Object.assign(new Error(message), { kind: "request", field: "upscaler" });
}

/** A typed number, with a point or a comma; null if it is none. @param {string} text */
export function numberOf(text) {
  const number = Number(text.trim().replace(",", ".") || "NaN");
  return Number.isFinite(number) ? number : null;
}

/** @param {string} message */
const wrong = (message) =>
  Object.assign(new Error(message), { kind: "request", field: "controls" });
