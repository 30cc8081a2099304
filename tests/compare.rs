//! `darkroom compare`: how like pictures are to one another (scikit-image) and to their prompts
//! (transformers), and the whole command, from outside. `scripts/golden/clip_score.py` wrote what
//! the others answer.

use crate::harness::golden::{self, json, list, text};
use crate::harness::gpu::{self, Device};
use crate::made_up::{program, scratch, tiny};
use darkroom::Error;
use darkroom::image::{Likeness, Rgba};
use darkroom::judge::ClipScore;
use darkroom::pipeline::Control;
use darkroom::weights::FileSource;
use pollster::block_on;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Noise from nothing but its size; the golden's script makes the same.
fn noise(size: &Value) -> (u32, u32, Vec<u8>) {
    let [width, height] = [0, 1].map(|i| size[i].as_u64().unwrap());
    let byte = |i: u64| {
        let mut z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 56) as u8
    };
    (width as u32, height as u32, (0..width * height * 3).map(byte).collect())
}

fn picture(width: u32, height: u32, rgb: &[u8]) -> Rgba {
    let pixels = rgb.as_chunks().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]);
    Rgba::new(width, height, pixels.collect())
}

#[test]
fn likeness_is_scikit_images() {
    for case in list(&json("likeness.json"), "cases") {
        let (width, height, first) = noise(&case["size"]);
        let second: Vec<u8> = match text(case, "change") {
            "equal" => first.clone(),
            "paler" => first.iter().map(|byte| byte / 2 + 64).collect(),
            "moved" => first.iter().cycle().skip(3).take(first.len()).copied().collect(),
            "one" => {
                let mut one = first.clone();
                one[0] ^= 1;
                one
            }
            other => panic!("{other}"),
        };
        let [a, b] = [&first, &second].map(|rgb| picture(width, height, rgb));
        let likeness = Likeness::of(&a, &b).unwrap();
        println!("{width}×{height} {}: {likeness:?}", text(case, "change"));
        let ssim = likeness.ssim.unwrap();
        assert!((ssim - golden::number(case, "ssim")).abs() < 1e-9, "{ssim}");
        match case["psnr"].as_f64() {
            None => assert_eq!((likeness.psnr, likeness.most), (None, 0)),
            Some(want) => assert!((likeness.psnr.unwrap() - want).abs() < 1e-9),
        }
    }
}

#[test]
fn what_cannot_be_compared_says_so() {
    let [a, b, c] =
        [[10, 20], [20, 10], [10, 20]].map(|[w, h]| picture(w, h, &vec![7; (w * h * 3) as usize]));
    assert_eq!(Likeness::of(&a, &b), None, "another size");
    assert_eq!(Likeness::of(&a, &c).unwrap().ssim, None, "narrower than the window");
}

/// The golden's CLIP model as its publisher lays it out: the vocabulary beside the config.
fn clip(name: &str) -> PathBuf {
    let folder = scratch(name);
    let golden = golden::path("tests/golden");
    for file in ["config.json", "preprocessor_config.json", "model.safetensors"] {
        fs::copy(golden.join("clip_score").join(file), folder.join(file)).unwrap();
    }
    for file in ["vocab.json", "merges.txt"] {
        fs::copy(golden.join("formats/tokenizer").join(file), folder.join(file)).unwrap();
    }
    folder
}

#[test]
fn clip_scores_are_transformers() {
    let folder = clip("clip-score");
    gpu::run(Device::Plain, move |gpu| {
        let source = FileSource::new(&folder);
        let judge = block_on(ClipScore::open(gpu, &source, &Control::default())).unwrap();
        let golden = json("clip_score/clip_score.json");
        for (size, cosines) in list(&golden, "pictures").iter().zip(list(&golden, "cosines")) {
            let (width, height, rgb) = noise(size);
            let picture = picture(width, height, &rgb);
            for (i, prompt) in list(&golden, "prompts").iter().enumerate() {
                let prompt = prompt.as_str().unwrap();
                let score = block_on(judge.score(prompt, &picture)).unwrap();
                let want = cosines[i].as_f64().unwrap().max(0.0);
                println!("{width}×{height} “{prompt:.20}”: {score:.5}, {want:.5}");
                assert!((score - want).abs() < 1e-3, "{score} {want}");
            }
        }
    });
}

#[test]
fn a_clip_model_that_cannot_judge_is_refused() {
    let open = |name: &str, file: &str, change: &dyn Fn(&str) -> String| {
        let folder = clip(name);
        let path = folder.join(file);
        fs::write(&path, change(&fs::read_to_string(&path).unwrap())).unwrap();
        gpu::run(Device::Plain, move |gpu| {
            let source = FileSource::new(&folder);
            block_on(ClipScore::open(gpu, &source, &Control::default())).err().unwrap()
        })
    };
    let size = |json: &str| json.replace("\"height\": 28", "\"height\": 14");
    let size = |json: &str| size(json).replace("\"width\": 28", "\"width\": 14");
    let error = open("clip-size", "preprocessor_config.json", &size);
    assert!(matches!(&error, Error::Config { field, .. } if field == "crop_size"), "{error}");
    let kind = |json: &str| json.replace("\"model_type\": \"clip\"", "\"model_type\": \"vit\"");
    let error = open("clip-kind", "config.json", &kind);
    assert!(matches!(&error, Error::Config { field, .. } if field == "model_type"), "{error}");
}

/// Runs `darkroom compare` into a folder and reads its table for programs.
fn compare(out: &Path, arguments: &[&str]) -> Value {
    let out_dir = out.to_str().unwrap();
    let output = program(&[&["compare", "--out-dir", out_dir, "--steps", "2"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&fs::read(out.join("compare.json")).unwrap()).unwrap()
}

#[test]
fn two_checkpoints_and_pictures_from_elsewhere() {
    let out = scratch("compare");
    let other = scratch("compare-other");
    let made = ["synth", "--config", "tiny", "--seed", "9", "--out", other.to_str().unwrap()];
    assert!(program(&made).status.success());
    let [first, other] = [tiny(), &other].map(|path| path.to_str().unwrap());
    let table = compare(
        &out.join("a"),
        &["--model", first, "--model", other, "--prompt", "a \"cat\", red", "--seeds", "3,4"],
    );
    let cells = |table: &Value, row: usize| list(&table["rows"][row], "cells").to_vec();
    assert_eq!(list(&table, "rows").len(), 2);
    for row in 0..2 {
        let [a, b] = &cells(&table, row)[..] else { panic!("two columns") };
        assert!(a["seconds"].as_f64().unwrap() > 0.0 && a.get("psnr").is_none());
        assert!(b["psnr"].as_f64().unwrap() < 40.0, "another checkpoint, another picture: {b}");
        assert!(b["ssim"].as_f64().unwrap() < 0.99 && b["clip_score"].is_null());
    }
    assert!(table["columns"][0]["memory_bytes"].as_u64().unwrap() > 0);
    let csv = fs::read_to_string(out.join("a/compare.csv")).unwrap();
    assert_eq!(csv.lines().count(), 5);
    assert!(csv.lines().nth(1).unwrap().starts_with("00000.png,\"a \"\"cat\"\", red\",3,"));
    let sheet = fs::read_to_string(out.join("a/sheet.html")).unwrap();
    assert_eq!(sheet.matches("<img ").count(), 4);
    assert!(sheet.contains("a &quot;cat&quot;, red"));

    // The same pictures from a folder are the same; one that is missing is told, and no more.
    let made = out.join("a").join(table["columns"][0]["name"].as_str().unwrap());
    fs::remove_file(made.join("00001.png")).unwrap();
    let clip = clip("compare-clip");
    let table = compare(
        &out.join("b"),
        &[
            &["--model", first, "--pictures", made.to_str().unwrap()][..],
            &["--clip", clip.to_str().unwrap()],
            &["--prompt", "a \"cat\", red", "--seeds", "3,4"],
        ]
        .concat(),
    );
    let cells = [cells(&table, 0), cells(&table, 1)];
    assert_eq!((&cells[0][1]["psnr"], &cells[0][1]["most"]), (&Value::Null, &0.into()));
    assert!(cells[0][1]["seconds"].is_null() && cells[0][1]["fault"].is_null());
    assert_eq!(cells[0][0]["clip_score"], cells[0][1]["clip_score"]);
    assert!(cells[0][0]["clip_score"].is_number());
    assert!(cells[1][1]["fault"].as_str().unwrap().contains("00001.png"));
    // Both are called by the same name, and are not written over one another.
    let names = list(&table, "columns").iter().map(|column| text(column, "name"));
    assert_eq!(names.collect::<std::collections::HashSet<_>>().len(), 2);
}
