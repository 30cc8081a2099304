//! The files of ControlNets and T2I-Adapters: whose names are read, what is refused, what the
//! program and its pictures say of them.

use crate::controlnet::{adapter_tensors, filled, net_tensors, of_tiny};
use crate::harness::golden;
use crate::made_up::{nmse, program, scratch, tiny};
use crate::memory::device;
use crate::reference::open_on_cpu;
use crate::walk::{open, request};
use darkroom::dtype::FileType;
use darkroom::image::{Preprocess, Rgba, png};
use darkroom::pipeline::{
    Control, Extras, Files, Options, PartSet, Picture, PictureControl, Pipeline, Request,
    Residency, Shortcuts,
};
use darkroom::weights::{
    ControlFile, ControlKind, FileSource, MemorySource, SafetensorsWriter, sha256,
};
use darkroom::{Error, Result, WeightType};
use pollster::block_on;
use std::path::PathBuf;
use std::rc::Rc;

/// A file of these tensors, of numbers that do not matter.
fn header(tensors: &[(&str, &[usize])]) -> Result<Rc<ControlFile>> {
    let described: Vec<_> =
        tensors.iter().map(|(name, shape)| (*name, FileType::F16, shape.to_vec())).collect();
    let mut writer = SafetensorsWriter::new(Vec::new(), "a", &described, &[]).unwrap();
    for (_, shape) in tensors {
        writer.write(&vec![1; 2 * shape.iter().product::<usize>()]).unwrap();
    }
    let source = MemorySource::new("a.safetensors", writer.finish().unwrap());
    block_on(ControlFile::open(Rc::new(source), "a.safetensors"))
}

fn names(file: &ControlFile) -> Vec<String> {
    let mut names: Vec<_> = file.archive().tensors().iter().map(|info| info.name.clone()).collect();
    names.sort();
    names
}

/// The names of lllyasviel's files, as diffusers converts them, with and without their prefix.
#[test]
fn the_names_of_compvis_are_read() {
    let json = golden::json("controlnet/tensors.json");
    let rows: Vec<(String, String, Vec<usize>)> =
        serde_json::from_value(json["controlnet"].clone()).unwrap();
    let mut want: Vec<String> = rows.iter().map(|(name, ..)| name.clone()).collect();
    want.sort();
    for prefix in ["control_model.", ""] {
        let theirs: Vec<String> =
            rows.iter().map(|(_, name, _)| format!("{prefix}{name}")).collect();
        let tensors: Vec<(&str, &[usize])> =
            theirs.iter().map(|name| (name.as_str(), &[2][..])).collect();
        let file = header(&tensors).unwrap();
        assert_eq!((file.kind(), names(&file)), (ControlKind::ControlNet, want.clone()));
    }
}

/// TencentARC's files have the blocks of all levels in one list.
#[test]
fn the_names_of_tencent_are_read() {
    let ours = adapter_tensors(&[8, 16, 16], 2, 3);
    let theirs = ours.iter().map(|(name, shape)| {
        let name = name.strip_prefix("adapter.").unwrap();
        let parts: Vec<&str> = name.split('.').collect();
        let name = match parts[..] {
            ["body", level, "resnets", layer, block, kind] => {
                let place = 2 * level.parse::<usize>().unwrap() + layer.parse::<usize>().unwrap();
                format!("body.{place}.{block}.{kind}")
            }
            ["body", level, "in_conv", kind] => {
                format!("body.{}.in_conv.{kind}", 2 * level.parse::<usize>().unwrap())
            }
            _ => name.to_owned(),
        };
        (name, shape.clone())
    });
    let file = filled("theirs", &theirs.collect::<Vec<_>>());
    let mut want: Vec<String> = ours.into_iter().map(|(name, _)| name).collect();
    want.sort();
    assert_eq!((file.kind(), names(&file)), (ControlKind::T2iAdapter, want));
}

/// A request with these controls on the CPU.
fn draw(pipeline: &Pipeline, controls: &[PictureControl]) -> Result<Picture> {
    draw_as(pipeline, &small(), controls)
}

pub(crate) fn draw_as(
    pipeline: &Pipeline,
    request: &Request,
    controls: &[PictureControl],
) -> Result<Picture> {
    let extras = Extras { controls, ..Extras::default() };
    block_on(pipeline.generate_with(request, &Control::default(), &extras))
}

fn small() -> Request {
    Request { width: Some(40), height: Some(48), ..request() }
}

pub(crate) fn picture() -> Rgba {
    let pixel = |i: u32| [(5 * i) as u8, (i / 9) as u8, (i * i / 7) as u8, 255];
    Rgba::new(40, 48, (0..40 * 48).flat_map(pixel).collect())
}

#[test]
fn what_does_not_fit_is_refused_by_what_it_is() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let says = |result: Result<Rc<ControlFile>>, what: &str| {
        let refused =
            result.and_then(|file| draw(&pipeline, &[PictureControl::new(file, picture())]));
        let error = refused.expect_err(what);
        assert!(matches!(error, Error::BadFile { .. }), "{error:?}");
        assert!(error.to_string().contains(what), "{error}");
    };
    let keys = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    let hint = ("controlnet_cond_embedding.conv_in.weight", &[16, 3, 3, 3][..]);
    for (width, whose) in [(768, "Diffusion 1"), (1024, "Diffusion 2"), (2048, "Diffusion XL")] {
        says(header(&[hint, (keys, &[4, width])]), whose);
    }
    says(header(&[("a.lora_down.weight", &[4, 4])]), "it is a LoRA");
    says(header(&[("decoder.layers.0.weight", &[4, 4])]), "it is a TAESD");
    says(header(&[("up_blocks.0.a", &[4]), ("lora_controlnet", &[4])]), "Control-LoRA");
    says(header(&[("other", &[4])]), "neither a ControlNet nor a T2I-Adapter");
    let files = block_on(Files::open(&FileSource::new(tiny()))).unwrap();
    says(Ok(filled("factor", &net_tensors(&files.unet, &[4, 8]))), "2 times as wide");
    let mut other = files.unet.clone();
    other.levels[0].layers = 2;
    says(Ok(filled("other", &net_tensors(&other, &[4, 8, 8, 12]))), "for another UNet");
    says(Ok(filled("xl", &adapter_tensors(&[16, 32, 48], 16, 3))), "Stable Diffusion XL");
    says(Ok(filled("level", &adapter_tensors(&[16, 32], 8, 3))), "[16, 32] channels");
    let light = [("body.0.block1.weight", &[8, 8, 3, 3][..])];
    says(header(&light), "light T2I-Adapter");
    let mut tensors = net_tensors(&files.unet, &[4, 8, 8, 12]);
    tensors.retain(|(name, _)| !name.starts_with("controlnet_mid_block"));
    let file = filled("gone", &tensors);
    let error = draw(&pipeline, &[PictureControl::new(file, picture())]).unwrap_err();
    assert!(matches!(&error, Error::MissingTensor { name, .. } if name.contains("mid")), "{error}");
}

#[test]
fn numbers_that_mean_nothing_are_refused() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let plain = PictureControl::new(of_tiny("a"), picture());
    let none = Rgba::new(0, 0, Vec::new());
    for wrong in [
        PictureControl { weight: f32::NAN, ..plain.clone() },
        PictureControl { start: 0.5, end: 0.5, ..plain.clone() },
        PictureControl { start: -0.1, ..plain.clone() },
        PictureControl { end: 1.1, ..plain.clone() },
        PictureControl { picture: none, ..plain.clone() },
    ] {
        let error = draw(&pipeline, &[wrong]).unwrap_err();
        assert!(matches!(error, Error::Request { field: "controls", .. }), "{error}");
    }
    let many = vec![plain; 33];
    assert!(draw(&pipeline, &many).is_err());
}

/// What changes nothing is as none; the preprocessed picture is as one preprocessed before; the
/// pipeline can be used again without them.
#[test]
fn weights_and_preprocessing() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let control = PictureControl::new(of_tiny("a"), picture());
    let plain = draw(&pipeline, &[]).unwrap();
    let with = draw(&pipeline, std::slice::from_ref(&control)).unwrap();
    assert_ne!(with.rgba, plain.rgba);
    let none = PictureControl { weight: 0.0, ..control.clone() };
    assert_eq!(draw(&pipeline, &[none]).unwrap().rgba, plain.rgba);
    for preprocess in [Preprocess::Canny, Preprocess::Invert] {
        let here = draw(&pipeline, &[PictureControl { preprocess, ..control.clone() }]).unwrap();
        let made = preprocess.of(&picture());
        let before = draw(&pipeline, &[PictureControl::new(control.file.clone(), made)]).unwrap();
        assert_eq!(here.rgba, before.rgba, "{preprocess}");
        assert_ne!(here.rgba, with.rgba, "{preprocess}");
    }
    assert_eq!(draw(&pipeline, &[]).unwrap(), plain);
}

/// A folder of diffusers, whose config says that the picture is in the order blue, green, red.
#[test]
fn a_folder_has_a_config() {
    let folder = scratch("controlnet-folder");
    let file = of_tiny("a");
    let source = file.source();
    let size = block_on(source.size(file.file())).unwrap();
    let bytes = block_on(source.read(file.file(), 0..size)).unwrap();
    std::fs::write(folder.join("diffusion_pytorch_model.safetensors"), bytes).unwrap();
    let config = |more: serde_json::Value| {
        let mut config = serde_json::json!({
            "_class_name": "ControlNetModel", "attention_head_dim": 2,
            "block_out_channels": [16, 32, 48], "cross_attention_dim": 32, "layers_per_block": 1,
            "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
            "norm_num_groups": 8, "mid_block_type": "UNetMidBlock2DCrossAttn",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
        let source = Rc::new(FileSource::new(&folder));
        block_on(ControlFile::open_folder(source, "folder")).unwrap()
    };
    let pipeline = open_on_cpu(tiny()).unwrap();
    let of = |file: Rc<ControlFile>, picture: Rgba| {
        draw(&pipeline, &[PictureControl::new(file, picture)])
    };
    let want = of(file, picture()).unwrap();
    let rgb = of(config(serde_json::json!({})), picture()).unwrap();
    assert_eq!(rgb.rgba, want.rgba);
    assert_eq!(rgb.controls[0].name, "folder");
    assert_eq!(rgb.controls[0].sha256, want.controls[0].sha256);
    let swapped = picture().pixels().chunks(4).flat_map(|p| [p[2], p[1], p[0], p[3]]).collect();
    let bgr = config(serde_json::json!({ "controlnet_conditioning_channel_order": "bgr" }));
    let bgr = of(bgr, Rgba::new(40, 48, swapped)).unwrap();
    assert_eq!(bgr.rgba, want.rgba);
    let pooled = config(serde_json::json!({ "global_pool_conditions": true }));
    let error = of(pooled, picture()).unwrap_err();
    assert!(matches!(&error, Error::Config { field, .. } if field == "global_pool_conditions"));
    let empty = scratch("controlnet-empty");
    let error = block_on(ControlFile::open_folder(Rc::new(FileSource::new(&empty)), "empty"));
    assert!(matches!(error, Err(Error::NotFound { .. })));
    std::fs::remove_dir_all(empty).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

/// With cached deep features and guidance on a part of the way both implementations agree.
#[test]
fn shortcuts_go_with_them() {
    let controls = || {
        let guess = PictureControl { guess: true, ..PictureControl::new(of_tiny("b"), picture()) };
        [PictureControl::new(of_tiny("a"), picture()), guess]
    };
    let shortcuts =
        Shortcuts { cache_interval: 2, guidance_interval: [0.0, 0.7], ..Shortcuts::default() };
    let request = Request { steps: 4, shortcuts, ..small() };
    let of_cpu = draw_as(&open_on_cpu(tiny()).unwrap(), &request, &controls()).unwrap();
    let plain = draw_as(&open_on_cpu(tiny()).unwrap(), &request, &[]).unwrap();
    assert_ne!(of_cpu.rgba, plain.rgba);
    let gpu = device();
    let pipeline = open(&gpu, tiny(), Options::default()).unwrap();
    let of_gpu = draw_as(&pipeline, &request, &controls()).unwrap();
    let off = of_cpu.rgba.iter().zip(&of_gpu.rgba).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off.unwrap() <= 2, "CPU against GPU {off:?}/255");
}

/// Parts are let go and read again, and with them the ControlNets; in f16 as well.
#[test]
fn they_come_and_go_with_the_unet() {
    let gpu = device();
    let controls = [
        PictureControl::new(of_tiny("a"), picture()),
        PictureControl { weight: 0.5, ..PictureControl::new(of_tiny("t2i"), picture()) },
    ];
    let request = Request { steps: 3, count: 1, ..small() };
    let mut pictures = Vec::new();
    for kept in [Residency::ALL.kept, PartSet::EMPTY] {
        let residency = Some(Residency { kept, bands: None, taesd: false });
        let pipeline = open(&gpu, tiny(), Options { residency, ..Options::default() }).unwrap();
        let first = draw_as(&pipeline, &request, &controls).unwrap();
        assert_eq!(first, draw_as(&pipeline, &request, &controls).unwrap());
        let other = draw_as(&pipeline, &request, &controls[..1]).unwrap();
        assert_ne!(first.rgba, other.rgba);
        assert_eq!(first, draw_as(&pipeline, &request, &controls).unwrap());
        pictures.push(first.rgba);
    }
    assert_eq!(pictures[0], pictures[1]);
    let quantised = Options { weights: Some(WeightType::Q8_0), ..Options::default() };
    let pipeline = open(&gpu, tiny(), quantised).unwrap();
    let made = draw_as(&pipeline, &request, &controls).unwrap();
    let values = |rgba: &[u8]| rgba.iter().map(|byte| f32::from(*byte)).collect::<Vec<_>>();
    let error = nmse(&values(&made.rgba), &values(&pictures[0]));
    assert!(error < 0.01, "q8_0: {error:.1e}");
}

/// A folder with the file of a ControlNet and a picture for it.
fn files_of(name: &str) -> PathBuf {
    let folder = scratch(name);
    let file = of_tiny("a");
    let size = block_on(file.source().size(file.file())).unwrap();
    let bytes = block_on(file.source().read(file.file(), 0..size)).unwrap();
    std::fs::write(folder.join("edges.safetensors"), bytes).unwrap();
    std::fs::write(folder.join("house.png"), png::encode(&picture(), &[]).unwrap()).unwrap();
    folder
}

/// Draws with the program; how it ended, and what it said.
fn run(more: &[&str]) -> (Option<i32>, String) {
    let model = tiny().to_str().unwrap();
    let words = ["generate", "--device=cpu", "--model", model, "--prompt=a", "--steps=2"];
    let size = ["--width=40", "--height=48"];
    let made = program(&[&words[..], &size, more].concat());
    (made.status.code(), String::from_utf8_lossy(&made.stderr).into_owned())
}

#[test]
fn a_line_may_say_which_file_is_meant() {
    let folder = files_of("controls-hash");
    let [list, out] = ["list.jsonl", "all"].map(|name| folder.join(name));
    let sha256 = sha256(&std::fs::read(folder.join("edges.safetensors")).unwrap());
    for (digits, code, words) in [
        (&*sha256, 0, "1 made"),
        (&sha256[..8].to_uppercase(), 0, "1 made"),
        ("0000000000", 1, "0000000000 is asked for"),
        ("0000", 2, "8 to 64 hexadecimal digits"),
    ] {
        let one = serde_json::json!({
            "file": "edges.safetensors", "image": "house.png", "sha256": digits,
        });
        let line = serde_json::json!({ "prompt": "a", "controls": [one] });
        std::fs::write(&list, line.to_string()).unwrap();
        std::fs::remove_dir_all(&out).ok();
        let [list, out] = [&list, &out].map(|path| path.to_str().unwrap());
        let (ended, errors) = run(&["--jobs", list, "--out-dir", out]);
        assert!(ended == Some(code) && errors.contains(words), "{digits}: {errors}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Draws with the program by a control.
#[test]
fn the_program_takes_them() {
    let folder = files_of("controls");
    let place = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let control =
        format!("{}:{}:0.8:end=0.9:canny", place("edges.safetensors"), place("house.png"));
    let (code, errors) = run(&["--control", &control, "--out", &place("a.png")]);
    assert_eq!(code, Some(0), "{errors}");
    let made = png::decode("a", &std::fs::read(place("a.png")).unwrap()).unwrap();
    let parameters = made.text(png::PARAMETERS).unwrap();
    let sha256 = sha256(&std::fs::read(place("edges.safetensors")).unwrap());
    let hash = &sha256[..8];
    let said = format!(
        "ControlNet 0: \"Module: canny, Model: edges [{hash}], Weight: 0.8, Resize Mode: Just \
         Resize, Guidance Start: 0, Guidance End: 0.9, Pixel Perfect: True, Control Mode: \
         Balanced\""
    );
    assert!(parameters.contains(&said), "{parameters}");
    let json: serde_json::Value =
        serde_json::from_str(made.text(png::DARKROOM_CONTROLS).unwrap()).unwrap();
    assert_eq!(json[0]["sha256"], sha256);
    assert_eq!((&json[0]["preprocess"], &json[0]["kind"]), (&"canny".into(), &"ControlNet".into()));

    // The same as a line of a list, and beside it one without, and one whose picture is missing.
    let line = |out: &str, controls: serde_json::Value| {
        serde_json::json!({ "prompt": "a", "file": out, "controls": controls }).to_string()
    };
    // Beside the list.
    let one = serde_json::json!([{
        "file": "edges.safetensors", "image": "house.png", "weight": 0.8, "end": 0.9,
        "preprocess": "canny",
    }]);
    let none = serde_json::json!([{ "file": place("edges.safetensors"), "image": "gone.png" }]);
    let list =
        [line("a.png", one), line("b.png", serde_json::json!([])), line("c.png", none)].join("\n");
    std::fs::write(place("list.jsonl"), list).unwrap();
    let (code, errors) = run(&["--jobs", &place("list.jsonl"), "--out-dir", &place("all")]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("c.png failed") && errors.contains("gone.png"), "{errors}");
    let drawn = |name: &str| {
        let bytes = std::fs::read(folder.join("all").join(name)).unwrap();
        png::decode(name, &bytes).unwrap().picture
    };
    assert!(drawn("a.png") == made.picture && drawn("b.png") != made.picture);

    let missing = format!("nowhere.safetensors:{}", place("house.png"));
    let (code, errors) = run(&["--control", &missing, "--out", &place("b.png")]);
    assert!(code == Some(3) && errors.contains("nowhere.safetensors"), "{errors}");
    let (code, _) = run(&["--control", "alone.safetensors", "--out", &place("b.png")]);
    assert_eq!(code, Some(2));
    std::fs::remove_dir_all(folder).unwrap();
}
