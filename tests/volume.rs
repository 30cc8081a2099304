//! Lists of requests for several processes and unattended machines: parts of a list, results,
//! resuming by content, limits, signals, exit codes.

use crate::made_up::{program, scratch, tiny};
use darkroom::image::{Rgba, png};
use darkroom::weights::sha256;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with a list, its pictures and its results.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, lines: &[&str]) -> Place {
        let place = Place(scratch(name));
        place.list(lines);
        place
    }

    fn list(&self, lines: &[&str]) {
        fs::write(self.0.join("list.jsonl"), lines.join("\n")).unwrap();
    }

    /// The arguments of a run.
    fn words(&self, more: &[&str]) -> Vec<String> {
        let path = |name: &str| self.0.join(name).to_str().unwrap().to_owned();
        let model = tiny().to_str().unwrap();
        let common = ["generate", "--model", model, "--device", "cpu", "--steps", "1"];
        let (list, out, results) = (path("list.jsonl"), path("out"), path("results.jsonl"));
        let own = ["--jobs", &list, "--out-dir", &out, "--results", &results];
        let more = more.iter().filter(|word| !word.is_empty());
        common.iter().chain(&own).chain(more).map(ToString::to_string).collect()
    }

    fn run(&self, more: &[&str]) -> Output {
        let words = self.words(more);
        program(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The lines of the results.
    fn results(&self) -> Vec<Value> {
        parsed(&fs::read(self.0.join("results.jsonl")).unwrap_or_default())
    }

    /// How often each line of the list is in the results, and with which status last.
    fn by_line(&self) -> BTreeMap<u64, (usize, String)> {
        let mut all = BTreeMap::new();
        for entry in self.results() {
            let (count, status): &mut (usize, String) =
                all.entry(entry["line"].as_u64().unwrap()).or_default();
            *count += 1;
            *status = entry["status"].as_str().unwrap().to_owned();
        }
        all
    }

    fn pictures(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.join("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn parsed(bytes: &[u8]) -> Vec<Value> {
    // A line that was cut off stays by itself.
    let whole = bytes.split(|byte| *byte == b'\n').filter(|line| line.ends_with(b"}"));
    whole.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn parts_of_a_list_are_joined_whole() {
    let lines = [
        r#"{"prompt": "a", "id": "first"}"#,
        r#"{"prompt": "b", "custom_id": 7}"#,
        r#"{"prompt": "c", "steps": 0}"#,
        r#"{"prompt": "d", "seed": "18446744073709551615"}"#,
        "this is no request",
        r#"{"prompt": "f", "file": "last.png"}"#,
    ];
    let place = Place::new("parts-of-a-list", &lines);
    for (shard, code) in [("1/2", 1), ("2/2", 0)] {
        let (ended, error) = said(&place.run(&["--shard", shard]));
        assert_eq!(ended, Some(code), "{shard}: {error}");
    }
    let statuses: Vec<_> = place.by_line().into_values().collect();
    let wanted = ["made", "made", "failed", "made", "failed", "made"];
    assert_eq!(statuses, wanted.map(|status| (1, status.to_owned())));
    assert_eq!(place.pictures(), ["00000.png", "00001.png", "00003.png", "last.png"]);

    let by = |line: u64| place.results().into_iter().find(|one| one["line"] == line).unwrap();
    assert_eq!((&by(1)["id"], &by(2)["custom_id"]), (&"first".into(), &7.into()));
    assert_eq!(by(4)["seed"], "18446744073709551615");
    assert_eq!((&by(3)["kind"], &by(3)["shard"]), (&"request".into(), &"1/2".into()));
    assert!(by(3)["error"].as_str().unwrap().contains("The steps must be"));
    assert!(by(5)["error"].as_str().unwrap().contains("expected"));
    let list = fs::read(place.0.join("list.jsonl")).unwrap();
    for entry in place.results() {
        assert_eq!((&entry["adapter"], &entry["list"]), (&"cpu".into(), &sha256(&list).into()));
        assert_eq!(entry["version"], env!("CARGO_PKG_VERSION"));
        if let Some(file) = entry["file"].as_str().filter(|_| entry["status"] == "made") {
            let bytes = fs::read(place.0.join("out").join(file)).unwrap();
            assert_eq!(entry["sha256"], sha256(&bytes));
            assert!(entry["seconds"].as_f64().unwrap() > 0.0);
        }
    }

    // Again: nothing is made, and nothing is told twice.
    let before = place.results();
    for (shard, code) in [("1/2", 1), ("2/2", 0)] {
        assert_eq!(said(&place.run(&["--shard", shard])).0, Some(code));
    }
    assert_eq!(place.results(), before);

    // Results that do not belong to the run are left as they are.
    for (more, part) in [(["--shard", "1/3"], "is of 1/2, and this run of 1/3"), (["", ""], "1/1")]
    {
        let (code, error) = said(&place.run(&more));
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(part), "{error}");
    }
    place.list(&lines[..2]);
    let (code, error) = said(&place.run(&["--shard", "1/2"]));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("of another list"), "{error}");
    assert_eq!(place.results(), before);
}

/// It would end the whole list, each time that it is tried.
#[test]
fn a_name_that_no_disk_takes_fails_alone() {
    let long = format!(r#"{{"prompt": "a", "file": "{}.png"}}"#, "a".repeat(300));
    let lines = [
        &long,
        r#"{"prompt": "a", "file": "a\u0000b.png"}"#,
        r#"{"prompt": "a", "file": "folder.png"}"#,
        r#"{"prompt": "a", "file": "last.png"}"#,
    ];
    let place = Place::new("names-of-pictures", &lines);
    fs::create_dir_all(place.0.join("out/folder.png")).unwrap();
    let (code, error) = said(&place.run(&["--on-change", "redo"]));
    assert_eq!(code, Some(1), "{error}");
    let statuses: Vec<_> = place.by_line().into_values().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["failed", "failed", "failed", "made"], "{error}");
    let kinds: Vec<_> = place.results().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds[..3], ["request"; 3]);
}

/// The disk was full, or the machine stopped: wherever in a line that was.
#[test]
fn results_that_were_cut_off_are_gone_on_with() {
    let place = Place::new("cut-results", &[r#"{"prompt": "a"}"#]);
    for kept in [1, 4, 8, 20] {
        assert_eq!(said(&place.run(&[])).0, Some(0));
        let whole = fs::read(place.0.join("results.jsonl")).unwrap();
        fs::write(place.0.join("results.jsonl"), &whole[..kept]).unwrap();
        let (code, error) = said(&place.run(&[]));
        assert_eq!(code, Some(0), "after {kept} bytes: {error}");
        assert_eq!(place.by_line()[&1], (1, "there".to_owned()));
        fs::remove_file(place.0.join("results.jsonl")).unwrap();
    }
}

#[test]
fn a_picture_of_another_request_is_not_taken_for_this_one() {
    let place = Place::new("by-content", &[r#"{"prompt": "a cat"}"#, r#"{"prompt": "a dog"}"#]);
    assert_eq!(said(&place.run(&[])).0, Some(0));
    let out = place.0.join("out");
    let files = || ["00000.png", "00001.png"].map(|name| fs::read(out.join(name)).unwrap());
    let first = files();

    fs::remove_file(place.0.join("results.jsonl")).unwrap();
    place.list(&[r#"{"prompt": "a cat", "width": 64}"#, r#"{"prompt": "a dog", "seed": 5}"#]);
    let (code, error) = said(&place.run(&[]));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("00000.png is there already"), "{error}");
    assert!(error.contains("00001.png failed. The picture that is there was made from"), "{error}");
    assert!(files() == first);
    let entry = &place.results()[0];
    assert_eq!((&entry["status"], &entry["sha256"]), (&"there".into(), &sha256(&first[0]).into()));

    assert_eq!(said(&place.run(&["--on-change", "keep"])).0, Some(0));
    assert!(files() == first);
    assert_eq!(said(&place.run(&["--on-change", "redo"])).0, Some(0));
    assert!(files()[0] == first[0] && files()[1] != first[1]);
    assert_eq!(place.by_line()[&2].1, "made");

    // A file that is no picture, and one of another program.
    fs::write(out.join("00000.png"), "no picture").unwrap();
    let (code, error) = said(&place.run(&[]));
    assert_eq!(code, Some(1), "{error}");
    let sentence = "00000.png failed. The picture that is there is no PNG file; see --on-change.";
    assert!(error.contains(sentence), "{error}");
    assert_eq!(fs::read(out.join("00000.png")).unwrap(), b"no picture");

    // Any other file is left as it is.
    let results = place.0.join("results.jsonl");
    for other in ["a prompt without an end", "{\"prompt\": \"a\"}", "[1]\n"] {
        fs::write(&results, other).unwrap();
        let (code, error) = said(&place.run(&[]));
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains("cannot be added to: line 1 is"), "{error}");
        assert_eq!(fs::read_to_string(&results).unwrap(), other);
    }
}

#[test]
fn limits_leave_the_rest_for_the_next_run() {
    let place = Place::new("limits", &[r#"{"prompt": "a"}"#; 3]);
    let (code, error) = said(&place.run(&["--time-limit", "0"]));
    assert_eq!(code, Some(75), "{error}");
    assert!(error.contains("--time-limit is over. 0 made, 0 there already, 0 failed, 3 left."));
    for (made, there, left, wanted) in [(1, 0, 2, 75), (1, 1, 1, 75), (1, 2, 0, 0), (0, 3, 0, 0)] {
        let (code, error) = said(&place.run(&["--max-pictures", "1"]));
        assert_eq!(code, Some(wanted), "{error}");
        let counts = format!("{made} made, {there} there already, 0 failed, {left} left.");
        assert!(error.contains(&counts), "no {counts} in {error}");
    }
    // Where only the first is missing, nothing is left.
    fs::remove_file(place.0.join("out/00000.png")).unwrap();
    let (code, error) = said(&place.run(&["--max-pictures", "1"]));
    assert!(error.contains("1 made, 2 there already, 0 failed, 0 left."), "{error}");
    assert_eq!(code, Some(0));
}

/// What the file fills in where the request says nothing is no change; what is taken out is one.
#[test]
fn what_applied_is_compared() {
    let place = Place::new("what-applied", &["{}"]);
    let picture = Rgba::new(64, 64, vec![200; 64 * 64 * 4]);
    fs::write(place.0.join("start.png"), png::encode(&picture, &[]).unwrap()).unwrap();
    let list = |more: &str| {
        let start = r#""init": "start.png""#;
        place.list(&[
            &format!(r#"{{"prompt": "a", "steps": 4, {start}{more}}}"#),
            &format!(r#"{{"prompt": "a", {start}, "mask": "start.png"}}"#),
            r#"{"prompt": "a", "hires_scale": 1.5, "hires_upscaler": "latent (bicubic)"}"#,
            r#"{"prompt": "a", "width": 128}"#,
        ]);
        fs::remove_file(place.0.join("results.jsonl")).ok();
        said(&place.run(&[]))
    };
    assert_eq!(list("").0, Some(0));
    for same in ["", r#", "strength": 0.8"#] {
        let (code, error) = list(same);
        assert!(error.contains("0 made, 4 there already"), "{error}");
        assert_eq!(code, Some(0));
    }
    let (code, error) = list(r#", "strength": 0.7"#);
    assert!(error.contains("1 of 4: 00000.png failed. The picture that is there was made from"));
    assert!(error.contains("0 made, 3 there already, 1 failed"), "{error}");
    assert_eq!(code, Some(1));
    place.list(&[r#"{"prompt": "a", "file": "00003.png"}"#]);
    fs::remove_file(place.0.join("results.jsonl")).unwrap();
    let (_, error) = said(&place.run(&[]));
    assert!(error.contains("00003.png failed. The picture that is there was made from"), "{error}");
}

#[test]
fn programs_read_what_is_written() {
    let place = Place::new("for-programs", &[r#"{"prompt": "a"}"#, r#"{"prompt": 1}"#]);
    let output = place.run(&["--progress", "json"]);
    let events = parsed(&output.stderr);
    assert!(output.stdout.is_empty());
    let named = |name: &str| events.iter().filter(|one| one["event"] == name).collect::<Vec<_>>();
    assert!(!named("loading").is_empty() && named("step").len() >= 2);
    let requests = named("request");
    assert_eq!((requests.len(), &requests[0]["status"]), (2, &"made".into()));
    assert_eq!((&requests[1]["of"], &requests[1]["status"]), (&2.into(), &"failed".into()));

    let mut words = place.words(&[]);
    *words.last_mut().unwrap() = "-".to_owned();
    let output = program(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let statuses: Vec<_> = parsed(&output.stdout).iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, ["there", "failed"]);
}

#[test]
fn exit_codes_say_whether_to_try_again() {
    let place = Place::new("exit-codes", &["{}"]);
    let list = place.0.join("list.jsonl").to_str().unwrap().to_owned();
    let out = place.0.join("out").to_str().unwrap().to_owned();
    let model = tiny().to_str().unwrap();
    let many = |model: &str, list: &str, more: &[&str]| {
        let common = ["generate", "--model", model, "--jobs", list, "--out-dir", &out];
        program(&[&common[..], more].concat())
    };
    for (code, output) in [
        (2, many(model, "/none.jsonl", &[])),
        (2, many(model, &list, &["--shard", "3/2"])),
        (2, many(model, &list, &["--time-limit", "soon"])),
        (2, many(model, &list, &["--steps", "many"])),
        (3, many("/none", &list, &["--device", "cpu"])),
        (75, many(model, &list, &["--adapter", "no such card"])),
        (75, many(model, "/dev/null", &["--results", "/dev/none/results.jsonl"])),
    ] {
        let (ended, error) = said(&output);
        assert_eq!(ended, Some(code), "{error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

/// Whoever is killed has at most the picture in work to make again, and nothing is told twice.
#[cfg(unix)]
#[test]
fn signals_lose_nothing_that_was_made() {
    let lines = vec![r#"{"prompt": "a", "steps": 40}"#; 16];
    let place = Place::new("signals", &lines);
    let begun = |file: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_darkroom"));
        command.args(place.words(&[])).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // It has made one more.
        let count = || fs::read_to_string(file).unwrap_or_default().lines().count();
        let before = count();
        while count() == before {
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child
    };
    let signal = |name: &str, id: u32| {
        assert!(Command::new("kill").args([name, &id.to_string()]).status().unwrap().success());
    };
    let results = place.0.join("results.jsonl");
    for (name, code) in [("-TERM", Some(143)), ("-INT", Some(130)), ("-KILL", None)] {
        let mut child = begun(&results);
        signal(name, child.id());
        assert_eq!(child.wait().unwrap().code(), code, "{name}");
        let made = place.results().len();
        assert!((1..lines.len()).contains(&made), "{name}: {made} were made");
        // Only the one that was killed may have left a part.
        let parts = place.pictures().iter().filter(|name| name.ends_with(".part")).count();
        assert!(parts == 0 || code.is_none(), "{name}: {parts} parts");
    }
    // A line that was cut off, within a character, does not keep others from it.
    let mut bytes = fs::read(&results).unwrap();
    bytes.extend(b"{\"line\":16,\"id\":\"caf\xc3");
    fs::write(&results, bytes).unwrap();
    for _ in 0..2 {
        assert_eq!(said(&place.run(&[])).0, Some(0));
        let told = place.by_line();
        let all: Vec<_> = told.into_iter().map(|(line, (count, _))| (line, count)).collect();
        assert_eq!(all, (1..=16).map(|line| (line, 1)).collect::<Vec<_>>());
    }
}

#[test]
fn the_examples_for_schedulers_name_options_that_exist() {
    let help = program(&["generate", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let known: Vec<&str> = help
        .split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
        .filter(|word| word.starts_with("--"))
        .collect();
    let folder = crate::harness::golden::path("scripts/schedulers");
    for name in ["slurm.sh", "parallel.sh", "ray_list.py", "kubernetes.yaml", "skypilot.yaml"] {
        let text = fs::read_to_string(Path::new(&folder).join(name)).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
        // The program's options follow its first one; what is before is the scheduler's.
        let own: Vec<_> = words.skip_while(|word| *word != "generate").collect();
        let own: Vec<_> =
            own.into_iter().filter(|word| word.len() > 2 && word.starts_with("--")).collect();
        assert!(own.len() >= 4, "{name} has the options {own:?}");
        for option in own {
            assert!(known.contains(&option), "{name} has {option}, which generate does not");
        }
    }
    // Kubernetes fails an index at once by the codes that mean it.
    let job = fs::read_to_string(Path::new(&folder).join("kubernetes.yaml")).unwrap();
    assert!(job.contains("values: [1, 2, 3]"));
}
