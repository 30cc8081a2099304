//! SIGINT (Ctrl+C) and SIGTERM end a list of pictures in order: the first one is only noted here,
//! and read between two steps of a picture; another one after that ends the program at once.
//! Schedulers send SIGTERM some seconds before they kill; `timeout` sends it twice at one time,
//! which is why the first one has to be read before the second one ends anything.

use signal_hook::consts::signal::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What was noted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    signal: Arc<AtomicUsize>,
    /// Whether it was read.
    is_read: Arc<AtomicBool>,
}

impl Interrupt {
    /// Notes signals from now on.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn watch() -> io::Result<Interrupt> {
        let noted = Interrupt::default();
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 128 + signal, noted.is_read.clone())?;
            flag::register_usize(signal, noted.signal.clone(), signal.unsigned_abs() as usize)?;
        }
        Ok(noted)
    }

    /// The number of the signal that came.
    pub(crate) fn signal(&self) -> Option<u8> {
        let noted = u8::try_from(self.signal.load(Ordering::Relaxed)).ok();
        let signal = noted.filter(|signal| *signal != 0);
        if signal.is_some() {
            self.is_read.store(true, Ordering::Relaxed);
        }
        signal
    }
}
