//! A running service, and the smallest client: one request a connection.

use crate::harness::golden::{path, place};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The service; with the built-in model, on the CPU, where nothing else is said.
pub(super) struct Service {
    child: Child,
    pub address: String,
}

/// An answer.
pub(super) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        let shown = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {shown}"))
    }
}

/// On the CPU, at any free port.
const COMMON: [&str; 6] = ["--listen", "127.0.0.1:0", "--device", "cpu", "--steps", "2"];

/// The program with the built-in model and these arguments, which is not started yet.
pub(super) fn command(more: &[&str], environment: &[(&str, &str)]) -> Command {
    of_model(Path::new("web/models/demo"), more, environment)
}

fn of_model(model: &Path, more: &[&str], environment: &[(&str, &str)]) -> Command {
    let program = place("CARGO_BIN_EXE_darkroom", env!("CARGO_BIN_EXE_darkroom"));
    let mut command = Command::new(program);
    command.args(["serve", "--model"]).arg(model).args(more).current_dir(path(""));
    command.env_remove("DARKROOM_TOKEN").envs(environment.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Service {
    /// Starts it on the CPU, and waits until it listens.
    pub(super) fn start(more: &[&str]) -> Service {
        Service::with(&[&COMMON[..], more].concat(), &[])
    }

    /// The same with another model.
    pub(super) fn of_model(model: &Path) -> Service {
        Service::run(of_model(model, &COMMON, &[]).stderr(Stdio::inherit()))
    }

    /// The same whose log goes to a file.
    pub(super) fn logged(more: &[&str], log: &Path) -> Service {
        let mut command = command(&[&COMMON[..], more].concat(), &[]);
        Service::run(command.stderr(File::create(log).unwrap()))
    }

    pub(super) fn with(arguments: &[&str], environment: &[(&str, &str)]) -> Service {
        Service::run(command(arguments, environment).stderr(Stdio::inherit()))
    }

    fn run(command: &mut Command) -> Service {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("Listening on http://").expect("it listens");
        Service { child, address: address.to_owned() }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends text as it is.
    pub(super) fn open(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    }

    /// Sends a request with further lines of its head.
    pub(super) fn ask(&self, line: &str, head: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let host = if head.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let text = format!(
            "{line} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{head}\r\n"
        );
        let mut stream = self.open(&text);
        // A body that is refused is not read to its end.
        stream.write_all(body).ok();
        read(stream)
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", b"")
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Answer {
        let kind = "Content-Type: application/json\r\n";
        self.ask(&format!("POST {path}"), kind, body.to_string().as_bytes())
    }

    /// Makes a job, and gives its id.
    pub(super) fn job(&self, body: &Value) -> String {
        let made = self.post("/api/jobs", body);
        assert_eq!(made.status, 202, "{}", made.json());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// Asks for a job's state until it is one of these.
    pub(super) fn until(&self, id: &str, states: &[&str]) -> Value {
        let start = Instant::now();
        loop {
            let state = self.get(&format!("/api/jobs/{id}")).json();
            if states.iter().any(|one| state["status"] == *one) {
                return state;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{state}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal, and waits for its end.
    pub(super) fn signal(&mut self, name: &str) -> ExitStatus {
        let id = self.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads an answer to its end.
pub(super) fn read(mut stream: TcpStream) -> Answer {
    let mut all = Vec::new();
    // After a body that was not read, the connection may end with a reset.
    let mut part = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut part) {
        all.extend_from_slice(&part[..count]);
    }
    let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer");
    let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: all[end + 4..].to_vec() }
}
