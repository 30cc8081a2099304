// Other programs' names of samplers and noise schedules: those of the crate's table
// (sampler_names.js), and those of programs that it does not have. Names are reduced to small
// letters, digits and +, those of samplers without the prefix k.

import { SAMPLER_NAMES, SIGMA_NAMES } from "./sampler_names.js";

/** @typedef {import("./sampler_names.js").Names} Names */

/**
 * More names: stable-diffusion.cpp, NovelAI, Easy Diffusion, Draw Things, SD.Next.
 * @type {Record<string, string[]>}
 */
const SAMPLERS = {
  ddim: ["ddim_v3"],
  unipc: ["unipc_tu", "unipc_tq"],
  dpmpp_2s_ancestral: ["dpmpp_2s_a", "DPM++ 2S Ancestral"],
  dpmpp_sde: ["DPM SDE"],
  deis: ["DEIS Multistep"],
};

/** More names of what is not here, by what is nearest. @type {Record<string, string[]>} */
const NEAREST_SAMPLERS = {
  ddim: ["DDIM CFG++"],
  euler: ["Euler GE"],
  euler_ancestral: ["euler_a_cfg_pp", "Euler A Substep"],
  dpmpp_2m: ["DPM++ 2Mv2", "dpmpp_2m_v2", "dpm_solver_stability"],
  dpmpp_2m_sde: ["DPM++ 2M SDE BT", "SA Solver"],
  dpmpp_sde: ["DPM++ SDE Substep"],
  heun: ["res_2s"],
};

/** @type {Record<string, string[]>} */
const SCHEDULES = { ays: ["ays_sd15"] };

/** @type {Record<string, string[]>} */
const NEAREST_SCHEDULES = { ays: ["gits"] };

/** Names of the model's own schedule. */
export const PLAIN_SCHEDULES = [
  ...["", "automatic", "normal", "discrete", "default", "uniform", "native", "none", "basic"],
];

/** Samplers for which AUTOMATIC1111's "Automatic" is not the model's own schedule. */
export const AUTOMATIC = new Map([
  ["dpm++2m", "karras"],
  ["dpm++sde", "karras"],
  ["dpm++2sa", "karras"],
  ["dpm2", "karras"],
  ["dpm2a", "karras"],
  ["restart", "karras"],
  ["dpm++2msde", "exponential"],
  ["dpm++2msdeheun", "exponential"],
  ["dpm++3msde", "exponential"],
]);

/** ComfyUI and what runs it. */
export const COMFY = ["ComfyUI", "SwarmUI", "Fooocus"];

/** Schedules that ComfyUI calls so, and spaces in another way. */
const OTHER_IN_COMFY = ["beta", "kl_optimal"];

/** @param {string} name */
export const letters = (name) => name.toLowerCase().replace(/[^a-z0-9+]/g, "");

/** @param {string} name of a sampler */
export const samplerKey = (name) => letters(name).replace(/^k(?=dpm|euler|lms|heun|ddim)/, "");

/**
 * Our names by those of one kind in other programs, reduced.
 * @param {Record<string, Names>} table
 * @param {Record<string, string[]>} more
 * @param {(name: string, names: Names) => readonly string[]} of
 * @param {(name: string) => string} reduced
 */
const byName = (table, more, of, reduced) =>
  new Map(
    Object.entries(table).flatMap(([own, names]) =>
      [...of(own, names), ...(more[own] ?? [])].map((name) => [reduced(name), own]),
    ),
  );

/** @param {string} own @param {Names} names */
const equal = (own, { a1111, comfyui, invokeai, diffusers }) => [
  ...[own, ...a1111, ...comfyui, ...invokeai, ...diffusers],
];

/** @param {string} _ @param {Names} names */
const nearest = (_, names) => names.nearest;

const HERE = byName(SAMPLER_NAMES, SAMPLERS, equal, samplerKey);
const NEAR = byName(SAMPLER_NAMES, NEAREST_SAMPLERS, nearest, samplerKey);
const SIGMAS_HERE = byName(SIGMA_NAMES, SCHEDULES, equal, letters);
const SIGMAS_NEAR = byName(SIGMA_NAMES, NEAREST_SCHEDULES, nearest, letters);

/**
 * Our name of a sampler, or else of the nearest one; empty where there is none.
 * @param {string} key reduced
 */
export const samplerOf = (key) => ({ here: HERE.get(key) ?? "", near: NEAR.get(key) ?? "" });

/**
 * Our name of a schedule, or else of the nearest one; empty where there is none.
 * @param {string} key reduced
 * @param {string} program that writes it
 */
export function scheduleOf(key, program) {
  const here = SIGMAS_HERE.get(key) ?? "";
  // Of ComfyUI itself the image has its numbers.
  const isRun = COMFY.includes(program) && program !== "ComfyUI";
  const isOther = isRun && OTHER_IN_COMFY.includes(here);
  return isOther ? { here: "", near: here } : { here, near: SIGMAS_NEAR.get(key) ?? "" };
}
