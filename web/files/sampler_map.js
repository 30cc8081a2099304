// Other programs' names of samplers and noise schedules, with k-diffusion's names for them, and
// which is nearest to one that this program does not have. Names are reduced to small letters,
// digits and +, without the prefix k.

/**
 * AUTOMATIC1111's web UI, Forge and SD.Next; ComfyUI and SwarmUI; InvokeAI; stable-diffusion.cpp;
 * NovelAI; Easy Diffusion; classes of diffusers.
 * @type {Record<string, string[]>}
 */
const SAMPLERS = {
  ddim: ["ddim", "ddimscheduler", "ddimv3"],
  pndm: ["plms", "pndm", "pndmscheduler"],
  lms: ["lms", "lmsdiscretescheduler"],
  euler: ["euler", "eulerdiscretescheduler"],
  euler_ancestral: ["eulera", "eulerancestral", "eulerancestraldiscretescheduler"],
  heun: ["heun", "heundiscretescheduler"],
  dpmpp_2m: ["dpmpp2m", "dpm++2m", "dpmsolvermultistepscheduler"],
  dpmpp_2m_sde: ["dpmpp2msde", "dpm++2msde"],
  unipc: ["unipc", "unipcbh2", "unipctu", "unipctq", "unipcmultistepscheduler"],
  lcm: ["lcm", "lcmscheduler"],
  tcd: ["tcd", "tcdscheduler"],
  dpmpp_2s_ancestral: ["dpmpp2sancestral", "dpmpp2sa", "dpm++2sa", "dpm++2sancestral"],
  dpmpp_sde: ["dpmppsde", "dpm++sde", "dpmsde", "dpmsolversdescheduler"],
  dpmpp_3m_sde: ["dpmpp3msde", "dpm++3msde"],
  dpm_2: ["dpm2", "dpm2discretescheduler"],
  dpm_2_ancestral: ["dpm2a", "dpm2ancestral", "dpm2ancestraldiscretescheduler"],
  deis: ["deis", "deismultistepscheduler", "deismultistep"],
  ipndm: ["ipndm", "ipndmscheduler"],
  ddpm: ["ddpm", "ddpmscheduler"],
};

/** Samplers that this program will hardly have, and those that are nearest, the nearest first. */
const OTHERS = new Map([
  ["dpmfast", ["dpmpp_2m"]],
  ["dpmadaptive", ["dpmpp_2m"]],
  ["restart", ["heun"]],
  ["heunpp2", ["heun"]],
  ["ipndmv", ["ipndm", "pndm"]],
  ["dpm++2mv2", ["dpmpp_2m"]],
  ["dpmpp2mv2", ["dpmpp_2m"]],
  ["dpmpp2s", ["dpmpp_2m"]],
  ["dpmpp3m", ["dpmpp_2m"]],
  ["dpm++2msdeheun", ["dpmpp_2m_sde"]],
  ["dpm++2msdebt", ["dpmpp_2m_sde"]],
  ["dpmpp2msdeheun", ["dpmpp_2m_sde"]],
  ["dpmsolverstability", ["dpmpp_2m"]],
  ["resmultistep", ["dpmpp_2m"]],
  ["res2s", ["heun"]],
  ["ersde", ["dpmpp_2m_sde"]],
  ["ddimcfgpp", ["ddim"]],
  ["ddimcfg++", ["ddim"]],
  ["eulercfgpp", ["euler"]],
  ["eulerge", ["euler"]],
  ["eulerancestralcfgpp", ["euler_ancestral"]],
  ["euleracfgpp", ["euler_ancestral"]],
  ["eulerasubstep", ["euler_ancestral"]],
  ["dpm++sdesubstep", ["dpmpp_sde", "dpmpp_2m_sde"]],
]);

/** Of those of the first table that may not be here yet, the nearest that are. */
const NEAREST = new Map([
  ["dpmpp_2s_ancestral", ["euler_ancestral"]],
  ["dpmpp_sde", ["dpmpp_2m_sde"]],
  ["dpmpp_3m_sde", ["dpmpp_2m_sde"]],
  ["dpm_2", ["heun"]],
  ["dpm_2_ancestral", ["euler_ancestral"]],
  ["deis", ["dpmpp_2m"]],
  ["ipndm", ["pndm"]],
  ["ddpm", ["euler_ancestral"]],
]);

/** Noise schedules. @type {Record<string, string[]>} */
const SCHEDULES = {
  karras: ["karras"],
  exponential: ["exponential"],
  beta: ["beta"],
  sgm_uniform: ["sgmuniform"],
  simple: ["simple"],
  ays: ["ays", "alignyoursteps", "alignyourstepsscheduler", "alignyoursteps11", "ayssd15"],
  kl_optimal: ["kloptimal"],
};

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
  ["dpm++2msde", "exponential"],
  ["dpm++2msdeheun", "exponential"],
  ["dpm++3msde", "exponential"],
]);

/** @param {Record<string, string[]>} table */
const byName = (table) =>
  new Map(Object.entries(table).flatMap(([own, names]) => names.map((name) => [name, own])));

const SAMPLERS_BY_NAME = byName(SAMPLERS);
const SCHEDULES_BY_NAME = byName(SCHEDULES);

/** @param {string} name */
export const letters = (name) => name.toLowerCase().replace(/[^a-z0-9+]/g, "");

/**
 * k-diffusion's name, and those of the nearest, where it is not here.
 * @param {string} key reduced
 */
export function samplerOf(key) {
  const name = SAMPLERS_BY_NAME.get(key) ?? "";
  return { name, nearest: (name ? NEAREST.get(name) : OTHERS.get(key)) ?? [] };
}

/** @param {string} key reduced @returns {string} our name of the schedule; empty if unknown */
export const scheduleOf = (key) => SCHEDULES_BY_NAME.get(key) ?? "";
