//! Ends the steps of a run early: pictures are decoded from what the model makes of them so far.

/// Whether a run takes all its steps. The caller sets it while the run works; it is looked at
/// before each step. With that step the pictures in work end: what the model takes them for without
/// their noise is decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EarlyEnd {
    /// All steps are taken.
    #[default]
    No,
    /// The pictures that are computed together now end, the others of the request are made. The
    /// run sets [`EarlyEnd::No`] after them.
    Batch,
    /// The pictures that are computed together now end, and are the request's last.
    Request,
}
