//! The options of a list of requests.

use super::limits;
use super::shard::Shard;
use clap::{Args, ValueEnum};
use darkroom::Result;
use std::path::PathBuf;
use std::time::Duration;

/// A list, and how much of it is made.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// Make a picture of every line: requests as JSON, what they leave out as given here.
    #[arg(long, value_name = "FILE.jsonl", requires = "out_dir")]
    #[arg(conflicts_with_all = ["out", "latents", "dump"])]
    pub jobs: Option<PathBuf>,
    /// Where the pictures of --jobs go; those already there are not made again.
    #[arg(long, value_name = "DIR", requires = "jobs")]
    pub out_dir: Option<PathBuf>,
    /// Make the K-th of N parts of the list, such as 2/8: requests K, K + N, K + 2N, … With auto, K
    /// is the task's number in Slurm (--array=1-N), Kubernetes or SkyPilot.
    #[arg(long, value_name = "K/N", requires = "jobs")]
    shard: Option<String>,
    /// How many parts the list has, with --shard auto.
    #[arg(long, value_name = "N", requires = "shard")]
    shards: Option<u32>,
    /// Add a line of JSON for each request to this file, or with - write it to standard output. A
    /// line that cannot be used is then a request that failed, and the others are made.
    #[arg(long, value_name = "FILE.jsonl", requires = "jobs")]
    pub results: Option<PathBuf>,
    /// What to do with a picture that is there and was made from another request.
    #[arg(long, value_enum, default_value = "fail", requires = "jobs")]
    pub on_change: OnChange,
    /// End before this time is over: 90s, 30m, 2h or 1:30:00. No picture is begun that would take
    /// longer.
    #[arg(long, value_name = "TIME", requires = "jobs", value_parser = limits::time)]
    pub time_limit: Option<Duration>,
    /// End after so many pictures.
    #[arg(long, value_name = "N", requires = "jobs")]
    pub max_pictures: Option<u32>,
}

impl JobsArgs {
    /// Which part of the list is made.
    ///
    /// # Errors
    /// As [`Shard::of`].
    pub(crate) fn shard(&self) -> Result<Shard> {
        Shard::of(self.shard.as_deref(), self.shards, |name| std::env::var(name).ok())
    }
}

/// What to do with a picture that was made from another request than the list has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnChange {
    /// Make it again.
    Redo,
    /// Leave it as it is.
    Keep,
    /// Leave it, and count the request as failed.
    Fail,
}
