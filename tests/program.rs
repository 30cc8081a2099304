//! The native program as a person runs it: files in, files out, sentences, exit codes.

use crate::made_up::{program, scratch, tiny};
use darkroom::image::png;
use darkroom::pipeline::Request;
use darkroom::weights::npy;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn generate_writes_the_picture_and_every_stage() {
    let folder = scratch("generate");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let model = tiny().to_str().unwrap();
    let (dump, out) = (path("dump"), path("picture.png"));
    let run = |extra: &[&str]| {
        let common = [
            "generate",
            "--model",
            model,
            "--prompt",
            "a red cat",
            "--negative",
            "blue",
            "--steps",
            "2",
            "--seed",
            "18446744073709551615",
            "--sampler",
            "euler",
            "--out",
            &out,
        ];
        let output = program(&[&common[..], extra].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        std::fs::read(&out).unwrap()
    };
    let file = run(&["--dump", &dump]);

    let picture = png::decode("picture.png", &file).unwrap();
    assert_eq!((picture.picture.width(), picture.picture.height()), (64, 64));
    let request = Request::from_json(picture.text(png::DARKROOM).unwrap()).unwrap();
    assert_eq!((request.seed, request.width), (u64::MAX, Some(64)));
    assert!(
        picture.text(png::PARAMETERS).unwrap().starts_with("a red cat\nNegative prompt: blue\n")
    );

    let mut names: Vec<_> = std::fs::read_dir(&dump)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "context.npy",
            "eps_001.npy",
            "eps_002.npy",
            "ids.npy",
            "image.npy",
            "latents_000.npy",
            "latents_001.npy",
            "latents_002.npy",
        ]
    );
    let shape = |name: &str| {
        let bytes = std::fs::read(format!("{dump}/{name}.npy")).unwrap();
        npy::read(name, &bytes).unwrap().shape
    };
    assert_eq!(shape("context"), [2, 77, 32]);
    assert_eq!(shape("latents_002"), [1, 4, 8, 8]);
    assert_eq!(shape("image"), [1, 3, 64, 64]);

    // The seed's noise, unscaled, from a file: the same picture.
    let noise = darkroom::diffusion::noise::Torch::new(u64::MAX).randn(256);
    std::fs::write(path("noise.npy"), npy::write_f32(&[1, 4, 8, 8], &noise)).unwrap();
    assert!(file == run(&["--latents", &path("noise.npy")]));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn inspect_prints_the_cost() {
    let output = program(&["inspect", "--model", tiny().to_str().unwrap(), "--width", "128"]);
    let (shown, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{error}");
    for part in ["text encoder", "UNet, one evaluation", "VAE decoder", "128×64", "2 348 979"] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
}

#[test]
fn faults_are_sentences_and_exit_codes() {
    let model = tiny().to_str().unwrap();
    let generate = |extra: &[&str]| {
        let common = ["generate", "--model", model, "--prompt", "a", "--out", "/dev/null"];
        program(&[&common[..], extra].concat())
    };
    for (code, output, part) in [
        (1, generate(&["--steps", "0"]), "The steps must be"),
        (1, generate(&["--steps", "10000"]), "The steps must be"),
        (1, generate(&["--guidance", "nan"]), "The guidance scale must be"),
        (1, generate(&["--width", "63"]), "The width must be"),
        (1, generate(&["--sampler", "magic"]), "ddim, pndm"),
        (1, generate(&["--latents", "/none.npy"]), "/none.npy was not found"),
        (1, program(&["inspect", "--model", "/none"]), "model_index.json was not found"),
        (2, generate(&["--seed=-1"]), "--seed"),
        (2, generate(&["--seed=18446744073709551616"]), "--seed"),
        (2, generate(&["--magic"]), "--magic"),
        (2, program(&[]), "Usage"),
    ] {
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(part), "no {part:?} in {error:?}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[test]
fn jobs_make_what_is_missing_and_outlive_a_failure() {
    let folder = scratch("jobs");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let (list, out) = (path("jobs.jsonl"), path("out"));
    let run = |text: &str, extra: &[&str]| {
        std::fs::write(&list, text).unwrap();
        let model = tiny().to_str().unwrap();
        let common = ["generate", "--model", model, "--jobs", &list, "--out-dir", &out];
        program(&[&common[..], &["--steps", "1"], extra].concat())
    };
    let request = |file: &str| {
        let file = std::fs::read(folder.join("out").join(file)).unwrap();
        let file = png::decode("a job's picture", &file).unwrap();
        Request::from_json(file.text(png::DARKROOM).unwrap()).unwrap()
    };

    // The second cannot be made; the third is, with what it leaves out from the command line.
    let lines = "{\"prompt\": \"a red cat\", \"seed\": \"18446744073709551615\"}\n\n\
                 {\"prompt\": \"a cat\", \"width\": 63, \"file\": \"odd.png\"}\n\
                 {\"prompt\": \"a blue cat\", \"steps\": 2, \"file\": \"blue.png\"}\n";
    let output = run(lines, &["--seed", "5"]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("2 of 3: odd.png failed. The width must be"), "{error}");
    let (first, last) = (request("00000.png"), request("blue.png"));
    assert_eq!((first.prompt.as_str(), first.seed, first.steps), ("a red cat", u64::MAX, 1));
    assert_eq!((last.prompt.as_str(), last.seed, last.steps), ("a blue cat", 5, 2));

    // Run again, it makes only what is missing, and leaves the others as they are.
    let kept = std::fs::metadata(folder.join("out/blue.png")).unwrap().modified().unwrap();
    std::fs::remove_file(folder.join("out/00000.png")).unwrap();
    let output = run(&lines.replace("63", "64"), &["--seed", "5"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("3 of 3: blue.png is there already"));
    assert_eq!(request("00000.png"), first);
    assert_eq!(std::fs::metadata(folder.join("out/blue.png")).unwrap().modified().unwrap(), kept);

    // A list that cannot be read is told before anything is made.
    for (line, part) in [
        ("{\"prompt\": 1}", "line 1"),
        ("[]", "line 1: it is not a JSON object"),
        ("{}\n{\"file\": \"../a.png\"}", "line 2: `file` must be a bare name"),
        ("{\"file\": \"a.png\"}\n{\"file\": \"a.png\"}", "appears twice"),
        ("{\"magic\": 1}", "line 1"),
    ] {
        let output = run(line, &[]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(part), "no {part:?} in {error:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
