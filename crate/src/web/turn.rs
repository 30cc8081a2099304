//! A turn of the event loop, so that messages are heard while much is computed or read.

use gloo::timers::callback::Timeout;

/// Comes back after all that waits in the event loop has run.
pub async fn give_turn() {
    let (sender, turn) = futures_channel::oneshot::channel();
    Timeout::new(0, move || {
        // Nobody waits any more when the call was given up.
        sender.send(()).ok();
    })
    .forget();
    turn.await.ok();
}
