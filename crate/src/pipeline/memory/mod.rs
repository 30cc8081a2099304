//! What will fit, and what it costs: dry runs, what is planned by them, and the forecast for a
//! model that is not here yet.

mod dry_run;
mod forecast;
mod planner;

pub use dry_run::{DryRun, Phase};
pub use forecast::Forecast;

pub(super) use dry_run::phase;
