//! Loads networks, on either device, and tells how far it is.

use crate::dtype::WeightType;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::nn::{Loader, Scope};
use crate::pipeline::control::{Control, Progress};
use crate::weights::{Archive, Source};
use std::rc::Rc;

/// Where a network's weights come from, and where they go.
pub(crate) struct Place<'a> {
    pub gpu: &'a Gpu,
    pub source: &'a dyn Source,
    pub control: &'a Control,
}

/// A network on the GPU whose weights are not there yet.
pub(crate) struct Pending<N> {
    part: &'static str,
    network: N,
    loader: Loader,
}

impl<N> Pending<N> {
    /// Builds a network from the header of its weights; `part` is its name in progress events, and
    /// without `weights` they are stored as the file has them.
    ///
    /// # Errors
    /// Tensors that are missing or of another shape.
    pub(crate) fn new(
        gpu: &Gpu,
        part: &'static str,
        archive: &Rc<Archive>,
        weights: Option<WeightType>,
        build: impl FnOnce(&Scope) -> Result<N>,
    ) -> Result<Pending<N>> {
        let scope = Scope::open(gpu, Rc::clone(archive), weights);
        let network = build(&scope)?;
        Ok(Pending { part, network, loader: Loader::new(&scope) })
    }

    /// Bytes of its file that will be read.
    pub(crate) fn bytes_total(&self) -> u64 {
        self.loader.bytes_total()
    }

    /// Uploads the weights; `counted` is what of several networks was loaded before.
    ///
    /// # Errors
    /// The source's and the device's faults, a cancel.
    pub(crate) async fn load(self, place: &Place<'_>, counted: &mut Counted) -> Result<N> {
        let bytes = self.bytes_total();
        let mut progress = |done, _| counted.tell(place.control, self.part, done);
        self.loader.run(place.source, &mut progress).await?;
        counted.bytes_done += bytes;
        Ok(self.network)
    }

    /// [`Pending::load`] of one network alone.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn load_alone(self, place: &Place<'_>) -> Result<N> {
        let mut counted = Counted::of(self.bytes_total());
        self.load(place, &mut counted).await
    }
}

/// The bytes of several networks that are loaded one after the other.
pub(crate) struct Counted {
    /// Of those that are loaded.
    pub bytes_done: u64,
    bytes_total: u64,
}

impl Counted {
    /// Nothing of so many bytes.
    pub(crate) fn of(bytes_total: u64) -> Counted {
        Counted { bytes_done: 0, bytes_total }
    }

    /// Tells that so many bytes of a part are loaded.
    ///
    /// # Errors
    /// A cancel.
    pub(crate) fn tell(&self, control: &Control, part: &str, done: u64) -> Result<()> {
        let (bytes_done, bytes_total) = (self.bytes_done + done, self.bytes_total);
        control.tell(Progress::Loading { part: part.into(), bytes_done, bytes_total });
        control.check()
    }
}
