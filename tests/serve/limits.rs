//! What is bounded: the queue, bodies, times, memory; a client that leaves; a device that is lost;
//! the program's end.

use super::service::{Service, read};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A picture that takes a while.
fn long() -> serde_json::Value {
    json!({ "prompt": "a", "steps": 500 })
}

#[test]
fn of_fifty_clients_all_that_were_accepted_are_answered() {
    let service = Service::start(&["--queue", "8"]);
    let asked = json!({ "prompt": "a cat", "size": "64x64", "steps": 4 });
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..50)
            .map(|_| {
                scope.spawn(|| {
                    let answer = service.post("/v1/images/generations", &asked);
                    assert!(answer.status == 200 || answer.head.contains("retry-after:"));
                    answer.status
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    assert!(count(200) >= 8 && count(429) > 0, "{statuses:?}");
    assert_eq!(count(200) + count(429), 50, "{statuses:?}");
}

#[test]
fn slow_and_large_bodies_are_refused() {
    let service = Service::start(&["--read-timeout", "1", "--max-body", "1"]);
    let head = "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let slow = service.open(&format!("{head}Connection: close\r\nContent-Length: 100\r\n\r\n{{"));
    assert_eq!(read(slow).status, 408);
    let kind = "Content-Type: application/json\r\n";
    let large = service.ask("POST /sdapi/v1/txt2img", kind, &vec![b' '; 100_000_000]);
    assert_eq!(large.status, 413);
    let chunk = format!("{:x}\r\n{}\r\n", 2_000_000, " ".repeat(2_000_000));
    let head = format!("{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(read(service.open(&head)).status, 413);
    // A head that never ends.
    let start = Instant::now();
    let mut stream = service.open("GET /v1/models HTTP/1.1\r\nHost: local");
    std::io::copy(&mut stream, &mut std::io::sink()).ok();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(service.get("/v1/models").status, 200);
}

#[test]
fn a_client_that_leaves_cancels_its_picture() {
    let service = Service::start(&[]);
    let body = json!({ "steps": 500, "prompt": "a" }).to_string();
    let head =
        "POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    let stream = service.open(&format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let running = || service.get("/sdapi/v1/progress").json()["state"]["sampling_step"].as_u64();
    let wait = |what: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !what() {
            assert!(start.elapsed() < Duration::from_secs(20), "it goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait(&|| running() > Some(0));
    drop(stream);
    wait(&|| service.get("/api/capabilities").json()["queue"]["running"] == 0);
    let id = service.job(&long());
    service.until(&id, &["running"]);
    assert_eq!(service.ask(&format!("DELETE /api/jobs/{id}"), "", b"").status, 204);
}

/// Bodies that are on their way hold their share of the memory for all of them: four of the largest
/// size.
#[test]
fn bodies_that_are_too_many_at_once_are_refused() {
    let service = Service::start(&["--max-body", "1"]);
    let kind = "Content-Type: application/json\r\n";
    let head = format!("POST /api/jobs HTTP/1.1\r\nHost: localhost\r\n{kind}");
    let begin = |_| service.open(&format!("{head}Content-Length: 1000000\r\n\r\n{{"));
    let streams: Vec<_> = (0..4).map(begin).collect();
    let padded = format!("{{\"prompt\": \"a\"}}{}", " ".repeat(900_000));
    let ask = || service.ask("POST /api/jobs", kind, padded.as_bytes());
    let start = Instant::now();
    let refused = loop {
        let answer = ask();
        if answer.status == 503 {
            break answer;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{}", answer.status);
    };
    assert_eq!(refused.json()["error"]["kind"], "busy");
    assert!(refused.head.contains("retry-after:"), "{}", refused.head);
    drop(streams);
    while ask().status != 202 {
        assert!(start.elapsed() < Duration::from_secs(20), "it stays busy");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One that does not say its length may be as large as any; once it is there, it is as large as it
/// is.
#[test]
fn small_bodies_without_a_length_are_no_large_ones() {
    let service = Service::start(&["--max-body", "1"]);
    let body = long().to_string();
    let text = format!(
        "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let statuses: Vec<_> = (0..8).map(|_| read(service.open(&text)).status).collect();
    assert_eq!(statuses, [202; 8]);
}

/// Those who read no answer, and may not even ask, keep nobody from the service.
#[test]
fn clients_that_do_not_read_are_let_go() {
    let service = Service::start(&["--max-connections", "2", "--read-timeout", "1"]);
    let held: Vec<_> = (0..2).map(|_| flood(&service)).collect();
    let answer = service.get("/v1/models");
    assert_eq!(answer.status, 200);
    drop(held);
}

/// A client that asks until nothing more can be sent, and reads no answer.
fn flood(service: &Service) -> TcpStream {
    let ask = "GET /api/capabilities HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    let mut stream = service.open("");
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    while stream.write_all(ask.as_bytes()).is_ok() {}
    stream
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_as_it_is() {
    let service = Service::start(&["--keep", "4"]);
    let held = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let draw = |count: usize| {
        for seed in 0..count {
            let asked = json!({ "prompt": "a", "seed": seed, "steps": 1 });
            let id = service.post("/api/jobs", &asked).json()["id"].as_str().unwrap().to_owned();
            service.until(&id, &["done"]);
        }
    };
    draw(10);
    let before = held();
    draw(40);
    assert!(held() < before + before / 10, "{before} kB became {} kB", held());
}

#[test]
fn after_a_lost_device_the_next_picture_is_made() {
    let arguments = ["--listen", "127.0.0.1:0", "--steps", "2"];
    let service = Service::with(&arguments, &[("DARKROOM_LOSE_DEVICE_AT", "3")]);
    let ask = |steps: u32| {
        let asked = json!({ "prompt": "a red cat", "seed": "7", "steps": steps });
        service.post("/api/jobs", &asked).json()["id"].as_str().unwrap().to_owned()
    };
    // The first one loses the device; the second waits for it to be opened again.
    let [lost, next] = [ask(5), ask(2)];
    let failed = service.until(&lost, &["failed", "done"]);
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(service.get(&format!("/api/jobs/{lost}/picture")).status, 503);
    assert_eq!(service.until(&next, &["failed", "done"])["status"], "done");
}

#[cfg(unix)]
#[test]
fn signals_end_it_in_order() {
    use std::os::unix::process::ExitStatusExt;
    for (name, code) in [("-TERM", 143), ("-INT", 130)] {
        let mut service = Service::start(&[]);
        let id = service.post("/api/jobs", &long()).json()["id"].as_str().unwrap().to_owned();
        service.until(&id, &["running"]);
        let start = Instant::now();
        let status = service.signal(name);
        assert_eq!((status.code(), status.signal()), (Some(code), None));
        assert!(start.elapsed() < Duration::from_secs(8));
    }
}
