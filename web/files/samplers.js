// Other programs' names of samplers and noise schedules. One that this program does not have is
// listed as not imported, and the nearest is offered; it is never taken silently.

import { lossText } from "../strings/losses.js";
import {
  AUTOMATIC,
  COMFY,
  PLAIN_SCHEDULES,
  letters,
  samplerKey,
  samplerOf,
  scheduleOf,
} from "./sampler_map.js";

/** @typedef {import("./fields.js").Fields} Fields */

/**
 * What the user may choose instead: `name` of it, and the fields that choose it; `label` of its
 * button, and a sentence about it, if they are not the usual ones.
 * @typedef {{ name: string, fields: Fields, label?: string, said?: string }} Offer
 */

/**
 * `noise`: that the sampler adds other noise here than there, as it is listed.
 * @typedef {{ fields: Fields, notImported: string[], offers: Offer[], noise: string[] }} Sampling
 */

/** Samplers that add noise in their steps, other than those whose name has SDE. */
const NOISY = ["euler_ancestral", "dpmpp_2s_ancestral", "dpm_2_ancestral", "lcm", "tcd", "ddpm"];

/** Programs in which those add the noise that they add here. */
const SAME_NOISE = ["AUTOMATIC1111", "Forge", "SD.Next", "stable-diffusion.cpp", "ComfyUI"];

/** AUTOMATIC1111's web UI and what is built on it. */
const WEB_UI = ["AUTOMATIC1111", "Forge"];

const SCHEDULE_AT_END = new RegExp(
  "^(.+?)[ _](k|karras|exponential|simple|beta|discrete|normal|ays|gits|smoothstep|" +
    "sgm[ _]uniform|kl[ _]optimal|align[ _]your[ _]steps|bong[ _]tangent)$",
  "i",
);

/**
 * A name with what other programs write into it: `DPM++ 2M Karras`, `dpmpp_2m_k`, `euler_a simple`,
 * `DDIM Trailing`, `dpmpp_2m_sde_gpu`. `wanted` is the schedule.
 * @param {string} name
 * @param {string} schedule
 */
function parts(name, schedule) {
  const [, spaced = name, trailing] = /^(.*?)[ _](trailing)$/i.exec(name) ?? [];
  const bare = spaced.replace(/_gpu$/i, "");
  // The schedule is its end, where there is one.
  const [, head = bare, end = ""] = SCHEDULE_AT_END.exec(bare) ?? [];
  const key = samplerKey(head);
  let wanted = schedule.replace(/(?:default|scheduler)$/i, "");
  if (letters(wanted) === "automatic") wanted = AUTOMATIC.get(key) ?? "";
  if (end) wanted = end.toLowerCase() === "k" ? "karras" : end;
  return { key, wanted, spacing: trailing ? "trailing" : "" };
}

/**
 * The field of a schedule, what of it is lost, and what is offered instead.
 * @param {string} wanted
 * @param {string} program
 * @returns {{ sigmas: string, notImported: string[], offers: Offer[] }}
 */
function scheduleIn(wanted, program) {
  const key = letters(wanted);
  // This program's own text says where the schedule is not to be the model's.
  if (program && PLAIN_SCHEDULES.includes(key)) return { sigmas: "", notImported: [], offers: [] };
  const { here, near } = scheduleOf(key, program);
  if (here) {
    return { sigmas: here, notImported: [], offers: [] };
  }
  if (PLAIN_SCHEDULES.includes(key)) return { sigmas: "", notImported: [], offers: [] };
  if (!near) return { sigmas: "", notImported: [lossText.schedule(wanted)], offers: [] };
  /** @type {Offer} */
  const offer = { name: near, fields: [["sigmas", near]] };
  const said = near === key ? lossText.otherSchedule(wanted, program) : wanted;
  return { sigmas: "", notImported: [lossText.nearestSchedule(said, near)], offers: [offer] };
}

/**
 * How a sampler of another program steps in another way than the one that is taken for it.
 * @param {string} here our name
 * @param {string} key its name there, reduced
 * @param {string} name
 * @param {string} program
 */
function differences(here, key, name, program) {
  if (!program) return [];
  const isNoisy = NOISY.includes(here) && !SAME_NOISE.includes(program);
  const isOrder = key === "unipc" && COMFY.includes(program);
  return [
    ...(isNoisy || /sde/.test(here) ? [lossText.samplerNoise(name, program)] : []),
    ...(isOrder ? [lossText.samplerOrder(name, program)] : []),
  ];
}

/**
 * Whose numbers an image has.
 * @param {string} program that made it
 * @returns {Fields}
 */
export const numbersOf = (program) => {
  const name = WEB_UI.includes(program) ? "a1111" : program === "ComfyUI" ? "comfyui" : "";
  return name ? [["as_in", name]] : [];
};

/**
 * @param {string} name
 * @param {string} [schedule] such as Karras
 * @param {string} [program] that wrote them; none: this one
 * @returns {Sampling}
 */
export function samplerFields(name, schedule = "", program = "") {
  const { key, wanted, spacing } = parts(name, schedule);
  const { here, near } = samplerOf(key);
  const { sigmas, notImported, offers } = scheduleIn(wanted, program);
  if (name && !here) {
    notImported.unshift(near ? lossText.nearest(name, near) : lossText.sampler(name));
    // The schedule goes with a sampler.
    /** @type {Fields} */
    const beside = sigmas ? [["sigmas", sigmas]] : [];
    if (near) offers.unshift({ name: near, fields: [["sampler", near], ...beside] });
    else if (sigmas) notImported.push(lossText.schedule(sigmas));
  }
  return {
    fields: [
      ["sampler", here],
      ["sigmas", here ? sigmas : ""],
      ...(spacing ? /** @type {Fields} */ ([["spacing", spacing]]) : []),
    ],
    notImported,
    offers,
    noise: differences(here, key, name, program),
  };
}
