//! Plans with the numbers of AUTOMATIC1111's web UI and of ComfyUI, against k-diffusion's functions
//! over these programs' levels and diffusers' UniPC of the third order; see
//! `scripts/golden/as_in.py`.

use super::{State, assert_near, numbers, sampler, schedule};
use crate::harness::golden;
use darkroom::Error;
use darkroom::diffusion::{AsIn, Plan, Sampler, SamplerOptions, SigmaSchedule, Spacing};
use serde_json::{Value, json};

fn options(case: &Value) -> SamplerOptions<'static> {
    let left_out = golden::number(case, "left_out") as usize;
    SamplerOptions {
        sigmas: Some(golden::text(case, "sigmas").parse().expect("a schedule of sigmas")),
        left_out: (left_out > 0).then_some(left_out),
        as_in: golden::text(case, "as_in").parse().expect("a program"),
        ..SamplerOptions::default()
    }
}

/// A row of a run, whose zeros at the end are not kept; our latents are `signal` times theirs.
fn assert_row(what: &str, ours: &[f64], signal: f64, theirs: &Value) {
    let theirs = numbers(theirs);
    assert!(theirs.len() <= ours.len(), "{what}");
    for (place, ours) in ours.iter().enumerate() {
        let theirs = theirs.get(place).copied().unwrap_or(0.0);
        assert_near(&format!("{what}, place {place}"), ours / signal, theirs, 1e-6);
    }
}

#[test]
fn whole_runs_are_those_of_the_programs() {
    let goldens = golden::json("as_in.json");
    let runs = golden::list(&goldens, "runs");
    assert!(runs.len() > 300, "{}", runs.len());
    for case in runs {
        let steps = golden::number(case, "steps") as usize;
        let what = format!(
            "{} {} {} {} {steps} {}",
            case["as_in"], case["sampler"], case["config"], case["sigmas"], case["left_out"]
        );
        let plan = sampler(case).plan_with(&schedule(&goldens, case), steps, options(case));
        let plan = plan.unwrap_or_else(|error| panic!("{what}: {error}"));
        let (times, seen) = (numbers(&case["times"]), golden::list(case, "seen"));
        let count = plan.evaluations.len();
        assert_eq!(count, times.len(), "{what}");
        let unit = |place: usize, value: f64| {
            let mut vector = vec![0.0; 1 + 2 * count];
            vector[place] = value;
            vector
        };
        let first = plan.evaluations[0].level.signal;
        assert_near(&what, plan.init_noise_sigma / first, golden::number(case, "first"), 1e-6);
        if let Some(signal) = case["signal"].as_f64() {
            assert_near(&what, plan.init_signal / first, signal, 1e-6);
        }
        let mut state = State::default();
        let mut x = unit(0, numbers(&seen[0])[0] * first);
        for (index, e) in plan.evaluations.iter().enumerate() {
            let what = format!("{what}, evaluation {index}");
            // A logarithm of float32 stands behind times between those of training.
            assert!((e.timestep - times[index]).abs() <= 2e-3, "{what}: time {}", e.timestep);
            if let Some(theirs) = seen.get(index) {
                assert_row(&what, &x, e.level.signal, theirs);
            }
            x = state.step(e, &x, &unit(2 * index + 1, 1.0), &unit(2 * index + 2, 1.0));
        }
        assert_row(&format!("{what}, at the end"), &x, 1.0, &case["end"]);
    }
}

fn schedule_of_v1_4() -> darkroom::diffusion::Schedule {
    let goldens = golden::json("as_in.json");
    schedule(&goldens, &json!({"config": "v1.4"}))
}

fn plan(sampler: Sampler, options: SamplerOptions<'_>) -> Result<Plan, Error> {
    sampler.plan_with(&schedule_of_v1_4(), 6, options)
}

#[test]
fn what_a_program_has_not_is_refused() {
    let field = |sampler: Sampler, options: SamplerOptions<'_>| match plan(sampler, options) {
        Err(Error::Request { field, reason }) => {
            println!("{field} {reason}");
            field
        }
        other => panic!("{sampler}: {other:?}"),
    };
    for as_in in [AsIn::A1111, AsIn::ComfyUi] {
        let options = SamplerOptions { as_in, ..SamplerOptions::default() };
        let spacing = Some(Spacing::Trailing);
        assert_eq!(field(Sampler::Euler, SamplerOptions { spacing, ..options }), "spacing");
        let low = SamplerOptions { ends_at_sigma_min: true, ..options };
        assert_eq!(field(Sampler::Dpmpp2m, low), "final sigmas");
        let few = Sampler::UniPc.plan_with(&schedule_of_v1_4(), 1, options);
        assert!(few.is_err());
    }
}

/// Samplers that are not k-diffusion's compute as in diffusers.
#[test]
fn other_samplers_stay_as_they_are() {
    for sampler in Sampler::ALL.into_iter().filter(|one| !one.knows_programs()) {
        let steps = if sampler.is_for_few_steps() { 4 } else { 6 };
        let plan = |as_in| {
            let options = SamplerOptions { as_in, ..SamplerOptions::default() };
            sampler.plan_with(&schedule_of_v1_4(), steps, options).unwrap()
        };
        assert_eq!(plan(AsIn::ComfyUi), plan(AsIn::Diffusers), "{sampler}");
        assert_eq!(plan(AsIn::A1111), plan(AsIn::Diffusers), "{sampler}");
    }
}

/// ComfyUI's `noise_scaling` has √(1 + σ²) where a run begins at the largest σ, with a picture too.
#[test]
fn noise_over_a_picture_is_as_strong_as_in_the_program() {
    let first = |as_in, left_out, sigmas| {
        let options =
            SamplerOptions { as_in, left_out: Some(left_out), sigmas, ..Default::default() };
        let plan = plan(Sampler::Euler, options).unwrap();
        assert_eq!(plan.init_signal, 1.0);
        [plan.init_noise_sigma, plan.evaluations[0].level.noise]
    };
    let of_noise = |sigma: f64| (sigma * sigma + 1.0).sqrt();
    let [noise, sigma] = first(AsIn::ComfyUi, 0, Some(SigmaSchedule::Karras));
    assert_eq!(noise, of_noise(sigma));
    // 14.615 of the table is above the largest σ; ComfyUI's own digits are below it, but near.
    let [noise, sigma] = first(AsIn::ComfyUi, 0, Some(SigmaSchedule::Ays));
    assert_eq!(noise, of_noise(sigma));
    for (as_in, left_out) in [(AsIn::ComfyUi, 1), (AsIn::A1111, 0), (AsIn::A1111, 2)] {
        let [noise, sigma] = first(as_in, left_out, None);
        assert_eq!(noise, sigma);
    }
}
