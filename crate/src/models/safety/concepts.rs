//! How close a picture is to the concepts that must not be shown.
//!
//! ```text
//! score = round₃(cos(picture, concept) − threshold + adjustment)     a match when above zero
//! ```
//!
//! The concepts of special care come first. A match among them sets the adjustment to 0.01, for
//! those after it and for the other concepts. The picture is flagged when one of the other concepts
//! matches. Scores are rounded to three digits, in f32, as numpy does.

use crate::models::clip::cosine;

/// The number of concepts; it is in diffusers' code and in no config.
pub const CONCEPTS: usize = 17;
/// The number of concepts of special care, also from diffusers' code. A match with one of them
/// makes the other comparisons stricter.
pub const SPECIAL_CARE: usize = 3;

/// What a match with a concept of special care adds to scores.
const ADJUSTMENT: f32 = 0.01;

/// Embeddings and thresholds, with their names in the checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Concepts {
    /// `[17, d]`
    pub concept_embeds: Vec<f32>,
    /// `[17]`, the thresholds.
    pub concept_embeds_weights: Vec<f32>,
    /// `[3, d]`
    pub special_care_embeds: Vec<f32>,
    /// `[3]`, the thresholds.
    pub special_care_embeds_weights: Vec<f32>,
}

/// The scores of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyScores {
    /// One for each concept of special care.
    pub special_scores: Vec<f32>,
    /// One for each concept.
    pub concept_scores: Vec<f32>,
}

impl SafetyScores {
    /// Whether the picture must not be shown.
    pub fn flagged(&self) -> bool {
        self.concept_scores.iter().any(|score| *score > 0.0)
    }

    /// Whether all scores are finite (not NaN or infinite); if not, the checker's weights are
    /// damaged.
    pub fn is_finite(&self) -> bool {
        self.special_scores.iter().chain(&self.concept_scores).all(|score| score.is_finite())
    }
}

impl Concepts {
    /// The scores of a picture's embedding `[d]`. diffusers: `StableDiffusionSafetyChecker`.
    pub fn scores(&self, image_embeds: &[f32]) -> SafetyScores {
        let d = image_embeds.len();
        let mut adjustment = 0.0;
        let mut special_scores = Vec::new();
        let special = self.special_care_embeds.chunks_exact(d);
        for (concept, threshold) in special.zip(&self.special_care_embeds_weights) {
            let score = score(image_embeds, concept, *threshold, adjustment);
            if score > 0.0 {
                adjustment = ADJUSTMENT;
            }
            special_scores.push(score);
        }
        let concepts = self.concept_embeds.chunks_exact(d).zip(&self.concept_embeds_weights);
        let concept_scores = concepts
            .map(|(concept, threshold)| score(image_embeds, concept, *threshold, adjustment));
        SafetyScores { special_scores, concept_scores: concept_scores.collect() }
    }
}

fn score(picture: &[f32], concept: &[f32], threshold: f32, adjustment: f32) -> f32 {
    let score = cosine(picture, concept) as f32 - threshold + adjustment;
    (score * 1000.0).round_ties_even() / 1000.0
}
