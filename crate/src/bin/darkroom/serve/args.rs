//! The options of `darkroom serve`.

use crate::open_args::OpenArgs;
use crate::request_args::{RequestArgs, Settings};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Answers requests over HTTP.
#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub opens: OpenArgs,
    #[command(flatten)]
    pub request: RequestArgs<Settings>,
    /// Where to listen. Anything but a loopback address needs a token.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7860")]
    pub listen: SocketAddr,
    /// A file with the token that every request must bring; without it the environment variable
    /// DARKROOM_TOKEN.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A name by which clients call this machine, beside loopback names and the address. May be
    /// given several times.
    #[arg(long, value_name = "NAME")]
    pub host_name: Vec<String>,
    /// Let pages of this origin, such as https://a.example:8080, use the service. May be given
    /// several times; * is every page of the web.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// How many requests may wait; further ones are answered with 429.
    #[arg(long, value_name = "N", default_value = "16")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub queue: u32,
    /// How many finished jobs of the own API are kept to be fetched.
    #[arg(long, value_name = "N", default_value = "100")]
    pub keep: u32,
    /// And how many MB their pictures may take.
    #[arg(long, value_name = "MB", default_value = "256")]
    pub keep_mb: u32,
    /// The largest body of a request, in MB.
    #[arg(long, value_name = "MB", default_value = "64")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub max_body: u32,
    /// In how many seconds a request's head, and then its body, must have arrived.
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub read_timeout: u32,
    /// How many connections may be open; further ones wait.
    #[arg(long, value_name = "N", default_value = "128")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_connections: u32,
    /// Write every picture into this folder; without it none is written.
    #[arg(long, value_name = "DIR")]
    pub save_to: Option<PathBuf>,
    /// Write prompts, and notices that quote them, to the log.
    #[arg(long)]
    pub log_prompts: bool,
}
