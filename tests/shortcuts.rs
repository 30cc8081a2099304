//! What a request may leave out to be faster: against diffusers' UNet told to leave out the same,
//! the CPU against the GPU, the work that is saved against sums made from names and shapes alone,
//! and the exact picture byte for byte where nothing is left out.

use crate::harness::gpu::{self, Device};
use crate::made_up::{Golden, nmse, program, tiny};
use crate::reference::open_on_cpu;
use crate::walk::{Memory, check_in, open, request};
use darkroom::diffusion::{Deep, EvaluationKind, Plan, Sampler, Schedule};
use darkroom::gpu::Gpu;
use darkroom::image::parameters::Parameters;
use darkroom::image::png;
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::nn::Scope;
use darkroom::pipeline::{Control, Extras, Options, Pipeline, Request, Shortcuts};
use darkroom::tensor::Tensor;
use darkroom::{Error, Precision, WeightType};
use pollster::block_on;
use std::collections::BTreeMap;

const FILE: &str = "shortcuts.safetensors";

fn schedule() -> Schedule {
    let json = br#"{"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
        "steps_offset": 1, "skip_prk_steps": true}"#;
    Schedule::from_json("scheduler_config.json", json).unwrap()
}

fn plan(sampler: Sampler, steps: usize) -> Plan {
    sampler.plan(&schedule(), steps).unwrap()
}

/// Kinds of evaluations: g guided, u not; made, kept, reused.
fn letters(plan: &Plan) -> String {
    let letter = |kind: EvaluationKind| match (kind.guided, kind.deep) {
        (true, Deep::Made) => "gm ",
        (true, Deep::Kept) => "gk ",
        (true, Deep::Reused) => "gr ",
        (false, Deep::Made) => "um ",
        (false, Deep::Kept) => "uk ",
        (false, Deep::Reused) => "ur ",
    };
    plan.evaluations.iter().map(|evaluation| letter(evaluation.kind)).collect()
}

#[test]
fn plans_say_what_is_left_out() {
    let ddim = || plan(Sampler::Ddim, 10);
    assert_eq!(ddim().guided_within([0.0, 1.0], 1000).cached(1), ddim());
    assert_eq!(ddim().kinds(), [EvaluationKind::EXACT]);
    // Ten steps of ddim are at 901, 801, … 1 of 999: 0.098, 0.198, … 0.999 of the way.
    let limited = ddim().guided_within([0.15, 0.8], 1000);
    assert_eq!(letters(&limited), "um gm gm gm gm gm gm gm um um ");
    assert_eq!(letters(&ddim().cached(3)), "gk gr gr gk gr gr gk gr gr gm ");
    // Features of another number of prompts do not fit.
    assert_eq!(letters(&limited.clone().cached(3)), "um gk gr gr gk gr gr gm uk ur ");
    assert_eq!(limited.cached(3).kinds().len(), 6);
    // Evaluations are counted, also where a step has two.
    let heun = plan(Sampler::Heun, 3).cached(2);
    assert_eq!(letters(&heun), "gk gr gk gr gm ");
    // The same part of the way for every sampler and for a run that begins later.
    for sampler in Sampler::ALL {
        let plan = plan(sampler, 8).guided_within([0.3, 0.6], 1000);
        for evaluation in plan.evaluations {
            let way = 1.0 - evaluation.timestep / 999.0;
            assert_eq!(evaluation.kind.guided, (0.3..=0.6).contains(&way), "{sampler} {way}");
        }
    }
}

#[test]
fn they_are_what_the_papers_leave_out_of_diffusers() {
    gpu::run(Device::Plain, |gpu| {
        for case in ["interval", "cache", "both", "heun", "merging", "all"] {
            check_in(FILE, gpu, case, Options::default());
        }
    });
}

/// Every stage of a run.
fn stages(pipeline: &Pipeline, request: &Request) -> BTreeMap<String, Vec<f32>> {
    let memory = Memory::default();
    let extras = Extras { observer: Some(&memory), ..Extras::default() };
    block_on(pipeline.generate_with(request, &Control::default(), &extras)).unwrap();
    memory.stages()
}

fn golden_request(case: &str) -> Request {
    let golden = Golden::open(FILE);
    let requests: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(golden.text("requests")).unwrap();
    Request::from_json(&requests[case].to_string()).unwrap()
}

#[test]
fn the_cpu_leaves_out_the_same() {
    let on_cpu = open_on_cpu(tiny()).unwrap();
    for case in ["interval", "both", "heun"] {
        let request = golden_request(case);
        let cpu = stages(&on_cpu, &request);
        let gpu = gpu::run(Device::Plain, move |gpu| {
            stages(&open(gpu, tiny(), Options::default()).unwrap(), &request)
        });
        assert_eq!(cpu.len(), gpu.len());
        for (name, want) in &cpu {
            let error = nmse(&gpu[name], want).sqrt();
            assert!(error <= 1e-3, "{case} {name}: {error:.1e}");
        }
    }
}

#[test]
fn what_is_not_left_out_is_the_same_byte_for_byte() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let with = |shortcuts| Request { steps: 4, shortcuts, ..request() };
        let png = |request: &Request| {
            let picture = block_on(pipeline.generate(request, &Control::default())).unwrap();
            picture.png().unwrap()
        };
        let exact = with(Shortcuts::default());
        let off = Shortcuts {
            guidance_interval: [0.0, 1.0],
            cache_interval: 1,
            token_merging_ratio: 0.0,
        };
        assert_eq!(png(&exact), png(&with(off)));

        // Without guidance from the second step on, that step is an unguided run's.
        let late = with(Shortcuts { guidance_interval: [0.0, 0.3], ..Shortcuts::default() });
        let (guided, late) = (stages(&pipeline, &exact), stages(&pipeline, &late));
        assert_eq!(late["eps_001"], guided["eps_001"]);
        assert_eq!(late["latents_001"], guided["latents_001"]);
        let nearly = with(Shortcuts { cache_interval: 3, ..Shortcuts::default() });
        let cached = stages(&pipeline, &nearly);
        assert_eq!(cached["eps_001"], guided["eps_001"]);
        assert_ne!(cached["eps_002"], guided["eps_002"]);
        assert_ne!(late["eps_002"], guided["eps_002"]);
    });
}

/// A prediction without guidance is the prompt's half alone: that of the same latents in a run
/// whose guidance is 1, bit for bit.
#[test]
fn outside_the_interval_the_prompts_half_is_all() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let shortcuts = Shortcuts { guidance_interval: [0.5, 1.0], ..Shortcuts::default() };
        for count in [1, 2] {
            let request = Request { steps: 4, count, shortcuts, ..request() };
            let unguided = Request { guidance_scale: 1.0, ..request.clone() };
            let first = |request: &Request| {
                let memory = Memory::default();
                let extras = Extras { observer: Some(&memory), ..Extras::default() };
                let mut receive = |_, _| Ok(());
                let control = Control::default();
                block_on(pipeline.generate_each(request, &control, &extras, &mut receive)).unwrap();
                memory.stages().remove("eps_001").unwrap()
            };
            assert_eq!(first(&request), first(&unguided), "{count} pictures");
        }
    });
}

/// Half of the tokens merged in the five transformers of the highest resolution of v1.4: their
/// projections and attention are of half as many, and nothing else is less.
#[test]
fn merged_tokens_save_what_their_shapes_say() {
    let gpu = Gpu::dry(false);
    let config = UnetConfig::parse("unet", sd_v1_4::UNET).unwrap();
    let unet = Unet::new(&Scope::without_file(&gpu, WeightType::F16), &config).unwrap();
    let context = unet.prepare(&Tensor::empty(&gpu, [1, 77, 768], Precision::F32));
    let latents = Tensor::empty(&gpu, [1, 64, 64, 4], Precision::F32);
    let [(whole, exact), (less, merged)] = [0, 500].map(|merged| {
        gpu.submit();
        gpu.reset_stats();
        drop(unet.forward(&UnetInput::new(&latents, 1.0, &context.merging(merged))));
        gpu.submit();
        let kernels = gpu.kernel_stats();
        let products = ["matmul", "conv2d", "attention"];
        let counted =
            kernels.iter().filter(|k| products.iter().any(|name| k.name.starts_with(name)));
        (counted.map(|k| k.flops).sum::<u64>(), gpu.stats().dispatches)
    });
    let (t, left, c) = (4096_u64, 2048_u64, 320_u64);
    let saved = 5 * (2 * 4 * c * c * (t - left) + 4 * c * (t * t - left * left));
    println!("{less} of {whole} FLOP, {merged} of {exact} dispatches");
    assert_eq!(whole - less, saved);
    assert_eq!(merged, exact + 5 * 5, "five kernels each");
    assert!(merged <= 560);
}

#[test]
fn the_cpu_refuses_to_merge() {
    let pipeline = open_on_cpu(tiny()).unwrap();
    let shortcuts = Shortcuts { token_merging_ratio: 0.5, ..Shortcuts::default() };
    let wanted = Request { shortcuts, ..request() };
    let refused = block_on(pipeline.generate(&wanted, &Control::default())).unwrap_err();
    assert!(matches!(refused, Error::Request { field: "token merging ratio", .. }), "{refused}");
}

#[test]
fn a_picture_tells_what_was_left_out() {
    gpu::run(Device::Plain, |gpu| {
        let pipeline = open(gpu, tiny(), Options::default()).unwrap();
        let told = |shortcuts: Shortcuts| {
            let request = Request { shortcuts, ..request() };
            let picture = block_on(pipeline.generate(&request, &Control::default())).unwrap();
            let file = png::decode("picture.png", &picture.png().unwrap()).unwrap();
            let text = |keyword| file.text(keyword).unwrap();
            assert_eq!(Request::from_json(text("darkroom")).unwrap(), picture.request);
            assert_eq!(picture.request.shortcuts, shortcuts);
            let parameters = Parameters::parse(text("parameters"));
            ["Guidance interval", "Cache interval", "Token merging ratio"]
                .map(|name| parameters.get(name).map(str::to_string))
        };
        assert_eq!(told(Shortcuts::default()), [None, None, None]);
        let some = Shortcuts {
            guidance_interval: [0.2, 0.75],
            cache_interval: 2,
            token_merging_ratio: 0.5,
        };
        assert_eq!(told(some), ["0.2-0.75", "2", "0.5"].map(|text| Some(text.into())));
    });
}

#[test]
fn the_program_measures_them() {
    let model = tiny().to_str().unwrap();
    let rows = |more: &[&str]| -> Vec<Vec<String>> {
        let output = program(&[&["shortcuts", "--model", model, "--steps", "4"], more].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown = String::from_utf8(output.stdout).unwrap();
        println!("{shown}");
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_string()).collect();
        shown.lines().skip(2).map(cells).collect()
    };
    let (losses, counts) = (rows(&["--requests", "1"]), rows(&["--counts"]));
    assert_eq!((&*losses[0][1], &*losses[0][2], &*losses[0][5]), ("exact", "equal", "1.00"));
    assert_eq!(losses.len(), counts.len());
    for (loss, count) in losses.iter().zip(&counts).skip(1) {
        assert_eq!((&loss[1], &loss[5]), (&count[1], &count[3]), "the same work, counted");
        // Eight steps of lcm without guidance are four with it.
        let most = if loss[1].starts_with("lcm") { 1.0 } else { 0.98 };
        assert!(loss[2] != "equal" && count[3].parse::<f64>().unwrap() <= most, "{loss:?}");
    }
}

#[test]
fn the_program_names_what_does_not_fit() {
    let model = tiny().to_str().unwrap();
    let common = ["generate", "--model", model, "--prompt=a", "--steps=1", "--out=/dev/null"];
    for option in [
        "--guidance-interval=0.5",
        "--guidance-interval=0.8,0.2",
        "--cache-interval=0",
        "--token-merging-ratio=0.9",
    ] {
        assert_eq!(program(&[&common[..], &[option]].concat()).status.code(), Some(2), "{option}");
    }
}
