//! Which LoRAs a model has been changed by, and the change to others: only the tensors that differ
//! are read again.
//!
//! ```text
//! the chosen ones (name, weight)  +  <lora:name:weight> of the prompt, where its syntax is on
//!   → the weights of this request → the tensors that differ → read, changed, written in place
//! ```

use super::checkpoint::{LoraRecord, Weighted, add_loras, in_use};
use super::control::Control;
use super::engine::{LoadContext, differing};
use super::model::{Machine, Pipeline};
use crate::dtype::WeightType;
use crate::error::Result;
use crate::request::Request;
use crate::text::{LoraTag, Tagged};
use std::rc::Rc;

/// What is told where LoRAs are added to weights of four bits.
const FOUR_BITS: &str = "This model's weights have four bits (q4_0), whose rounding hides small \
                         changes: a LoRA has less effect here than with f16 or q8_0.";

impl Pipeline {
    /// The LoRAs that later requests use, in place of those before. One of weight 0 is used only
    /// where a prompt names it. The next request loads what differs.
    pub fn set_loras(&self, loras: Vec<Weighted>) {
        *self.chosen.borrow_mut() = loras;
    }

    /// The LoRAs that requests use, as [`Pipeline::set_loras`] or the options gave them.
    pub fn chosen_loras(&self) -> Vec<Weighted> {
        self.chosen.borrow().clone()
    }

    /// The LoRAs that its weights have now.
    pub fn loras(&self) -> Vec<LoraRecord> {
        self.loras.borrow().clone()
    }

    /// The LoRAs that a picture's file records for this request.
    pub fn loras_for(&self, request: &Request) -> Vec<LoraRecord> {
        self.loras_of(request).iter().map(LoraRecord::of).collect()
    }

    /// The chosen LoRAs with the weights of the request's tags, without those of weight 0.
    pub(super) fn loras_of(&self, request: &Request) -> Vec<Weighted> {
        wanted(&self.chosen.borrow(), &tags(request).loras)
    }

    /// Changes the weights by these LoRAs, in place of those before.
    ///
    /// # Errors
    /// [`BadFile`](crate::Error::BadFile) for a LoRA that is for another model; those of the
    /// source and of the device; a cancel.
    pub(super) async fn change_loras(&self, wanted: &[Weighted], control: &Control) -> Result<()> {
        let records: Vec<_> = wanted.iter().map(LoraRecord::of).collect();
        if *self.loras.borrow() == records {
            return Ok(());
        }
        let before = self.files();
        let mut files = before.unchanged();
        add_loras(&mut files, wanted, control).await?;
        let names = differing(&before, &files);
        let files = Rc::new(files);
        let call = LoadContext { files: &files, control };
        let (loaded, keeps) = match &self.machine {
            Machine::Gpu(engine) => (engine.load_again(&names, call).await, false),
            Machine::Cpu(engine) => (engine.load_again(&names, &*self.source, call).await, true),
        };
        // After an error the CPU still has the networks of before; the adapter loads what it let
        // go from the new files.
        if loaded.is_ok() || !keeps {
            *self.files.borrow_mut() = files;
            *self.loras.borrow_mut() = records;
        }
        loaded
    }

    /// A sentence for each tag of the prompt that has no effect, and for LoRAs that have less.
    pub(super) fn lora_notices(&self, request: &Request) -> Vec<String> {
        let tags = tags(request);
        let chosen = self.chosen.borrow();
        let absent = tags.loras.iter().filter(|tag| find(&chosen, &tag.name).is_none());
        let absent = absent.map(|tag| {
            format!("The LoRA “{}” is not here: the image is made without it.", tag.name)
        });
        let unknown = tags.unknown.iter().map(|tag| format!("{tag} has no effect here."));
        let is_rounded = self.has_four_bits() && !wanted(&chosen, &tags.loras).is_empty();
        let rounded = is_rounded.then(|| FOUR_BITS.to_owned());
        absent.chain(unknown).chain(rounded).collect()
    }

    /// Whether its weights are q4_0. The CPU holds them in f32.
    fn has_four_bits(&self) -> bool {
        match &self.machine {
            Machine::Gpu(engine) => engine.options.weights == Some(WeightType::Q4_0),
            Machine::Cpu(_) => false,
        }
    }
}

/// The tags of a request's prompt: none where their syntax is off.
fn tags(request: &Request) -> Tagged {
    if request.reads_a1111() { Tagged::read(&request.prompt) } else { Tagged::default() }
}

/// The place of a LoRA by its name: as written, or else in other letter cases.
fn find(chosen: &[Weighted], name: &str) -> Option<usize> {
    let names = || chosen.iter().map(Weighted::name);
    names().position(|own| own == name).or_else(|| {
        let lower = name.to_lowercase();
        names().position(|own| own.to_lowercase() == lower)
    })
}

/// The chosen LoRAs with the weights of the tags, without those of weight 0. A tag replaces the
/// weight that was chosen; several tags of one LoRA add up.
fn wanted(chosen: &[Weighted], tags: &[LoraTag]) -> Vec<Weighted> {
    let mut tagged: Vec<Option<[f32; 2]>> = vec![None; chosen.len()];
    for tag in tags {
        let Some(place) = find(chosen, &tag.name) else { continue };
        let [unet, text] = tagged[place].unwrap_or_default();
        tagged[place] = Some([unet + tag.weight, text + tag.text_encoder_weight]);
    }
    let weighted = chosen.iter().zip(tagged).map(|(one, tagged)| match tagged {
        None => one.clone(),
        Some([weight, text_encoder_weight]) => {
            Weighted { weight, text_encoder_weight, ..one.clone() }
        }
    });
    in_use(&weighted.collect::<Vec<_>>())
}
