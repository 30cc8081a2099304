//! Plans against diffusers: timesteps, scales and coefficients as its samplers apply them, and
//! against the formulas themselves in f64.

use darkroom::Error;
use darkroom::diffusion::{Combination, Evaluation, Plan, Prediction, Sampler, Schedule, Slot};
use serde_json::Value;

use crate::harness::golden;
use crate::schedule::read;

fn sampler(case: &Value) -> Sampler {
    golden::text(case, "sampler").parse().expect("a sampler")
}

/// Relative, and absolute for numbers below 0.1.
fn assert_near(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let error = (ours - theirs).abs() / theirs.abs().max(0.1);
    assert!(error <= tolerance, "{what}: {ours} against {theirs}, {error:.1e}");
}

#[test]
fn plans_are_as_diffusers_applies_them() {
    for case in golden::list(&golden::json("samplers.json"), "plans") {
        let steps = golden::number(case, "steps") as usize;
        let schedule = read(&case["config"]).expect("a valid config");
        let plan = sampler(case).plan(&schedule, steps).expect("a plan");
        let what = format!("{} {} {steps}", sampler(case), golden::text(case, "name"));
        let sigma = golden::number(case, "init_noise_sigma");
        assert_near(&what, plan.init_noise_sigma, sigma, 1e-6);
        let rows = golden::list(case, "rows");
        assert_eq!((plan.steps(), plan.evaluations.len()), (steps, rows.len()), "{what}");
        for (evaluation, row) in plan.evaluations.iter().zip(rows) {
            let what = format!("{what}, step {}", evaluation.step);
            let row: Vec<f64> =
                row.as_array().expect("a row").iter().flat_map(Value::as_f64).collect();
            assert_eq!(evaluation.timestep as f32, row[0] as f32, "{what}");
            assert_near(&what, evaluation.input_scale, row[1], 1e-6);
            assert_near(&what, evaluation.update.factor(Slot::Latents), row[2], 1e-4);
            assert_near(&what, evaluation.update.factor(Slot::Eps), row[3], 1e-4);
        }
    }
}

/// Formula 12 of the DDIM paper, x₀ and ε written out for either prediction.
fn ddim_by_hand(schedule: &Schedule, e: &Evaluation, next: f64) -> [f64; 2] {
    let alpha = f64::from(schedule.alphas_cumprod()[e.timestep as usize]);
    let apply = |latents: f64, answer: f64| {
        let (x0, eps) = match schedule.prediction() {
            Prediction::Epsilon => {
                ((latents - (1.0 - alpha).sqrt() * answer) / alpha.sqrt(), answer)
            }
            Prediction::V => (
                alpha.sqrt() * latents - (1.0 - alpha).sqrt() * answer,
                alpha.sqrt() * answer + (1.0 - alpha).sqrt() * latents,
            ),
        };
        next.sqrt() * x0 + (1.0 - next).sqrt() * eps
    };
    [apply(1.0, 0.0), apply(0.0, 1.0)]
}

/// x + (σ' − σ)·(x − x₀)/σ.
fn euler_by_hand(schedule: &Schedule, sigma: f64, next: f64) -> [f64; 2] {
    let apply = |latents: f64, answer: f64| {
        let x0 = match schedule.prediction() {
            Prediction::Epsilon => latents - sigma * answer,
            Prediction::V => {
                answer * (-sigma / (sigma * sigma + 1.0).sqrt()) + latents / (sigma * sigma + 1.0)
            }
        };
        latents + (next - sigma) * (latents - x0) / sigma
    };
    [apply(1.0, 0.0), apply(0.0, 1.0)]
}

#[test]
fn coefficients_are_the_formulas() {
    for case in golden::list(&golden::json("samplers.json"), "plans") {
        let schedule = read(&case["config"]).expect("a valid config");
        let steps = golden::number(case, "steps") as usize;
        let plan = sampler(case).plan(&schedule, steps).expect("a plan");
        let table = schedule.sigmas();
        let sigma_of = |time: f64| {
            let (below, above) = (time.floor() as usize, time.ceil() as usize);
            let (a, b) = (f64::from(table[below]), f64::from(table[above]));
            f64::from((a + (b - a) * time.fract()) as f32)
        };
        for (index, e) in plan.evaluations.iter().enumerate() {
            let following = plan.evaluations.get(index + 1);
            let by_hand = match sampler(case) {
                Sampler::Ddim => {
                    let earlier = e.timestep as i64 - (schedule.trained() / steps) as i64;
                    let one = case["config"]["set_alpha_to_one"] != Value::Bool(false);
                    let beyond = if one { 1.0 } else { f64::from(schedule.alphas_cumprod()[0]) };
                    let next = usize::try_from(earlier);
                    let next = next.map_or(beyond, |t| f64::from(schedule.alphas_cumprod()[t]));
                    ddim_by_hand(&schedule, e, next)
                }
                Sampler::Euler => {
                    let next = following.map_or(0.0, |next| sigma_of(next.timestep));
                    euler_by_hand(&schedule, sigma_of(e.timestep), next)
                }
            };
            let what = format!("{} {steps} step {}", sampler(case), e.step);
            assert_near(&what, e.update.factor(Slot::Latents), by_hand[0], 1e-6);
            assert_near(&what, e.update.factor(Slot::Eps), by_hand[1], 1e-6);
        }
    }
}

/// The sum of |latents| after a run with the model `input · t / (t + 1)`, from the latents
/// 0, 1/768, …, 767/768. diffusers' own tests step from the scaled input instead of the latents.
fn run(plan: &Plan, from_input: bool) -> f64 {
    let factor = plan.evaluations.iter().fold(plan.init_noise_sigma, |factor, e| {
        let factor = if from_input { factor * e.input_scale } else { factor };
        let input = if from_input { factor } else { factor * e.input_scale };
        let answer = input * e.timestep / (e.timestep + 1.0);
        e.update.factor(Slot::Latents) * factor + e.update.factor(Slot::Eps) * answer
    });
    factor.abs() * (0..768).map(|n| f64::from(n) / 768.0).sum::<f64>()
}

#[test]
fn a_whole_run_gives_diffusers_sums() {
    for case in golden::list(&golden::json("samplers.json"), "loops") {
        let schedule = read(&case["config"]).expect("a valid config");
        let plan = sampler(case).plan(&schedule, 10).expect("a plan");
        let (sum, theirs) = (run(&plan, false), golden::number(case, "sum"));
        assert!((sum - theirs).abs() <= 1e-4 * theirs.max(0.1), "{case}: {sum}");
        // The sum printed in diffusers' own test of EulerDiscreteScheduler.
        if (sampler(case), schedule.prediction()) == (Sampler::Euler, Prediction::Epsilon) {
            let sum = run(&plan, true);
            assert!((sum - 10.0807).abs() <= 1e-3, "{case}: {sum}");
        }
    }
}

/// With the true noise as answer every sampler walks the straight line to x₀.
#[test]
fn the_true_noise_leads_home() {
    let schedule = read(&serde_json::json!({"steps_offset": 1})).expect("valid");
    let (x0, eps) = (0.7, -1.3);
    for (sampler, steps) in Sampler::ALL.into_iter().flat_map(|s| [(s, 3), (s, 20), (s, 50)]) {
        let plan = sampler.plan(&schedule, steps).expect("a plan");
        let first = &plan.evaluations[0];
        let alpha = f64::from(schedule.alphas_cumprod()[first.timestep as usize]);
        let mut x = match sampler {
            Sampler::Ddim => alpha.sqrt() * x0 + (1.0 - alpha).sqrt() * eps,
            Sampler::Euler => x0 + plan.init_noise_sigma * eps,
        };
        for e in &plan.evaluations {
            x = e.update.factor(Slot::Latents) * x + e.update.factor(Slot::Eps) * eps;
        }
        assert!((x - x0).abs() < 1e-6, "{sampler} {steps}: {x}");
    }
}

#[test]
fn names_go_there_and_back() {
    for sampler in Sampler::ALL {
        assert_eq!(sampler.to_string().parse(), Ok(sampler));
    }
    match "dream".parse::<Sampler>() {
        Err(Error::Request { field, reason }) => {
            assert_eq!(field, "sampler");
            assert!(Sampler::ALL.iter().all(|sampler| reason.contains(sampler.name())), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn combinations_add_up() {
    let terms =
        [(Slot::Latents, 1.0), (Slot::Eps, 0.0), (Slot::Past(2), 2.0), (Slot::Past(2), 0.5)];
    let sum = Combination::new(&terms);
    assert_eq!(sum.terms(), [(Slot::Latents, 1.0), (Slot::Past(2), 2.5)]);
    assert_eq!((sum.factor(Slot::Past(2)), sum.factor(Slot::Noise)), (2.5, 0.0));
    assert_eq!(sum.identity(), None);
    assert_eq!(Combination::new(&[(Slot::Eps, 1.0)]).identity(), Some(Slot::Eps));
    let evaluation = Evaluation {
        step: 1,
        timestep: 0.0,
        input_scale: 1.0,
        update: sum,
        remember: None,
        save: Some(Combination::new(&[(Slot::Past(3), 1.0)])),
    };
    let plan = Plan { init_noise_sigma: 1.0, evaluations: vec![evaluation] };
    assert_eq!((plan.history(), plan.steps()), (3, 1));
}
