//! The networks on the GPU. Each is loaded when a stage needs it, and dropped afterwards unless it
//! is kept. See [`super::residency`].

use super::loading::{Counted, LoadTarget, Loaded, Pending};
use crate::dtype::WeightType;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::clip::TextEncoder;
use crate::models::unet::Unet;
use crate::models::vae::{Encoder, VaeDecoder};
use crate::nn::Scope;
use crate::pipeline::checkpoint::{Files, Part, PartMap, PartSet};
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

/// A loaded network.
#[derive(Clone)]
enum Network {
    TextEncoder(Rc<TextEncoder>),
    Unet(Rc<Unet>),
    Vae(Rc<VaeDecoder>),
    VaeEncoder(Rc<Encoder>),
}

impl Network {
    /// From its tensors in a scope.
    fn new(part: Part, scope: &Scope, files: &Files) -> Result<Network> {
        Ok(match part {
            Part::TextEncoder => {
                let encoder = TextEncoder::new(scope, &files.text_encoder)?;
                Network::TextEncoder(Rc::new(encoder.with_rows(files.embeddings().rows())))
            }
            Part::Unet => Network::Unet(Rc::new(Unet::new(scope, &files.unet)?)),
            Part::Vae => Network::Vae(Rc::new(VaeDecoder::new(scope, &files.vae)?)),
            Part::VaeEncoder => Network::VaeEncoder(Rc::new(Encoder::new(scope, &files.vae)?)),
            Part::SafetyChecker => panic!("the safety checker is loaded from files of its own"),
        })
    }
}

/// The networks that are loaded.
#[derive(Default)]
pub(super) struct Parts(RefCell<PartMap<Loaded<Network>>>);

/// For some parts the names of tensors, at least one each.
pub(in crate::pipeline) type TensorNames = PartMap<HashSet<String>>;

/// The message of a panic: a part was not loaded before its stage, which would be a bug.
const LOADED: &str = "a stage has its part";

impl Parts {
    fn get(&self, part: Part) -> Network {
        self.0.borrow().get(part).map(|loaded| loaded.network.clone()).expect(LOADED)
    }

    /// The text encoder, which is loaded.
    pub(super) fn text_encoder(&self) -> Rc<TextEncoder> {
        let Network::TextEncoder(network) = self.get(Part::TextEncoder) else { panic!("{LOADED}") };
        network
    }

    /// The UNet, which is loaded.
    pub(super) fn unet(&self) -> Rc<Unet> {
        let Network::Unet(network) = self.get(Part::Unet) else { panic!("{LOADED}") };
        network
    }

    /// The VAE's decoder, which is loaded.
    pub(super) fn vae(&self) -> Rc<VaeDecoder> {
        let Network::Vae(network) = self.get(Part::Vae) else { panic!("{LOADED}") };
        network
    }

    /// The VAE's encoder, which is loaded.
    pub(super) fn vae_encoder(&self) -> Rc<Encoder> {
        let Network::VaeEncoder(network) = self.get(Part::VaeEncoder) else { panic!("{LOADED}") };
        network
    }

    /// Lets go the parts of which tensors are named.
    pub(super) fn let_go(&self, names: &TensorNames) {
        let mut parts = self.0.borrow_mut();
        for part in Part::NEEDED {
            if names.get(part).is_some() {
                parts.remove(part);
            }
        }
    }

    /// Gives the text encoder, if it is loaded, the rows of other textual inversions. Nothing may
    /// be recorded that uses it.
    pub(super) fn set_rows(&self, rows: &[f32]) {
        let mut parts = self.0.borrow_mut();
        let Some(mut loaded) = parts.remove(Part::TextEncoder) else { return };
        let Network::TextEncoder(encoder) = loaded.network else { panic!("{LOADED}") };
        // One that is used elsewhere is let go, and loaded again when a stage needs it.
        let Ok(encoder) = Rc::try_unwrap(encoder) else { return };
        loaded.network = Network::TextEncoder(Rc::new(encoder.with_rows(rows)));
        parts.insert(Part::TextEncoder, loaded);
    }

    /// Drops all parts but these.
    pub(super) fn keep(&self, kept: PartSet) {
        self.0.borrow_mut().retain(kept);
    }

    /// Builds those of `wanted` that are not loaded, and uploads their weights.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape; those of the source and the device; a cancel.
    pub(super) async fn bring(
        &self,
        wanted: PartSet,
        (files, weight_type): (&Files, Option<WeightType>),
        target: &LoadTarget<'_>,
    ) -> Result<()> {
        let missing = |part: &Part| self.0.borrow().get(*part).is_none();
        let mut pending = Vec::new();
        for part in wanted.iter().filter(missing) {
            let build = |scope: &Scope| Network::new(part, scope, files);
            let archive = files.archive(part);
            pending
                .push((part, Pending::new(target.gpu, part.name(), archive, weight_type, build)?));
        }
        let mut counted = Counted::of(pending.iter().map(|(_, one)| one.bytes_total()).sum());
        // All of them are inserted together, so that after a cancel the loaded parts are the same
        // as before.
        let mut loaded = Vec::new();
        for (part, pending) in pending {
            loaded.push((part, pending.load(target, &mut counted).await?));
        }
        let mut networks = self.0.borrow_mut();
        loaded.into_iter().for_each(|(part, network)| networks.insert(part, network));
        Ok(())
    }

    /// Loads the tensors of these names again, in the parts that are loaded, from `files`: those
    /// that they were loaded from with other changes. Nothing may be recorded that uses them. After
    /// an error the parts that are not finished are not loaded any more.
    ///
    /// # Errors
    /// Those of the source, of the changes and of the device; a cancel.
    pub(super) async fn load_again(
        &self,
        (files, names): (&Files, &TensorNames),
        target: &LoadTarget<'_>,
    ) -> Result<()> {
        let loaded = |part: &Part| self.0.borrow().get(*part).is_some();
        let parts: Vec<_> = Part::NEEDED
            .into_iter()
            .filter(loaded)
            .filter_map(|part| Some((part, names.get(part)?)))
            .collect();
        let bytes = |(part, names): &(Part, &HashSet<String>)| {
            self.0.borrow().get(*part).map_or(0, |loaded| loaded.bytes_again(names))
        };
        let mut counted = Counted::of(parts.iter().map(bytes).sum());
        // All are taken out first: those that an error leaves out must not stay as they were.
        let taken: Vec<_> = parts
            .into_iter()
            .map(|(part, names)| (part, names, self.0.borrow_mut().remove(part)))
            .collect();
        for (part, names, loaded) in taken {
            let mut loaded = loaded.expect("those that are loaded");
            loaded.load_again((files.archive(part), names), target, &mut counted).await?;
            self.0.borrow_mut().insert(part, loaded);
        }
        Ok(())
    }
}

/// Bytes of the weights of each part that every picture needs.
///
/// # Errors
/// Tensors that are missing or of another shape.
pub(in crate::pipeline) fn sizes(
    files: &Files,
    weight_type: Option<WeightType>,
) -> Result<PartMap<u64>> {
    let size = |part: Part| {
        let gpu = Gpu::dry(false);
        let scope = Scope::open(&gpu, Rc::clone(files.archive(part)), weight_type);
        let _network = Network::new(part, &scope, files)?;
        Ok((part, gpu.held().weights))
    };
    Part::NEEDED.into_iter().map(size).collect()
}
