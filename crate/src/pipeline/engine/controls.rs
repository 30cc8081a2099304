//! The ControlNets and T2I-Adapters of a request, on the GPU.
//!
//! A ControlNet stays as long as the UNet does. A T2I-Adapter is loaded once for each picture: its
//! features are kept, which all steps and all batches share.

use super::control_picture::{planes, unshuffled};
use super::loading::{Counted, LoadTarget, Pending};
use super::options::Options;
use super::planes::{channels_last, planes_of};
use super::vae_encoder::upload;
use crate::dtype::{Precision, WeightType};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::controlnet::ControlNet;
use crate::models::t2i_adapter::{T2iAdapter, T2iAdapterConfig};
use crate::models::unet::Context;
use crate::nn::Scope;
use crate::pipeline::checkpoint::{ControlConfig, FittedControl, PictureControl};
use crate::pipeline::control::Control;
use crate::tensor::Tensor;
use crate::weights::ControlFile;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Their name in progress events.
pub(super) const PART: &str = "controlnet";

/// The message of a panic: it was not loaded before its stage, which would be a bug.
const LOADED: &str = "the stage of the steps loads it";

/// The networks of the present request.
#[derive(Default)]
pub(in crate::pipeline) struct ControlsOnGpu {
    /// One for each picture: several may be of one file.
    uses: RefCell<Vec<FittedControl>>,
    /// Their files.
    chosen: RefCell<Vec<FittedControl>>,
    /// Whether some were chosen that no stage has loaded yet.
    are_new: Cell<bool>,
    /// Of each that was chosen, the ControlNet where it is loaded.
    networks: RefCell<Vec<Option<Rc<ControlNet>>>>,
    /// The features of the latest pictures, at a size.
    features: RefCell<Vec<Seen>>,
}

/// The features of a T2I-Adapter: planes and shape `[1, c, h, w]` of every level.
type Features = Vec<(Vec<f32>, [usize; 4])>;

/// The controls of a run, ready for its steps.
pub(in crate::pipeline) struct ReadyControls {
    pub nets: Vec<ReadyNet>,
    pub adapters: Vec<ReadyAdapter>,
}

/// A ControlNet that has seen its picture.
pub(in crate::pipeline) struct ReadyNet {
    /// Its place among the networks.
    pub network: usize,
    pub hint: Tensor,
    pub weight: f64,
    pub guess: bool,
    /// Its bit in [`Evaluation::controls`](crate::diffusion::Evaluation::controls).
    pub bit: u32,
}

/// A T2I-Adapter's features of its picture, of each level.
pub(in crate::pipeline) struct ReadyAdapter {
    pub features: Vec<Tensor>,
    pub weight: f64,
    pub bit: u32,
}

/// A picture that a T2I-Adapter has seen, at which size, and what it made of it.
type Seen = (PictureControl, [u32; 2], Rc<Features>);

impl ControlsOnGpu {
    /// Makes these the networks of what follows, one for each picture, and lets the others go.
    /// Returns whether that changes anything.
    pub(super) fn choose(&self, uses: Vec<FittedControl>) -> bool {
        let files = |all: &[FittedControl]| -> Vec<*const ControlFile> {
            all.iter().map(|one| Rc::as_ptr(&one.file)).collect()
        };
        if files(&self.uses.borrow()) == files(&uses) {
            return false;
        }
        let fitted = FittedControl::once(&uses);
        *self.uses.borrow_mut() = uses;
        if files(&self.chosen.borrow()) == files(&fitted) {
            return true;
        }
        let before = self.chosen.replace(fitted);
        let mut loaded = self.networks.take();
        let mut of = |one: &FittedControl| {
            let place = before.iter().position(|known| Rc::ptr_eq(&known.file, &one.file))?;
            loaded[place].take()
        };
        *self.networks.borrow_mut() = self.chosen.borrow().iter().map(&mut of).collect();
        self.features.borrow_mut().clear();
        self.are_new.set(true);
        true
    }

    /// Whether others were chosen since the networks were loaded: then the stage of the steps
    /// begins anew.
    pub(super) fn are_new(&self) -> bool {
        self.are_new.get()
    }

    /// Those of the present request, one for each picture.
    pub(in crate::pipeline) fn uses(&self) -> Vec<FittedControl> {
        self.uses.borrow().clone()
    }

    /// Whether no ControlNet would come over a network again if it were let go.
    pub(in crate::pipeline) fn are_near(&self) -> bool {
        let is_near = |one: &FittedControl| {
            matches!(one.config, ControlConfig::T2iAdapter(_)) || one.file.source().is_near()
        };
        self.chosen.borrow().iter().all(is_near)
    }

    /// Lets the networks go.
    pub(super) fn let_go(&self) {
        self.networks.borrow_mut().fill(None);
    }

    /// Uploads those ControlNets that are not loaded.
    ///
    /// # Errors
    /// Those of the files and of the device; a cancel.
    pub(super) async fn bring(
        &self,
        gpu: &Gpu,
        weights: Option<WeightType>,
        control: &Control,
    ) -> Result<()> {
        let mut pending = Vec::new();
        for (place, one) in self.chosen.borrow().iter().enumerate() {
            let ControlConfig::ControlNet(config) = &one.config else { continue };
            if self.networks.borrow()[place].is_none() {
                let build = |scope: &Scope| ControlNet::new(scope, config);
                let network = Pending::new(gpu, PART, one.file.archive(), weights, build)?;
                pending.push((place, one.file.clone(), network));
            }
        }
        let mut counted = Counted::of(pending.iter().map(|(.., one)| one.bytes_total()).sum());
        for (place, file, network) in pending {
            let target = LoadTarget { gpu, source: file.source(), control };
            let loaded = network.load(&target, &mut counted).await?;
            finish_hash(gpu, &file, control).await?;
            self.networks.borrow_mut()[place] = Some(Rc::new(loaded.network));
        }
        self.are_new.set(false);
        Ok(())
    }

    /// A ControlNet, which is loaded.
    pub(super) fn network(&self, place: usize) -> Rc<ControlNet> {
        self.networks.borrow()[place].clone().expect(LOADED)
    }

    /// The place of a file and its config.
    fn fitted(&self, control: &PictureControl) -> (usize, ControlConfig) {
        let chosen = self.chosen.borrow();
        let place = chosen.iter().position(|one| Rc::ptr_eq(&one.file, &control.file));
        let place = place.expect("the controls of a run were chosen");
        (place, chosen[place].config.clone())
    }

    /// Whether there is a T2I-Adapter whose features of its picture are not known yet.
    pub(super) fn lacks_features(&self, controls: &[PictureControl], size: [u32; 2]) -> bool {
        let is_adapter =
            |one: &PictureControl| matches!(self.fitted(one).1, ControlConfig::T2iAdapter(_));
        controls.iter().any(|one| is_adapter(one) && self.known(one, size).is_none())
    }

    fn known(&self, control: &PictureControl, size: [u32; 2]) -> Option<Rc<Features>> {
        let known = self.features.borrow();
        let of = |(one, at, _): &&Seen| *at == size && one.sees_the_same(control);
        known.iter().find(of).map(|(.., features)| features.clone())
    }

    /// Makes the features of all T2I-Adapters, one after another.
    ///
    /// # Errors
    /// Those of the files and of the device; a cancel.
    pub(super) async fn make_features(
        &self,
        gpu: &Gpu,
        options: &Options,
        (controls, size): (&[PictureControl], [u32; 2]),
        control: &Control,
    ) -> Result<()> {
        let mut made = Vec::new();
        for one in controls {
            let (_, ControlConfig::T2iAdapter(config)) = self.fitted(one) else { continue };
            let features = match self.known(one, size) {
                Some(features) => features,
                None => Rc::new(see(gpu, options, (one, &config), size, control).await?),
            };
            made.push((one.clone(), size, features));
        }
        *self.features.borrow_mut() = made;
        Ok(())
    }

    /// Shows the ControlNets, which are loaded, their pictures, and uploads the features of the
    /// T2I-Adapters.
    ///
    /// # Errors
    /// Those of the device; a cancel.
    pub(super) async fn ready(
        &self,
        gpu: &Gpu,
        precision: Precision,
        (controls, size): (&[PictureControl], [u32; 2]),
        control: &Control,
    ) -> Result<ReadyControls> {
        let mut ready = ReadyControls { nets: Vec::new(), adapters: Vec::new() };
        let sides = size.map(|side| side as usize);
        for (place, one) in controls.iter().enumerate() {
            let (bit, weight) = (1 << place, f64::from(one.weight));
            match self.fitted(one) {
                (network, ControlConfig::ControlNet(config)) => {
                    let hint = {
                        let planes = planes(one, size, config.bgr);
                        let picture = upload(gpu, precision, (&planes, sides));
                        self.network(network).hint(&picture)
                    };
                    gpu.finish_in_parts(&|| control.check()).await?;
                    gpu.trim();
                    let guess = one.guess;
                    ready.nets.push(ReadyNet { network, hint, weight, guess, bit });
                }
                (_, ControlConfig::T2iAdapter(_)) => {
                    let features = self.known(one, size).expect("they were made before");
                    let upload = |(planes, shape): &(Vec<f32>, [usize; 4])| {
                        let [_, c, h, w] = *shape;
                        let values = channels_last(planes, *shape);
                        let c = c.next_multiple_of(4);
                        Tensor::from_f32(gpu, &values, [1, h, w, c], precision)
                    };
                    let features = features.iter().map(upload).collect();
                    ready.adapters.push(ReadyAdapter { features, weight, bit });
                }
            }
        }
        Ok(ready)
    }

    /// The contexts of the ControlNets, from states `[prompts, tokens, c]`; in guess mode without
    /// the negative prompts, as `last` makes it, where there are some.
    pub(super) fn contexts(
        &self,
        ready: &ReadyControls,
        text: &Tensor,
        last: impl Fn() -> Option<Tensor>,
    ) -> Vec<Context> {
        let context = |net: &ReadyNet| {
            let network = self.network(net.network);
            let last = if net.guess { last() } else { None };
            network.prepare(last.as_ref().unwrap_or(text))
        };
        ready.nets.iter().map(context).collect()
    }

    /// Bytes of the weights of the ControlNets.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape.
    pub(in crate::pipeline) fn bytes(&self, weights: Option<WeightType>) -> Result<u64> {
        let mut bytes = 0;
        for one in self.chosen.borrow().iter() {
            if let ControlConfig::ControlNet(config) = &one.config {
                let gpu = Gpu::dry(false);
                let scope = Scope::open(&gpu, Rc::clone(one.file.archive()), weights);
                let _network = ControlNet::new(&scope, config)?;
                bytes += gpu.held().weights;
            }
        }
        Ok(bytes)
    }
}

/// Makes the hash of a file known that was loaded; a dry device reads none.
async fn finish_hash(gpu: &Gpu, file: &ControlFile, control: &Control) -> Result<()> {
    if gpu.is_dry() { Ok(()) } else { file.finish_hash(&|| control.check()).await }
}

/// Loads a T2I-Adapter, makes the features of its picture, and lets it go.
async fn see(
    gpu: &Gpu,
    options: &Options,
    (one, config): (&PictureControl, &T2iAdapterConfig),
    size: [u32; 2],
    control: &Control,
) -> Result<Features> {
    let new = |scope: &Scope| T2iAdapter::new(scope, config);
    let pending = Pending::new(gpu, PART, one.file.archive(), options.weights, new)?;
    let target = LoadTarget { gpu, source: one.file.source(), control };
    let network = pending.load_alone(&target).await?;
    finish_hash(gpu, &one.file, control).await?;
    let [w, h] = size.map(|side| side as usize / config.factor);
    let c = config.in_channels * config.factor * config.factor;
    // It runs once, so in f32 with its range: what it makes is kept for all runs.
    let kept = gpu.keep_range(true);
    let features = {
        let values = channels_last(&unshuffled(one, size, config), [1, c, h, w]);
        let shape = [1, h, w, c.next_multiple_of(4)];
        network.forward(&Tensor::from_f32(gpu, &values, shape, Precision::F32))
    };
    gpu.keep_range(kept);
    gpu.finish_in_parts(&|| control.check()).await?;
    let mut read = Vec::new();
    for (level, c) in features.iter().zip(&config.channels) {
        let [_, h, w, _] = level.shape().image();
        read.push((planes_of(level, &level.to_f32().await?, *c), [1, *c, h, w]));
    }
    drop((network, features));
    gpu.trim();
    Ok(read)
}
