//! One comparison of a verification, as its caller gets it.

use serde::Serialize;

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// Equal to the tolerance that holds in f32.
    Pass,
    /// Beyond that, but within what the chosen precision is known to cost.
    Precision,
    /// Something is wrong.
    Fail,
}

/// Numbers that should be equal, and how equal they are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Such as `ddim`.
    pub name: String,
    /// The blue of the picture's last three rows and columns, in 0…1, as it should be.
    pub expected: Vec<f32>,
    /// And as it is.
    pub got: Vec<f32>,
    /// The largest difference of all values that were compared; of a whole picture in less than
    /// f32, their root mean square, since single pixels at edges say nothing there.
    pub difference: f32,
    /// What f32 is held to.
    pub tolerance: f32,
    /// What this run is held to: more, where its precision is known to cost more.
    pub bound: f32,
    /// What follows from difference, tolerance and bound.
    pub verdict: CheckResult,
}
