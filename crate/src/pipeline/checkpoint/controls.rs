//! ControlNets and T2I-Adapters beside a request: which, with which pictures, whether they fit the
//! model, and what is recorded of them for pictures.

use super::files::Files;
use crate::diffusion::Plan;
use crate::error::{Error, Result, bad_file};
use crate::gpu::Gpu;
use crate::image::{Preprocess, Rgba};
use crate::models::controlnet::{ControlNet, ControlNetConfig};
use crate::models::t2i_adapter::{T2iAdapter, T2iAdapterConfig};
use crate::nn::Scope;
use crate::weights::{ControlFile, ControlKind};
use serde::Serialize;
use std::collections::HashSet;
use std::rc::Rc;

/// The most of them beside a request: they are bits of a number.
const CONTROLS_MAX: usize = u32::BITS as usize;

/// A ControlNet or T2I-Adapter, and the picture by which it guides a request.
#[derive(Debug, Clone)]
pub struct PictureControl {
    /// The file.
    pub file: Rc<ControlFile>,
    /// The picture, of any size: it is resized to the request's by Lanczos' filter, as diffusers
    /// does.
    pub picture: Rgba,
    /// The factor of what it adds. diffusers: `controlnet_conditioning_scale`,
    /// `adapter_conditioning_scale`.
    pub weight: f32,
    /// The part of the steps at which it begins, 0…1. diffusers: `control_guidance_start`.
    pub start: f64,
    /// The part of the steps at which it ends, 0…1. diffusers: `control_guidance_end`.
    pub end: f64,
    /// Whether a ControlNet guides the prompt's prediction alone, and its deep residuals more than
    /// the others. diffusers: `guess_mode`.
    pub guess: bool,
    /// What is made of the picture first, at the request's size.
    pub preprocess: Preprocess,
}

impl PictureControl {
    /// With weight 1 in all steps, and the picture as it is.
    pub fn new(file: Rc<ControlFile>, picture: Rgba) -> PictureControl {
        let (weight, start, end, guess) = (1.0, 0.0, 1.0, false);
        PictureControl { file, picture, weight, start, end, guess, preprocess: Preprocess::None }
    }

    /// Whether both have the same picture of the same file.
    pub(in crate::pipeline) fn sees_the_same(&self, other: &PictureControl) -> bool {
        Rc::ptr_eq(&self.file, &other.file)
            && self.preprocess == other.preprocess
            && self.picture == other.picture
    }
}

/// A ControlNet or T2I-Adapter with which a picture was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlRecord {
    /// `ControlNet` or `T2I-Adapter`.
    pub kind: &'static str,
    /// The name of its file without folders and extension, or that of its folder.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// As in [`PictureControl`], and so are the others.
    pub weight: f32,
    /// See [`PictureControl::start`].
    pub start: f64,
    /// See [`PictureControl::end`].
    pub end: f64,
    /// See [`PictureControl::guess`].
    pub guess: bool,
    /// `none`, `canny` or `invert`.
    pub preprocess: &'static str,
}

impl ControlRecord {
    /// What is recorded of one.
    pub(in crate::pipeline) fn of(control: &PictureControl) -> ControlRecord {
        let PictureControl { file, weight, start, end, guess, .. } = control;
        ControlRecord {
            kind: file.kind().name(),
            name: file.name().to_owned(),
            sha256: file.sha256(),
            weight: *weight,
            start: *start,
            end: *end,
            guess: *guess,
            preprocess: control.preprocess.name(),
        }
    }

    /// As the extension sd-webui-controlnet writes it, with the beginning of the hash of the file.
    pub(in crate::pipeline) fn field(&self) -> String {
        let hash = self.sha256.get(..8).unwrap_or(&self.sha256);
        let mode = if self.guess { "ControlNet is more important" } else { "Balanced" };
        format!(
            "Module: {}, Model: {} [{hash}], Weight: {}, Resize Mode: Just Resize, Guidance \
             Start: {}, Guidance End: {}, Pixel Perfect: True, Control Mode: {mode}",
            self.preprocess, self.name, self.weight, self.start, self.end
        )
    }
}

/// A file that fits the model, with its config.
#[derive(Clone)]
pub(in crate::pipeline) struct FittedControl {
    pub file: Rc<ControlFile>,
    pub config: ControlConfig,
}

/// The config of either kind.
#[derive(Clone)]
pub(in crate::pipeline) enum ControlConfig {
    ControlNet(ControlNetConfig),
    T2iAdapter(T2iAdapterConfig),
}

impl FittedControl {
    /// Each file once, of uses of which several may be of one file.
    pub(in crate::pipeline) fn once(uses: &[FittedControl]) -> Vec<FittedControl> {
        let mut files = HashSet::new();
        uses.iter().filter(|one| files.insert(Rc::as_ptr(&one.file))).cloned().collect()
    }

    /// With a picture of which only the size counts, which is the request's.
    pub(in crate::pipeline) fn unseen(&self) -> PictureControl {
        PictureControl::new(self.file.clone(), Rgba::new(1, 1, vec![0; 4]))
    }
}

/// Checks the numbers of the controls of a request.
///
/// # Errors
/// [`Error::Request`].
pub(in crate::pipeline) fn check_controls(controls: &[PictureControl]) -> Result<()> {
    let wrong = |reason: String| Err(Error::Request { field: "controls", reason });
    if controls.len() > CONTROLS_MAX {
        return wrong(format!("must be {CONTROLS_MAX} at most, not {}", controls.len()));
    }
    for PictureControl { picture, weight, start, end, .. } in controls {
        if !weight.is_finite() {
            return wrong(format!("must have numbers as weights, not {weight}"));
        }
        if !(0.0 <= *start && start < end && *end <= 1.0) {
            return wrong(format!(
                "must begin before they end, from 0 to 1, and not at {start} and {end}"
            ));
        }
        if picture.width() == 0 || picture.height() == 0 {
            return wrong("must have pictures with pixels".into());
        }
    }
    Ok(())
}

/// Notes in every evaluation of a plan which of the controls take part in it. diffusers:
/// `controlnet_keep`, by the index of the timestep.
pub(in crate::pipeline) fn mark_controls(plan: &mut Plan, controls: &[PictureControl]) {
    let count = plan.evaluations.len() as f64;
    for (index, evaluation) in plan.evaluations.iter_mut().enumerate() {
        let index = index as f64;
        let takes_part = |control: &PictureControl| {
            !(index / count < control.start || (index + 1.0) / count > control.end)
                && control.weight != 0.0
        };
        let bits = controls.iter().enumerate().filter(|(_, control)| takes_part(control));
        evaluation.controls = bits.fold(0, |bits, (place, _)| bits | 1 << place);
    }
}

impl Files {
    /// Checks that files are for this model. A file that gets several pictures is there, and in
    /// what is returned, as many times.
    ///
    /// # Errors
    /// [`Error::BadFile`] and [`Error::Config`] for those of another model, tensors that are
    /// missing or of another shape.
    pub(in crate::pipeline) fn fit_controls<'a>(
        &self,
        files: impl Iterator<Item = &'a Rc<ControlFile>>,
    ) -> Result<Vec<FittedControl>> {
        let mut fitted: Vec<FittedControl> = Vec::new();
        for file in files {
            let known = fitted.iter().find(|one| Rc::ptr_eq(&one.file, file)).cloned();
            fitted.push(known.map_or_else(|| self.fit_control(file), Ok)?);
        }
        Ok(fitted)
    }

    fn fit_control(&self, file: &Rc<ControlFile>) -> Result<FittedControl> {
        let factor = self.vae.factor();
        let scope = Scope::open(&Gpu::dry(false), Rc::clone(file.archive()), None);
        let config = match file.kind() {
            ControlKind::ControlNet => {
                let config = ControlNetConfig::of(file, &self.unet)?;
                if config.factor() != factor {
                    let reason = format!(
                        "its pictures are {} times as wide as latents, those of this model \
                         {factor} times",
                        config.factor()
                    );
                    return Err(bad_file(file.file(), reason));
                }
                let (takes, latents) = (config.unet.in_channels, self.vae.latent_channels);
                if takes != latents {
                    let reason = format!(
                        "it takes latents of {takes} channels, those of this model have {latents}"
                    );
                    return Err(bad_file(file.file(), reason));
                }
                ControlNet::new(&scope, &config)?;
                ControlConfig::ControlNet(config)
            }
            ControlKind::T2iAdapter => {
                let config = T2iAdapterConfig::of(file, &self.unet, factor)?;
                T2iAdapter::new(&scope, &config)?;
                ControlConfig::T2iAdapter(config)
            }
        };
        Ok(FittedControl { file: file.clone(), config })
    }
}
