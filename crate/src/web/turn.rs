//! Yields to the event loop, so that messages are handled during long computations or reads.

use crate::pipeline::Turn;
use gloo::timers::callback::Timeout;

/// Returns after all tasks that wait in the event loop have run.
pub(super) async fn give_turn() {
    let (sender, turn) = futures_channel::oneshot::channel();
    Timeout::new(0, move || {
        // Fails if the receiver was dropped, which is no error.
        sender.send(()).ok();
    })
    .forget();
    turn.await.ok();
}

/// The [`Turn`] of the engine on the CPU.
pub(super) fn turn() -> Turn {
    Box::new(|| Box::pin(give_turn()))
}
