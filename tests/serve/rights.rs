//! Who may ask: names of the host, origins of pages, tokens, addresses.

use super::service::{Service, command};

const TOKEN: &str = "0123456789abcdef-secret";

#[test]
fn only_this_machines_names_and_allowed_pages_may_ask() {
    let service =
        Service::start(&["--host-name", "box.lan", "--allow-origin", "https://a.example"]);
    let status = |head: &str| service.ask("GET /v1/models", head, b"").status;
    for host in ["localhost:7860", "127.0.0.1", "[::1]:80", "box.lan:1", "LOCALHOST"] {
        assert_eq!(status(&format!("Host: {host}\r\n")), 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example", ""]
    {
        assert_eq!(status(&format!("Host: {host}\r\n")), 403, "{host}");
    }
    assert_eq!(status("Origin: https://evil.example\r\n"), 403);
    assert_eq!(status("Origin: null\r\n"), 403);
    assert_eq!(status("Sec-Fetch-Site: cross-site\r\n"), 403);
    let allowed = service.ask("GET /v1/models", "Origin: https://a.example\r\n", b"");
    assert_eq!(allowed.status, 200);
    assert!(allowed.head.contains("access-control-allow-origin: https://a.example"));
    let head = "Origin: https://a.example\r\nAccess-Control-Request-Headers: x-stainless-os\r\n";
    let asked = service.ask("OPTIONS /api/jobs", head, b"");
    assert_eq!(asked.status, 204);
    assert!(asked.head.contains("access-control-allow-headers: x-stainless-os"), "{}", asked.head);
    assert!(!service.get("/v1/models").head.contains("access-control"));
}

#[test]
fn a_token_is_asked_for_where_others_can_reach_it() {
    let common = ["--device", "cpu", "--listen"];
    let refused = |more: &[&str], environment: &[(&str, &str)]| {
        let output = command(&[&common[..], more].concat(), environment).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = refused(&["0.0.0.0:0"], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--token-file"), "{said}");
    assert_eq!(refused(&["0.0.0.0:0"], &[("DARKROOM_TOKEN", "short")]).0, Some(2));

    let arguments = [&common[..], &["0.0.0.0:0"]].concat();
    let mut service = Service::with(&arguments, &[("DARKROOM_TOKEN", TOKEN)]);
    service.address = service.address.replace("0.0.0.0", "127.0.0.1");
    let status = |head: &str| service.ask("GET /v1/models", head, b"").status;
    assert_eq!(status(""), 401);
    assert_eq!(status("Authorization: Bearer 0123456789abcdef-secreT\r\n"), 401);
    assert_eq!(status(&format!("Authorization: Bearer {TOKEN}\r\n")), 200);
    // Addresses of this machine are many, and a page cannot make one its own.
    let status_of =
        |host: &str| status(&format!("Host: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"));
    assert_eq!(["192.0.2.2:7860", "[2001:db8::1]", "evil.example"].map(status_of), [200, 200, 403]);
    use base64::Engine;
    let word = base64::engine::general_purpose::STANDARD.encode(format!("user:{TOKEN}"));
    assert_eq!(status(&format!("Authorization: Basic {word}\r\n")), 200);
}

#[test]
fn an_origin_that_no_browser_sends_is_refused_at_the_start() {
    for wrong in ["a.example", "https://", "https://a.example/page", "https://*.example"] {
        let output = command(&["--allow-origin", wrong], &[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{wrong}: {said}");
        assert!(said.contains(wrong), "{said}");
    }
    let service = Service::start(&["--allow-origin", "https://A.example/"]);
    assert_eq!(service.ask("GET /v1/models", "Origin: https://a.example\r\n", b"").status, 200);
}

/// The kernel's table has addresses as hexadecimal digits, the last byte first.
#[cfg(target_os = "linux")]
#[test]
fn it_listens_on_loopback_alone() {
    let service = Service::start(&[]);
    let port: u16 = service.address.rsplit(':').next().unwrap().parse().unwrap();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap()
        + &std::fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let own = table.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let is_listening = words.get(3) == Some(&"0A");
        let (address, own) = words.get(1)?.rsplit_once(':')?;
        (is_listening && own == format!("{port:04X}")).then(|| address.to_owned())
    });
    assert_eq!(own.collect::<Vec<_>>(), ["0100007F"]);
}
