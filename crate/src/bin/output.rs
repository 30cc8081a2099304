//! What commands print. `println!` of the standard library ends a program with a panic when nobody
//! reads on (`darkroom inspect … | head -1`) or the disk is full (`> file`); here it ends quietly. The
//! macros stand before all commands and have the standard names, so that none can be forgotten.

use std::io::{ErrorKind, Write};

macro_rules! println {
    () => { $crate::output::line(format_args!("")) };
    ($($words:tt)*) => { $crate::output::line(format_args!($($words)*)) };
}

macro_rules! eprintln {
    () => { $crate::output::complaint(format_args!("")) };
    ($($words:tt)*) => { $crate::output::complaint(format_args!($($words)*)) };
}

/// Prints a line, or ends the program: with success when the reader went away, as it has what it
/// wanted, else with the exit code of a fault.
pub fn line(words: std::fmt::Arguments) {
    if let Err(fault) = writeln!(std::io::stdout().lock(), "{words}") {
        if fault.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        complaint(format_args!("What was printed could not be written ({fault})."));
        std::process::exit(1);
    }
}

/// Prints a line on standard error; where that is gone there is nobody to tell.
pub fn complaint(words: std::fmt::Arguments) {
    writeln!(std::io::stderr().lock(), "{words}").ok();
}
