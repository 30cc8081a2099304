//! SIGINT (Ctrl+C) and SIGTERM end a list of pictures in order: the first one is only noted here,
//! and read between two steps of a picture; a second one ends the program at once. Schedulers send
//! SIGTERM some seconds before they kill.

use signal_hook::consts::signal::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What was noted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Notes signals from now on.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn watch() -> io::Result<Interrupt> {
        let noted = Interrupt::default();
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal only sets what makes the second one end the program.
            flag::register_conditional_shutdown(signal, 128 + signal, again.clone())?;
            flag::register(signal, again.clone())?;
            flag::register_usize(signal, noted.0.clone(), signal.unsigned_abs() as usize)?;
        }
        Ok(noted)
    }

    /// The number of the signal that came.
    pub(crate) fn signal(&self) -> Option<u8> {
        u8::try_from(self.0.load(Ordering::Relaxed)).ok().filter(|signal| *signal != 0)
    }
}
