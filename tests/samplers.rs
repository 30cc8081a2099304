//! Plans against diffusers: timesteps, scales and coefficients as its samplers apply them, and
//! against the formulas themselves in f64.

mod as_in;
mod by_hand;
mod k_diffusion;

use darkroom::Error;
use darkroom::diffusion::noise::Torch;
use darkroom::diffusion::{
    Combination, Evaluation, EvaluationKind, NoiseLevel, Plan, Prediction, Sampler, SamplerOptions,
    Schedule, SigmaSchedule, Slot, Spacing,
};
use serde_json::{Value, json};

use crate::harness::golden;
use crate::schedule::read;
use by_hand::{ByHand, mix};

/// Evaluations that a golden row looks back on.
pub(crate) const BACK: usize = 4;

pub(crate) fn sampler(case: &Value) -> Sampler {
    golden::text(case, "sampler").parse().expect("a sampler")
}

pub(crate) fn schedule(goldens: &Value, case: &Value) -> Schedule {
    read(&goldens["configs"][golden::text(case, "config")]).expect("a valid config")
}

pub(crate) fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().expect("a list").iter().flat_map(Value::as_f64).collect()
}

/// Relative, and absolute for numbers below 0.1.
pub(crate) fn assert_near(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let error = (ours - theirs).abs() / theirs.abs().max(0.1);
    assert!(error <= tolerance, "{what}: {ours} against {theirs}, {error:.1e}");
}

/// What a run carries, on vectors of f64.
#[derive(Default)]
struct State {
    past: Vec<Vec<f64>>,
    saved: Vec<f64>,
}

impl State {
    /// The next latents.
    fn step(
        &mut self,
        e: &Evaluation,
        x: &Vec<f64>,
        answer: &Vec<f64>,
        noise: &Vec<f64>,
    ) -> Vec<f64> {
        let sum = |combination: &Combination| {
            let vector = |slot| match slot {
                Slot::Latents => x,
                Slot::Prediction => answer,
                Slot::Past(n) => &self.past[n - 1],
                Slot::Saved => &self.saved,
                Slot::Noise => noise,
            };
            let terms = combination.terms().iter();
            mix(&terms.map(|(slot, factor)| (*factor, vector(*slot))).collect::<Vec<_>>())
        };
        let next = sum(&e.update);
        let (remember, save) = (e.remember.as_ref().map(sum), e.save.as_ref().map(sum));
        if let Some(remember) = remember {
            self.past.insert(0, remember);
        }
        if let Some(save) = save {
            self.saved = save;
        }
        next
    }
}

/// For each evaluation what its result is made of, when latents, answer and noise of each are unit
/// vectors of their own, in this order. Compared with the same run by hand where there is one.
pub(crate) fn response(plan: &Plan, mut by_hand: Option<ByHand>, what: &str) -> Vec<Vec<f64>> {
    let count = plan.evaluations.len();
    let unit = |place: usize| {
        let mut vector = vec![0.0; 3 * count];
        vector[place] = 1.0;
        vector
    };
    let mut state = State::default();
    let evaluations = plan.evaluations.iter().enumerate();
    evaluations
        .map(|(index, e)| {
            let [x, answer, noise] = [0, 1, 2].map(|kind| unit(kind * count + index));
            let row = state.step(e, &x, &answer, &noise);
            let theirs = by_hand.as_mut().map(|by_hand| by_hand.step(index, &x, &answer, &noise));
            for (place, theirs) in theirs.into_iter().flatten().enumerate() {
                let what = format!("{what}, evaluation {index}, place {place} of {count}");
                assert_near(&what, row[place], theirs, 1e-6);
            }
            row
        })
        .collect()
}

#[test]
fn plans_are_as_diffusers_applies_them() {
    let goldens = golden::json("samplers.json");
    for case in golden::list(&goldens, "plans") {
        let steps = golden::number(case, "steps") as usize;
        let name = golden::text(case, "config");
        let options =
            SamplerOptions { eta: Some(golden::number(case, "eta")), ..SamplerOptions::default() };
        let plan = sampler(case).plan_with(&schedule(&goldens, case), steps, options);
        let plan = plan.expect("a plan");
        let what = format!("{} {name} {steps}", sampler(case));
        let sigma = golden::number(case, "init_noise_sigma");
        assert_near(&what, plan.init_noise_sigma, sigma, 1e-6);
        let (times, scales) = (numbers(&case["times"]), numbers(&case["scales"]));
        assert_eq!((plan.steps(), plan.evaluations.len()), (steps, times.len()), "{what}");
        for (index, e) in plan.evaluations.iter().enumerate() {
            // A logarithm of float32 stands behind Karras' times and those between two steps, and
            // numpy's is not exact.
            let is_between = [Sampler::Dpm2, Sampler::Dpm2Ancestral].contains(&sampler(case));
            let slack = if name == "karras" || is_between { 2e-3 } else { 0.0 };
            let (ours, theirs) = (e.timestep as f32, times[index] as f32);
            assert!((ours - theirs).abs() <= slack, "{what}: time {ours} against {theirs}");
            assert_near(&what, e.input_scale, scales.get(index).copied().unwrap_or(1.0), 1e-6);
        }
        let response = response(&plan, None, &what);
        for row in golden::list(case, "rows") {
            let row = numbers(row);
            let (index, noise, factors) = (row[0] as usize, row.get(1), row.get(2..));
            let what = format!("{what}, evaluation {index}");
            let (ours, count) = (&response[index], times.len());
            let fresh = ours[2 * count + index];
            assert_near(&what, fresh, noise.copied().unwrap_or(0.0), 1e-4);
            for (place, back) in (0..2 * BACK).map(|place| (place, place / 2)) {
                let theirs = factors.and_then(|factors| factors.get(place)).copied();
                let ours = index.checked_sub(back).map(|from| ours[place % 2 * count + from]);
                let what = format!("{what}, {back} back");
                assert_near(&what, ours.unwrap_or(0.0), theirs.unwrap_or(0.0), 1e-4);
            }
        }
    }
}

#[test]
fn plans_are_the_papers() {
    for prediction in ["epsilon", "v_prediction"] {
        let mut config = golden::json("samplers.json")["configs"]["v1.4"].clone();
        config["prediction_type"] = prediction.into();
        let schedule = read(&config).expect("a valid config");
        let runs = by_hand::KNOWN.into_iter().map(|sampler| (sampler, 0.0));
        let with_eta = [Sampler::Ddim, Sampler::Tcd].map(|one| [(one, 0.3), (one, 1.0)]);
        for (sampler, eta) in runs.chain(with_eta.into_iter().flatten()) {
            for steps in [1, 2, 5, 20, 50] {
                let options = SamplerOptions { eta: Some(eta), ..SamplerOptions::default() };
                let plan = &sampler.plan_with(&schedule, steps, options).expect("a plan");
                let (seen, corrected, schedule) = (Vec::new(), Vec::new(), &schedule);
                let by_hand = ByHand { sampler, schedule, plan, steps, eta, seen, corrected };
                response(plan, Some(by_hand), &format!("{sampler} {prediction} {steps}"));
                assert!(plan.history() <= 3, "{sampler}");
            }
        }
    }
}

/// The sum of |latents| after a run with the model `input · t / (t + 1)`, from the latents
/// 0, 1/768, …, 767/768 in a shape of (4, 3, 8, 8) whose last axis was the first, with noise of
/// seed 0. diffusers' own tests step from the scaled input instead of the latents.
fn run(plan: &Plan, from_input: bool) -> f64 {
    let mut generator = Torch::new(0);
    let mut state = State::default();
    let start = (0..768).map(|n| f64::from(n % 192 * 4 + n / 192) / 768.0 * plan.init_noise_sigma);
    let mut x: Vec<f64> = start.collect();
    for e in &plan.evaluations {
        let scaled = mix(&[(e.input_scale, &x)]);
        let answer = mix(&[(e.timestep / (e.timestep + 1.0), &scaled)]);
        let fresh = e.update.factor(Slot::Noise) != 0.0;
        let noise = if fresh { generator.randn(768) } else { vec![0.0; 768] };
        let noise: Vec<f64> = noise.into_iter().map(f64::from).collect();
        x = state.step(e, if from_input { &scaled } else { &x }, &answer, &noise);
    }
    x.iter().map(|x| x.abs()).sum()
}

#[test]
fn a_whole_run_gives_diffusers_sums() {
    let goldens = golden::json("samplers.json");
    for case in golden::list(&goldens, "loops") {
        let plan = sampler(case).plan(&schedule(&goldens, case), 10).expect("a plan");
        let (sum, theirs) = (run(&plan, false), golden::number(case, "sum"));
        assert!((sum - theirs).abs() <= 1e-4 * theirs.max(0.1), "{case}: {sum}");
    }
}

/// Karras' sigmas, or those of the timesteps.
fn named(karras: bool) -> Option<SigmaSchedule> {
    Some(if karras { SigmaSchedule::Karras } else { SigmaSchedule::Normal })
}

/// The sums that stand in diffusers' own tests, where nothing is clipped.
#[test]
fn published_sums_are_met() {
    let linear = golden::json("samplers.json")["configs"]["linear"].clone();
    let schedule = read(&linear).expect("a valid config");
    let published = [
        (Sampler::Euler, false, 10.0807),
        (Sampler::Euler, true, 124.522_994_995_117_19),
        (Sampler::EulerAncestral, false, 152.3192),
        (Sampler::Lms, false, 1006.388),
        (Sampler::Lms, true, 3812.9927),
        (Sampler::Heun, false, 0.1233),
    ];
    for (sampler, karras, theirs) in published {
        let options = SamplerOptions { sigmas: named(karras), ..SamplerOptions::default() };
        let plan = sampler.plan_with(&schedule, 10, options).expect("a plan");
        let sum = run(&plan, true);
        let tolerance = if theirs > 1.0 { 1e-5 * theirs } else { 1e-3 };
        println!("{sampler} karras {karras}: {sum} against {theirs}");
        assert!((sum - theirs).abs() <= tolerance.max(1e-3), "{sampler} {karras}: {sum}");
    }
}

/// The means that stand in diffusers' own tests of the two that step in ln σ, under those tests'
/// configs: linear betas, `final_sigmas_type="sigma_min"`; of DPM++ without `lower_order_final`.
/// They hold there to 1e-3. The sums are what diffusers 0.42.1 makes of the same.
#[test]
fn published_means_are_met() {
    let linear = json!({"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"});
    let published = [
        (Sampler::UniPc, "epsilon", false, 0.2464, 189.2318),
        (Sampler::UniPc, "epsilon", true, 0.2925, 224.6267),
        (Sampler::UniPc, "v_prediction", false, 0.1014, 77.8725),
        (Sampler::UniPc, "v_prediction", true, 0.1966, 150.6873),
        (Sampler::Dpmpp2m, "epsilon", false, 0.3301, 253.5514),
        (Sampler::Dpmpp2m, "v_prediction", false, 0.2251, 172.8740),
    ];
    for (sampler, prediction, karras, mean, theirs) in published {
        let mut config = linear.clone();
        config["prediction_type"] = prediction.into();
        config["lower_order_final"] = (sampler == Sampler::UniPc).into();
        let schedule = read(&config).expect("a valid config");
        let options = SamplerOptions {
            sigmas: named(karras),
            ends_at_sigma_min: true,
            ..SamplerOptions::default()
        };
        let plan = sampler.plan_with(&schedule, 10, options).expect("a plan");
        let sum = run(&plan, false);
        let what = format!("{sampler} {prediction} karras {karras}: {sum} against {theirs}");
        println!("{what}");
        assert!((sum / 768.0 - mean).abs() <= 1e-3 && (sum - theirs).abs() <= 1e-2, "{what}");
    }
}

/// With the true noise as answer every sampler that adds none walks the straight line to x₀.
#[test]
fn the_true_noise_leads_home() {
    let config = json!({"steps_offset": 1, "skip_prk_steps": true, "set_alpha_to_one": true});
    let schedule = read(&config).expect("valid");
    let (x0, eps) = (0.7, -1.3);
    for (sampler, steps) in Sampler::ALL.into_iter().flat_map(|s| [(s, 3), (s, 20), (s, 50)]) {
        let plan = sampler.plan(&schedule, steps).expect("a plan");
        let first = &plan.evaluations[0];
        let alpha = f64::from(schedule.alphas_cumprod()[first.timestep as usize]);
        let noisy = match first.input_scale {
            1.0 => alpha.sqrt() * x0 + (1.0 - alpha).sqrt() * eps,
            _ => x0 + plan.init_noise_sigma * eps,
        };
        let mut state = State::default();
        let path = plan.evaluations.iter();
        let end = path.fold(vec![noisy], |x, e| state.step(e, &x, &vec![eps], &vec![0.0]));
        let random = plan.evaluations.iter().any(|e| e.update.factor(Slot::Noise) != 0.0);
        if sampler == Sampler::Deis {
            // It ends at the smallest σ of training.
            let alpha = f64::from(schedule.alphas_cumprod()[0]);
            let known = alpha.sqrt() * x0 + (1.0 - alpha).sqrt() * eps;
            assert!((end[0] - known).abs() < 1e-6, "{sampler} {steps}: {end:?}");
            continue;
        }
        // Latent consistency keeps a trace of its latents at every step.
        let far = (end[0] - x0).abs() >= if sampler == Sampler::Lcm { 1e-4 } else { 1e-6 };
        assert!(random || !far, "{sampler} {steps}: {end:?}");
    }
}

#[test]
fn what_no_sampler_can_do_is_refused() {
    let schedule = read(&json!({"steps_offset": 1, "skip_prk_steps": true})).expect("valid");
    let options =
        |eta, sigmas| SamplerOptions { eta: Some(eta), sigmas, ..SamplerOptions::default() };
    let refused = |sampler: Sampler, schedule: &Schedule, steps, eta, sigmas| match sampler
        .plan_with(schedule, steps, options(eta, sigmas))
    {
        Err(Error::Request { field, .. }) => field,
        other => panic!("{sampler}, {steps}: {other:?}"),
    };
    for sampler in Sampler::ALL {
        for eta in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(refused(sampler, &schedule, 5, eta, None), "eta");
        }
        if !sampler.abilities().eta {
            assert_eq!(refused(sampler, &schedule, 5, 0.5, None), "eta");
        }
        for sigmas in SigmaSchedule::ALL {
            if !sampler.abilities().sigmas && sigmas != SigmaSchedule::Normal {
                assert_eq!(refused(sampler, &schedule, 5, 0.0, Some(sigmas)), "sigmas");
            }
        }
    }
    // diffusers divides by zero where two times are equal.
    for sampler in [Sampler::Dpmpp2m, Sampler::Dpmpp2mSde, Sampler::UniPc] {
        for spacing in [Spacing::Leading, Spacing::Linspace] {
            let schedule = schedule.clone().with_spacing(spacing);
            assert_eq!(refused(sampler, &schedule, 1000, 0.0, None), "number of steps");
        }
    }
    for sampler in [Sampler::Lcm, Sampler::Tcd] {
        assert_eq!(refused(sampler, &schedule, 51, 0.0, None), "number of steps");
    }
    let with_start = read(&json!({"steps_offset": 1})).expect("valid");
    let second_order = read(&json!({"lower_order_final": false})).expect("valid");
    assert_eq!(refused(Sampler::UniPc, &second_order, 5, 0.0, None), "sampler");
    assert_eq!(refused(Sampler::Pndm, &with_start, 5, 0.0, None), "sampler");
    assert_eq!(with_start.prediction(), Prediction::Epsilon);
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
        [(Slot::Latents, 1.0), (Slot::Prediction, 0.0), (Slot::Past(2), 2.0), (Slot::Past(2), 0.5)];
    let sum = Combination::new(&terms);
    assert_eq!(sum.terms(), [(Slot::Latents, 1.0), (Slot::Past(2), 2.5)]);
    assert_eq!((sum.factor(Slot::Past(2)), sum.factor(Slot::Noise)), (2.5, 0.0));
    assert_eq!(sum.identity(), None);
    assert_eq!(Combination::new(&[(Slot::Prediction, 1.0)]).identity(), Some(Slot::Prediction));
    let evaluation = Evaluation {
        step: 1,
        timestep: 0.0,
        input_scale: 1.0,
        level: NoiseLevel { signal: 0.6, noise: 0.8 },
        update: sum,
        remember: None,
        save: Some(Combination::new(&[(Slot::Past(3), 1.0)])),
        kind: EvaluationKind::EXACT,
        put_back: None,
        controls: u32::MAX,
        texts: 0,
    };
    let evaluations = vec![evaluation];
    let plan = Plan { init_noise_sigma: 1.0, init_signal: 0.0, evaluations };
    assert_eq!((plan.history(), plan.steps()), (3, 1));
}
