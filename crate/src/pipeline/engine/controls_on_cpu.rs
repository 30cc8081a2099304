//! The ControlNets and T2I-Adapters of a request, on the CPU.

use super::control_picture::{guess_scale, planes, unshuffled};
use super::controls::PART;
use super::loading::Counted;
use super::workload::Workload;
use crate::error::Result;
use crate::models::unet::{Level, Residuals};
use crate::pipeline::checkpoint::{ControlConfig, FittedControl, PictureControl};
use crate::pipeline::control::Control;
use crate::reference::{ControlNet, T2iAdapter, Weights};
use candle_core::{Device, Tensor};
use std::cell::RefCell;
use std::rc::Rc;

/// The message of a panic: shapes were checked when the request was planned.
const FITS: &str = "arrays of one shape";

/// How many arrays of a convolution exist at once: its input, a copy in another layout, its output,
/// and the activation's.
const ARRAYS: u64 = 4;

/// The networks of the present request.
#[derive(Default)]
pub(super) struct ControlsOnCpu {
    /// One for each picture: several may be of one file.
    uses: RefCell<Vec<FittedControl>>,
    /// Their files.
    chosen: RefCell<Vec<FittedControl>>,
    networks: RefCell<Vec<Option<Rc<Network>>>>,
}

enum Network {
    ControlNet(Box<ControlNet>),
    T2iAdapter(T2iAdapter),
}

/// A control that has seen its picture.
pub(in crate::pipeline) struct Seen {
    control: PictureControl,
    bit: u32,
    what: What,
}

enum What {
    /// A ControlNet and its hint.
    Hint(Rc<Network>, Tensor),
    /// A T2I-Adapter's features of every level.
    Features(Vec<Tensor>),
}

/// An evaluation's inputs.
pub(super) struct Inputs<'a> {
    /// Scaled, `[1, c, h, w]`.
    pub latents: &'a Tensor,
    pub timestep: f64,
    /// `[prompts, tokens, c]`
    pub context: &'a Tensor,
    /// How many of the prompts are not negative.
    pub positive: usize,
    /// Which controls take part.
    pub controls: u32,
    /// Whether the UNet evaluates its outermost layers alone.
    pub outermost: bool,
}

impl ControlsOnCpu {
    /// Makes these the networks of what follows, one for each picture, and lets the others go.
    pub(super) fn choose(&self, uses: Vec<FittedControl>) {
        let before = self.chosen.replace(FittedControl::once(&uses));
        *self.uses.borrow_mut() = uses;
        let mut loaded = self.networks.take();
        let mut of = |one: &FittedControl| {
            let place = before.iter().position(|known| Rc::ptr_eq(&known.file, &one.file))?;
            loaded[place].take()
        };
        *self.networks.borrow_mut() = self.chosen.borrow().iter().map(&mut of).collect();
    }

    /// Bytes of their weights in f32, and of what is kept beside the UNet for each picture of this
    /// size: what each makes of its picture, and what it adds at every level.
    pub(super) fn bytes(&self, load: Workload) -> u64 {
        let chosen = self.chosen.borrow();
        let tensors = chosen.iter().flat_map(|one| one.file.archive().tensors());
        let weights: u64 = tensors.map(|info| 4 * info.elements() as u64).sum();
        let pixels = u64::from(load.size[0]) * u64::from(load.size[1]);
        let of_use = |one: &FittedControl| match &one.config {
            ControlConfig::ControlNet(config) => {
                let pixels = pixels / (config.factor() * config.factor()) as u64;
                let levels = config.unet.levels.iter().enumerate();
                // Of each level its layers, what comes into it and what leaves it.
                let of_level = |(i, level): (usize, &Level)| {
                    (level.channels * (level.layers + 2)) as u64 * (pixels >> (2 * i))
                };
                let hint = config.unet.levels[0].channels as u64 * pixels;
                // Scaled as they are made, and in the sum of all.
                hint + 2 * load.prompts as u64 * levels.map(of_level).sum::<u64>()
            }
            ControlConfig::T2iAdapter(config) => {
                let pixels = pixels / (config.factor * config.factor) as u64;
                let levels = config.channels.iter().enumerate();
                let kept: u64 = levels.map(|(i, c)| *c as u64 * (pixels >> (2 * i))).sum();
                kept * (1 + 2 * load.prompts as u64)
            }
        };
        weights + 4 * self.uses.borrow().iter().map(of_use).sum::<u64>()
    }

    /// The most bytes of the arrays in which a ControlNet sees its picture: of the convolutions at
    /// the picture's own size.
    pub(super) fn bytes_to_see(&self, load: Workload) -> u64 {
        let widest = |one: &FittedControl| match &one.config {
            ControlConfig::ControlNet(config) => config.conditioning.first().copied(),
            ControlConfig::T2iAdapter(_) => None,
        };
        let widest = self.chosen.borrow().iter().filter_map(widest).max().unwrap_or(0);
        4 * ARRAYS * widest as u64 * u64::from(load.size[0]) * u64::from(load.size[1])
    }

    /// Shows the networks their pictures at a size; reads those that were not read yet.
    ///
    /// # Errors
    /// Those of the files; a cancel.
    pub(super) async fn begin(
        &self,
        controls: &[PictureControl],
        size: [u32; 2],
        cancel: &Control,
    ) -> Result<Vec<Seen>> {
        let [w, h] = size.map(|side| side as usize);
        let mut all = Vec::new();
        for (place, control) in controls.iter().enumerate() {
            let (network, config) = self.network(control, cancel).await?;
            let what = match (&*network, &config) {
                (Network::ControlNet(net), ControlConfig::ControlNet(config)) => {
                    let planes = planes(control, size, config.bgr);
                    let hint = net.hint(&array(&planes, [1, 3, h, w]));
                    What::Hint(network, hint)
                }
                (Network::T2iAdapter(net), ControlConfig::T2iAdapter(config)) => {
                    let planes = unshuffled(control, size, config);
                    let factor = config.factor;
                    let c = config.in_channels * factor * factor;
                    What::Features(net.forward(&array(&planes, [1, c, h / factor, w / factor])))
                }
                _ => unreachable!("a network is of the kind of its config"),
            };
            all.push(Seen { control: control.clone(), bit: 1 << place, what });
        }
        Ok(all)
    }

    async fn network(
        &self,
        control: &PictureControl,
        cancel: &Control,
    ) -> Result<(Rc<Network>, ControlConfig)> {
        let (place, config) = {
            let chosen = self.chosen.borrow();
            let place = chosen.iter().position(|one| Rc::ptr_eq(&one.file, &control.file));
            let place = place.expect("the controls of a run were chosen");
            (place, chosen[place].config.clone())
        };
        let known = self.networks.borrow()[place].clone();
        if let Some(network) = known {
            return Ok((network, config));
        }
        let file = &control.file;
        let tensors = file.archive().tensors().iter();
        let counted = Counted::of(tensors.map(|info| info.range.end - info.range.start).sum());
        let mut progress = |done| counted.report(cancel, PART, done);
        let weights = Weights::read(file.source(), file.archive(), 0, &mut progress).await?;
        file.finish_hash(&|| cancel.check()).await?;
        let network = Rc::new(match &config {
            ControlConfig::ControlNet(config) => {
                Network::ControlNet(Box::new(ControlNet::open(weights, config)?))
            }
            ControlConfig::T2iAdapter(config) => {
                Network::T2iAdapter(T2iAdapter::open(weights, config)?)
            }
        });
        self.networks.borrow_mut()[place] = Some(network.clone());
        Ok((network, config))
    }
}

/// The sum of what the controls add, of the batch of the prompts, if any takes part.
pub(super) fn residuals(seen: &[Seen], inputs: &Inputs<'_>) -> Option<Residuals<Tensor>> {
    let mut sum = None;
    for one in seen.iter().filter(|one| inputs.controls & one.bit != 0) {
        let total: &mut Residuals<Tensor> = sum.get_or_insert_default();
        one.add(inputs, total).expect(FITS);
    }
    sum
}

impl Seen {
    fn add(&self, inputs: &Inputs<'_>, total: &mut Residuals<Tensor>) -> candle_core::Result<()> {
        let prompts = inputs.context.dim(0)?;
        let weight = f64::from(self.control.weight);
        let (network, hint) = match &self.what {
            What::Hint(network, hint) => (network, hint),
            What::Features(features) => {
                for (i, level) in features.iter().enumerate() {
                    let level = (level * weight)?.repeat((prompts, 1, 1, 1))?;
                    plus(&mut total.down, i, level)?;
                }
                return Ok(());
            }
        };
        let Network::ControlNet(net) = &**network else { return Ok(()) };
        let alone = self.control.guess && prompts > inputs.positive;
        let batch = if alone { inputs.positive } else { prompts };
        let context = inputs.context.narrow(0, prompts - batch, batch)?;
        let latents = inputs.latents.repeat((batch, 1, 1, 1))?;
        let (timestep, outermost) = (inputs.timestep, inputs.outermost);
        let made = net.forward((&latents, hint), timestep, &context, outermost)?;
        // In guess mode the negative prompt's prediction stays as it is.
        let whole = |x: Tensor| match alone {
            true => x.pad_with_zeros(0, prompts - batch, 0),
            false => Ok(x),
        };
        for (i, skip) in made.skips.iter().enumerate() {
            let of_skip = if self.control.guess { guess_scale(i, net.skips()) } else { 1.0 };
            plus(&mut total.skips, i, whole((skip * (weight * of_skip))?)?)?;
        }
        if let Some(mid) = made.mid {
            let mid = whole((mid * weight)?)?;
            total.mid = Some(match &total.mid {
                Some(before) => (before + mid)?,
                None => mid,
            });
        }
        Ok(())
    }
}

/// Adds to place `i` of a list, which may be its end.
fn plus(list: &mut Vec<Tensor>, i: usize, x: Tensor) -> candle_core::Result<()> {
    match list.get_mut(i) {
        Some(before) => *before = (&*before + x)?,
        None => list.push(x),
    }
    Ok(())
}

fn array(planes: &[f32], shape: [usize; 4]) -> Tensor {
    Tensor::from_slice(planes, &shape[..], &Device::Cpu).expect(FITS)
}
