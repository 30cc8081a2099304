//! Textual inversions in the layouts of their programs against diffusers' `load_textual_inversion`
//! (`scripts/golden/embeddings.py`), on the GPU and on the CPU; what is refused; and what pictures
//! say of them. Where their words are found is in `embedding_words`.

use crate::harness::allocations::most_held;
use crate::harness::bytes::Bytes;
use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::harness::mutate::mutate;
use crate::harness::random::Random;
use crate::hostile::{dictionary, tensor, text, zip_of};
use crate::made_up::{Golden, nmse, program, scratch, tiny};
use crate::memory::device;
use crate::models::TOLERANCE;
use crate::walk::{Memory, open, request};
use darkroom::dtype::FileType;
use darkroom::gpu::Held;
use darkroom::image::png::{DARKROOM_EMBEDDINGS, decode};
use darkroom::pipeline::{
    Control, Extras, Files, Kinds, NamedEmbedding, Options, Picture, Pipeline, Request, Residency,
    Workload,
};
use darkroom::weights::{Embedding, FileSource, MemorySource, SafetensorsWriter, Source};
use darkroom::{Error, Result};
use pollster::block_on;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

const CASES: &str = "embeddings/cases.safetensors";
/// Of any value of the picture in 0…1.
const PICTURE_MAX: f32 = 2.0 / 255.0;

pub(crate) fn embedding(
    source: &dyn Source,
    name: &str,
    token: Option<&str>,
) -> Result<NamedEmbedding> {
    let embedding = block_on(Embedding::open(source, name))?;
    Ok(NamedEmbedding { embedding, token: token.map(str::to_owned) })
}

/// The files of the goldens with their words, in the order of their ids.
fn files() -> Vec<(String, Option<String>)> {
    serde_json::from_str(Golden::open(CASES).text("files")).unwrap()
}

fn all() -> Options {
    let source = FileSource::new(golden::path("tests/golden/embeddings"));
    let open = |(name, token): &(String, Option<String>)| {
        // As the web UI does, where the word is the file's name.
        let stem = name.rsplit_once('.').unwrap().0;
        let token = token.as_deref().filter(|token| *token != stem);
        embedding(&source, name, token).unwrap()
    };
    Options { embeddings: files().iter().map(open).collect(), ..Options::default() }
}

fn requests() -> BTreeMap<String, Request> {
    let all: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(Golden::open(CASES).text("requests")).unwrap();
    let read = |json: serde_json::Value| Request::from_json(&json.to_string()).unwrap();
    all.into_iter().map(|(name, json)| (name, read(json))).collect()
}

/// Makes the picture of every golden request and compares ids, contexts and pictures.
fn check_all(pipeline: &Pipeline, device: &str) {
    let golden = Golden::open(CASES);
    for (case, request) in requests() {
        let memory = Memory::default();
        let extras = Extras { observer: Some(&memory), ..Extras::default() };
        let control = Control::default();
        block_on(pipeline.generate_with(&request, &control, &extras)).unwrap();
        let seen = memory.stages();
        assert_eq!(seen["ids"], golden.array(&format!("{case}.ids")), "{case} ids");
        let error = nmse(&seen["context"], &golden.array(&format!("{case}.context")));
        println!("{device} {case}: NMSE {error:.1e}");
        assert!(error <= TOLERANCE, "{device} {case}: NMSE {error:.1e}");
        if case == "picture" {
            let want = golden.array("picture.image");
            let errors = seen["image"].iter().zip(&want).map(|(a, b)| (a - b).abs());
            let error = errors.fold(0.0, f32::max);
            println!("{device} picture: {:.4}/255", error * 255.0);
            assert!(error <= PICTURE_MAX, "{device} picture: {error}");
        }
    }
}

#[test]
fn contexts_are_diffusers_on_the_gpu() {
    gpu::run(Device::Plain, |gpu| check_all(&open(gpu, tiny(), all()).unwrap(), "GPU"));
}

#[test]
fn contexts_are_diffusers_on_the_cpu() {
    let source = Rc::new(FileSource::new(tiny()));
    let pipeline = block_on(Pipeline::open_on_cpu(source, &all(), &Control::default()));
    check_all(&pipeline.unwrap(), "CPU");
}

/// A model that was opened without any gets them, and loses them again.
fn there_and_back(pipeline: &Pipeline, device: &str) {
    let draw = || block_on(pipeline.generate(&request(), &Control::default())).unwrap().rgba;
    let set = |all: &[NamedEmbedding]| block_on(pipeline.set_embeddings(all));
    let plain = draw();
    set(&all().embeddings).unwrap();
    check_all(pipeline, device);
    // One of another width changes nothing.
    let golden = FileSource::new(golden::path("tests/golden/embeddings"));
    let other = embedding(&golden, "clip.safetensors", None).unwrap();
    let wide = file(&[("emb_params", &[1, 768])]);
    let wide = embedding(&wide, wide.file(), None).unwrap();
    assert!(matches!(set(&[other, wide]), Err(Error::Unfit { .. })));
    check_all(pipeline, device);
    set(&[]).unwrap();
    assert!(pipeline.embeddings().is_empty());
    assert_eq!(draw(), plain, "{device}");
}

#[test]
fn an_open_model_gets_others() {
    gpu::run(Device::Plain, |gpu| {
        there_and_back(&open(gpu, tiny(), Options::default()).unwrap(), "GPU");
        // Also where the text encoder is let go between the stages.
        let residency = Residency { kept: Default::default(), bands: None, taesd: false };
        let options = Options { residency: Some(residency), ..Options::default() };
        there_and_back(&open(gpu, tiny(), options).unwrap(), "GPU, read again");
    });
    let source = Rc::new(FileSource::new(tiny()));
    let options = Options::default();
    let pipeline = block_on(Pipeline::open_on_cpu(source, &options, &Control::default()));
    there_and_back(&pipeline.unwrap(), "CPU");
}

/// Also where the text encoder is let go and read again.
#[test]
fn the_devices_account_is_the_plan() {
    let peaks = |residency: Residency| -> [Vec<Held>; 2] {
        let gpu = &device();
        let options = Options { residency: Some(residency), ..all() };
        let pipeline = open(gpu, tiny(), options.clone()).unwrap();
        let steps = Request { steps: 3, ..request() };
        let picture = block_on(pipeline.generate(&steps, &Control::default())).unwrap();
        let mut files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
        files.set_embeddings(&options.embeddings).unwrap();
        let size = [picture.width, picture.height];
        let load = Workload {
            size,
            prompts: 2,
            chunks: 1,
            pictures: 1,
            kinds: Kinds::EXACT,
            begins: false,
        };
        let dry = block_on(files.dry_run_with(&options, gpu, load, residency)).unwrap();
        let held = |peaks: Vec<(_, Held)>| peaks.into_iter().map(|(_, held)| held).collect();
        [held(pipeline.peaks()), held(dry.peaks)]
    };
    for residency in
        [Residency::ALL, Residency { kept: Default::default(), bands: None, taesd: false }]
    {
        let [counted, planned] = peaks(residency);
        assert_eq!(counted, planned, "{residency:?}");
    }
}

#[test]
fn pictures_say_which_words_they_have() {
    let draw = |prompt: &str, negative: &str| -> Picture {
        let request = Request {
            prompt: prompt.into(),
            negative_prompt: negative.into(),
            steps: 1,
            ..request()
        };
        gpu::run(Device::Plain, move |gpu| {
            let pipeline = open(gpu, tiny(), all()).unwrap();
            block_on(pipeline.generate(&request, &Control::default())).unwrap()
        })
    };
    let picture = draw("a <cat-toy>", "bad-hands, bad-hands");
    let told: Vec<_> = picture.embeddings.iter().map(|one| (&*one.name, &*one.token)).collect();
    assert_eq!(told, [("bad-hands", "bad-hands"), ("learned_embeds", "<cat-toy>")]);
    let hash =
        |name: &str| darkroom::weights::sha256(&golden::bytes(&format!("embeddings/{name}")));
    let (hands, cat) = (hash("bad-hands.pt"), hash("learned_embeds.bin"));
    assert_eq!((picture.embeddings[0].vectors, &picture.embeddings[0].sha256), (5, &hands));
    let line =
        format!("TI hashes: \"bad-hands: {}, learned_embeds: {}\"", &hands[..12], &cat[..12]);
    let text = picture.parameters().format();
    assert!(text.contains(&line), "{text}");
    let png = decode("a.png", &picture.png().unwrap()).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(png.text(DARKROOM_EMBEDDINGS).unwrap()).unwrap();
    assert_eq!(json, serde_json::to_value(&picture.embeddings).unwrap());
    let [notice] = &picture.notices[..] else { panic!("{:?}", picture.notices) };
    let start = "No prompt calls these textual inversions, which change nothing: “easyone”, ";
    assert!(notice.starts_with(start) && notice.ends_with(", …"), "{notice}");
    // diffusers' own token or the file's name, in any order.
    let by_name = draw("a learned_embeds", "bad-hands, bad-hands");
    assert_eq!(by_name.embeddings, picture.embeddings);
    assert_eq!(by_name.rgba, picture.rgba);
    let none = draw("a cat", "");
    assert!(none.embeddings.is_empty() && !none.parameters().format().contains("TI hashes"));
    assert_eq!(decode("a.png", &none.png().unwrap()).unwrap().text(DARKROOM_EMBEDDINGS), None);
}

/// Names and shapes.
type Tensors<'a> = &'a [(&'a str, &'a [usize])];

/// A file of f32 tensors, all numbers a half.
pub(crate) fn file(tensors: Tensors<'_>) -> MemorySource {
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (*name, FileType::F32, shape.to_vec())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), "a", &described, &[]).unwrap();
    for (_, shape) in tensors {
        for _ in 0..shape.iter().product() {
            writer.write(&0.5_f32.to_le_bytes()).unwrap();
        }
    }
    MemorySource::new("words/a.safetensors", writer.finish().unwrap())
}

#[test]
fn what_does_not_fit_is_refused_by_what_it_is() {
    let add = |source: &MemorySource| {
        let named = embedding(source, source.file(), None)?;
        let mut files = block_on(Files::open(&FileSource::new(tiny())))?;
        files.set_embeddings(&[named])
    };
    add(&file(&[("emb_params", &[2, 32])])).unwrap();
    let cases: [(Tensors<'_>, &str); 16] = [
        (&[("emb_params", &[1, 768])], "for Stable Diffusion 1: its vectors have 768 numbers"),
        (&[("emb_params", &[4, 1024])], "a textual inversion for Stable Diffusion 2"),
        (&[("<a>", &[1280])], "the second text encoder of Stable Diffusion XL"),
        (&[("<a>", &[33])], "for another model: its vectors have 33 numbers"),
        (&[("clip_l", &[2, 768]), ("clip_g", &[2, 1280])], "for Stable Diffusion XL"),
        (&[("clip_l", &[2, 4]), ("clip_g", &[2, 4]), ("t5xxl", &[4])], "for Stable Diffusion 3"),
        (&[("emb_params", &[0, 32])], "its vectors have the shape [0, 32]"),
        (&[("emb_params", &[1, 2, 32])], "its vectors have the shape [1, 2, 32]"),
        (&[("<a>", &[])], "a file of other tensors, such as `<a>`"),
        (&[("<a>", &[32]), ("<b>", &[32])], "a textual inversion of 2 words"),
        (&[("string_to_param.*", &[32]), ("string_to_param.b", &[32])], "of 2 words"),
        (&[("lora_unet_a.lora_down.weight", &[4, 4])], "it is a LoRA"),
        (&[("down_blocks.0.x", &[4])], "a UNet alone"),
        (&[("conv_in.weight", &[4, 4])], "a file of other tensors, such as `conv_in.weight`"),
        (&[("768.0.linear1.weight", &[4, 4])], "a hypernetwork"),
        (&[], "a file without tensors"),
    ];
    for (tensors, words) in cases {
        let error = add(&file(tensors)).unwrap_err().to_string();
        println!("{error}");
        assert!(error.contains(words), "{words}: {error}");
    }
    let refused = |bytes: Vec<u8>, words: &str| {
        let error = add(&MemorySource::new("a", bytes)).unwrap_err();
        assert!(matches!(error, Error::BadFile { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    };
    // A whole checkpoint, of which only the header is read.
    let whole = golden::bytes("formats/tiny.ckpt");
    refused(whole, "a whole checkpoint, and no textual inversion");
    refused(b"<!doctype html><html></html>".to_vec(), "a web page");
    let ckpt =
        |pickle: &[u8], storage: &[u8]| zip_of(&[("a/data.pkl", pickle), ("a/data/0", storage)]);
    let infinite = f32::INFINITY.to_le_bytes().repeat(32);
    refused(ckpt(&dictionary(&tensor(0, &[32])), &infinite), "not finite");
    // The key alone, with what is not read.
    let unread = [b"\x80\x02}", &text("string_to_param")[..], b"Ns."].concat();
    refused(ckpt(&unread, &[]), "nowhere that is known");
    let bare = [b"\x80\x02", &tensor(0, &[32])[..], b"."].concat();
    refused(ckpt(&bare, &infinite), "not a dictionary of tensors");
    let vectors = vec![0.0_f32.to_le_bytes(); 76 * 32].concat();
    let many = MemorySource::new("a", ckpt(&dictionary(&tensor(0, &[76, 32])), &vectors));
    let named = embedding(&many, "a", None).unwrap();
    let options = Options { embeddings: vec![named], ..Options::default() };
    let source = Rc::new(FileSource::new(tiny()));
    let opened = block_on(Pipeline::open_on_cpu(source, &options, &Control::default()));
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("`w` has 76 vectors, but a prompt has room for 75"), "{error}");
}

/// Damaged files: a typed error or a correct load, and no more memory than the file justifies.
#[test]
fn damaged_files() {
    let mut opened = 0;
    for (name, _) in files() {
        let valid = golden::bytes(&format!("embeddings/{name}"));
        let random = Random::new(&name);
        for index in 0..1_500 {
            let bytes = mutate(&valid, &random, index);
            let (size, source) = (bytes.len(), Bytes::checkpoint(bytes));
            let (embedding, held) = most_held(|| block_on(Embedding::open(&source, "a")));
            assert!(held <= 80 * size + (256 << 10), "{name} {index}: {held} bytes for {size}");
            match embedding {
                Ok(embedding) => {
                    assert!(!embedding.is_empty() && embedding.len() * 4 <= size);
                    opened += 1;
                }
                Err(Error::BadFile { .. }) => {}
                Err(other) => panic!("{name} {index}: {other:?}"),
            }
        }
    }
    println!("{opened} of 12000 could be opened");
    assert!((100..11_000).contains(&opened), "{opened}");
}

#[test]
fn the_program_takes_them() {
    let folder = scratch("embeddings");
    let draw = |name: &str, more: &[&str]| {
        let out = folder.join(name);
        let (model, out_text) = (tiny().to_str().unwrap(), out.to_str().unwrap());
        let words = ["generate", "--device=cpu", "--model", model, "--steps=1"];
        let made = program(&[&words[..], &["--out", out_text], more].concat());
        let errors = String::from_utf8_lossy(&made.stderr).into_owned();
        (made.status.code(), std::fs::read(out).ok(), errors)
    };
    let path = |name: &str| golden::path("tests/golden/embeddings").join(name);
    let hands = path("bad-hands.pt").to_str().unwrap().to_owned();
    let named = format!("{hands}:<hands>");
    let (code, png, errors) =
        draw("a.png", &["--prompt=a <hands>", "--embedding", &named, "--embedding", &hands]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(errors.contains("change nothing: “bad-hands”"), "{errors}");
    let png = decode("a.png", &png.unwrap()).unwrap();
    assert!(png.text(DARKROOM_EMBEDDINGS).unwrap().contains("<hands>"));
    let (code, none, errors) = draw("b.png", &["--prompt=a", "--embedding", "missing.pt"]);
    assert_eq!((code, none), (Some(3), None));
    assert!(errors.contains("missing.pt"), "{errors}");
    let (_, _, errors) =
        draw("c.png", &["--prompt=a", "--embedding", &hands, "--embedding", &hands]);
    assert!(errors.contains("The embedding cannot be called `bad-hands`"), "{errors}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// The file keeps its own word and name, and can be shared.
#[test]
fn files_say_their_words() {
    let source = FileSource::new(golden::path("tests/golden/embeddings"));
    let said: Vec<_> = files()
        .iter()
        .map(|(name, _)| {
            let one: Arc<Embedding> = block_on(Embedding::open(&source, name)).unwrap();
            (one.name().to_owned(), one.word().map(str::to_owned), one.len())
        })
        .collect();
    let said: Vec<_> =
        said.iter().map(|(name, word, count)| (&**name, word.as_deref(), *count)).collect();
    assert_eq!(
        said,
        [
            ("easyone", None, 1),
            ("bad-hands", None, 5),
            ("oldparam", None, 2),
            ("learned_embeds", Some("<cat-toy>"), 1),
            ("style", Some("<style>"), 3),
            ("kohya-emb", None, 2),
            ("row", Some("<another-word>"), 1),
            ("clip", None, 2),
        ]
    );
}
