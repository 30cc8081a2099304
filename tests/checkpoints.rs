//! From a config and a checkpoint to a model: what is refused and how the complaint is worded,
//! which names are understood, and the one pass of the loader over the file.

use crate::harness::gpu::{self, Device};
use darkroom::gpu::Gpu;
use darkroom::models::clip::{TextConfig, TextEncoder};
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig};
use darkroom::models::vae::{Encoder, VaeConfig, VaeDecoder};
use darkroom::nn::{Loader, Scope};
use darkroom::weights::{Archive, FileSource, LocalFuture, Source};
use darkroom::{Error, Precision, Result, WeightType};
use pollster::block_on;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

const UNET_FILE: &str = "diffusion_pytorch_model.safetensors";
const TEXT_FILE: &str = "model.safetensors";

fn folder(name: &str) -> FileSource {
    FileSource::new(format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR")))
}

/// The folder's `config.json` with some fields changed.
fn config(name: &str, changes: &Value) -> String {
    let path = format!("{}/tests/golden/{name}/config.json", env!("CARGO_MANIFEST_DIR"));
    changed(&std::fs::read_to_string(path).unwrap(), changes)
}

fn changed(json: &str, changes: &Value) -> String {
    let mut fields: Map<String, Value> = serde_json::from_str(json).unwrap();
    fields.extend(changes.as_object().unwrap().clone());
    Value::Object(fields).to_string()
}

/// Checks that `parse` refuses v1.4's config with one field changed, and names that field.
fn refuses(json: &str, changes: &[(&str, Value)], parse: impl Fn(&str) -> Result<()>) {
    parse(json).unwrap();
    for (field, value) in changes {
        let fault = parse(&changed(json, &json!({ *field: value }))).expect_err(field);
        match &fault {
            Error::Config { file, field: named, .. } => {
                assert_eq!(named, field, "{fault}");
                assert!(file.ends_with("config.json") && !fault.to_string().contains(".."));
            }
            other => panic!("{field}: {other}"),
        }
    }
}

#[test]
fn unet_configs_are_refused_by_field() {
    let changes = [
        ("_class_name", json!("UNet3DConditionModel")),
        ("act_fn", json!("mish")),
        ("addition_embed_type", json!("text_time")),
        ("attention_head_dim", json!(7)),
        ("attention_head_dim", json!([8, 8])),
        ("attention_head_dim", json!(160)),
        ("block_out_channels", json!([320, 640])),
        ("block_out_channels", json!([])),
        ("block_out_channels", json!([322, 640, 1280, 1280])),
        ("block_out_channels", json!([-320, 640, 1280, 1280])),
        ("center_input_sample", json!(true)),
        ("class_embed_type", json!("timestep")),
        ("conv_in_kernel", json!(2)),
        ("cross_attention_dim", json!([768, 768, 768, 1024])),
        ("down_block_types", json!(["SimpleCrossAttnDownBlock2D", "", "", ""])),
        ("downsample_padding", json!(2)),
        ("dual_cross_attention", json!(true)),
        ("encoder_hid_dim", json!(768)),
        ("freq_shift", json!(160)),
        ("in_channels", json!(0)),
        ("layers_per_block", json!(1e9)),
        ("layers_per_block", json!(1_000_000_000)),
        ("layers_per_block", json!("two")),
        ("mid_block_scale_factor", json!(0.5)),
        ("mid_block_type", json!("UNetMidBlock2D")),
        ("norm_eps", json!(0)),
        ("norm_num_groups", json!(24)),
        ("norm_num_groups", Value::Null),
        ("num_class_embeds", json!(10)),
        ("only_cross_attention", json!([true, true, true, false])),
        ("resnet_time_scale_shift", json!("scale_shift")),
        ("time_cond_proj_dim", json!(255)),
        ("time_embedding_type", json!("fourier")),
        ("up_block_types", json!(["UpBlock2D"])),
    ];
    // A list of another length is a complaint about whichever list is read next.
    let (lengths, others): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(field, value)| {
        *field == "block_out_channels" && value.as_array().is_some_and(|v| v.len() == 2)
    });
    refuses(sd_v1_4::UNET, &others, |json| UnetConfig::parse("unet/config.json", json).map(drop));
    for (field, value) in lengths {
        let json = changed(sd_v1_4::UNET, &json!({ field: value }));
        let fault = UnetConfig::parse("unet/config.json", &json).unwrap_err();
        assert_eq!(fault.kind(), "config", "{fault}");
    }
}

#[test]
fn other_configs_are_refused_by_field() {
    let vae = [
        ("act_fn", json!("gelu")),
        ("block_out_channels", json!([128, 256, 512, 500])),
        ("down_block_types", json!(["AttnDownEncoderBlock2D", "", "", ""])),
        ("in_channels", json!(4)),
        ("latent_channels", json!(0)),
        ("norm_num_groups", json!(256)),
        ("scaling_factor", json!(0)),
        ("shift_factor", json!(0.1)),
        ("up_block_types", json!([])),
    ];
    refuses(sd_v1_4::VAE, &vae[..1], |json| VaeConfig::parse("vae/config.json", json).map(drop));
    for (field, value) in &vae[1..] {
        let json = changed(sd_v1_4::VAE, &json!({ *field: value }));
        let fault = VaeConfig::parse("vae/config.json", &json).expect_err(field);
        assert_eq!(fault.kind(), "config", "{fault}");
    }
    let text = [
        ("hidden_act", json!("relu")),
        ("hidden_size", json!(770)),
        ("model_type", json!("t5")),
        ("num_attention_heads", json!(7)),
        ("num_hidden_layers", json!(0)),
        ("vocab_size", json!("many")),
    ];
    let parse = |json: &str| TextConfig::parse("text_encoder/config.json", json).map(drop);
    refuses(sd_v1_4::TEXT_ENCODER, &text, parse);
    for broken in ["", "[]", "{\"hidden_size\": 3", "null"] {
        assert_eq!(parse(broken).unwrap_err().kind(), "bad_file", "{broken}");
    }
}

#[test]
fn fields_that_change_no_number_are_accepted() {
    let changes = json!({
        "act_fn": "swish", "attention_head_dim": [8, 8, 8, 8], "dropout": 0.1,
        "layers_per_block": [2, 2, 2, 2], "mid_block_scale_factor": 1.0,
        "only_cross_attention": [false, false, false, false], "upcast_attention": true,
        "num_attention_heads": null, "use_linear_projection": false, "an_unknown_field": 1,
    });
    let parse = |json: &str| UnetConfig::parse("unet/config.json", json).unwrap();
    assert_eq!(parse(&changed(sd_v1_4::UNET, &changes)), parse(sd_v1_4::UNET));
    // What v1.4 does not say is the class's default.
    let fields = json!({ "cross_attention_dim": 768, "sample_size": 64 });
    assert_eq!(parse(&changed("{}", &fields)), parse(sd_v1_4::UNET));
}

/// A model of `name` without its weights.
fn open<M>(
    gpu: &Gpu,
    name: &str,
    file: &str,
    new: impl FnOnce(&Scope) -> Result<M>,
) -> Result<(M, Loader)> {
    let archive = Rc::new(block_on(Archive::open(&folder(name), file))?);
    let scope = Scope::open(gpu, archive, None);
    let model = new(&scope)?;
    Ok((model, Loader::new(&scope)))
}

fn open_unet(gpu: &Gpu, changes: &Value) -> Result<(Unet, Loader)> {
    let config = UnetConfig::parse("config.json", &config("unet_4_levels", changes)).unwrap();
    open(gpu, "unet_4_levels", UNET_FILE, |scope| Unet::new(scope, &config))
}

#[test]
fn a_checkpoint_of_another_config_is_refused_by_tensor() {
    let gpu = Gpu::dry(false);
    match open_unet(&gpu, &json!({ "cross_attention_dim": 64 })).map(drop).unwrap_err() {
        Error::TensorShape { file, name, expected, found } => {
            assert_eq!(file, UNET_FILE);
            assert!(name.ends_with("attn2.to_k.weight"), "{name}");
            assert_eq!((expected, found), (vec![8, 64], vec![8, 32]));
        }
        other => panic!("{other}"),
    }
    match open_unet(&gpu, &json!({ "layers_per_block": 2 })).map(drop).unwrap_err() {
        Error::MissingTensor { name, .. } => {
            assert_eq!(name, "down_blocks.0.resnets.1.norm1.weight");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn catalogue_is_what_the_library_saved() {
    let gpu = Gpu::dry(false);
    let scope = Scope::without_file(&gpu, WeightType::F16);
    let json = config("unet_2_levels", &json!({}));
    Unet::new(&scope, &UnetConfig::parse("config.json", &json).unwrap()).unwrap();
    let mut asked = scope.catalogue().tensors;
    let archive = block_on(Archive::open(&folder("unet_2_levels"), UNET_FILE)).unwrap();
    let mut saved: Vec<_> =
        archive.tensors().iter().map(|t| (t.name.clone(), t.shape.clone())).collect();
    asked.sort();
    saved.sort();
    assert_eq!(asked, saved);
}

/// A source that tells what was read of it, and may end early.
struct Watched {
    files: FileSource,
    reads: RefCell<Vec<Range<u64>>>,
    end: u64,
}

impl Source for Watched {
    fn size<'a>(&'a self, path: &'a str) -> LocalFuture<'a, u64> {
        self.files.size(path)
    }

    fn read<'a>(&'a self, path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        self.reads.borrow_mut().push(range.clone());
        self.files.read(path, range.start..range.end.min(self.end))
    }
}

fn watched(name: &str, end: u64) -> Watched {
    Watched { files: folder(name), reads: RefCell::default(), end }
}

#[test]
fn loading_reads_each_byte_once_in_order_and_reports_it() {
    gpu::run(Device::Plain, |gpu| {
        let (_unet, loader) = open_unet(gpu, &json!({})).unwrap();
        let source = watched("unet_4_levels", u64::MAX);
        let total = loader.bytes_total();
        let mut told = Vec::new();
        let mut progress = |done, total| {
            told.push((done, total));
            Ok(())
        };
        block_on(loader.run(&source, &mut progress)).unwrap();
        assert_eq!(told.first(), Some(&(0, total)));
        assert_eq!(told.last(), Some(&(total, total)));
        let reads = source.reads.borrow();
        assert!(reads.windows(2).all(|pair| pair[0].end <= pair[1].start), "{reads:?}");
        assert_eq!(reads.iter().map(|read| read.end - read.start).sum::<u64>(), total);
    });
}

#[test]
fn a_decoder_alone_reads_less() {
    let gpu = Gpu::dry(false);
    let config = VaeConfig::parse("config.json", &config("vae_4_levels", &json!({}))).unwrap();
    let open = |new: &dyn Fn(&Scope) -> Result<()>| {
        open(&gpu, "vae_4_levels", UNET_FILE, new).unwrap().1.bytes_total()
    };
    let new = |scope: &Scope| VaeDecoder::new(scope, &config).map(drop);
    let decoder = open(&new);
    let both = open(&|scope| new(scope).and(Encoder::new(scope, &config).map(drop)));
    assert!(decoder < both * 3 / 4, "{decoder} of {both}");
}

#[test]
fn loading_ends_at_a_cancel_and_at_the_end_of_a_file() {
    gpu::run(Device::Plain, |gpu| {
        let (_unet, loader) = open_unet(gpu, &json!({})).unwrap();
        let source = watched("unet_4_levels", u64::MAX);
        let fault = block_on(loader.run(&source, &mut |_, _| Err(Error::Cancelled))).unwrap_err();
        assert_eq!(fault, Error::Cancelled);
        assert!(source.reads.borrow().is_empty());
        let (_unet, loader) = open_unet(gpu, &json!({})).unwrap();
        let source = watched("unet_4_levels", 300_000);
        let fault = block_on(loader.run(&source, &mut |_, _| Ok(()))).unwrap_err();
        assert_eq!(fault.kind(), "bad_file", "{fault}");
    });
}

/// The text encoder's file with `text_model.` taken off every name.
struct Bare(Vec<u8>);

impl Bare {
    fn new() -> Bare {
        let path = format!("{}/tests/golden/text_gelu/{TEXT_FILE}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
        let renamed = format!("{:<length$}", header.replace("text_model.", ""));
        Bare([&bytes[..8], renamed.as_bytes(), &bytes[8 + length..]].concat())
    }
}

impl Source for Bare {
    fn size<'a>(&'a self, _path: &'a str) -> LocalFuture<'a, u64> {
        Box::pin(async move { Ok(self.0.len() as u64) })
    }

    fn read<'a>(&'a self, _path: &'a str, range: Range<u64>) -> LocalFuture<'a, Vec<u8>> {
        Box::pin(async move { Ok(self.0[range.start as usize..range.end as usize].to_vec()) })
    }
}

#[test]
fn names_of_the_text_encoder_may_lack_their_prefix() {
    let encode = |source: Box<dyn Fn() -> Box<dyn Source> + Send>| {
        gpu::run(Device::Plain, move |gpu| {
            let source = source();
            let json = config("text_gelu", &json!({}));
            let config = TextConfig::parse("config.json", &json).unwrap();
            let archive = Rc::new(block_on(Archive::open(&*source, TEXT_FILE)).unwrap());
            let scope = Scope::open(gpu, archive, None);
            let encoder = TextEncoder::new(&scope, &config).unwrap();
            block_on(Loader::new(&scope).run(&*source, &mut |_, _| Ok(()))).unwrap();
            let ids: Vec<u32> = (0..77).collect();
            block_on(encoder.forward(&ids, Precision::F32).to_f32()).unwrap()
        })
    };
    let bare = encode(Box::new(|| Box::new(Bare::new())));
    let prefixed = encode(Box::new(|| Box::new(folder("text_gelu"))));
    assert_eq!(bare, prefixed);
}
