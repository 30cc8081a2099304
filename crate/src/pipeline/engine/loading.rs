//! Loads networks to the GPU, with progress events; the CPU's loader uses the same events.

use crate::dtype::WeightType;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::nn::{Loader, Scope};
use crate::pipeline::control::{Control, Progress};
use crate::weights::{Archive, Source};
use std::collections::HashSet;
use std::rc::Rc;

/// The device that a network is loaded to, the source of its weights, and the caller's control.
pub(crate) struct LoadTarget<'a> {
    pub gpu: &'a Gpu,
    pub source: &'a dyn Source,
    pub control: &'a Control,
}

/// A network on the GPU whose weights are not loaded yet.
pub(crate) struct Pending<N> {
    part: &'static str,
    network: N,
    loader: Loader,
}

impl<N> Pending<N> {
    /// Builds a network from the header of its weights. `part` is its name in progress events.
    /// `weights` is their type on the GPU; `None`: as in the file.
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

    /// Uploads the weights; `counted` has the progress over several networks.
    ///
    /// # Errors
    /// Those of the source and the device; a cancel.
    pub(crate) async fn load(
        self,
        target: &LoadTarget<'_>,
        counted: &mut Counted,
    ) -> Result<Loaded<N>> {
        let Pending { part, network, loader } = self;
        let mut progress = |done, _| counted.report(target.control, part, done);
        loader.run(target.source, &mut progress).await?;
        counted.bytes_done += loader.bytes_total();
        Ok(Loaded { part, network, loader })
    }

    /// [`Pending::load`] of one network alone.
    ///
    /// # Errors
    /// As [`Pending::load`].
    pub(crate) async fn load_alone(self, target: &LoadTarget<'_>) -> Result<N> {
        let mut counted = Counted::of(self.bytes_total());
        Ok(self.load(target, &mut counted).await?.network)
    }
}

/// A loaded network, with what loads some of its weights again.
pub(crate) struct Loaded<N> {
    part: &'static str,
    pub network: N,
    loader: Loader,
}

impl<N> Loaded<N> {
    /// Bytes of its file that [`Loaded::load_again`] reads.
    pub(crate) fn bytes_again(&self, names: &HashSet<String>) -> u64 {
        self.loader.bytes_again(names)
    }

    /// Loads the tensors of these names again, from the same file with other changes.
    ///
    /// # Errors
    /// Those of the source, of the changes and of the device; a cancel. The network is then partly
    /// the new one.
    pub(crate) async fn load_again(
        &mut self,
        (archive, names): (&Rc<Archive>, &HashSet<String>),
        target: &LoadTarget<'_>,
        counted: &mut Counted,
    ) -> Result<()> {
        let mut progress = |done, _| counted.report(target.control, self.part, done);
        self.loader.run_again((target.source, archive), names, &mut progress).await?;
        counted.bytes_done += self.loader.bytes_again(names);
        Ok(())
    }
}

/// The progress of loading several networks, one after another.
pub(crate) struct Counted {
    /// Bytes of the networks that are loaded.
    pub bytes_done: u64,
    bytes_total: u64,
}

impl Counted {
    /// Nothing is loaded yet, of so many bytes.
    pub(crate) fn of(bytes_total: u64) -> Counted {
        Counted { bytes_done: 0, bytes_total }
    }

    /// Reports that so many bytes of a part are loaded.
    ///
    /// # Errors
    /// A cancel.
    pub(crate) fn report(&self, control: &Control, part: &str, done: u64) -> Result<()> {
        let (bytes_done, bytes_total) = (self.bytes_done + done, self.bytes_total);
        control.report(Progress::Loading { part: part.into(), bytes_done, bytes_total });
        control.check()
    }
}
