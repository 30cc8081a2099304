//! Floor 5: from a request to a picture. Here tokenizer, models, schedule and noise meet; nothing
//! below knows more than its own part, and nothing above decides anything.
//!
//! [`Pipeline::open`] reads a model once; [`Pipeline::generate`] is the walk.

mod control;
mod picture;
mod request;

pub use control::{Control, Progress};
pub use picture::Picture;
pub use request::{Allowed, Request, SIDE_MAX, STEPS_MAX};
