//! What other programs call the samplers and the schedules of σ, and which of their names have no
//! equal here. The page's import has the same table (`web/files/sampler_names.js`).
//!
//! A name is compared by its letters, digits and `+`, without case. AUTOMATIC1111's web UI and its
//! like have a sampler and a schedule in one name (`DPM++ 2M Karras`), InvokeAI too (`dpmpp_2m_k`).

use crate::diffusion::{Sampler, SigmaSchedule};
use crate::error::{Error, Result};

/// The names of one thing in other programs.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// Those of AUTOMATIC1111's web UI; the first is written in the text of pictures.
    pub a1111: &'static [&'static str],
    /// ComfyUI's.
    pub comfyui: &'static [&'static str],
    /// InvokeAI's.
    pub invokeai: &'static [&'static str],
    /// Classes of diffusers, or fields of its scheduler configs.
    pub diffusers: &'static [&'static str],
    /// Other programs' names of what is not here, to which this is the nearest.
    pub nearest: &'static [&'static str],
}

const NONE: Names = Names { a1111: &[], comfyui: &[], invokeai: &[], diffusers: &[], nearest: &[] };

/// The names of samplers.
const SAMPLERS: [(Sampler, Names); 19] = [
    (
        Sampler::Ddim,
        Names {
            a1111: &["DDIM"],
            comfyui: &["ddim"],
            invokeai: &["ddim"],
            diffusers: &["DDIMScheduler"],
            nearest: &["DDIM CFG++", "ddim_cfg_pp"],
        },
    ),
    (
        Sampler::Pndm,
        Names { a1111: &["PLMS"], invokeai: &["pndm"], diffusers: &["PNDMScheduler"], ..NONE },
    ),
    (
        Sampler::Lms,
        Names {
            a1111: &["LMS"],
            comfyui: &["lms"],
            invokeai: &["lms"],
            diffusers: &["LMSDiscreteScheduler"],
            ..NONE
        },
    ),
    (
        Sampler::Euler,
        Names {
            a1111: &["Euler"],
            comfyui: &["euler"],
            invokeai: &["euler"],
            diffusers: &["EulerDiscreteScheduler"],
            nearest: &["euler_cfg_pp", "gradient_estimation"],
        },
    ),
    (
        Sampler::EulerAncestral,
        Names {
            a1111: &["Euler a"],
            comfyui: &["euler_ancestral"],
            invokeai: &["euler_a"],
            diffusers: &["EulerAncestralDiscreteScheduler"],
            nearest: &["euler_ancestral_cfg_pp"],
        },
    ),
    (
        Sampler::Heun,
        Names {
            a1111: &["Heun"],
            comfyui: &["heun"],
            invokeai: &["heun"],
            diffusers: &["HeunDiscreteScheduler"],
            nearest: &["Restart", "heunpp2", "HeunPP2"],
        },
    ),
    (
        Sampler::Dpmpp2m,
        Names {
            a1111: &["DPM++ 2M"],
            comfyui: &["dpmpp_2m"],
            invokeai: &["dpmpp_2m"],
            diffusers: &["DPMSolverMultistepScheduler"],
            nearest: &["dpmpp_3m", "DPM++ 2M CFG++", "dpmpp_2m_cfg_pp", "res_multistep"],
        },
    ),
    (
        Sampler::Dpmpp2mSde,
        Names {
            a1111: &["DPM++ 2M SDE"],
            comfyui: &["dpmpp_2m_sde", "dpmpp_2m_sde_gpu"],
            invokeai: &["dpmpp_2m_sde"],
            nearest: &["DPM++ 2M SDE Heun", "dpmpp_2m_sde_heun", "SASolverScheduler", "er_sde"],
            ..NONE
        },
    ),
    (
        Sampler::Dpmpp2sAncestral,
        Names {
            a1111: &["DPM++ 2S a"],
            comfyui: &["dpmpp_2s_ancestral"],
            nearest: &["dpmpp_2s", "DPMSolverSinglestepScheduler", "dpmpp_2s_ancestral_cfg_pp"],
            ..NONE
        },
    ),
    (
        Sampler::DpmppSde,
        Names {
            a1111: &["DPM++ SDE"],
            comfyui: &["dpmpp_sde", "dpmpp_sde_gpu"],
            invokeai: &["dpmpp_sde"],
            diffusers: &["DPMSolverSDEScheduler"],
            ..NONE
        },
    ),
    (
        Sampler::Dpmpp3mSde,
        Names { a1111: &["DPM++ 3M SDE"], comfyui: &["dpmpp_3m_sde", "dpmpp_3m_sde_gpu"], ..NONE },
    ),
    (
        Sampler::Dpm2,
        Names {
            a1111: &["DPM2"],
            comfyui: &["dpm_2"],
            invokeai: &["kdpm_2"],
            diffusers: &["KDPM2DiscreteScheduler"],
            nearest: &["DPM fast", "DPM adaptive", "dpm_fast", "dpm_adaptive"],
        },
    ),
    (
        Sampler::Dpm2Ancestral,
        Names {
            a1111: &["DPM2 a"],
            comfyui: &["dpm_2_ancestral"],
            invokeai: &["kdpm_2_a"],
            diffusers: &["KDPM2AncestralDiscreteScheduler"],
            ..NONE
        },
    ),
    (
        Sampler::UniPc,
        Names {
            a1111: &["UniPC"],
            comfyui: &["uni_pc_bh2"],
            invokeai: &["unipc"],
            diffusers: &["UniPCMultistepScheduler"],
            ..NONE
        },
    ),
    (Sampler::Deis, Names { invokeai: &["deis"], diffusers: &["DEISMultistepScheduler"], ..NONE }),
    (
        Sampler::Ipndm,
        Names { comfyui: &["ipndm"], nearest: &["ipndm_v", "IPNDMScheduler"], ..NONE },
    ),
    (
        Sampler::Ddpm,
        Names { comfyui: &["ddpm"], invokeai: &["ddpm"], diffusers: &["DDPMScheduler"], ..NONE },
    ),
    (
        Sampler::Lcm,
        Names {
            a1111: &["LCM"],
            comfyui: &["lcm"],
            invokeai: &["lcm"],
            diffusers: &["LCMScheduler"],
            ..NONE
        },
    ),
    (Sampler::Tcd, Names { invokeai: &["tcd"], diffusers: &["TCDScheduler"], ..NONE }),
];

/// The names of schedules of σ.
const SIGMAS: [(SigmaSchedule, Names); 8] = [
    (
        SigmaSchedule::Normal,
        Names {
            a1111: &["Uniform", "Normal"],
            comfyui: &["normal"],
            nearest: &["ddim_uniform", "DDIM", "linear_quadratic"],
            ..NONE
        },
    ),
    (
        SigmaSchedule::Karras,
        Names {
            a1111: &["Karras"],
            comfyui: &["karras"],
            diffusers: &["use_karras_sigmas"],
            ..NONE
        },
    ),
    (
        SigmaSchedule::Exponential,
        Names {
            a1111: &["Exponential"],
            comfyui: &["exponential"],
            diffusers: &["use_exponential_sigmas"],
            nearest: &["Polyexponential", "use_lu_lambdas"],
            ..NONE
        },
    ),
    (SigmaSchedule::Beta, Names { a1111: &["Beta"], diffusers: &["use_beta_sigmas"], ..NONE }),
    (
        SigmaSchedule::SgmUniform,
        Names { a1111: &["SGM Uniform"], comfyui: &["sgm_uniform"], ..NONE },
    ),
    (SigmaSchedule::Simple, Names { a1111: &["Simple"], comfyui: &["simple"], ..NONE }),
    (
        SigmaSchedule::Ays,
        Names {
            a1111: &["Align Your Steps"],
            diffusers: &["AysSchedules"],
            nearest: &["Align Your Steps GITS", "Align Your Steps 11", "Align Your Steps 32"],
            ..NONE
        },
    ),
    (SigmaSchedule::KlOptimal, Names { a1111: &["KL Optimal"], ..NONE }),
];

/// The names of a sampler in other programs.
pub fn sampler_names(sampler: Sampler) -> Names {
    SAMPLERS.iter().find(|(one, _)| *one == sampler).map_or(NONE, |(_, names)| *names)
}

/// The names of a schedule of σ in other programs.
pub fn sigma_names(sigmas: SigmaSchedule) -> Names {
    SIGMAS.iter().find(|(one, _)| *one == sigmas).map_or(NONE, |(_, names)| *names)
}

impl Names {
    /// Those that have an equal here.
    fn equal(self) -> impl Iterator<Item = &'static str> {
        [self.a1111, self.comfyui, self.invokeai, self.diffusers].into_iter().flatten().copied()
    }
}

/// A name by what programs agree on.
fn letters(name: &str) -> String {
    let kept = name.chars().filter(|letter| letter.is_alphanumeric() || *letter == '+');
    kept.flat_map(char::to_lowercase).collect()
}

/// The schedule of σ that a program calls so.
pub(super) fn sigmas_named(name: &str) -> Option<SigmaSchedule> {
    let wanted = letters(name);
    SigmaSchedule::ALL.into_iter().find(|one| {
        let mut names = [one.name()].into_iter().chain(sigma_names(*one).equal());
        names.any(|name| letters(name) == wanted)
    })
}

/// The sampler that a program calls so, and the schedule of σ that the same name says.
pub(super) fn sampler_named(name: &str) -> Option<(Sampler, Option<SigmaSchedule>)> {
    let plain = |name: &str| {
        let wanted = letters(name);
        Sampler::ALL.into_iter().find(|one| {
            let mut names = [one.name()].into_iter().chain(sampler_names(*one).equal());
            names.any(|name| letters(name) == wanted)
        })
    };
    if let Some(sampler) = plain(name) {
        return Some((sampler, None));
    }
    if let Some(sampler) = name.strip_suffix("_k").and_then(plain) {
        return Some((sampler, Some(SigmaSchedule::Karras)));
    }
    // The schedule is one to three words at the end.
    name.match_indices(' ').find_map(|(at, _)| {
        let (sampler, sigmas) = name.split_at(at);
        Some((plain(sampler)?, Some(sigmas_named(sigmas)?)))
    })
}

/// Refuses a sampler's name that has no equal here, but something near.
///
/// # Errors
/// [`Error::Request`] that names the nearest.
pub(super) fn unknown_sampler(name: &str) -> Result<()> {
    let wanted = letters(name);
    let near = |one: &Sampler| sampler_names(*one).nearest.iter().any(|n| letters(n) == wanted);
    match Sampler::ALL.into_iter().find(near) {
        Some(nearest) => {
            let reason = format!("`{name}` has no equal here; the nearest is `{nearest}`");
            Err(Error::Request { field: "sampler", reason })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_programs_are_found() {
        let named = |name: &str| sampler_named(name).map(|(one, sigmas)| (one.name(), sigmas));
        let karras = Some(SigmaSchedule::Karras);
        for (name, wanted) in [
            ("dpmpp_2m", Some(("dpmpp_2m", None))),
            ("DPM++ 2M Karras", Some(("dpmpp_2m", karras))),
            ("dpmpp_2m_k", Some(("dpmpp_2m", karras))),
            ("Euler a", Some(("euler_ancestral", None))),
            ("DPM2 a Karras", Some(("dpm_2_ancestral", karras))),
            ("kdpm_2_a_k", Some(("dpm_2_ancestral", karras))),
            ("DPM++ 2M SDE Exponential", Some(("dpmpp_2m_sde", Some(SigmaSchedule::Exponential)))),
            ("DPM++ 3M SDE SGM Uniform", Some(("dpmpp_3m_sde", Some(SigmaSchedule::SgmUniform)))),
            ("KDPM2DiscreteScheduler", Some(("dpm_2", None))),
            ("DPM++ 2M SDE Heun", None),
            ("DPM adaptive", None),
            ("Karras", None),
            ("", None),
        ] {
            assert_eq!(named(name), wanted, "{name}");
        }
        assert_eq!(sigmas_named("Align Your Steps"), Some(SigmaSchedule::Ays));
        assert_eq!(sigmas_named("Automatic"), None);
    }

    #[test]
    fn everything_has_its_row() {
        assert_eq!(SAMPLERS.map(|(one, _)| one).as_slice().len(), Sampler::ALL.len());
        assert!(Sampler::ALL.iter().all(|one| SAMPLERS.iter().any(|(other, _)| one == other)));
        assert!(SigmaSchedule::ALL.iter().all(|one| SIGMAS.iter().any(|(other, _)| one == other)));
    }

    #[test]
    fn a_name_stands_for_one_thing() {
        let mut seen = std::collections::BTreeMap::new();
        for sampler in Sampler::ALL {
            let names = sampler_names(sampler);
            for name in names.equal().chain([sampler.name()]) {
                let before = seen.insert(letters(name), sampler);
                assert!(before.is_none_or(|before| before == sampler), "{name}");
            }
        }
        for sampler in Sampler::ALL {
            for name in sampler_names(sampler).nearest {
                assert!(!seen.contains_key(&letters(name)), "{name}");
            }
        }
    }

    #[test]
    fn what_is_not_here_names_the_nearest() {
        let said = unknown_sampler("DPM adaptive").unwrap_err().to_string();
        assert!(said.contains("the nearest is `dpm_2`"), "{said}");
        assert_eq!(unknown_sampler("magic"), Ok(()));
    }
}
