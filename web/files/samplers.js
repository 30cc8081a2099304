// Other programs' names of samplers and noise schedules. One that this program does not have is
// listed as not imported, and the nearest is offered; it is never taken silently.

import { FIELDS } from "../engine/fields.js";
import { lossText } from "../strings/losses.js";
import { AUTOMATIC, PLAIN_SCHEDULES, letters, samplerOf, scheduleOf } from "./sampler_map.js";

/** @typedef {import("./fields.js").Fields} Fields */

/**
 * What the user may choose instead: `name` of it, and the fields that choose it.
 * @typedef {{ name: string, fields: Fields }} Offer
 */

/**
 * `noise`: that the sampler adds other noise here than there, as it is listed.
 * @typedef {{ fields: Fields, notImported: string[], offers: Offer[], noise: string[] }} Sampling
 */

/** The samplers of a table without their names. */
const SAMPLERS = [
  ...["ddim", "pndm", "lms", "euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_2m_sde"],
  ...["unipc", "lcm", "tcd"],
];

/** Samplers that add noise in their steps, other than those whose name has SDE. */
const NOISY = ["euler_ancestral", "dpmpp_2s_ancestral", "dpm_2_ancestral", "lcm", "tcd", "ddpm"];

/** Programs in which those add the noise that they add here. */
const SAME_NOISE = ["AUTOMATIC1111", "Forge", "SD.Next", "stable-diffusion.cpp"];

/** Whether this program has a sampler. @param {string} name */
const isHere = (name) => (FIELDS.get("sampler")?.names ?? SAMPLERS).includes(name);

/**
 * The fields of a noise schedule; null if it is not here.
 * @param {string} name ours
 * @returns {Fields | null}
 */
function scheduleFields(name) {
  const sigmas = FIELDS.get("sigmas");
  if (sigmas) return sigmas.names?.includes(name) ? [["sigmas", name]] : null;
  return name === "karras" ? [["karras", "true"]] : null;
}

const SCHEDULE_AT_END = new RegExp(
  "^(.+?)[ _](k|karras|exponential|simple|beta|discrete|normal|ays|gits|smoothstep|" +
    "sgm[ _]uniform|kl[ _]optimal|bong[ _]tangent)$",
  "i",
);

/**
 * A name with what other programs write into it: `DPM++ 2M Karras`, `dpmpp_2m_k`, `euler_a simple`,
 * `DDIM Trailing`, `dpmpp_2m_sde_gpu`.
 * @param {string} name
 * @param {string} schedule
 */
function parts(name, schedule) {
  const [, spaced = name, trailing] = /^(.*?)[ _](trailing)$/i.exec(name) ?? [];
  const bare = spaced.replace(/_gpu$/i, "");
  // The schedule is its end, where there is one.
  const [, head = bare, end = ""] = SCHEDULE_AT_END.exec(bare) ?? [];
  const key = letters(head).replace(/^k(?!arras)/, "");
  let wanted = letters(schedule).replace(/default|scheduler$/g, "");
  if (wanted === "automatic") wanted = AUTOMATIC.get(key) ?? "";
  if (end) wanted = end.toLowerCase() === "k" ? "karras" : letters(end);
  return { key, wanted, spacing: trailing ? "trailing" : "" };
}

/**
 * @param {string} name
 * @param {string} [schedule] such as Karras
 * @param {string} [program] that wrote them; none: this one
 * @returns {Sampling}
 */
export function samplerFields(name, schedule = "", program = "") {
  const { key, wanted, spacing } = parts(name, schedule);
  const { name: known, nearest } = samplerOf(key);
  const here = known && isHere(known) ? known : "";
  const other = nearest.find(isHere);
  /** @type {Sampling} */
  const found = { fields: [], notImported: [], offers: [], noise: [] };
  // This program's own text says where the schedule is not to be the model's.
  const isNormal = !program && ["normal", "uniform"].includes(wanted);
  const own = isNormal ? "normal" : scheduleOf(wanted);
  const sigmas = own ? scheduleFields(own) : null;
  if (name && !here) {
    found.notImported.push(other ? lossText.nearest(name, other) : lossText.sampler(name));
    // The schedule goes with a sampler.
    if (other) found.offers.push({ name: other, fields: [["sampler", other], ...(sigmas ?? [])] });
    else if (sigmas) found.notImported.push(lossText.schedule(own));
  }
  if (!sigmas && !PLAIN_SCHEDULES.includes(wanted)) {
    const near = scheduleFields("karras");
    // Schedules that are denser where there is little noise are nearest to that one.
    const isNear = near && ["exponential", "polyexponential", "ays", "kloptimal"].includes(wanted);
    found.notImported.push(
      isNear ? lossText.nearestSchedule(wanted, "karras") : lossText.schedule(wanted),
    );
    if (isNear) found.offers.push({ name: "karras", fields: near });
  }
  const isNoisy = NOISY.includes(known) && !SAME_NOISE.includes(program);
  if (program && (isNoisy || /sde/.test(known)))
    found.noise.push(lossText.samplerNoise(name, program));
  const field = FIELDS.has("sigmas") ? "sigmas" : "karras";
  found.fields.push(["sampler", here]);
  if (here && sigmas) found.fields.push(...sigmas);
  else found.fields.push([field, ""]);
  if (spacing) found.fields.push(["spacing", spacing]);
  return found;
}
