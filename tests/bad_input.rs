//! Models and requests that cannot work: each is an error that names its cause, none a panic, and
//! what was open before still works after.

use crate::harness::gpu::{self, Device};
use crate::made_up::{spoiled, tiny};
use crate::walk::{open, request};
use darkroom::gpu::Gpu;
use darkroom::pipeline::{Control, Options, Request};
use darkroom::weights::{Archive, FileSource};
use darkroom::{Error, Precision};
use pollster::block_on;

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

/// The field that is named, and what makes it wrong.
type Refused = (&'static str, fn(&mut Request));

/// Opens the tiny checkpoint with one file changed.
fn open_spoiled(gpu: &Gpu, name: &str, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> Error {
    let folder = spoiled(name, file, change);
    let error = open(gpu, &folder, Options::default()).err();
    let error = error.unwrap_or_else(|| panic!("{name}: this model should not open"));
    println!("{name}: {error}");
    std::fs::remove_dir_all(folder).unwrap();
    error
}

/// Replaces a text of a config.
fn replace(from: &str, to: &str) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    }
}

#[test]
fn damaged_weights_are_named() {
    gpu::run(Device::Plain, |gpu| {
        let kind = |name: &str, change: fn(&mut Vec<u8>)| {
            let error = open_spoiled(gpu, name, UNET, change);
            assert!(error.to_string().contains(UNET), "{error}");
            error.kind()
        };
        assert_eq!(kind("half of it", |b| b.truncate(b.len() / 2)), "bad_file");
        assert_eq!(kind("one byte less", |b| b.truncate(b.len() - 1)), "bad_file");
        assert_eq!(kind("nothing", Vec::clear), "bad_file");
        assert_eq!(kind("a web page", |b| *b = b"<!doctype html><p>404".to_vec()), "bad_file");
        assert_eq!(kind("a huge header", |b| b[7] = 0xff), "bad_file");
        assert_eq!(kind("no JSON", |b| b[8] = b'['), "bad_file");
        assert_eq!(
            kind("another tensor's name", |b| {
                let at = b.windows(9).position(|w| w == b"\"conv_in.").unwrap();
                b[at + 1] = b'k';
            }),
            "missing_tensor"
        );
    });
}

#[test]
fn wrong_configs_name_their_field() {
    gpu::run(Device::Plain, |gpu| {
        let field = |name: &str, file: &str, from: &str, to: &str| match open_spoiled(
            gpu,
            name,
            file,
            replace(from, to),
        ) {
            Error::Config { field, .. } => field,
            other => panic!("{name}: {other}"),
        };
        let unet = "unet/config.json";
        assert_eq!(
            field("an unknown block", unet, "CrossAttnUpBlock2D", "MagicUpBlock2D"),
            "up_block_types"
        );
        assert_eq!(field("another context", unet, "dim\": 32", "dim\": 64"), "cross_attention_dim");
        assert_eq!(
            field("other latents", unet, "\"in_channels\": 4", "\"in_channels\": 5"),
            "in_channels"
        );
        assert_eq!(
            field("another pipeline", "model_index.json", "CLIPTextModel", "T5EncoderModel"),
            "text_encoder"
        );
        assert_eq!(field("few tokens", "text_encoder/config.json", "49408", "49000"), "vocab_size");
        let scheduler = "scheduler/scheduler_config.json";
        assert_eq!(field("odd betas", scheduler, "scaled_linear", "magic"), "beta_schedule");
        let error = open_spoiled(gpu, "wider", unet, replace("[16, 32, 48]", "[16, 32, 64]"));
        assert_eq!(error.kind(), "tensor_shape");
        let error = open_spoiled(gpu, "no config", unet, |bytes| bytes.truncate(40));
        assert_eq!(error.kind(), "bad_file");
    });
}

#[test]
fn a_missing_file_is_named() {
    gpu::run(Device::Plain, |gpu| {
        for file in ["model_index.json", UNET, "tokenizer/vocab.json", "vae/config.json"] {
            let folder = spoiled("missing", file, |_| ());
            std::fs::remove_file(folder.join(file)).unwrap();
            let error = open(gpu, &folder, Options::default()).err().unwrap();
            assert!(matches!(&error, Error::NotFound { path, .. } if path == file), "{error}");
            std::fs::remove_dir_all(folder).unwrap();
        }
    });
}

#[test]
fn a_refused_request_leaves_the_pipeline_whole() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let draw = |request: &Request| block_on(pipeline.generate(request, &Control::default()));
        let before = draw(&request()).unwrap();
        let refused: [Refused; 9] = [
            ("steps", |r| r.steps = 0),
            ("steps", |r| r.steps = 10_000),
            ("guidance scale", |r| r.guidance_scale = f64::NAN),
            ("guidance scale", |r| r.guidance_scale = f64::NEG_INFINITY),
            ("sampler", |r| r.sampler = "magic".into()),
            ("width", |r| r.width = Some(60)),
            ("width", |r| r.width = Some(0)),
            ("height", |r| r.height = Some(4_294_967_288)),
            ("height", |r| r.height = Some(16_384)),
        ];
        for (wrong, change) in refused {
            let mut bad = request();
            change(&mut bad);
            match draw(&bad) {
                Err(Error::Request { field, .. }) => assert_eq!(field, wrong),
                other => panic!("{wrong}: {other:?}"),
            }
        }
        // Within the form's bounds, but more than the adapter can hold: found before any work.
        let huge = Request { width: Some(8192), height: Some(8192), ..request() };
        let error = draw(&huge).unwrap_err();
        println!("8192×8192: {error}");
        assert_eq!(error.kind(), "gpu_limit");
        assert_eq!(draw(&request()).unwrap(), before);
    });
}

#[test]
fn f16_is_refused_where_the_adapter_has_none() {
    let options = Options { precision: Precision::F16, ..Options::default() };
    let error = open(&Gpu::dry(false), tiny(), options).err().unwrap();
    assert!(matches!(error, Error::Request { field: "precision", .. }), "{error}");
}

/// A decoder that answers what is no number: an error, not a picture.
#[test]
fn a_picture_that_is_no_number_is_not_shown() {
    gpu::run(Device::Plain, |gpu| {
        let file = "vae/diffusion_pytorch_model.safetensors";
        let name = "decoder.conv_out.bias";
        let source = FileSource::new(tiny());
        let archive = block_on(Archive::open(&source, file)).unwrap();
        let first = archive.get(name).unwrap().range.start as usize;
        // The f16 of NaN.
        let folder =
            spoiled("nan", file, |bytes| bytes[first..first + 2].copy_from_slice(&[0, 0x7e]));
        let pipeline = open(gpu, &folder, Options::default()).unwrap();
        let drawn = block_on(pipeline.generate(&request(), &Control::default()));
        assert_eq!(drawn, Err(Error::NotFinite { step: 2 }));
        std::fs::remove_dir_all(folder).unwrap();
    });
}
