//! The three networks on the GPU, each loaded or not: loaded when a stage needs it, dropped when it
//! does not and memory is short. See [`super::residency`].

use super::set::Set;
use crate::dtype::WeightType;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::clip::TextEncoder;
use crate::models::unet::Unet;
use crate::models::vae::Autoencoder;
use crate::nn::{Loader, Scope};
use crate::pipeline::checkpoint::{Files, PART_NAMES};
use crate::pipeline::control::{Control, Progress};
use crate::weights::Source;
use std::cell::RefCell;
use std::rc::Rc;

/// The networks that are loaded.
#[derive(Default)]
pub(super) struct Parts {
    text_encoder: RefCell<Option<Rc<TextEncoder>>>,
    unet: RefCell<Option<Rc<Unet>>>,
    vae: RefCell<Option<Rc<Autoencoder>>>,
}

/// Where parts are loaded from, and to.
pub(super) struct Place<'a> {
    pub gpu: &'a Gpu,
    pub source: &'a dyn Source,
    pub files: &'a Files,
    pub weights: Option<WeightType>,
}

/// The panic where a part was not loaded before its stage: a bug of ours.
const BROUGHT: &str = "a stage has its part";

impl Parts {
    pub fn text_encoder(&self) -> Rc<TextEncoder> {
        self.text_encoder.borrow().clone().expect(BROUGHT)
    }

    pub fn unet(&self) -> Rc<Unet> {
        self.unet.borrow().clone().expect(BROUGHT)
    }

    pub fn vae(&self) -> Rc<Autoencoder> {
        self.vae.borrow().clone().expect(BROUGHT)
    }

    fn present(&self) -> [bool; 3] {
        let (text, unet, vae) = (&self.text_encoder, &self.unet, &self.vae);
        [text.borrow().is_some(), unet.borrow().is_some(), vae.borrow().is_some()]
    }

    /// Drops all but these.
    pub fn keep(&self, kept: Set) {
        self.text_encoder.borrow_mut().take_if(|_| !kept.text_encoder);
        self.unet.borrow_mut().take_if(|_| !kept.unet);
        self.vae.borrow_mut().take_if(|_| !kept.vae);
    }

    /// Builds those of `wanted` that are not loaded, and uploads their weights.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape, the source's and the device's faults, a
    /// cancel.
    pub async fn bring(&self, wanted: Set, place: &Place<'_>, control: &Control) -> Result<()> {
        let Place { gpu, source, files, weights } = *place;
        let present = self.present();
        let archives = files.shared_archives();
        let missing = |i: usize| wanted.each()[i] && !present[i];
        let scope =
            |i: usize| missing(i).then(|| Scope::open(gpu, Rc::clone(&archives[i]), weights));
        let scopes: [_; 3] = std::array::from_fn(scope);
        let [text_encoder, unet, vae] = &scopes;
        let text_encoder = text_encoder.as_ref().map(|s| TextEncoder::new(s, &files.text_encoder));
        let unet = unet.as_ref().map(|s| Unet::new(s, &files.unet));
        let vae = vae.as_ref().map(|s| Autoencoder::new(s, &files.vae));
        let networks = (text_encoder.transpose()?, unet.transpose()?, vae.transpose()?);

        let loaders = scopes.each_ref().map(|scope| scope.as_ref().map(Loader::new));
        let bytes_total = loaders.iter().flatten().map(Loader::bytes_total).sum();
        let mut bytes_before = 0;
        for (part, loader) in PART_NAMES.into_iter().zip(loaders) {
            let Some(loader) = loader else { continue };
            let bytes_of_part = loader.bytes_total();
            let mut progress = |done, _| {
                let bytes_done = bytes_before + done;
                control.tell(Progress::Loading { part: part.into(), bytes_done, bytes_total });
                control.check()
            };
            loader.run(source, &mut progress).await?;
            bytes_before += bytes_of_part;
        }
        let (text_encoder, unet, vae) = networks;
        put(&self.text_encoder, text_encoder);
        put(&self.unet, unet);
        put(&self.vae, vae);
        Ok(())
    }
}

fn put<M>(slot: &RefCell<Option<Rc<M>>>, network: Option<M>) {
    if let Some(network) = network {
        *slot.borrow_mut() = Some(Rc::new(network));
    }
}

/// Bytes of the weights of each part, in the order of [`PART_NAMES`].
///
/// # Errors
/// Tensors that are missing or of another shape.
pub(in crate::pipeline) fn sizes(files: &Files, weights: Option<WeightType>) -> Result<[u64; 3]> {
    let gpu = Gpu::dry(false);
    let [text_encoder, unet, vae] = files
        .shared_archives()
        .each_ref()
        .map(|archive| Scope::open(&gpu, archive.clone(), weights));
    let weights = || gpu.held().weights;
    let text_encoder = (TextEncoder::new(&text_encoder, &files.text_encoder)?, weights());
    let unet = (Unet::new(&unet, &files.unet)?, weights());
    let vae = (Autoencoder::new(&vae, &files.vae)?, weights());
    Ok([text_encoder.1, unet.1 - text_encoder.1, vae.1 - unet.1])
}
