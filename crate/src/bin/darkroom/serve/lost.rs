//! A device that is lost in the middle of a picture, for the tests: a build with debug assertions
//! reads `DARKROOM_LOSE_DEVICE_AT`, and destroys the device once after so many steps.

use darkroom::pipeline::{Pipeline, Progress};
use std::env;
use std::rc::Rc;

/// Called with every event.
type Watch = Box<dyn Fn(&Progress)>;

/// What loses the device; nothing in a release.
pub(super) fn at_step(pipeline: &Rc<Pipeline>) -> Watch {
    let asked = cfg!(debug_assertions).then(|| env::var("DARKROOM_LOSE_DEVICE_AT").ok()).flatten();
    let Some(at) = asked.and_then(|text| text.parse::<usize>().ok()) else {
        return Box::new(|_| {});
    };
    let pipeline = pipeline.clone();
    Box::new(move |progress| {
        if matches!(progress, Progress::Step { step, .. } if *step == at) {
            pipeline.destroy();
        }
    })
}
