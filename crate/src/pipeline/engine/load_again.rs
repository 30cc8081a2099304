//! Loads some weights again after the changes of a model's files: other LoRAs, or the same with
//! other weights; and the vectors of other textual inversions. The networks stay where they are in
//! memory; only the tensors that differ are read.

use super::LoadContext;
use super::loading::{Counted, LoadTarget};
use super::on_cpu::OnCpu;
use super::on_gpu::OnGpu;
use super::parts::TensorNames;
use crate::error::Result;
use crate::pipeline::checkpoint::{Files, Part};
use crate::reference::Weights;
use crate::weights::Source;

/// By part, the tensors whose values in `files` differ from those in `before`, the same model with
/// other changes.
pub(in crate::pipeline) fn differing(before: &Files, files: &Files) -> TensorNames {
    let names = |part: Part| (part, files.archive(part).changed_since(before.archive(part)));
    let parts = [Part::TextEncoder, Part::Unet].into_iter().map(names);
    parts.filter(|(_, names)| !names.is_empty()).collect()
}

impl OnGpu {
    /// Loads the tensors of these names again, from the files of `call`, in the networks that are
    /// in memory. The others are loaded from these files when a stage needs them.
    ///
    /// # Errors
    /// Those of the source, of the changes and of the device; a cancel. What was half loaded is
    /// then loaded as a whole by the next stage that needs it.
    pub(in crate::pipeline) async fn load_again(
        &self,
        names: &TensorNames,
        call: LoadContext<'_>,
    ) -> Result<()> {
        if let Err(error) = self.gpu.finish().await {
            // The networks are those of the files before: they must not stay.
            self.parts.let_go(names);
            self.forget();
            return Err(error);
        }
        if names.get(Part::TextEncoder).is_some() {
            self.encoded.forget();
        }
        let target = LoadTarget { gpu: &self.gpu, source: &*self.source, control: call.control };
        let loaded = self.parts.load_again((call.files, names), &target).await;
        if loaded.is_err() {
            // The next stage looks which of its networks are there.
            self.stage.set(None);
        }
        loaded
    }

    /// Gives the text encoder the rows of the textual inversions of `files`.
    ///
    /// # Errors
    /// Those of the device.
    pub(in crate::pipeline) async fn set_rows(&self, files: &Files) -> Result<()> {
        self.gpu.finish().await?;
        self.parts.set_rows(files.embeddings().rows());
        // The next run begins its stages anew: a text encoder that was let go is loaded again.
        self.forget();
        Ok(())
    }
}

impl OnCpu {
    /// Builds those of the networks again of which tensors differ, from the files of `call`.
    ///
    /// # Errors
    /// Those of the source and of the changes; a cancel. The networks are then those of before.
    pub(in crate::pipeline) async fn load_again(
        &self,
        names: &TensorNames,
        source: &dyn Source,
        call: LoadContext<'_>,
    ) -> Result<()> {
        let files = call.files;
        let differs = |part: &Part| names.get(*part).is_some();
        let parts: Vec<Part> = Part::NEEDED.into_iter().filter(differs).collect();
        let bytes = parts.iter().map(|part| files.bytes_of(*part));
        let mut counted = Counted::of(bytes.sum());
        let mut read = Vec::new();
        for part in parts {
            let mut progress = |done| counted.report(call.control, part.name(), done);
            let (archive, rows) = (files.archive(part), files.text_encoder.vocab_size);
            read.push((part, Weights::read(source, archive, rows, &mut progress).await?));
            counted.bytes_done += files.bytes_of(part);
        }
        let mut networks = self.networks.borrow_mut();
        for (part, weights) in read {
            match part {
                Part::TextEncoder => {
                    let rows = files.embeddings().rows();
                    networks.set_text_encoder(weights, &files.text_encoder, rows)?;
                }
                Part::Unet => networks.set_unet(weights, &files.unet)?,
                _ => unreachable!("changes are of the text encoder and the UNet"),
            }
        }
        Ok(())
    }
}
