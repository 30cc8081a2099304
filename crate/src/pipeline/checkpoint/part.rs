//! The parts of a model, as values: a part, a set of parts, and a map from parts.
//!
//! A part is a network that can be loaded and dropped on its own.

use serde::{Serialize, Serializer};

/// A network of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// CLIP's text model, from prompts to context.
    TextEncoder,
    /// The denoiser.
    Unet,
    /// The VAE's decoder, from latents to pictures.
    Vae,
    /// The VAE's encoder, for a run that begins with a picture; its weights are in the decoder's
    /// file.
    VaeEncoder,
    /// The optional safety checker.
    SafetyChecker,
}

impl Part {
    /// All, in the order in which a run uses the first three.
    pub const ALL: [Part; 5] =
        [Part::TextEncoder, Part::Unet, Part::Vae, Part::VaeEncoder, Part::SafetyChecker];

    /// The parts that every run needs.
    pub const NEEDED: [Part; 3] = [Part::TextEncoder, Part::Unet, Part::Vae];

    /// Its name in progress events; for most parts also the name of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Part::TextEncoder => "text_encoder",
            Part::Unet => "unet",
            Part::Vae => "vae",
            Part::VaeEncoder => "vae_encoder",
            Part::SafetyChecker => "safety_checker",
        }
    }
}

/// Some of the parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartSet(u8);

impl PartSet {
    /// None of them.
    pub const EMPTY: PartSet = PartSet(0);

    /// These.
    pub const fn of(parts: &[Part]) -> PartSet {
        let (mut bits, mut i) = (0, 0);
        while i < parts.len() {
            bits |= 1 << parts[i] as u8;
            i += 1;
        }
        PartSet(bits)
    }

    /// Whether it has a part.
    pub const fn has(self, part: Part) -> bool {
        self.0 & (1 << part as u8) != 0
    }

    /// The union of both sets.
    pub const fn or(self, other: PartSet) -> PartSet {
        PartSet(self.0 | other.0)
    }

    /// Its parts, in the order of [`Part::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL.into_iter().filter(move |part| self.has(*part))
    }
}

impl Serialize for PartSet {
    /// The names of its parts.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Part::name))
    }
}

/// A map from parts to values.
#[derive(Debug, Clone)]
pub struct PartMap<T>([Option<T>; Part::ALL.len()]);

impl<T> Default for PartMap<T> {
    /// Without any value.
    fn default() -> PartMap<T> {
        PartMap(std::array::from_fn(|_| None))
    }
}

impl<T> PartMap<T> {
    /// The value of a part, if it has one.
    pub fn get(&self, part: Part) -> Option<&T> {
        self.0[part as usize].as_ref()
    }

    /// Gives a part a value, in place of the one before.
    pub fn insert(&mut self, part: Part, value: T) {
        self.0[part as usize] = Some(value);
    }

    /// Takes a part's value out, if it has one.
    pub fn remove(&mut self, part: Part) -> Option<T> {
        self.0[part as usize].take()
    }

    /// Drops the values of all other parts.
    pub fn retain(&mut self, kept: PartSet) {
        for part in Part::ALL.into_iter().filter(|part| !kept.has(*part)) {
            self.0[part as usize] = None;
        }
    }

    /// The values there are, in the order of [`Part::ALL`].
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }
}

impl<T> FromIterator<(Part, T)> for PartMap<T> {
    fn from_iter<I: IntoIterator<Item = (Part, T)>>(pairs: I) -> PartMap<T> {
        let mut map = PartMap::default();
        pairs.into_iter().for_each(|(part, value)| map.insert(part, value));
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_maps_of_parts() {
        let set = PartSet::of(&[Part::Vae, Part::TextEncoder]);
        assert!(set.has(Part::Vae) && !set.has(Part::Unet));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Part::TextEncoder, Part::Vae]);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["text_encoder","vae"]"#);
        assert_eq!(set.or(PartSet::of(&Part::ALL)).iter().count(), Part::ALL.len());
        let mut map: PartMap<_> = Part::ALL.into_iter().map(|part| (part, part.name())).collect();
        map.retain(set);
        assert_eq!(map.values().copied().collect::<Vec<_>>(), ["text_encoder", "vae"]);
        assert_eq!((map.get(Part::Vae), map.get(Part::Unet)), (Some(&"vae"), None));
    }
}
