//! A part of a list, for one of several processes that share it without talking to each other: the
//! k-th of n takes every n-th request from the k-th on, so that long ones even out.

use darkroom::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// The k-th of n parts, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    number: u32,
    pub(crate) count: u32,
}

impl Shard {
    /// The whole list.
    pub(crate) const WHOLE: Shard = Shard { number: 1, count: 1 };

    /// What `--shard` and `--shards` say. `auto` takes the number from the environment of a
    /// scheduler, never how many there are: of an array that was partly submitted again the
    /// schedulers count those parts only.
    ///
    /// # Errors
    /// [`Error::Request`] where they say no part.
    pub(crate) fn of(
        word: Option<&str>,
        shards: Option<u32>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Shard> {
        match (word, shards) {
            (None, _) => Ok(Shard::WHOLE),
            (Some("auto"), Some(count)) => Shard::new(from_scheduler(environment)?, count),
            (Some("auto"), None) => Err(wrong("auto needs --shards, how many parts there are")),
            (Some(word), None) => word.parse(),
            (Some(_), Some(_)) => Err(wrong("says how many parts there are, and --shards too")),
        }
    }

    fn new(number: u32, count: u32) -> Result<Shard> {
        match (1..=count).contains(&number) {
            true => Ok(Shard { number, count }),
            false => {
                Err(wrong(&format!("must be from 1/{count} to {count}/{count}, not {number}")))
            }
        }
    }

    /// Whether the request at a place of the list, from 0, is of this part.
    pub(crate) fn has(self, place: usize) -> bool {
        place as u64 % u64::from(self.count) == u64::from(self.number) - 1
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(word: &str) -> Result<Shard> {
        let parsed =
            word.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        let (number, count) = parsed
            .ok_or_else(|| wrong(&format!("must be K/N, such as 2/8, or auto, not `{word}`")))?;
        Shard::new(number, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

/// Variables of schedulers with the number of a task, and what their first task has.
const VARIABLES: [(&str, u32); 4] = [
    ("SLURM_ARRAY_TASK_ID", 1),
    ("JOB_COMPLETION_INDEX", 0),
    ("SKYPILOT_JOB_RANK", 0),
    ("SKYPILOT_NODE_RANK", 0),
];

/// The number of this task: Slurm's, which is as submitted (`--array=1-N`), Kubernetes' or
/// SkyPilot's.
fn from_scheduler(environment: impl Fn(&str) -> Option<String>) -> Result<u32> {
    let found = VARIABLES.iter().find_map(|&(name, first)| Some((name, first, environment(name)?)));
    let Some((name, first, text)) = found else {
        let names = VARIABLES.map(|(name, _)| name).join(", ");
        return Err(wrong(&format!("auto finds no task of a scheduler: none of {names} is set")));
    };
    let number = text.trim().parse::<u32>().ok().and_then(|number| number.checked_add(1 - first));
    match number {
        Some(number) if number > 0 => Ok(number),
        Some(_) => Err(wrong(&format!("auto needs {name} from 1 on: submit with --array=1-N"))),
        None => Err(wrong(&format!("auto cannot read {name}, `{text}`"))),
    }
}

fn wrong(reason: &str) -> Error {
    Error::Request { field: "shard", reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_have_every_request_once() {
        for count in 1..8 {
            for place in 0..100 {
                let of = |number| Shard::new(number, count).unwrap();
                assert_eq!((1..=count).filter(|number| of(*number).has(place)).count(), 1);
            }
        }
    }

    #[test]
    fn words_that_say_no_part_are_refused() {
        let said = |word, shards| Shard::of(Some(word), shards, |_| None).map(|s| s.to_string());
        assert_eq!(said("2/8", None).as_deref(), Ok("2/8"));
        for word in ["0/8", "9/8", "2", "2/", "/8", "a/b", "1/0", "-1/8", "2/8/1", "", "auto"] {
            assert!(said(word, None).is_err(), "{word}");
        }
        assert!(said("2/8", Some(8)).is_err());
        assert_eq!(Shard::of(None, None, |_| None), Ok(Shard::WHOLE));
    }

    #[test]
    fn schedulers_tell_the_number() {
        let auto = |name: &'static str, value: &'static str| {
            let set = move |asked: &str| (asked == name).then(|| value.to_owned());
            Shard::of(Some("auto"), Some(4), set).map(|shard| shard.to_string())
        };
        assert_eq!(auto("SLURM_ARRAY_TASK_ID", "4").as_deref(), Ok("4/4"));
        assert_eq!(auto("JOB_COMPLETION_INDEX", "0").as_deref(), Ok("1/4"));
        assert_eq!(auto("SKYPILOT_NODE_RANK", "3").as_deref(), Ok("4/4"));
        for (name, value) in [
            ("SLURM_ARRAY_TASK_ID", "0"),
            ("SLURM_ARRAY_TASK_ID", "5"),
            ("JOB_COMPLETION_INDEX", "4"),
            ("JOB_COMPLETION_INDEX", "4294967295"),
            ("JOB_COMPLETION_INDEX", "first"),
            ("HOME", "1"),
        ] {
            assert!(auto(name, value).is_err(), "{name} {value}");
        }
    }
}
