// What other programs call samplers and schedules of sigma; `nearest`: names of what is not here,
// to which this one is the nearest. Made from the crate's table (crate/src/request/names.rs);
// `UPDATE_FIELDS=1 cargo test --test main fields` writes it.

/**
 * @typedef {{ a1111: readonly string[], comfyui: readonly string[], invokeai: readonly string[],
 *   diffusers: readonly string[], nearest: readonly string[] }} Names
 */

/** @type {Record<string, Names>} */
export const SAMPLER_NAMES = {
  ddim: {
    a1111: ["DDIM"],
    comfyui: ["ddim"],
    invokeai: ["ddim"],
    diffusers: ["DDIMScheduler"],
    nearest: ["DDIM CFG++", "ddim_cfg_pp"],
  },
  pndm: {
    a1111: ["PLMS"],
    comfyui: [],
    invokeai: ["pndm"],
    diffusers: ["PNDMScheduler"],
    nearest: [],
  },
  lms: {
    a1111: ["LMS"],
    comfyui: ["lms"],
    invokeai: ["lms"],
    diffusers: ["LMSDiscreteScheduler"],
    nearest: [],
  },
  euler: {
    a1111: ["Euler"],
    comfyui: ["euler"],
    invokeai: ["euler"],
    diffusers: ["EulerDiscreteScheduler"],
    nearest: ["euler_cfg_pp", "gradient_estimation"],
  },
  euler_ancestral: {
    a1111: ["Euler a"],
    comfyui: ["euler_ancestral"],
    invokeai: ["euler_a"],
    diffusers: ["EulerAncestralDiscreteScheduler"],
    nearest: ["euler_ancestral_cfg_pp"],
  },
  heun: {
    a1111: ["Heun"],
    comfyui: ["heun"],
    invokeai: ["heun"],
    diffusers: ["HeunDiscreteScheduler"],
    nearest: ["Restart", "heunpp2", "HeunPP2"],
  },
  dpmpp_2m: {
    a1111: ["DPM++ 2M"],
    comfyui: ["dpmpp_2m"],
    invokeai: ["dpmpp_2m"],
    diffusers: ["DPMSolverMultistepScheduler"],
    nearest: ["dpmpp_3m", "DPM++ 2M CFG++", "dpmpp_2m_cfg_pp", "res_multistep"],
  },
  dpmpp_2m_sde: {
    a1111: ["DPM++ 2M SDE"],
    comfyui: ["dpmpp_2m_sde", "dpmpp_2m_sde_gpu"],
    invokeai: ["dpmpp_2m_sde"],
    diffusers: [],
    nearest: ["DPM++ 2M SDE Heun", "dpmpp_2m_sde_heun", "SASolverScheduler", "er_sde"],
  },
  dpmpp_2s_ancestral: {
    a1111: ["DPM++ 2S a"],
    comfyui: ["dpmpp_2s_ancestral"],
    invokeai: [],
    diffusers: [],
    nearest: ["dpmpp_2s", "DPMSolverSinglestepScheduler", "dpmpp_2s_ancestral_cfg_pp"],
  },
  dpmpp_sde: {
    a1111: ["DPM++ SDE"],
    comfyui: ["dpmpp_sde", "dpmpp_sde_gpu"],
    invokeai: ["dpmpp_sde"],
    diffusers: ["DPMSolverSDEScheduler"],
    nearest: [],
  },
  dpmpp_3m_sde: {
    a1111: ["DPM++ 3M SDE"],
    comfyui: ["dpmpp_3m_sde", "dpmpp_3m_sde_gpu"],
    invokeai: [],
    diffusers: [],
    nearest: [],
  },
  dpm_2: {
    a1111: ["DPM2"],
    comfyui: ["dpm_2"],
    invokeai: ["kdpm_2"],
    diffusers: ["KDPM2DiscreteScheduler"],
    nearest: ["DPM fast", "DPM adaptive", "dpm_fast", "dpm_adaptive"],
  },
  dpm_2_ancestral: {
    a1111: ["DPM2 a"],
    comfyui: ["dpm_2_ancestral"],
    invokeai: ["kdpm_2_a"],
    diffusers: ["KDPM2AncestralDiscreteScheduler"],
    nearest: [],
  },
  unipc: {
    a1111: ["UniPC"],
    comfyui: ["uni_pc_bh2"],
    invokeai: ["unipc"],
    diffusers: ["UniPCMultistepScheduler"],
    nearest: [],
  },
  deis: {
    a1111: [],
    comfyui: [],
    invokeai: ["deis"],
    diffusers: ["DEISMultistepScheduler"],
    nearest: [],
  },
  ipndm: {
    a1111: [],
    comfyui: ["ipndm"],
    invokeai: [],
    diffusers: [],
    nearest: ["ipndm_v", "IPNDMScheduler"],
  },
  ddpm: {
    a1111: [],
    comfyui: ["ddpm"],
    invokeai: ["ddpm"],
    diffusers: ["DDPMScheduler"],
    nearest: [],
  },
  lcm: {
    a1111: ["LCM"],
    comfyui: ["lcm"],
    invokeai: ["lcm"],
    diffusers: ["LCMScheduler"],
    nearest: [],
  },
  tcd: {
    a1111: [],
    comfyui: [],
    invokeai: ["tcd"],
    diffusers: ["TCDScheduler"],
    nearest: [],
  },
};

/** @type {Record<string, Names>} */
export const SIGMA_NAMES = {
  normal: {
    a1111: ["Uniform", "Normal"],
    comfyui: ["normal"],
    invokeai: [],
    diffusers: [],
    nearest: ["ddim_uniform", "DDIM", "linear_quadratic"],
  },
  karras: {
    a1111: ["Karras"],
    comfyui: ["karras"],
    invokeai: [],
    diffusers: ["use_karras_sigmas"],
    nearest: [],
  },
  exponential: {
    a1111: ["Exponential"],
    comfyui: ["exponential"],
    invokeai: [],
    diffusers: ["use_exponential_sigmas"],
    nearest: ["Polyexponential", "use_lu_lambdas"],
  },
  beta: {
    a1111: ["Beta"],
    comfyui: [],
    invokeai: [],
    diffusers: ["use_beta_sigmas"],
    nearest: [],
  },
  sgm_uniform: {
    a1111: ["SGM Uniform"],
    comfyui: ["sgm_uniform"],
    invokeai: [],
    diffusers: [],
    nearest: [],
  },
  simple: {
    a1111: ["Simple"],
    comfyui: ["simple"],
    invokeai: [],
    diffusers: [],
    nearest: [],
  },
  ays: {
    a1111: ["Align Your Steps"],
    comfyui: [],
    invokeai: [],
    diffusers: ["AysSchedules"],
    nearest: ["Align Your Steps GITS", "Align Your Steps 11", "Align Your Steps 32"],
  },
  kl_optimal: {
    a1111: ["KL Optimal"],
    comfyui: [],
    invokeai: [],
    diffusers: [],
    nearest: [],
  },
};
