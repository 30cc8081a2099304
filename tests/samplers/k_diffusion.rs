//! Plans against k-diffusion, where diffusers has not the sampler or the schedule of σ: the latents
//! of a whole run, whose answers and noises are unit vectors. `scripts/golden/k_diffusion.py` wrote
//! what it gives, and says which oracle each has.

use super::{State, assert_near, numbers, sampler, schedule};
use crate::harness::golden;
use darkroom::diffusion::{SamplerOptions, SigmaSchedule};
use serde_json::Value;

fn sigmas(case: &Value) -> SigmaSchedule {
    golden::text(case, "sigmas").parse().expect("a schedule of sigmas")
}

/// A row of a run, whose zeros at the end are not kept.
fn assert_row(what: &str, ours: &[f64], theirs: &Value) {
    let theirs = numbers(theirs);
    assert!(theirs.len() <= ours.len(), "{what}");
    for (place, ours) in ours.iter().enumerate() {
        let theirs = theirs.get(place).copied().unwrap_or(0.0);
        assert_near(&format!("{what}, place {place}"), *ours, theirs, 1e-6);
    }
}

#[test]
fn whole_runs_are_k_diffusions() {
    let goldens = golden::json("k_diffusion.json");
    for case in golden::list(&goldens, "runs") {
        let steps = golden::number(case, "steps") as usize;
        let left_out = golden::number(case, "left_out") as usize;
        let options = SamplerOptions {
            sigmas: Some(sigmas(case)),
            left_out: (left_out > 0).then_some(left_out),
            ..SamplerOptions::default()
        };
        let what = format!("{} {} {} {steps}", case["sampler"], case["config"], case["sigmas"]);
        let plan = sampler(case).plan_with(&schedule(&goldens, case), steps, options);
        let plan = plan.expect("a plan");
        let (times, seen) = (numbers(&case["times"]), golden::list(case, "seen"));
        let count = plan.evaluations.len();
        assert_eq!(count, times.len(), "{what}");
        let unit = |place: usize| {
            let mut vector = vec![0.0; 1 + 2 * count];
            vector[place] = 1.0;
            vector
        };
        let mut state = State::default();
        let mut x = unit(0);
        for (index, e) in plan.evaluations.iter().enumerate() {
            let what = format!("{what}, evaluation {index}");
            // A logarithm of float32 stands behind times between those of training.
            assert!((e.timestep - times[index]).abs() <= 2e-3, "{what}: time {}", e.timestep);
            if let Some(theirs) = seen.get(index) {
                assert_row(&what, &x, theirs);
            }
            x = state.step(e, &x, &unit(2 * index + 1), &unit(2 * index + 2));
        }
        assert_row(&format!("{what}, at the end"), &x, &case["end"]);
    }
}

/// The levels that the plan of Euler's method goes through.
#[test]
fn schedules_are_as_their_programs_have_them() {
    let goldens = golden::json("k_diffusion.json");
    for case in golden::list(&goldens, "levels") {
        let steps = golden::number(case, "steps") as usize;
        let options = SamplerOptions { sigmas: Some(sigmas(case)), ..SamplerOptions::default() };
        let config = serde_json::json!({"config": "v1.4", "sampler": "euler"});
        let plan = sampler(&config).plan_with(&schedule(&goldens, &config), steps, options);
        let plan = plan.expect("a plan");
        let theirs = numbers(&case["levels"]);
        assert_eq!(theirs.len(), steps + 1);
        for (e, theirs) in plan.evaluations.iter().zip(&theirs) {
            let what = format!("{} {steps}", case["sigmas"]);
            assert_near(&what, e.level.noise, *theirs, 1e-6);
        }
    }
}
