//! Which hosts weights may be fetched from: origins, and patterns of them as in a
//! Content-Security-Policy. The check of a manifest, the check of an answer's URL and (through the
//! manifest) the policies of the page and of its service worker all follow these rules.
//!
//! ```text
//! https://huggingface.co     this origin
//! https://*.cdn.hf.co        every name below cdn.hf.co, at any depth, but not cdn.hf.co itself
//! ```

/// Domains below which anyone can register a name: a pattern below them would allow the hosts of
/// strangers.
const SHARED: [&str; 16] = [
    "github.io",
    "gitlab.io",
    "pages.dev",
    "workers.dev",
    "web.app",
    "netlify.app",
    "vercel.app",
    "herokuapp.com",
    "azurewebsites.net",
    "cloudfront.net",
    "amazonaws.com",
    "googleapis.com",
    "blogspot.com",
    "hf.space",
    "r2.dev",
    "fastly.net",
];
/// Second labels under which countries register names: `co.uk`, `com.au`.
const SECOND: [&str; 9] = ["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"];

/// An origin, or every origin below a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// The scheme, with `://`.
    scheme: String,
    /// The host with its port; of a pattern what follows the `*`, with the dot.
    host: String,
    any_below: bool,
}

impl HostPattern {
    /// Parses `https://host` or `https://*.host`, with or without a port.
    ///
    /// # Errors
    /// Why it is neither.
    pub fn parse(text: &str) -> Result<HostPattern, String> {
        let plain = text.replacen("://*.", "://", 1);
        if origin(&plain) != Some(&plain) {
            return Err(format!("the host {text:?} is not an https origin"));
        }
        let (scheme, host) = plain.split_once("://").unwrap_or_default();
        let any_below = plain.len() != text.len();
        let name = host.split(':').next().unwrap_or_default();
        if any_below && !is_narrow(name) {
            return Err(format!("the host {text:?} would allow names of anyone"));
        }
        let dot = if any_below { "." } else { "" };
        let host = format!("{dot}{}", host.to_ascii_lowercase());
        Ok(HostPattern { scheme: format!("{scheme}://"), host, any_below })
    }

    /// Whether a URL is on this host.
    pub fn allows(&self, address: &str) -> bool {
        let Some(origin) = origin(address).map(str::to_ascii_lowercase) else { return false };
        let Some(host) = origin.strip_prefix(&self.scheme) else { return false };
        match host.strip_suffix(&self.host) {
            Some(below) => self.any_below != below.is_empty(),
            None => false,
        }
    }
}

/// Whether all names below this one have one owner.
fn is_narrow(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let labels: Vec<&str> = name.split('.').collect();
    let country = |last: &str| last.len() == 2;
    match labels[..] {
        [] | [_] => false,
        _ if SHARED.contains(&name.as_str()) => false,
        [second, last] => !(country(last) && SECOND.contains(&second)),
        // Four numbers are an IP address, which has no names below it.
        _ => !labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_digit())),
    }
}

/// The origin of a URL that weights may come from: https, or this machine.
pub fn origin(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split('/').next().filter(|host| !host.is_empty())?;
    let (name, port) = host.split_once(':').unwrap_or((host, "0"));
    let of_label = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(of_label);
    let local = name == "localhost" || name.ends_with(".localhost");
    let allowed = (scheme == "https" || scheme == "http" && local)
        && name.split('.').all(is_label)
        && port.parse::<u16>().is_ok();
    allowed.then(|| &address[..scheme.len() + 3 + host.len()])
}
