//! The native program as a person runs it: files in, files out, sentences, exit codes.

use crate::hostile::zip_of;
use crate::made_up::{program, scratch, tiny};
use darkroom::image::png;
use darkroom::pipeline::Request;
use darkroom::weights::npy;
use std::path::Path;

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
        let common = if extra.contains(&"--out") { &common[..5] } else { &common[..] };
        program(&[common, extra].concat())
    };
    for (code, output, part) in [
        (2, generate(&["--steps", "0"]), "The steps must be"),
        (2, generate(&["--steps", "10000"]), "The steps must be"),
        (2, generate(&["--guidance", "nan"]), "The guidance scale must be"),
        (2, generate(&["--width", "63"]), "The width must be"),
        (2, generate(&["--sampler", "magic"]), "ddim, pndm"),
        (3, generate(&["--latents", "/none.npy"]), "/none.npy was not found"),
        (3, program(&["inspect", "--model", "/none"]), "model_index.json was not found"),
        (2, generate(&["--seed=-2"]), "--seed"),
        (75, generate(&["--out", "/dev/none/a.png"]), "/dev/none/a.png could not be written"),
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
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(part), "no {part:?} in {error:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// What is in a folder, hidden files as well.
fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn where_a_picture_cannot_go_is_told_before_the_model_is_opened() {
    let folder = scratch("places");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
    std::fs::create_dir(path("folder.png")).unwrap();
    std::fs::write(path("kept.png"), "an old picture").unwrap();
    for (code, out, part) in [
        (75, path("missing/a.png"), "could not be written"),
        (2, path("folder.png"), "it is a folder"),
        (2, path("a.jpg"), "written as PNG, not as jpg"),
        (2, path("a.WEBP"), "written as PNG, not as webp"),
    ] {
        // There is no such model: what is said first is what was looked at first.
        let output = program(&["generate", "--model", "/none", "--prompt", "a", "--out", &out]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(part), "no {part:?} in {error:?}");
    }
    // A model that is not there costs no old picture, and leaves nothing.
    let out = path("kept.png");
    program(&["generate", "--model", "/none", "--prompt", "a", "--out", &out]);
    assert_eq!(std::fs::read(&out).unwrap(), b"an old picture");
    assert_eq!(names(&folder), ["folder.png", "kept.png"]);
    let jobs = path("jobs.jsonl");
    std::fs::write(&jobs, "{\"prompt\": \"a\"}").unwrap();
    let into = ["--jobs", &jobs, "--out-dir", &out];
    let output = program(&[&["generate", "--model", "/none"], &into[..]].concat());
    assert!(text(&output.stderr).contains("kept.png could not be written"));
    std::fs::remove_dir_all(folder).unwrap();
}

/// A machine without a driver: the loader finds none in the variable's place.
#[cfg(target_os = "linux")]
#[test]
fn without_an_adapter_the_cpu_is_named() {
    let folder = scratch("no-adapter");
    let out = folder.join("picture.png");
    let run = |extra: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_darkroom"));
        command.args(["generate", "--prompt", "a cat", "--steps", "1", "--model"]).arg(tiny());
        for name in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "__EGL_VENDOR_LIBRARY_FILENAMES"] {
            command.env(name, "/none.json");
        }
        command.arg("--out").arg(&out).args(extra).output().unwrap()
    };
    let output = run(&[]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{error}");
    assert!(error.contains("No graphics adapter"), "{error}");
    assert!(error.contains("with --device cpu the CPU computes, slowly"), "{error}");
    assert!(!out.exists());
    let output = run(&["--device", "cpu"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(png::decode("picture.png", &std::fs::read(&out).unwrap()).is_ok());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn output_that_nobody_reads_is_no_panic() {
    let program = env!("CARGO_BIN_EXE_darkroom");
    let model = tiny();
    let inspect = |target: std::process::Stdio| {
        let mut command = std::process::Command::new(program);
        command.args(["inspect", "--model"]).arg(model).stdout(target);
        command.stderr(std::process::Stdio::piped()).output().unwrap()
    };
    // A pipe whose reader is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = inspect(writer.into());
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(1), ""));
    if let Ok(full) = std::fs::File::options().write(true).open("/dev/full") {
        let output = inspect(full.into());
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        assert!(error.starts_with("The output could not be written"), "{error}");
    }
}

/// Runs the program with a list; the requests of its pictures, and what it says.
fn made_from(folder: &Path, list: &[u8]) -> (Vec<Request>, String) {
    let [place, out] = ["list", "out"].map(|name| folder.join(name));
    std::fs::write(&place, list).unwrap();
    std::fs::remove_dir_all(&out).ok();
    let [model, list, folder] = [tiny(), &*place, &*out].map(|path| path.to_str().unwrap());
    let common = ["generate", "--model", model, "--steps", "1"];
    let output = program(&[&common[..], &["--jobs", list, "--out-dir", folder]].concat());
    let request = |name: &String| {
        let file = std::fs::read(out.join(name)).unwrap();
        let file = png::decode(name, &file).unwrap();
        Request::from_json(file.text(png::DARKROOM).unwrap()).unwrap()
    };
    let made = match output.status.success() {
        true => names(&out).iter().map(request).collect(),
        false => Vec::new(),
    };
    (made, text(&output.stderr))
}

#[test]
fn lists_are_read_as_people_have_them() {
    let folder = scratch("lists");
    let run = |bytes: &[u8]| made_from(&folder, bytes);
    let wide: Vec<u8> =
        "\u{feff}a fox\r\na cat\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    // As the page's gallery exports: the pictures, and the list of their requests.
    let lines = [
        r#"{"prompt":"a fox","seed":"5","file":"000001-a.png","model":"m","seconds":1}"#,
        r#"{"prompt":"a cat","file":"000002-b.png","engine":null}"#,
    ];
    let lines = lines.join("\n");
    let [first, second] = ["000001-a.png", "000002-b.png"].map(|name| (name, &b"a picture"[..]));
    let exported = zip_of(&[first, second, ("requests.jsonl", lines.as_bytes())]);
    for (bytes, prompts) in [
        (&exported[..], ["a fox", "a cat"]),
        (&b"[cat:dog:0.5] in a field\na fox\n"[..], ["[cat:dog:0.5] in a field", "a fox"]),
        (b"{red|blue} fox\na cat\n", ["{red|blue} fox", "a cat"]),
        (b"\xef\xbb\xbf{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}", ["a", "b"]),
        (b"prompt;seed;steps\na fox;5;1\n\"a; cat\";6;1\n", ["a fox", "a; cat"]),
        (b"--prompt \"a fox\" --seed 5\n--prompt 'a cat'\n", ["a fox", "a cat"]),
        (&wide, ["a fox", "a cat"]),
    ] {
        let (made, error) = run(bytes);
        let read: Vec<&str> = made.iter().map(|request| request.prompt.as_str()).collect();
        assert_eq!(read, prompts, "{error}");
        if bytes.contains(&b'5') && !bytes.starts_with(b"[") {
            assert_eq!(made[0].seed, 5, "{error}");
        }
    }
    for (bytes, part) in [
        (&zip_of(&[first, second])[..], "there is no `requests.jsonl` in it"),
        (&exported[..exported.len() - 30], "its end is missing"),
        (&b"a fox\na caf\xe9\n"[..], "not UTF-8 (in line 2)"),
        (b"prompt,seed\na,1\n,2\n", "line 3: it has no prompt"),
        (b"prompt,magic\na,1\n", "line 2: The request has an unknown field `magic`"),
        (b"prompt,seed\na,many\n", "line 2: The seed must be"),
        (b"--prompt \"a\n", "line 1: a quote is not closed"),
        (
            b"{\"prompt\":\"a\",\"seed\":\"18446744073709551615\",\"count\":2}",
            "must be 1: a line is one picture",
        ),
    ] {
        let (made, error) = run(bytes);
        assert!(made.is_empty() && error.contains(part), "no {part:?} in {error:?}");
        // A list is the user's own: nothing was fetched.
        assert!(bytes.starts_with(b"PK") || !error.contains("Fetch"), "{error:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn lists_have_the_names_of_options_and_of_other_programs() {
    let folder = scratch("names");
    for list in [
        &b"{\"prompt\":\"a\",\"negative\":\"b\",\"cfg\":4,\"guidance_scale\":null}"[..],
        b"{\"prompt\":\"a\",\"negative\":\"b\",\"cfg\":9,\"guidance_scale\":4}",
        b"prompt,negative,CFG\na,b,4\n",
        b"--prompt a --negative b --cfg_scale 4\n",
    ] {
        let (made, error) = made_from(&folder, list);
        let read = made.first().map(|one| (one.negative_prompt.as_str(), one.guidance_scale));
        assert_eq!(read, Some(("b", 4.0)), "{error}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_seed_of_minus_one_is_any() {
    let folder = scratch("any-seed");
    let out = folder.join("a.png");
    let (model, to) = (tiny(), out.to_str().unwrap());
    let seed = || {
        let common = ["generate", "--model", model.to_str().unwrap(), "--prompt", "a"];
        let output =
            program(&[&common[..], &["--steps", "1", "--seed", "-1", "--out", to]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let file = png::decode("a.png", &std::fs::read(&out).unwrap()).unwrap();
        Request::from_json(file.text(png::DARKROOM).unwrap()).unwrap().seed
    };
    assert_ne!(seed(), seed());
    std::fs::remove_dir_all(folder).unwrap();
}

/// The tokenizer is in the program: nothing is looked for in the folder that it is run from.
#[test]
fn it_works_from_any_folder() {
    let folder = scratch("anywhere");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_darkroom"));
        let output = command.args(arguments).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    };
    run(&["synth", "--config", "tiny", "--seed", "1", "--out", "model"]);
    let file = ["--model", "one.safetensors"];
    run(&["convert", "--model", "model", "--to", "one.safetensors"]);
    run(&[&["convert"], &file[..], &["--to", "two.gguf"]].concat());
    run(&[&["inspect"], &file[..]].concat());
    let request = ["--device", "cpu", "--steps", "1", "--prompt", "a cat"];
    let draw = |model: &str, out: &str| {
        run(&[&["generate", "--model", model], &request[..], &["--out", out]].concat());
        png::decode(out, &std::fs::read(folder.join(out)).unwrap()).unwrap().picture
    };
    let whole = draw("model", "whole.png");
    assert_eq!(draw("one.safetensors", "one.png").pixels(), whole.pixels());
    assert_eq!(draw("two.gguf", "two.png").pixels(), whole.pixels());
}
