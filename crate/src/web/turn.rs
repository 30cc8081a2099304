//! A turn of the event loop, so that messages are heard while much is computed or read.

use crate::pipeline::Turn;
use gloo::timers::callback::Timeout;

/// Comes back after all that waits in the event loop has run.
pub(super) async fn give_turn() {
    let (sender, turn) = futures_channel::oneshot::channel();
    Timeout::new(0, move || {
        // Nobody waits any more when the call was given up.
        sender.send(()).ok();
    })
    .forget();
    turn.await.ok();
}

/// How the CPU's work lets messages be heard.
pub(super) fn turn() -> Turn {
    Box::new(|| Box::pin(give_turn()))
}
