//! The script that measures a graphics card (`scripts/bench/card/run`), whole, at tiny sizes: every
//! part runs and leaves its figures.

use crate::harness::golden::path;
use crate::made_up::scratch;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// Runs some parts into a folder.
fn run(parts: &str, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.arg(path("scripts/bench/card/run")).current_dir(path(""));
    command.args(["--tiny", "--program", env!("CARGO_BIN_EXE_darkroom"), "--only", parts]);
    command.arg("--tests").arg(std::env::current_exe().unwrap());
    command.arg("--out").arg(out).args(more);
    command.output().expect("bash is there wherever the scripts are")
}

/// The lines of its results.
fn results(out: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn every_part_of_the_native_program_leaves_its_figures() {
    let out = scratch("card");
    let parts = "adapter,kernels,tests,ops-f32,ops-lean,unet-f32-f16";
    let output = run(parts, &out, &[]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let results = results(&out);
    let names: Vec<_> = results.iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(names, parts.split(',').collect::<Vec<_>>());
    for part in &results {
        assert_eq!(part["status"], "ok", "{shown}");
    }
    let figures =
        |name: &str| &results[names.iter().position(|part| *part == name).unwrap()]["result"];
    let kernels = figures("kernels").as_array().unwrap();
    assert!(kernels.len() > 30, "{} kernels of v1.4", kernels.len());
    for needed in ["conv2d", "matmul", "attention_block", "group_norm_stream", "embedding"] {
        assert!(kernels.iter().any(|kernel| kernel["kernel"] == needed), "no {needed}");
    }
    for kernel in kernels {
        assert!(kernel["fault"].is_null() && kernel["seconds"].as_f64() > Some(0.0), "{kernel}");
    }
    for ops in ["ops-f32", "ops-lean"].map(figures) {
        assert_eq!(ops["schema"], 1);
        assert!(ops["peaks"]["gflops"].as_f64().unwrap() > 0.0);
        for op in ops["ops"].as_array().unwrap() {
            assert!(op["seconds"].as_f64().unwrap() > 0.0 && op["gflops"].as_f64().unwrap() > 0.0);
        }
    }
    let model = figures("unet-f32-f16");
    assert_eq!([&model["precision"], &model["weights"]], ["f32", "f16"]);
    let evaluation = &model["evaluations"][0];
    assert_eq!(evaluation["size"].to_string(), "[64,64]");
    let [whole, kernels] = ["seconds", "kernels_seconds"].map(|of| evaluation[of].as_f64());
    assert!(whole > Some(0.0) && kernels > Some(0.0), "{evaluation}");
    assert_eq!(model["pictures"].as_array().unwrap().len(), 2);
    let picture = &model["pictures"][1];
    let seconds = |of: &str| picture[of].as_f64().unwrap();
    let stages = ["before_seconds", "steps_seconds", "decoding_seconds"].map(seconds);
    assert!(stages.iter().all(|stage| *stage > 0.0), "{picture}");
    assert!((stages.iter().sum::<f64>() - seconds("seconds")).abs() < 1e-6, "{picture}");
    assert!(picture["bytes_peak"].as_u64() > Some(0));
    let summary = std::fs::read_to_string(out.join("summary.txt")).unwrap();
    for line in
        ["kernels: ", "test result: ok", "an evaluation for 64×64", "a picture of 64×64", "peaks:"]
    {
        assert!(summary.contains(line), "no {line:?} in {summary}");
    }
    std::fs::remove_dir_all(out).unwrap();
}

#[test]
fn a_part_that_fails_is_told_and_stops_no_other() {
    let out = scratch("card-failing");
    let failing = out.join("failing");
    std::fs::write(&failing, "#!/bin/sh\necho 'test a ... FAILED'\nexit 101\n").unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&failing, executable).unwrap();
    let output = run("tests,adapter", &out, &["--tests", failing.to_str().unwrap()]);
    assert!(output.status.success());
    let told: Vec<_> = results(&out).iter().map(|part| part["status"].to_string()).collect();
    assert_eq!(told, ["\"ok\"", "\"failed with 101\""]);
    let summary = std::fs::read_to_string(out.join("summary.txt")).unwrap();
    assert!(summary.contains("test a ... FAILED"), "{summary}");

    let output = run("adapter", &out, &["--minutes", "0"]);
    assert!(output.status.success());
    assert_eq!(results(&out)[0]["status"], "left out");

    let output = run("adapter", &out, &["--tests", "/none"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("/none is missing"), "{error}");
    std::fs::remove_dir_all(out).unwrap();
}
