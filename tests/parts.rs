//! Parts from other files than the model's own: the picture is that of a checkpoint assembled of
//! the same parts, byte for byte, whatever the form of the files; what does not fit is refused by
//! the names of both files; and the picture says what it was made with.

use crate::harness::gpu::{self, Device};
use crate::made_up::{copy, program, scratch, synth, tiny};
use crate::walk::request;
use darkroom::image::png;
use darkroom::pipeline::{Control, Files, Options, Part, Picture, Pipeline, Request};
use darkroom::weights::{
    Archive, FileSource, LonePart, Replacement, SafetensorsWriter, Source, WithParts, sha256,
};
use darkroom::{Error, Result};
use pollster::block_on;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

const PARTS: [Part; 3] = [Part::TextEncoder, Part::Unet, Part::Vae];

/// A model of the tiny one's shapes with other numbers.
fn other() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = scratch("other");
        let out = folder.to_str().unwrap();
        let made = program(&["synth", "--config", "tiny", "--seed", "2", "--out", out]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        folder
    })
}

/// The file of a part's weights in a model's folder.
fn weights(part: Part) -> &'static str {
    match part {
        Part::TextEncoder => "text_encoder/model.safetensors",
        Part::Unet => "unet/diffusion_pytorch_model.safetensors",
        _ => "vae/diffusion_pytorch_model.safetensors",
    }
}

/// The tiny model, with parts of other models in place of its own.
fn assembled(name: &str, parts: &[(Part, &Path)]) -> PathBuf {
    let folder = scratch(name);
    copy(tiny(), &folder);
    for (part, from) in parts {
        copy(&from.join(part.name()), &folder.join(part.name()));
    }
    folder
}

fn with(model: &Path, parts: &[(Part, &Path)]) -> WithParts<FileSource> {
    let parts = parts.iter().map(|(part, path)| {
        let source = Rc::new(FileSource::open(path));
        Replacement::new(part.name(), source, path.to_str().unwrap())
    });
    let source = FileSource::open(model).with_tokenizer(tiny().join("tokenizer"));
    WithParts { source, parts: parts.collect() }
}

fn on_cpu(source: impl Source + 'static, request: &Request) -> Result<Picture> {
    let (options, control) = (Options::default(), Control::default());
    let pipeline = block_on(Pipeline::open_on_cpu(Rc::new(source), &options, &control))?;
    block_on(pipeline.generate(request, &control))
}

/// A single-file checkpoint of a model.
fn single(model: &Path, to: &Path) {
    let [model, to] = [model, to].map(|path| path.to_str().unwrap());
    let output = program(&["convert", "--model", model, "--to", to]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A file with the tensors for which `rename` has a name, and a leftover of training; no config.
fn renamed(from: &Path, to: &Path, rename: impl Fn(&str) -> Option<String>) {
    let source = FileSource::new(from.parent().unwrap());
    let archive = Archive::open(&source, from.file_name().unwrap().to_str().unwrap());
    let archive = block_on(archive).unwrap();
    let kept: Vec<_> =
        archive.tensors().iter().filter_map(|info| Some((rename(&info.name)?, info))).collect();
    let mut list: Vec<_> =
        kept.iter().map(|(name, info)| (&**name, info.file_type, info.shape.clone())).collect();
    list.push(("loss.logvar", kept[0].1.file_type, vec![2]));
    let file = fs::File::create(to).unwrap();
    let mut writer = SafetensorsWriter::new(file, "it", &list, &[]).unwrap();
    for (_, info) in &kept {
        writer.write(&block_on(source.read(&info.file, info.range.clone())).unwrap()).unwrap();
    }
    writer.write(&[0; 4]).unwrap();
    writer.finish().unwrap();
}

#[test]
fn every_form_of_a_part_is_that_of_an_assembled_checkpoint() {
    let folder = scratch("forms");
    let at = |name: &str| folder.join(name);
    single(other(), &at("whole.safetensors"));
    single(other(), &at("whole.gguf"));
    let plain = on_cpu(FileSource::new(tiny()), &request()).unwrap();
    assert!(plain.parts.is_empty());
    for (part, prefix) in PARTS.into_iter().zip([
        "cond_stage_model.transformer.",
        "model.diffusion_model.",
        "first_stage_model.",
    ]) {
        let name = part.name();
        let model = assembled(&format!("assembled-{name}"), &[(part, other())]);
        let want = on_cpu(FileSource::new(&model), &request()).unwrap();
        assert!(want.rgba != plain.rgba, "{name} changes the picture");
        let whole = at("whole.safetensors");
        let [prefixed, bare, diffusers] =
            ["prefixed", "bare", "diffusers"].map(|form| at(&format!("{name}-{form}.safetensors")));
        renamed(&whole, &prefixed, |old| old.starts_with(prefix).then(|| old.to_owned()));
        renamed(&whole, &bare, |old| old.strip_prefix(prefix).map(str::to_owned));
        renamed(&other().join(weights(part)), &diffusers, |old| Some(old.to_owned()));
        for form in [
            other().to_owned(),
            other().join(name),
            other().join(weights(part)),
            whole,
            at("whole.gguf"),
            prefixed,
            bare,
            diffusers,
        ] {
            let got = on_cpu(with(tiny(), &[(part, &form)]), &request());
            let got = got.unwrap_or_else(|error| panic!("{}: {error}", form.display()));
            assert!(got.rgba == want.rgba, "{name} of {}", form.display());
            assert_eq!(got.parts[0].part, name);
        }
        fs::remove_dir_all(model).unwrap();
    }
    fs::remove_dir_all(folder).unwrap();
}

/// All three at once into a model in one file, on the GPU: the picture of the other model. And of
/// two from two models.
#[test]
fn several_parts_on_the_gpu() {
    let folder = scratch("several");
    let file = folder.join("tiny.safetensors");
    single(tiny(), &file);
    let distilled = synth("tiny-distilled", "distilled-unet");
    let model = assembled("two", &[(Part::Unet, &distilled), (Part::Vae, other())]);
    // The distilled UNet's config is found from its tensors; the rest of it is the model's own.
    let lone = folder.join("lone.safetensors");
    renamed(&distilled.join(weights(Part::Unet)), &lone, |old| Some(old.to_owned()));
    let (tiny_file, other_model, two_model) = (file, other(), model.clone());
    let (distilled_path, lone_path) = (distilled.clone(), lone);
    let [other_alone, all_parts, assembled_two, two_parts, two_of_file] =
        gpu::run(Device::Plain, move |gpu| {
            let draw = |source: Rc<dyn Source>| {
                let (options, control) = (Options::default(), Control::default());
                let pipeline = block_on(Pipeline::open(gpu, source, &options, &control)).unwrap();
                block_on(pipeline.generate(&request(), &control)).unwrap()
            };
            let vae = (Part::Vae, other_model);
            [
                draw(Rc::new(FileSource::new(other_model))),
                draw(Rc::new(with(&tiny_file, &PARTS.map(|part| (part, other_model))))),
                draw(Rc::new(FileSource::new(&two_model))),
                draw(Rc::new(with(tiny(), &[(Part::Unet, &distilled_path), vae]))),
                draw(Rc::new(with(tiny(), &[(Part::Unet, &lone_path), vae]))),
            ]
        });
    assert!(other_alone.rgba == all_parts.rgba);
    assert!(assembled_two.rgba == two_parts.rgba && assembled_two.rgba == two_of_file.rgba);
    assert!(assembled_two.rgba != other_alone.rgba);
    for folder in [folder, model, distilled] {
        fs::remove_dir_all(folder).unwrap();
    }
}

/// A model's folder need not have a part that is taken from elsewhere.
#[test]
fn a_part_that_is_replaced_may_be_missing() {
    let folder = assembled("without-vae", &[]);
    fs::remove_dir_all(folder.join("vae")).unwrap();
    let missing = block_on(Files::open(&FileSource::new(&folder))).err().unwrap();
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
    let got = on_cpu(with(&folder, &[(Part::Vae, tiny())]), &request()).unwrap();
    assert!(got.rgba == on_cpu(FileSource::new(tiny()), &request()).unwrap().rgba);
    fs::remove_dir_all(folder).unwrap();
}

/// What a UNet of another model's folder was trained to predict comes with it.
#[test]
fn the_kind_of_prediction_comes_with_the_unet() {
    let folder = assembled("predicts-v", &[(Part::Unet, other())]);
    let scheduler = folder.join("scheduler/scheduler_config.json");
    let json = fs::read_to_string(&scheduler).unwrap();
    let json = json.replacen('{', "{\"prediction_type\": \"v_prediction\",", 1);
    fs::write(&scheduler, json).unwrap();
    let want = on_cpu(FileSource::new(&folder), &request()).unwrap();
    let got = on_cpu(with(tiny(), &[(Part::Unet, &folder)]), &request()).unwrap();
    assert!(got.rgba == want.rgba);
    let without = on_cpu(with(tiny(), &[(Part::Unet, &folder.join("unet"))]), &request()).unwrap();
    assert!(without.rgba != want.rgba, "a part's folder does not say it");
    fs::remove_dir_all(folder).unwrap();
}

/// The error of a tiny model with such a part.
fn refusal(part: Part, path: &Path) -> Error {
    block_on(Files::open(&with(tiny(), &[(part, path)]))).err().unwrap()
}

/// Changes a number of a config.
fn set(file: &Path, field: &str, value: f64) {
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    config[field] = value.into();
    fs::write(file, config.to_string()).unwrap();
}

#[test]
fn what_does_not_fit_is_refused_by_both_names() {
    let wide = synth("width-64", "width-64");
    let folder = assembled("another-scale", &[]);
    set(&folder.join("vae/config.json"), "scaling_factor", 0.13025);
    let shown = |path: &Path| path.display().to_string();
    for (part, path, names) in [
        (
            Part::Unet,
            wide.as_path(),
            [shown(&wide.join("unet/config.json")), "text_encoder/config.json".into()],
        ),
        (
            Part::TextEncoder,
            &wide,
            ["unet/config.json".into(), shown(&wide.join("text_encoder/config.json"))],
        ),
        (Part::Vae, &folder, [shown(&folder.join("vae/config.json")), "vae/config.json".into()]),
    ] {
        let error = refusal(part, path);
        assert!(matches!(error, Error::Config { .. }), "{error}");
        let text = error.to_string();
        println!("{text}");
        assert!(names.iter().all(|name| text.contains(name.as_str())), "{text}");
    }
    let lora =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/loras/kohya.safetensors"));
    let error = refusal(Part::Vae, lora);
    assert!(matches!(&error, Error::OtherModel { what, .. } if what.contains("LoRA")), "{error}");
    let error = refusal(Part::Vae, &other().join(weights(Part::TextEncoder)));
    assert!(matches!(error, Error::OtherModel { .. }), "{error}");
    let error = refusal(Part::Unet, Path::new("/no/such/place"));
    assert!(
        matches!(&error, Error::NotFound { path, .. } if path.contains("/no/such/place")),
        "{error}"
    );
    let error = refusal(Part::Unet, &other().join("tokenizer/vocab.json"));
    assert!(matches!(error, Error::BadFile { .. }), "{error}");
    // A damaged file is named with its whole path.
    let torn = folder.join("torn.safetensors");
    let bytes = fs::read(other().join(weights(Part::Vae))).unwrap();
    fs::write(&torn, &bytes[..bytes.len() / 2]).unwrap();
    let error = refusal(Part::Vae, &torn);
    assert!(
        matches!(&error, Error::BadFile { file, .. } if file.contains(&shown(&torn))),
        "{error}"
    );
    fs::remove_dir_all(folder).unwrap();
    fs::remove_dir_all(wide).unwrap();
}

/// The files of SDXL have parts under the same names, which are not such parts.
#[test]
fn parts_of_another_model_are_refused() {
    let folder = scratch("sdxl-like");
    let (whole, path) = (folder.join("whole.safetensors"), folder.join("it.safetensors"));
    single(other(), &whole);
    renamed(&whole, &path, |old| {
        let of_text = old.strip_prefix("cond_stage_model.");
        Some(of_text.map_or(old.to_owned(), |rest| format!("conditioner.embedders.0.{rest}")))
    });
    for part in PARTS {
        let error = refusal(part, &path);
        assert!(matches!(&error, Error::OtherModel { what, .. } if what.contains("XL")), "{error}");
    }
    let archive = block_on(Archive::open(&FileSource::new(&folder), "whole.safetensors")).unwrap();
    let vae = LonePart::find(&archive, darkroom::weights::FilePart::Vae).unwrap();
    assert!(vae.archive.tensors().iter().all(|info| !info.name.contains("loss")));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_picture_says_what_it_was_made_with() {
    let file = other().join(weights(Part::Vae));
    let parts = [(Part::Vae, file.as_path()), (Part::Unet, other())];
    let picture = on_cpu(with(tiny(), &parts), &request()).unwrap();
    let hash = |part| sha256(&fs::read(other().join(weights(part))).unwrap());
    let told: Vec<_> =
        picture.parts.iter().map(|one| (one.part, &*one.name, one.sha256.clone())).collect();
    let folder = other().file_name().unwrap().to_str().unwrap();
    let vae = "diffusion_pytorch_model.safetensors";
    let want = [("unet", folder, hash(Part::Unet)), ("vae", vae, hash(Part::Vae))];
    assert_eq!(told, want);
    let text = picture.parameters().format();
    let expected = format!("VAE hash: {}, VAE: {vae}", &hash(Part::Vae)[..10]);
    assert!(text.contains(&expected), "{text}");
    let decoded = png::decode("it", &picture.png().unwrap()).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(decoded.text(png::DARKROOM_PARTS).unwrap()).unwrap();
    assert_eq!(json[1]["sha256"], hash(Part::Vae));
    assert_eq!(json[0]["part"], "unet");
}

#[test]
fn the_program_takes_them() {
    let folder = scratch("program-parts");
    let model = assembled("program-assembled", &[(Part::Vae, other())]);
    let draw = |name: &str, model: &Path, more: &[&str]| {
        let out = folder.join(name);
        let model = model.to_str().unwrap();
        let common = ["generate", "--model", model, "--prompt=a", "--steps=1", "--device=cpu"];
        let output = program(&[&common[..], &["--out", out.to_str().unwrap()], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        png::decode(name, &fs::read(out).unwrap()).unwrap()
    };
    let want = draw("want.png", &model, &[]);
    let vae = other().join("vae");
    let got = draw("got.png", tiny(), &["--vae", vae.to_str().unwrap()]);
    assert!(got.picture == want.picture);
    assert!(got.text(png::PARAMETERS).unwrap().contains("VAE: vae"));
    let shown = program(&["inspect", "--model", tiny().to_str().unwrap(), "--vae", "/no/such"]);
    assert_eq!(shown.status.code(), Some(3));
    fs::remove_dir_all(model).unwrap();
    fs::remove_dir_all(folder).unwrap();
}
