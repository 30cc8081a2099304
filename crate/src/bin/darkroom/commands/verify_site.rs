//! `darkroom verify-site`: compares what a host serves with the list of hashes of a release, byte
//! for byte. `scripts/verify-site` does the same with curl and sha256sum alone.
//!
//! Files that are on the host and not in the list cannot be found this way, and a host can answer a
//! browser otherwise than this program.

use crate::exit;
use clap::Args;
use darkroom::weights::{Digest, PIECE_BYTES, is_sha256, sha256};
use darkroom::{Error, Result};
use std::fs;
use std::io::{self, Read};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use ureq::Agent;
use ureq::http::StatusCode;
use ureq::tls::{RootCerts, TlsConfig};

/// The list's name on a host.
const LIST: &str = "SHA256SUMS";
/// The most bytes of a list.
const LIST_BYTES_MAX: u64 = 16 << 20;
/// Files that are asked for at once, as a browser does.
const AT_ONCE: usize = 6;
/// How long a host may take to accept a connection, and then to send a file.
const CONNECT: Duration = Duration::from_secs(20);
const WHOLE_FILE: Duration = Duration::from_secs(600);

/// Compares what a host serves with the list of hashes of a release. Exit code: 0 all files are
/// those of the list; 1 some are not; 2 the address or the list cannot be used; 75 the host does
/// not answer as it should.
#[derive(Args)]
pub(crate) struct VerifySiteArgs {
    /// The address of the page, such as https://example.org/darkroom/.
    url: String,
    /// A release's list, SHA256SUMS: a file, or an address. Left out, it is the host's own; then
    /// compare the printed hash with that of the release page.
    list: Option<String>,
}

pub(crate) fn run(args: &VerifySiteArgs) -> Result<ExitCode> {
    let site = format!("{}/", args.url.trim_end_matches('/'));
    if !is_address(&site) {
        let reason = format!("{} is not an address that begins with https:// or http://", args.url);
        return Err(Error::Request { field: "url", reason });
    }
    let agent = agent(&site);
    let place = args.list.clone().unwrap_or_else(|| format!("{site}{LIST}"));
    let text = match read_list(&agent, &place)? {
        Ok(text) => text,
        Err(unread) => return Ok(not_checked(&[unread])),
    };
    let list = parse(&place, &text)?;
    let tree = sha256(text.as_bytes());
    let wanted = wanted(&list, &tree);
    let found = fetch_all(&agent, &site, &wanted);
    let (mut same, mut unread) = (0, Vec::new());
    for ((hash, path), found) in wanted.iter().zip(found) {
        let found = match found {
            Ok(found) => found.unwrap_or_else(|| "missing".to_owned()),
            Err(fault) => {
                unread.push(fault);
                continue;
            }
        };
        if found == *hash {
            same += 1;
            continue;
        }
        let path =
            if path.is_empty() { "the address itself, which should give index.html" } else { path };
        println!("DIFFERS {path}: {found}, not {hash}");
    }
    let count = wanted.len();
    // A file that differs says enough, whatever else could not be read.
    let differs = same + unread.len() < count;
    if !unread.is_empty() {
        let code = not_checked(&unread);
        return Ok(if differs { ExitCode::FAILURE } else { code });
    }
    println!(
        "{same} of {count} files of {site} are those of the list. The list's own hash, the tree's: \
         {tree}"
    );
    Ok(if same == count { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what could not be read: it says nothing of the files.
fn not_checked(unread: &[Unread]) -> ExitCode {
    for Unread { address, reason } in unread {
        eprintln!("{address} could not be read: {reason}.");
    }
    eprintln!("The host was not compared with the whole list; try again later.");
    exit::TRY_AGAIN.into()
}

/// A host's failure to answer.
#[derive(Clone)]
struct Unread {
    address: String,
    reason: String,
}

fn is_address(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| !rest.starts_with('/') && !rest.is_empty())
    })
}

/// It trusts whom the system trusts, and from an address of https it follows no redirect to plain
/// http.
fn agent(site: &str) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .https_only(site.starts_with("https://"))
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(WHOLE_FILE))
        .user_agent(concat!("darkroom/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// The text of a list.
///
/// # Errors
/// When a file cannot be read. The inner error: when a host does not answer.
fn read_list(agent: &Agent, place: &str) -> Result<std::result::Result<String, Unread>> {
    if !is_address(place) {
        let text = fs::read_to_string(place)
            .map_err(|fault| Error::NotFound { path: place.to_owned(), reason: fault.to_string() });
        return text.map(Ok);
    }
    let unread = |reason| Unread { address: place.to_owned(), reason };
    let body =
        ask(agent, place).and_then(|body| body.ok_or_else(|| "there is no such file".into()));
    let text = body.and_then(|body| {
        let mut text = String::new();
        body.take(LIST_BYTES_MAX).read_to_string(&mut text).map_err(|fault| fault.to_string())?;
        Ok(text)
    });
    Ok(text.map_err(unread))
}

/// Hashes and paths of a list, as `sha256sum` writes it.
///
/// # Errors
/// For a text that is none, and for paths that lead out of the site's folder.
fn parse<'a>(place: &str, text: &'a str) -> Result<Vec<(&'a str, &'a str)>> {
    let lines: Option<Vec<_>> = text.lines().map(entry).collect();
    lines.filter(|lines| !lines.is_empty()).ok_or_else(|| Error::Request {
        field: "list",
        reason: format!("{place} is no list of hashes, as sha256sum writes it"),
    })
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let (hash, path) = line.split_once("  ")?;
    let is_name = |name: &str| {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain)
    };
    (is_sha256(hash) && path.split('/').all(is_name)).then_some((hash, path))
}

/// What the host is asked for: the files, the list itself, and the folder's address, which should
/// give index.html.
fn wanted<'a>(list: &[(&'a str, &'a str)], tree: &'a str) -> Vec<(&'a str, &'a str)> {
    let index = list.iter().find(|(_, path)| *path == "index.html").map(|(hash, _)| (*hash, ""));
    list.iter().copied().chain([(tree, LIST)]).chain(index).collect()
}

/// The hashes of files as the host sends them, in the order of `wanted`; none for one that the host
/// does not have.
fn fetch_all(
    agent: &Agent,
    site: &str,
    wanted: &[(&str, &str)],
) -> Vec<std::result::Result<Option<String>, Unread>> {
    let left = Mutex::new(wanted.iter().enumerate());
    let next = || left.lock().ok().and_then(|mut left| left.next());
    let work = || {
        let mut found = Vec::new();
        while let Some((at, (_, path))) = next() {
            let address = format!("{site}{path}");
            let hash = hash_of(agent, &address).map_err(|reason| Unread { address, reason });
            found.push((at, hash));
        }
        found
    };
    let mut found = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().expect("no worker panics"));
        ended.flatten().collect::<Vec<_>>()
    });
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, hash)| hash).collect()
}

/// The SHA-256 of a file of the host; none if it has no such file.
fn hash_of(agent: &Agent, address: &str) -> std::result::Result<Option<String>, String> {
    let Some(mut body) = ask(agent, address)? else { return Ok(None) };
    let mut digest = Digest::default();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match body.read(&mut piece) {
            Ok(0) => return Ok(Some(digest.finish().0)),
            Ok(count) => digest.update(&piece[..count]),
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault.to_string()),
        }
    }
}

/// The body of an answer; none if the host says that there is no such file.
fn ask(agent: &Agent, address: &str) -> std::result::Result<Option<impl Read + use<>>, String> {
    let request = agent.get(address).header("Cache-Control", "no-cache");
    let answer = request.call().map_err(|fault| fault.to_string())?;
    match answer.status() {
        StatusCode::OK => Ok(Some(answer.into_body().into_reader())),
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
        other => Err(format!("the host answers {other}")),
    }
}
