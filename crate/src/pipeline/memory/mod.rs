//! Memory planning: dry runs, the planner that uses them, and the forecast for a model that is not
//! downloaded yet.

mod dry_run;
mod forecast;
mod planner;

pub use dry_run::{DryRun, PartCost};
pub use forecast::{Forecast, SmallForecast};

pub(super) use dry_run::count_part;
