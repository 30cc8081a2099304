//! The text in a picture as AUTOMATIC1111's web UI reads it: what it would draw is what the
//! request says. `scripts/golden/web_ui.py` reads our texts by that program's rules, written anew.

use crate::harness::golden;
use crate::harness::random::Random;
use darkroom::diffusion::{Levels, Sampler, SamplerOptions, Schedule, SigmaSchedule, Spacing};
use darkroom::image::parameters::Parameters;
use darkroom::pipeline::{LoraRecord, Picture, Safety, UpscalerRecord};
use darkroom::request::{Applied, Request, sampler_names};
use darkroom::text::{Fragment, Tagged};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many requests are told.
const CASES: usize = 200;

/// Scheduler configs: v1.4's, and what later models have.
const CONFIGS: [&str; 4] = [
    r#"{"steps_offset": 1}"#,
    r#"{"steps_offset": 1, "timestep_spacing": "leading"}"#,
    r#"{"timestep_spacing": "trailing", "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": true}"#,
    r#"{"steps_offset": 1, "use_karras_sigmas": true}"#,
];

const STEPS: [u32; 6] = [4, 7, 10, 20, 25, 30];

/// The last two have what the web UI reads in any case.
const PROMPTS: [&str; 9] = [
    "a red fox",
    "",
    "a (red:1.3) fox, [dark]",
    "a fox \\(vulpes\\)",
    "a fox BREAK in snow",
    "two lines,\n((very)) red",
    "a fox: red, 1:2",
    "a [fox:cat:0.5] in snow",
    "a fox <lora:paint:0.5>",
];

const UPSCALERS: [&str; 8] = [
    "latent",
    "latent (antialiased)",
    "latent (bicubic)",
    "latent (bicubic antialiased)",
    "latent (nearest)",
    "latent (nearest-exact)",
    "lanczos",
    "file",
];

/// A run: what was asked for, and what its text says.
struct Case {
    request: Request,
    applied: Applied,
    loras: Vec<(&'static str, [f32; 2])>,
    /// σ at the beginning of each step.
    sigmas: Vec<f64>,
    text: String,
}

fn schedule(config: &str) -> Schedule {
    let betas = r#""_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "num_train_timesteps": 1000"#;
    let json = config.replacen('{', &format!("{{{betas}, "), 1);
    Schedule::from_json("scheduler_config.json", json.as_bytes()).unwrap()
}

/// The request of an index; `None` if it is none that this model can make.
fn case(index: usize) -> Option<Case> {
    let random = Random::new(&format!("web UI {index}"));
    let at = |place: usize, count: usize| random.below(place, count);
    let sampler = Sampler::ALL[at(0, Sampler::ALL.len())];
    let sigmas = (at(1, 2) == 0).then(|| SigmaSchedule::ALL[at(2, 8)]);
    let spacing = (at(3, 4) == 0).then(|| Spacing::ALL[at(4, 3)]);
    let has_eta = matches!(sampler, Sampler::Ddim | Sampler::Tcd) && at(5, 2) == 0;
    let masked = at(6, 4) == 0;
    let hires = !masked && at(7, 3) == 0;
    let upscaler = if hires { UPSCALERS[at(8, 8)] } else { "latent" };
    let (prompt, is_syntax) = (at(9, PROMPTS.len()), at(11, 2) == 1);
    let is_syntax = is_syntax || prompt >= PROMPTS.len() - 2;
    let request = Request {
        prompt: PROMPTS[prompt].into(),
        negative_prompt: ["", "blurry", "(bad:1.2) hands"][at(10, 3)].into(),
        prompt_syntax: if is_syntax { "a1111" } else { "plain" }.into(),
        seed: random.word(12) >> 32,
        steps: STEPS[at(13, 6)],
        guidance_scale: [1.0, 4.5, 7.5][at(14, 3)],
        sampler: sampler.name().into(),
        sigmas: sigmas.map(|one| one.name().to_owned()),
        spacing: spacing.map(|one| one.name().to_owned()),
        eta: has_eta.then_some(0.5),
        rng: ["torch", "philox", "numpy"][at(15, 3)].into(),
        clip_skip: 1 + at(16, 2) as u32,
        strength: masked.then_some(0.75),
        mask_blur: if masked { [0.0, 4.0][at(17, 2)] } else { 0.0 },
        masked_content: if masked { ["original", "noise"][at(18, 2)] } else { "original" }.into(),
        padding_mask_crop: (masked && at(19, 2) == 0).then_some(48),
        hires_scale: hires.then_some(1.5),
        hires_steps: (hires && at(20, 2) == 0).then_some(8),
        hires_upscaler: upscaler.into(),
        hires_strength: if hires { 0.55 } else { 0.7 },
        width: Some(512),
        height: Some(640),
        ..Request::default()
    };
    let schedule = schedule(CONFIGS[at(21, 4)]);
    let options = SamplerOptions { sigmas, spacing, eta: request.eta, ..Default::default() };
    let plan = sampler.plan_with(&schedule, request.steps as usize, options).ok()?;
    let level =
        |step: &[darkroom::diffusion::Evaluation]| step[0].level.noise / step[0].level.signal;
    let all = [("style", [0.75, 0.75]), ("hands", [1.0, 0.5])];
    let applied = Applied { levels: Some(sampler.levels(&schedule, &options)), masked };
    let mut case = Case {
        sigmas: plan.by_step().map(level).collect(),
        loras: all[..at(22, 3)].to_vec(),
        text: String::new(),
        request,
        applied,
    };
    case.text = picture(&case).parameters().format();
    Some(case)
}

fn cases() -> Vec<Case> {
    (0..).filter_map(case).take(CASES).collect()
}

fn picture(case: &Case) -> Picture {
    // Those of the prompt are in use as well.
    let mut loras = case.loras.clone();
    if case.request.reads_a1111() {
        let tags = Tagged::read(&case.request.prompt).loras;
        loras.extend(tags.iter().map(|_| ("paint", [0.5, 0.5])));
    }
    let record = |(name, [text, unet]): &(&str, [f32; 2])| LoraRecord {
        name: (*name).to_owned(),
        weight: *unet,
        text_encoder_weight: *text,
        sha256: "5a".repeat(6),
        model_hash: "a5".repeat(6),
    };
    let upscaler = case.request.hires_upscaler == "file";
    Picture {
        width: 512,
        height: 640,
        rgba: vec![],
        request: case.request.clone(),
        notices: vec![],
        safety: Safety::Off,
        kernels: None,
        model: None,
        loras: loras.iter().map(record).collect(),
        decoder: None,
        embeddings: vec![],
        parts: vec![],
        controls: Vec::new(),
        upscaler: upscaler
            .then(|| UpscalerRecord { name: "RealESRGAN_x4plus".into(), sha256: "5a".repeat(6) }),
        applied: case.applied,
        ended_early: None,
    }
}

/// What the web UI should draw: the request in its terms.
fn expected(case: &Case, levels: &Value) -> BTreeMap<String, Value> {
    let Case { request, applied, .. } = case;
    let sampler: Sampler = request.sampler.parse().unwrap();
    let name = sampler_names(sampler).a1111.first().copied().unwrap_or(sampler.name());
    let tagged = Tagged::read(&request.prompt);
    let mut loras: Vec<_> = tagged.loras.iter().map(|_| ("paint", [0.5, 0.5])).collect();
    loras.extend(case.loras.iter().copied());
    let zero_snr = applied.levels.unwrap().zero_snr;
    let (schedule, is_scaled) = schedule_of(case, sampler, levels);
    let second = request.hires_scale.map(|scale| {
        json!({
            "scale": scale.to_string(),
            "steps": request.hires_steps.unwrap_or(0).to_string(),
            "upscaler": upscaler(&request.hires_upscaler),
        })
    });
    let source = match request.rng.as_str() {
        "torch" => "CPU",
        "philox" => "NV",
        own => own,
    };
    let strength = request.hires_scale.map(|_| request.hires_strength).or(request.strength);
    let mut settings = json!({
        "weights": weights(request.reads_a1111(), &tagged.text),
        "negative": weights(request.reads_a1111(), &request.negative_prompt),
        "loras": loras,
        "steps": request.steps.to_string(),
        "cfg_scale": request.guidance_scale.to_string(),
        "seed": request.seed.to_string(),
        "width": "512",
        "height": "640",
        "sampler": name,
        "schedule": schedule,
        "sgm_noise_multiplier": is_scaled,
        "randn_source": source,
        "clip_skip": request.clip_skip.to_string(),
        "sd_noise_schedule": if zero_snr { "Zero Terminal SNR" } else { "Default" },
        "denoising_strength": strength.map(|strength| strength.to_string()),
        "hires": second,
    });
    if sampler == Sampler::Ddim {
        settings["eta_ddim"] = request.eta.unwrap_or(0.0).to_string().into();
    }
    if sampler == Sampler::UniPc {
        settings["uni_pc"] = json!(["bh2", "2"]);
    }
    if applied.masked {
        let fill = if request.masked_content == "noise" { "latent noise" } else { "original" };
        let whole = request.padding_mask_crop.is_none();
        settings["mask_blur"] = request.mask_blur.to_string().into();
        settings["masked_content"] = fill.into();
        settings["inpaint_area"] = if whole { "Whole picture" } else { "Only masked" }.into();
        settings["padding"] = request.padding_mask_crop.unwrap_or(32).to_string().into();
    }
    serde_json::from_value(settings).unwrap()
}

/// What is told of what enlarges the first pass.
fn upscaler(name: &str) -> String {
    match name {
        "file" => "R-ESRGAN 4x+".into(),
        "lanczos" => "Lanczos".into(),
        _ => name.replace("latent", "Latent"),
    }
}

/// A prompt as the text encoder should get it: pieces and their weights.
fn weights(is_syntax: bool, prompt: &str) -> Vec<(String, f64)> {
    if !is_syntax {
        let whole = prompt.trim().to_owned();
        return if whole.is_empty() { vec![] } else { vec![(whole, 1.0)] };
    }
    let mut merged: Vec<(String, f64)> = Vec::new();
    for fragment in Fragment::parse("prompt", prompt.trim()).unwrap() {
        let (text, weight) = match fragment {
            Fragment::Text(text, weight) => (text, (1e6 * weight).round() / 1e6),
            Fragment::Break => ("BREAK".into(), -1.0),
        };
        match merged.last_mut() {
            Some((before, same)) if *same == weight && weight > 0.0 => before.push_str(&text),
            _ => merged.push((text, weight)),
        }
    }
    merged.retain(|(text, _)| !text.is_empty());
    merged
}

/// The schedule that the web UI should take, and whether its first latents have the factor
/// √(σ² + 1): of those for plain timesteps that whose levels are nearest to those of the run.
fn schedule_of(case: &Case, sampler: Sampler, tables: &Value) -> (Option<String>, bool) {
    let Levels { sigmas, spacing, zero_snr, .. } = case.applied.levels.unwrap();
    let of_timesteps = [Sampler::Ddim, Sampler::Pndm, Sampler::UniPc];
    if sampler_names(sampler).a1111.is_empty() || of_timesteps.contains(&sampler) {
        return (None, false);
    }
    if sampler == Sampler::Lcm {
        return (Some("Uniform".into()), false);
    }
    let is_exploding = !matches!(sampler, Sampler::Dpmpp2m | Sampler::Dpmpp2mSde);
    let is_scaled = is_exploding && spacing == Spacing::Leading && sigmas.is_spaced();
    let word = match sigmas {
        // Of these samplers no schedule there has such timesteps.
        SigmaSchedule::Normal if drops(sampler) && spacing == Spacing::Leading => "Uniform".into(),
        SigmaSchedule::Normal if !is_exploding && spacing == Spacing::Leading => {
            "SGM Uniform".into()
        }
        SigmaSchedule::Normal => nearest(case, sampler, &tables[usize::from(zero_snr)]),
        SigmaSchedule::Karras => "Karras".into(),
        SigmaSchedule::Exponential => "Exponential".into(),
        SigmaSchedule::Beta => "Beta".into(),
        SigmaSchedule::SgmUniform => "SGM Uniform".into(),
        SigmaSchedule::Simple => "Simple".into(),
        SigmaSchedule::Ays => "Align Your Steps".into(),
        SigmaSchedule::KlOptimal => "KL Optimal".into(),
    };
    (Some(word), is_scaled)
}

/// Whether the web UI drops the last level but one.
fn drops(sampler: Sampler) -> bool {
    [Sampler::Dpm2, Sampler::Dpm2Ancestral, Sampler::Dpmpp3mSde].contains(&sampler)
}

/// The web UI's word whose levels are nearest to those of a run, in ln σ.
fn nearest(case: &Case, sampler: Sampler, tables: &Value) -> String {
    let drops = drops(sampler);
    let steps = case.request.steps + u32::from(drops);
    let distance = |levels: &Value| {
        let mut levels: Vec<f64> = serde_json::from_value(levels.clone()).unwrap();
        if drops {
            levels.pop();
        }
        let fits = levels.len() == case.sigmas.len();
        let pairs = levels.iter().zip(&case.sigmas);
        let sum: f64 = pairs.map(|(there, here)| (there / here).ln().powi(2)).sum();
        if fits { (sum / levels.len() as f64).sqrt() } else { f64::INFINITY }
    };
    let words = ["Uniform", "SGM Uniform", "DDIM", "Simple"];
    let all = words.map(|word| (distance(&tables[steps.to_string()][word]), word));
    let (least, mut word) = all.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    // Of two that are as near, up to the rounding of timesteps, the one that is told.
    let told = |word: &str| case.text.contains(&format!("Schedule type: {word},"));
    let near = |(distance, _): &(f64, _)| *distance < (1.05 * least).max(0.02);
    if let Some((_, other)) = all.iter().find(|one| near(one) && told(one.1)) {
        word = other;
    }
    // Its levels are then those of the run; but for rounding, or a step that has no equal there.
    let Levels { spacing, offset, zero_snr, .. } = case.applied.levels.unwrap();
    let is_equal = match (word, spacing) {
        ("Uniform", Spacing::Linspace) => true,
        ("DDIM", Spacing::Leading) => offset == 1,
        ("Simple", Spacing::Trailing) => 1000 % case.request.steps == 0,
        _ => false,
    };
    assert!(
        least < if is_equal && !drops && !zero_snr { 1e-3 } else { 1.5 },
        "{sampler} {word}: {least}"
    );
    word.into()
}

/// A text, and what of its request is not the default, for the page's reader.
fn told(case: &Case) -> Value {
    let plain = serde_json::to_value(Request::default()).unwrap();
    let mut request = serde_json::to_value(wanted(case)).unwrap();
    request.as_object_mut().unwrap().retain(|name, value| plain.get(name) != Some(value));
    json!({ "text": case.text, "request": request })
}

/// What reading a text should give: what applied is told, whoever chose it.
fn wanted(case: &Case) -> Request {
    let Levels { zero_snr, .. } = case.applied.levels.unwrap();
    let is_tcd = case.request.sampler == Sampler::Tcd.name();
    Request {
        rescale_betas_zero_snr: zero_snr.then_some(true),
        eta: case.request.eta.or(is_tcd.then_some(0.3)),
        ..case.request.clone()
    }
}

/// `WEB_UI_TEXTS` names the file that the script reads.
#[test]
fn the_web_ui_draws_what_the_request_says() {
    let cases = cases();
    let texts: Vec<_> = cases.iter().map(told).collect();
    if let Some(path) = std::env::var_os("WEB_UI_TEXTS") {
        std::fs::write(path, serde_json::to_string(&texts).unwrap()).unwrap();
        return;
    }
    let golden = golden::json("web_ui.json");
    let read = golden::list(&golden, "cases");
    assert_eq!(read.len(), CASES);
    for (case, read) in cases.iter().zip(read) {
        let is_told = told(case);
        for part in ["text", "request"] {
            assert_eq!(is_told[part], read[part], "write it with scripts/golden.py web_ui");
        }
        let wanted = expected(case, &golden["levels"]);
        for (name, value) in &wanted {
            let found = &read["settings"][name];
            assert_eq!(found, value, "{name} of\n{}\n{:?}", case.text, case.request);
        }
    }
}

#[test]
fn the_texts_are_read_as_the_requests() {
    for case in cases() {
        let read = Request::from_infotext(&Parameters::parse(&case.text)).unwrap();
        assert_eq!(read, wanted(&case), "{}", case.text);
    }
}
