//! When a list ends before its last picture: by a signal, after a number of pictures, or before a
//! time limit.

use crate::interrupt::Interrupt;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Why a list ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A signal of this number.
    Signal(u8),
    /// So many pictures were to be made.
    Pictures,
    /// The time is over, or would be before the next picture is made.
    Time,
}

impl End {
    /// Why, as a sentence.
    pub(crate) fn text(self) -> String {
        match self {
            End::Signal(signal) => format!("Ended by signal {signal}."),
            End::Pictures => "As many pictures as --max-pictures says were made.".to_owned(),
            End::Time => "The time of --time-limit is over.".to_owned(),
        }
    }
}

/// The limits of a run, and how far it is.
#[derive(Debug)]
pub(crate) struct Limits {
    interrupt: Interrupt,
    pictures: Option<u32>,
    end: Option<Instant>,
    made: Cell<u32>,
    /// The longest time of a picture so far.
    longest: Cell<Duration>,
}

impl Limits {
    /// The time begins now.
    pub(crate) fn new(
        interrupt: Interrupt,
        pictures: Option<u32>,
        time: Option<Duration>,
    ) -> Limits {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        let (made, longest) = (Cell::new(0), Cell::default());
        Limits { interrupt, pictures, end, made, longest }
    }

    /// A picture was made in this time.
    pub(crate) fn count(&self, seconds: Duration) {
        self.made.set(self.made.get() + 1);
        self.longest.set(self.longest.get().max(seconds));
    }

    /// Why the picture in work is not finished; it is asked after each of its steps.
    pub(crate) fn within(&self) -> Option<End> {
        let over = || self.end.is_some_and(|end| Instant::now() >= end).then_some(End::Time);
        self.interrupt.signal().map(End::Signal).or_else(over)
    }

    /// Why no further picture is begun.
    pub(crate) fn before_next(&self) -> Option<End> {
        let enough = self.pictures.is_some_and(|pictures| self.made.get() >= pictures);
        let late = |end| Instant::now() + self.longest.get() >= end;
        let over = || self.end.is_some_and(late).then_some(End::Time);
        self.within().or_else(|| enough.then_some(End::Pictures)).or_else(over)
    }
}

/// Parses a time: seconds, `90s`, `30m`, `2h`, or `1:30:00` as schedulers write it.
///
/// # Errors
/// A sentence for any other text.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time: write 90s, 30m, 2h or 1:30:00");
    let number = |digits: &str| digits.parse::<u64>().map_err(|_| wrong());
    let seconds = if text.contains(':') {
        let parts: Vec<&str> = text.split(':').collect();
        if parts.len() > 3 {
            return Err(wrong());
        }
        parts.iter().try_fold(0_u64, |sum, part| {
            sum.checked_mul(60)
                .and_then(|sum| sum.checked_add(number(part).ok()?))
                .ok_or_else(wrong)
        })?
    } else {
        let (digits, unit) = match text.strip_suffix(['s', 'm', 'h']) {
            Some(digits) if text.ends_with('m') => (digits, 60),
            Some(digits) if text.ends_with('h') => (digits, 3600),
            Some(digits) => (digits, 1),
            None => (text, 1),
        };
        number(digits)?.checked_mul(unit).ok_or_else(wrong)?
    };
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        let seconds = |text| time(text).map(|time| time.as_secs());
        for (text, wanted) in
            [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1:30:00", 5400), ("1:05", 65)]
        {
            assert_eq!(seconds(text), Ok(wanted), "{text}");
        }
        for text in ["", "m", "1d", "-1", "1.5h", "1:2:3:4", "1:", "18446744073709551615h"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_picture_begins_that_would_end_too_late() {
        let limits = Limits::new(Interrupt::default(), None, Some(Duration::from_secs(60)));
        assert_eq!((limits.before_next(), limits.within()), (None, None));
        limits.count(Duration::from_secs(61));
        assert_eq!((limits.before_next(), limits.within()), (Some(End::Time), None));
        let limits = Limits::new(Interrupt::default(), Some(2), None);
        limits.count(Duration::ZERO);
        assert_eq!(limits.before_next(), None);
        limits.count(Duration::ZERO);
        assert_eq!((limits.before_next(), limits.within()), (Some(End::Pictures), None));
    }
}
