//! Folders as other programs leave them: variants, halves, caches, configs as Python writes them,
//! tokenizers with added words, and what the user says of a model.

use crate::foreign::{Parts, draw, single, source};
use crate::harness::golden;
use crate::made_up::{program, scratch, spoiled, tiny};
use darkroom::Error;
use darkroom::pipeline::Files;
use darkroom::text::Tokenizer;
use darkroom::weights::{FileSource, WithPrediction};
use pollster::block_on;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

/// A copy of the tiny model's folder with its UNet under other names; the first words are its own.
fn folder_with(name: &str, unets: &[(&str, usize)]) -> PathBuf {
    let folder = spoiled(name, UNET, |_| {});
    let whole = fs::read(folder.join(UNET)).unwrap();
    fs::remove_file(folder.join(UNET)).unwrap();
    for (file, bytes) in unets {
        fs::write(folder.join("unet").join(file), &whole[..whole.len().min(*bytes)]).unwrap();
    }
    folder
}

#[test]
fn variants_and_halves_of_a_folder_are_opened_or_named() {
    let all = usize::MAX;
    let open = |name: &str, unets: &[(&str, usize)]| {
        let folder = folder_with(name, unets);
        let opened =
            block_on(Files::open(&FileSource::open(&folder))).map(|files| files.describe());
        fs::remove_dir_all(folder).unwrap();
        opened
    };
    let stem = "diffusion_pytorch_model";
    let want = block_on(Files::open(&FileSource::open(tiny()))).unwrap().describe();
    for files in [
        &[(&*format!("{stem}.bf16.safetensors"), all)][..],
        &[(&*format!("{stem}.fp16.safetensors"), all)],
        // A damaged file beside a whole one, whatever is the format's name.
        &[(&*format!("{stem}.safetensors"), 1000), (&*format!("{stem}.bin"), all)],
    ] {
        assert_eq!(open("foreign-variant", files).unwrap(), want, "{files:?}");
    }
    for (file, bytes, words) in [
        (
            "non_ema.safetensors",
            all,
            "another variant, diffusion_pytorch_model.non_ema.safetensors",
        ),
        (
            "safetensors.incomplete",
            1000,
            "not finished: there is diffusion_pytorch_model.safetensors.incomplete",
        ),
        ("-00001-of-00002.safetensors", all, "no index of the parts"),
        ("safetensors", 1000, "damaged"),
    ] {
        let dot = if file.starts_with('-') { "" } else { "." };
        let error = open("foreign-half", &[(&*format!("{stem}{dot}{file}"), bytes)]).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(words) && said.contains(UNET), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_model_of_hugging_faces_cache_is_its_snapshot() {
    use std::os::unix::fs::symlink;
    let cache = scratch("foreign-cache").join("models--a--b");
    let snapshot = cache.join("snapshots/abc");
    for folder in ["blobs", "refs"] {
        fs::create_dir_all(cache.join(folder)).unwrap();
    }
    fs::write(cache.join("refs/main"), "abc\n").unwrap();
    let mut blobs = 0;
    for part in ["", "scheduler", "text_encoder", "tokenizer", "unet", "vae"] {
        fs::create_dir_all(snapshot.join(part)).unwrap();
        let files = fs::read_dir(tiny().join(part)).unwrap().map(Result::unwrap);
        for file in files.filter(|file| file.path().is_file()) {
            let blob = format!("{blobs:040x}");
            fs::copy(file.path(), cache.join("blobs").join(&blob)).unwrap();
            let up = if part.is_empty() { "../.." } else { "../../.." };
            let link = snapshot.join(part).join(file.file_name());
            symlink(format!("{up}/blobs/{blob}"), link).unwrap();
            blobs += 1;
        }
    }
    let want = block_on(Files::open(&FileSource::open(tiny()))).unwrap().describe();
    for path in [cache.clone(), snapshot.clone(), cache.join("snapshots")] {
        let files = block_on(Files::open(&FileSource::open(&path)));
        assert_eq!(files.unwrap().describe(), want, "{}", path.display());
    }
    // What was not fetched to its end is a link to nothing, or is not there at all.
    let unet = fs::read_link(snapshot.join(UNET)).unwrap();
    let blob = snapshot.join("unet").join(unet);
    fs::rename(&blob, blob.with_extension("incomplete")).unwrap();
    let said =
        |path: &Path| block_on(Files::open(&FileSource::open(path))).err().unwrap().to_string();
    assert!(said(&cache).contains(".incomplete"), "{}", said(&cache));
    fs::remove_dir_all(cache.parent().unwrap()).unwrap();
}

#[test]
fn schedulers_as_python_writes_them_are_read() {
    let scheduler = "scheduler/scheduler_config.json";
    let folder = spoiled("foreign-python", scheduler, |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let fields =
            "{\"lambda_min_clipped\": -Infinity, \"a\": NaN, \"b\": [Infinity], \"c\": \"NaN\",";
        *bytes = text.replacen('{', fields, 1).into_bytes();
        bytes.splice(..0, *b"\xef\xbb\xbf");
    });
    assert_eq!(draw(&folder).unwrap(), draw(tiny()).unwrap());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn added_words_are_one_id_each() {
    let read = |name: &str| fs::read(golden::path("web/models/demo/tokenizer").join(name)).unwrap();
    let clip = || Tokenizer::new(&read("vocab.json"), &read("merges.txt")).unwrap();
    let ids = |tokenizer: &Tokenizer, text: &str| {
        let tokens = tokenizer.encode(text).unwrap();
        tokens.ids[1..tokens.used - 1].to_vec()
    };
    let plain = ids(&clip(), "a photo of on the grass");
    let expected = [&plain[..3], &[49408], &plain[3..]].concat();
    let decoder = json!({ "added_tokens_decoder": {
        "49406": { "content": "<|startoftext|>", "special": true },
        "49408": { "content": "<Cat-Toy>", "special": false },
    }});
    for (file, json) in
        [("added_tokens.json", json!({ "<Cat-Toy>": 49408 })), ("tokenizer_config.json", decoder)]
    {
        let tokenizer = clip().with_added_tokens(file, json.to_string().as_bytes()).unwrap();
        assert_eq!(tokenizer.id_limit(), 49409);
        // In any case, and without a space around it, as transformers does.
        for text in ["a photo of <Cat-Toy> on the grass", "a photo of<cat-toy>on the grass"] {
            assert_eq!(ids(&tokenizer, text), expected, "{file} {text}");
        }
        assert_eq!(ids(&tokenizer, "a photo of on the grass"), plain);
    }
    for wrong in [json!({ "<a>": 49410 }), json!({ "<a>": 5 }), json!({ "cat</w>": 49408 })] {
        let refused = clip().with_added_tokens("added_tokens.json", wrong.to_string().as_bytes());
        assert!(matches!(refused, Err(Error::BadFile { .. })), "{wrong}");
    }
}

#[test]
fn the_kind_of_prediction_can_be_said() {
    let said = |source, kind: Option<&str>| {
        let prediction = kind.map(String::from);
        WithPrediction { source, prediction }
    };
    let of = |kind: Option<&str>| {
        let source = said(FileSource::open(tiny()), kind);
        block_on(Files::open(&source)).unwrap().schedule.prediction()
    };
    let [plain, epsilon, v] = [None, Some("epsilon"), Some("v_prediction")].map(of);
    assert!(plain == epsilon && plain != v);
    let mut file = single();
    file.metadata["modelspec.prediction_type"] = json!("v_prediction");
    let folder = scratch("foreign-prediction");
    let path = folder.join("a.safetensors");
    fs::write(&path, file.write()).unwrap();
    let told = |kind: Option<&str>| {
        let source = said(source(&path), kind);
        block_on(Files::open(&source)).unwrap().schedule.prediction()
    };
    assert!(told(None) == v && told(Some("epsilon")) == epsilon);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_first_answer_that_is_not_what_is_assumed_is_told() {
    const ODD: &str = "does not say what its UNet predicts";
    let folder = scratch("foreign-answer");
    let path = folder.join("a.safetensors");
    let told = |file: &Parts, rest: &[&str]| {
        fs::write(&path, file.write()).unwrap();
        let out = folder.join("a.png");
        let [model, out] = [&path, &out].map(|path| path.to_str().unwrap());
        let common = ["generate", "--device", "cpu", "--prompt", "a red cat", "--steps", "4"];
        let files = ["--model", model, "--out", out, "--width", "64", "--height", "64"];
        let output = program(&[&common[..], &files, rest].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        text.contains(ODD)
    };
    let without_schedule = |mut file: Parts| {
        file.metadata.as_object_mut().unwrap().remove("darkroom.scheduler").unwrap();
        file
    };
    // A UNet of random numbers predicts nothing.
    let random = without_schedule(single());
    assert!(told(&random, &[]));
    for kind in ["epsilon", "v_prediction"] {
        assert!(!told(&random, &["--prediction", kind]), "{kind}");
    }
    assert!(!told(&single(), &[]), "the file says it");
    // A trained one does predict the noise, whatever the sampler and the seed.
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/models/demo");
    let whole = folder.join("demo.safetensors");
    let [from, to] = [&demo, &whole].map(|path| path.to_str().unwrap());
    assert!(program(&["convert", "--model", from, "--to", to]).status.success());
    let demo = without_schedule(Parts::read(&fs::read(&whole).unwrap()));
    for sampler in ["ddim", "euler", "heun", "dpmpp_2m"] {
        for seed in ["1", "2", "3"] {
            assert!(!told(&demo, &["--sampler", sampler, "--seed", seed]), "{sampler} {seed}");
        }
    }
    fs::remove_dir_all(folder).unwrap();
}
