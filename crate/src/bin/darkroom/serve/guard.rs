//! Who may ask: the Host header against DNS rebinding, the Origin of pages, the token.

use super::args::ServeArgs;
use super::body::text;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use darkroom::weights::sha256;
use darkroom::{Error, Result};
use std::net::{IpAddr, SocketAddr};
use std::{env, fs, hint};

/// The environment variable with the token.
const TOKEN: &str = "DARKROOM_TOKEN";

/// A shorter token could be guessed.
const TOKEN_LENGTH_MIN: usize = 16;

/// Who may ask.
pub(super) struct Guard {
    address: SocketAddr,
    names: Vec<String>,
    origins: Vec<String>,
    /// The SHA-256 of the token: what is compared says nothing about how much of it is right.
    token: Option<String>,
}

/// Why a request is not looked at.
pub(super) type Refusal = (StatusCode, &'static str);

impl Guard {
    /// By the program's options.
    ///
    /// # Errors
    /// A token that cannot be read or is too short; an address that is not loopback without one.
    pub(super) fn new(args: &ServeArgs, address: SocketAddr) -> Result<Guard> {
        let token = read_token(args)?;
        if token.is_none() && !is_loopback(address.ip()) {
            let reason = format!(
                "{address} can be reached by others: give a token, by --token-file or the \
                 environment variable {TOKEN}"
            );
            return Err(Error::Request { field: "listen address", reason });
        }
        let names = args.host_name.iter().map(|name| name.to_ascii_lowercase()).collect();
        let origins = args.allow_origin.iter().map(|one| origin(one)).collect::<Result<_>>()?;
        Ok(Guard { address, names, origins, token: token.map(|text| sha256(text.as_bytes())) })
    }

    /// Looks at the head of a request.
    ///
    /// # Errors
    /// Status and sentence of what is refused.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = text(headers, HOST.as_str());
        if !host.is_some_and(|host| self.knows(host)) {
            let said = "The Host header names none of this machine's names; see --host-name.";
            return Err((StatusCode::FORBIDDEN, said));
        }
        let origin = text(headers, ORIGIN.as_str());
        let is_own = origin.zip(host).is_some_and(|(origin, host)| {
            origin.strip_prefix("http://").or(origin.strip_prefix("https://")) == Some(host)
        });
        let is_foreign = match origin {
            Some(origin) => !is_own && self.allowed(origin).is_none(),
            // Pictures and scripts of a page bring no Origin.
            None => text(headers, "sec-fetch-site")
                .is_some_and(|site| ["cross-site", "same-site"].contains(&site)),
        };
        if is_foreign {
            let said = "Pages of this origin may not ask; see --allow-origin.";
            return Err((StatusCode::FORBIDDEN, said));
        }
        if method != Method::OPTIONS && !self.has_token(headers) {
            return Err((StatusCode::UNAUTHORIZED, "The token is missing or wrong."));
        }
        Ok(())
    }

    /// The origin as `Access-Control-Allow-Origin` has it, if it is allowed.
    pub(super) fn allowed<'a>(&self, origin: &'a str) -> Option<&'a str> {
        self.origins.iter().any(|one| one == "*" || one == origin).then_some(origin)
    }

    /// Whether a Host header has a loopback name or address, the address listened on, or a name
    /// that was given. Where a token is asked for, any address will do: to lead a page's requests
    /// here, an attacker needs a name.
    fn knows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        match name.parse::<IpAddr>() {
            Ok(ip) => {
                let is_own = is_loopback(ip) || ip == self.address.ip();
                is_own || self.token.is_some() || self.names.iter().any(|n| n == name)
            }
            Err(_) => name == "localhost" || self.names.iter().any(|own| own == name),
        }
    }

    /// Whether it has the token: as a bearer's, or as the password of any user.
    fn has_token(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let Some((scheme, rest)) =
            text(headers, AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '))
        else {
            return false;
        };
        let given = if scheme.eq_ignore_ascii_case("bearer") {
            rest.trim().to_owned()
        } else if scheme.eq_ignore_ascii_case("basic") {
            let decoded = STANDARD.decode(rest.trim()).unwrap_or_default();
            let decoded = String::from_utf8(decoded).unwrap_or_default();
            decoded.split_once(':').map(|(_, word)| word.to_owned()).unwrap_or_default()
        } else {
            return false;
        };
        is_equal(&sha256(given.as_bytes()), token)
    }
}

/// An origin as browsers send it.
///
/// # Errors
/// [`Error::Request`] for what is none: it would never be met.
fn origin(text: &str) -> Result<String> {
    let plain = text.trim_end_matches('/').to_ascii_lowercase();
    let is_host = |rest: &str| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ', '*']);
    match plain.split_once("://") {
        None if plain == "*" => Ok(plain),
        Some((scheme, rest)) if !scheme.is_empty() && is_host(rest) => Ok(plain),
        _ => Err(Error::Request {
            field: "allowed origin",
            reason: format!("must be * or as in https://a.example:8080, not {text}"),
        }),
    }
}

/// Compares hashes in a time that does not depend on them.
fn is_equal(one: &str, other: &str) -> bool {
    let pairs = one.bytes().zip(other.bytes());
    let differ = pairs.fold(0, |differ, (a, b)| hint::black_box(differ | (a ^ b)));
    one.len() == other.len() && differ == 0
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn read_token(args: &ServeArgs) -> Result<Option<String>> {
    let token = match &args.token_file {
        None => env::var(TOKEN).ok(),
        Some(path) => Some(fs::read_to_string(path).map_err(|fault| Error::NotFound {
            path: path.display().to_string(),
            reason: fault.to_string(),
        })?),
    };
    let Some(token) = token.map(|token| token.trim().to_owned()) else { return Ok(None) };
    if token.len() < TOKEN_LENGTH_MIN {
        let reason = format!("must have at least {TOKEN_LENGTH_MIN} characters");
        return Err(Error::Request { field: "token", reason });
    }
    Ok(Some(token))
}
