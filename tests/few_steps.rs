//! Models distilled for few steps: latent consistency models, whose UNet has the guidance scale as
//! an input, on the GPU and on the CPU, against diffusers (`scripts/golden/few_steps.py`); and the
//! timesteps of distillation (`scripts/golden/samplers.py`).

use crate::formats::convert;
use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::img2img::initial;
use crate::made_up::{Golden as Arrays, nmse as error_of, spoiled, synth};
use crate::models::{Golden, TOLERANCE, UNET_FILE, nmse, planes};
use crate::reference::open_on_cpu;
use crate::samplers::{BACK, assert_near, numbers, response, sampler, schedule};
use crate::walk::{Memory, open, request};
use candle_core::{Device as Candle, Tensor as Candled};
use darkroom::diffusion::{Plan, SamplerOptions};
use darkroom::gpu::Limits;
use darkroom::image::parameters::Parameters;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::nn::guidance_embedding;
use darkroom::pipeline::{
    Control, Extras, Files, Kinds, MadeFor, Options, Pipeline, Request, Workload,
};
use darkroom::reference::{self, Weights};
use darkroom::weights::{Archive, FileSource};
use darkroom::{Error, Precision};
use pollster::block_on;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

const FOLDER: &str = "unet_lcm";
const CASES: [&str; 3] = ["guided", "plain", "less"];
/// ‖a−b‖ / ‖b‖ of latents and predictions.
const LATENTS_MAX: f64 = 1e-3;

/// The tiny latent consistency model.
pub(crate) fn tiny() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| synth("tiny-lcm", "tiny-lcm"))
}

/// Guidance scale and timestep of a case.
fn scalars(golden: &Golden, case: &str) -> [f64; 2] {
    ["guidance_scale", "timestep"]
        .map(|name| f64::from(golden.array(&format!("{case}.{name}")).values[0]))
}

#[test]
fn the_embedding_is_diffusers() {
    let golden = Golden::open(FOLDER);
    for case in CASES {
        let [scale, _] = scalars(&golden, case);
        // It was stored in f32, and 0.2 is none.
        let scale = (scale * 1e4).round() / 1e4;
        let want = golden.array(&format!("{case}.embedding")).values;
        let got = guidance_embedding(scale, want.len());
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            // An ulp of a frequency, times 1000 · (scale − 1).
            let most = 1.2e-7 * (1000.0 * (scale - 1.0)).abs() as f32 + 1e-6;
            assert!((got - want).abs() <= most, "{case} {i}: {got} against {want}");
        }
    }
}

#[test]
fn the_unet_takes_the_guidance_scale() {
    for case in CASES {
        let [eps, without] = gpu::run(Device::Plain, move |gpu| {
            let golden = Golden::open(FOLDER);
            let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
            let unet = golden.load(gpu, UNET_FILE, None, |scope| Unet::new(scope, &config));
            let input = |name| golden.array(&format!("{case}.{name}"));
            let context = unet.prepare(&input("context").tokens(gpu, Precision::F32));
            let latents = input("latents").image(gpu, Precision::F32);
            let [scale, timestep] = scalars(&golden, case);
            [Some(scale), None].map(|guidance_scale| {
                let plain = UnetInput::new(&latents, timestep, &context);
                let output = unet.forward(&UnetInput { guidance_scale, ..plain });
                planes(&output.sample, config.out_channels)
            })
        });
        let golden = Golden::open(FOLDER);
        golden.check(case, "eps", &eps);
        // As in diffusers, nothing is added where no scale is given.
        let want = golden.array(&format!("{case}.wrong.without_condition")).values;
        assert!(nmse(&without, &want) <= TOLERANCE, "{case} without");
    }
}

#[test]
fn the_reference_takes_it_as_well() {
    let golden = Golden::open(FOLDER);
    let config = UnetConfig::parse("config.json", &golden.config()).unwrap();
    let archive = block_on(Archive::open(golden.source(), UNET_FILE)).unwrap();
    let weights = block_on(Weights::read(golden.source(), &archive, 0, &mut |_| Ok(())));
    let unet = reference::Unet::open(weights.unwrap(), &config).unwrap();
    for case in CASES {
        let input = |name| {
            let found = golden.array(&format!("{case}.{name}"));
            Candled::from_vec(found.values, found.shape, &Candle::Cpu).unwrap()
        };
        let (latents, context) = (input("latents"), input("context"));
        let [scale, timestep] = scalars(&golden, case);
        let plain = UnetInput::new(&latents, timestep, &context);
        let output = unet.forward(&UnetInput { guidance_scale: Some(scale), ..plain }).unwrap();
        let eps = output.sample.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        golden.check(case, "eps", &eps);
    }
}

/// Makes the golden requests' pictures and compares every stage.
fn check(pipeline: &Pipeline, what: &str) {
    let golden = Arrays::open("lcm.safetensors");
    let requests: Value = serde_json::from_str(golden.text("requests")).unwrap();
    for (case, asked) in requests.as_object().unwrap() {
        let request = Request::from_json(&asked.to_string()).unwrap();
        let memory = Memory::default();
        let picture = initial(64, 64);
        let begins = request.strength.map(|_| &picture);
        let extras = Extras { initial: begins, observer: Some(&memory), ..Extras::default() };
        block_on(pipeline.generate_with(&request, &Control::default(), &extras)).unwrap();
        let seen = memory.stages();
        // One prompt.
        assert_eq!(seen["ids"].len(), 77, "{case}");
        let names = golden.names(&format!("{case}."));
        assert_eq!(names.len(), 2 + 2 * request.steps as usize, "{case}: {names:?}");
        for name in names {
            let (got, want) = (&seen[&name], golden.array(&format!("{case}.{name}")));
            if name == "image" {
                let errors = got.iter().zip(&want).map(|(g, w)| (g - w).abs());
                let error = errors.fold(0.0, f32::max) * 255.0;
                println!("{what} {case} image: {error:.4}/255");
                assert!(error <= 2.0, "{what} {case} image: {error}/255");
                continue;
            }
            let error = error_of(got, &want).sqrt();
            println!("{what} {case} {name}: {error:.1e}");
            assert!(error <= LATENTS_MAX, "{what} {case} {name}: {error:.1e}");
        }
    }
}

#[test]
fn a_latent_consistency_model_is_diffusers() {
    gpu::run(Device::Plain, |gpu| check(&open(gpu, tiny(), Options::default()).unwrap(), "GPU"));
}

#[test]
fn so_it_is_on_the_cpu() {
    check(&open_on_cpu(tiny()).unwrap(), "CPU");
}

#[test]
fn a_negative_prompt_is_of_no_use_to_it() {
    let prompted = |negative: &str| Request {
        negative_prompt: negative.into(),
        sampler: "lcm".into(),
        ..request()
    };
    let pipeline = open_on_cpu(tiny()).unwrap();
    let draw = |asked: Request| block_on(pipeline.generate(&asked, &Control::default())).unwrap();
    let [with, without] = [prompted("blue"), prompted("")].map(draw);
    assert_eq!(with.rgba, without.rgba);
    assert_eq!((with.notices.len(), without.notices.len()), (1, 0));
    assert!(with.notices[0].contains("negative prompt"), "{:?}", with.notices);
    let stronger = draw(Request { guidance_scale: 3.0, ..prompted("") });
    assert!(stronger.rgba != without.rgba, "the guidance scale is an input");
}

/// Operations of an evaluation of the UNet, and how many prompts it is given.
fn evaluation(model: &Path, request: &Request) -> (u64, usize) {
    let files = block_on(Files::open(&FileSource::new(model))).unwrap();
    let prompts = files.prompts(request);
    let size = [64, 64];
    let load =
        Workload { size, prompts, chunks: 1, pictures: 1, kinds: Kinds::EXACT, begins: false };
    let options = Options::default();
    let dry = block_on(files.dry_run(&options, Limits::default(), load)).unwrap();
    let kind = darkroom::diffusion::EvaluationKind::EXACT;
    (dry.evaluation(kind).unwrap().stats.flops, prompts)
}

/// A UNet evaluates two prompts with guidance and one without: half the operations. The other kind
/// of model evaluates one in any case, and has one matrix more.
#[test]
fn without_guidance_an_evaluation_has_one_prompt() {
    let scaled = |guidance_scale| Request { guidance_scale, ..request() };
    let of_tiny = |scale| evaluation(crate::made_up::tiny(), &scaled(scale));
    let (guided, one) = (of_tiny(7.5), of_tiny(1.0));
    assert_eq!((guided.1, one.1), (2, 1));
    assert_eq!(of_tiny(0.0), one);
    assert!((1.9..2.1).contains(&(guided.0 as f64 / one.0 as f64)), "{} {}", guided.0, one.0);
    let embeds = evaluation(tiny(), &scaled(8.5));
    assert_eq!((embeds.1, evaluation(tiny(), &scaled(1.0))), (1, embeds));
    // cond_proj: 32 channels to 16.
    assert_eq!(embeds.0 - one.0, 2 * 32 * 16);
}

#[test]
fn a_model_says_what_it_was_made_for() {
    let made_for = |model: &Path| {
        let description = block_on(Files::open(&FileSource::new(model))).unwrap().describe();
        (description.embeds_guidance, description.made_for)
    };
    assert_eq!(made_for(crate::made_up::tiny()), (false, None));
    let lcm = MadeFor { sampler: "lcm", steps: 4, guidance_scale: 8.5 };
    assert_eq!(made_for(tiny()), (true, Some(lcm)));
    for (class, sampler) in [("LCMScheduler", "lcm"), ("TCDScheduler", "tcd")] {
        let folder = spoiled(class, "scheduler/scheduler_config.json", |bytes| {
            *bytes = format!("{{\"_class_name\": \"{class}\", \"original_inference_steps\": 25}}")
                .into_bytes();
        });
        let want = MadeFor { sampler, steps: 4, guidance_scale: 1.0 };
        assert_eq!(made_for(&folder), (false, Some(want)));
        // Betas that the file leaves out are those of the class.
        let files = block_on(Files::open(&FileSource::new(&folder))).unwrap();
        let v1_4 = block_on(Files::open(&FileSource::new(crate::made_up::tiny()))).unwrap();
        assert_eq!(files.schedule.betas(), v1_4.schedule.betas());
        std::fs::remove_dir_all(folder).unwrap();
    }
}

/// In one file it is known by the tensor that takes the guidance scale.
#[test]
fn in_one_file_it_is_the_same_model() {
    let folder = crate::made_up::scratch("lcm-in-one-file");
    let asked = Request { sampler: "lcm".into(), guidance_scale: 3.0, ..request() };
    let draw = |model: &Path| {
        let source = FileSource::open(model).with_tokenizer(tiny().join("tokenizer"));
        let (options, control) = (Options::default(), Control::default());
        let pipeline = block_on(Pipeline::open_on_cpu(Rc::new(source), &options, &control));
        block_on(pipeline.unwrap().generate(&asked, &control)).unwrap().rgba
    };
    let want = draw(tiny());
    for name in ["a.safetensors", "a.gguf"] {
        convert(tiny(), &folder.join(name), &[]);
        assert!(draw(&folder.join(name)) == want, "{name}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn timesteps_of_distillation_are_diffusers() {
    let goldens = golden::json("samplers.json");
    for case in golden::list(&goldens, "distilled") {
        let options = SamplerOptions {
            strength: Some(golden::number(case, "strength")),
            ..SamplerOptions::default()
        };
        let plan = compare(&goldens, case, options);
        // It begins with a picture.
        assert_eq!(plan.init_signal, plan.evaluations[0].level.signal, "{case}");
    }
}

#[test]
fn lists_of_timesteps_are_diffusers() {
    let goldens = golden::json("samplers.json");
    for case in golden::list(&goldens, "given") {
        let times: Vec<usize> = numbers(&case["times"]).iter().map(|time| *time as usize).collect();
        let options = SamplerOptions { timesteps: Some(&times), ..SamplerOptions::default() };
        assert_eq!(compare(&goldens, case, options).steps(), times.len(), "{case}");
    }
}

/// A golden's plan with its eta and these options.
fn compare(goldens: &Value, case: &Value, options: SamplerOptions<'_>) -> Plan {
    let steps = golden::number(case, "steps") as usize;
    let options = SamplerOptions { eta: Some(golden::number(case, "eta")), ..options };
    let plan = sampler(case).plan_with(&schedule(goldens, case), steps, options);
    let plan = plan.unwrap_or_else(|error| panic!("{case}: {error}"));
    let times = numbers(&case["times"]);
    let ours: Vec<f64> = plan.evaluations.iter().map(|e| e.timestep).collect();
    assert_eq!(ours, times, "{case}");
    let response = response(&plan, None, "few steps");
    for row in golden::list(case, "rows") {
        let row = numbers(row);
        let (index, count) = (row[0] as usize, times.len());
        let theirs = |place: usize| row.get(place).copied().unwrap_or(0.0);
        let what = format!("{} {case} evaluation {index}", sampler(case));
        assert_near(&what, response[index][2 * count + index], theirs(1), 1e-4);
        for place in 0..2 * BACK {
            let from = index.checked_sub(place / 2);
            let ours = from.map_or(0.0, |from| response[index][place % 2 * count + from]);
            assert_near(&format!("{what}, {place}"), ours, theirs(2 + place), 1e-4);
        }
    }
    plan
}

#[test]
fn lists_of_timesteps_that_cannot_be_are_refused() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let refused = |timesteps: &str, steps, sampler: &str| {
        let timesteps = Some(timesteps.into());
        let asked = Request { sampler: sampler.into(), timesteps, steps, ..request() };
        match block_on(pipeline.generate(&asked, &Control::default())) {
            Err(Error::Request { field, reason }) => format!("{field} {reason}"),
            other => panic!("{asked:?}: {:?}", other.map(|_| ())),
        }
    };
    for (timesteps, steps, sampler, what) in [
        ("499, 999", 2, "lcm", "timesteps must descend, from noise to the image: 999 cannot"),
        ("999, 999", 2, "tcd", "timesteps must descend"),
        ("1000", 1, "tcd", "timesteps must be whole numbers from 0 to 999, unlike 1000"),
        ("-1", 1, "tcd", "timesteps must be whole numbers"),
        ("800", 2, "tcd", "steps must be 1, as many as there are timesteps, not 2"),
        ("800", 1, "ddim", "timesteps are for lcm and tcd alone; ddim has its own"),
    ] {
        let error = refused(timesteps, steps, sampler);
        assert!(error.starts_with(what), "{error}");
    }
}

/// The whole way: the run visits them, and the picture's text has them.
#[test]
fn a_picture_of_given_timesteps_says_so() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let made = |timesteps: Option<&str>| {
        let timesteps = timesteps.map(str::to_owned);
        let sampler = "tcd".into();
        let asked = Request { sampler, timesteps, steps: 1, eta: Some(1.0), ..request() };
        block_on(pipeline.generate(&asked, &Control::default())).unwrap()
    };
    let (plain, first, last) = (made(None), made(Some("800")), made(Some("999")));
    assert_ne!(first.rgba, plain.rgba);
    // The first of distillation.
    assert_eq!(last.rgba, plain.rgba);
    let text = first.parameters().format();
    assert!(text.contains("Timesteps: 800"), "{text}");
    let again = Request::from_infotext(&Parameters::parse(&text)).unwrap();
    assert_eq!(again.timesteps.as_deref(), Some("800"));
}

#[test]
fn a_strength_that_leaves_too_few_timesteps_is_refused() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let picture = initial(64, 64);
    let extras = Extras { initial: Some(&picture), ..Extras::default() };
    let refused = |strength, sampler: &str| {
        let asked =
            Request { sampler: sampler.into(), strength: Some(strength), steps: 4, ..request() };
        match block_on(pipeline.generate_with(&asked, &Control::default(), &extras)) {
            Err(Error::Request { field, .. }) => field,
            other => panic!("{strength} {sampler}: {:?}", other.map(|_| ())),
        }
    };
    assert_eq!(refused(0.07, "lcm"), "number of steps");
    assert_eq!(refused(0.0, "tcd"), "number of steps");
    // Samplers of other models leave out steps.
    assert_eq!(refused(0.2, "ddim"), "strength");
}
