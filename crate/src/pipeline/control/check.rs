//! The result of one comparison of a verification.

use serde::Serialize;

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// Within the tolerance for f32.
    Pass,
    /// Passed, but only within the larger bound for the chosen precision.
    Precision,
    /// Beyond the bound.
    Fail,
}

/// A comparison of values that should be equal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Such as `ddim`.
    pub name: String,
    /// The blue of the picture's last three rows and columns, in 0…1, as it should be.
    pub expected: Vec<f32>,
    /// The same values of this picture.
    pub got: Vec<f32>,
    /// The largest difference of the compared values. For a whole picture below f32 it is the root
    /// mean square difference, since single pixels at edges may differ much.
    pub difference: f32,
    /// The largest difference allowed in f32.
    pub tolerance: f32,
    /// The largest difference allowed in this run: larger where its precision is lower.
    pub bound: f32,
    /// The result, from difference, tolerance and bound.
    pub verdict: CheckResult,
}
