//! Schedules against torch's tables, and every way in which a config can be wrong.

use darkroom::Error;
use darkroom::diffusion::{Prediction, Sampler, Schedule, Spacing};
use serde_json::{Value, json};

use crate::harness::golden;

/// The schedule of a config.
pub(crate) fn read(config: &Value) -> darkroom::Result<Schedule> {
    Schedule::from_json("scheduler_config.json", config.to_string().as_bytes())
}

fn assert_table(what: &str, ours: &[f32], theirs: &Value) {
    for entry in golden::list(theirs, "some") {
        let place = entry[0].as_u64().expect("a place") as usize;
        let bits = entry[1].as_u64().expect("bits") as u32;
        assert!(
            ours[place].to_bits() == bits,
            "{what}[{place}]: {} against {}",
            ours[place],
            f32::from_bits(bits)
        );
    }
    let all = golden::fnv(ours.iter().map(|number| number.to_bits()));
    assert_eq!(all, golden::text(theirs, "fnv"), "{what}: not bit for bit");
}

#[test]
fn tables_are_torchs() {
    for case in golden::list(&golden::json("schedule.json"), "cases") {
        let config = &case["config"];
        let schedule = read(config).expect("a valid config");
        assert_table(&format!("betas of {config}"), schedule.betas(), &case["betas"]);
        let alphas = schedule.alphas_cumprod();
        assert_table(&format!("alphas of {config}"), alphas, &case["alphas_cumprod"]);
        assert_table(&format!("sigmas of {config}"), &schedule.sigmas(), &case["sigmas"]);
        assert!(golden::number(&case["sigmas"], "ulps_of_torch") <= 1.0, "{config}");
    }
}

#[test]
fn fields_are_understood() {
    let schedule = read(&json!({})).expect("an empty config is diffusers' default");
    assert_eq!(
        (schedule.num_train_timesteps(), schedule.prediction()),
        (1000, Prediction::Epsilon)
    );
    let schedule = read(&json!({"prediction_type": "v_prediction", "sigma_min": null}));
    assert_eq!(schedule.expect("valid").prediction(), Prediction::V);
    // What another class left behind and changes nothing here.
    read(&json!({"skip_prk_steps": true, "clip_sample": true, "solver_order": 2, "lower": {}}))
        .expect("skipped");
}

#[test]
fn refusals_name_the_field() {
    let cases = [
        json!({"beta_schedule": "squaredcos_cap_v2"}),
        json!({"beta_schedule": 3}),
        json!({"beta_start": "0.1"}),
        json!({"beta_start": -0.1}),
        json!({"beta_end": 1.5}),
        json!({"num_train_timesteps": 0}),
        json!({"num_train_timesteps": 1e9}),
        json!({"num_train_timesteps": -5}),
        json!({"trained_betas": [0.1, 0.2]}),
        json!({"trained_betas": "all"}),
        json!({"prediction_type": "sample"}),
        json!({"timestep_spacing": "log"}),
        json!({"steps_offset": 1.5}),
        json!({"steps_offset": 1001}),
        json!({"set_alpha_to_one": 1}),
        json!({"thresholding": true}),
        json!({"rescale_betas_zero_snr": "yes"}),
        json!({"use_karras_sigmas": "yes"}),
        json!({"use_beta_sigmas": 1}),
        json!({"skip_prk_steps": 1}),
        json!({"interpolation_type": "log_linear"}),
        json!({"final_sigmas_type": "sigma_min"}),
        json!({"sigma_max": 14.6}),
        json!({"original_inference_steps": 0}),
        json!({"original_inference_steps": 1001}),
        json!({"original_inference_steps": "fifty"}),
        json!({"timestep_scaling": 0}),
        json!({"timestep_scaling": "ten"}),
        json!({"_class_name": "FlowMatchEulerDiscreteScheduler"}),
        json!({"_class_name": "EDMDPMSolverMultistepScheduler"}),
    ];
    for config in cases {
        let named = config.as_object().and_then(|fields| fields.keys().next()).expect("a field");
        match read(&config) {
            Err(Error::Config { field, .. }) => assert_eq!(&field, named),
            other => panic!("{config}: {other:?}"),
        }
    }
    for bytes in ["", "[]", "null", "{\"beta_start\": 1e999}", "{\"a\": ", "\u{0}"] {
        let read = Schedule::from_json("s.json", bytes.as_bytes());
        assert!(matches!(read, Err(Error::BadFile { .. })), "{bytes}: {read:?}");
    }
}

#[test]
fn steps_out_of_range_are_refused() {
    let schedule = read(&json!({"steps_offset": 1, "skip_prk_steps": true})).expect("valid");
    for sampler in Sampler::ALL {
        for steps in [0, 1001, 10_000, usize::MAX] {
            let plan = sampler.plan(&schedule, steps);
            assert!(matches!(plan, Err(Error::Request { .. })), "{sampler}, {steps}: {plan:?}");
        }
        // With every spacing each number of steps gives that many evaluations, or an error.
        for spacing in [Spacing::Leading, Spacing::Linspace, Spacing::Trailing] {
            let schedule = schedule.clone().with_spacing(spacing);
            for steps in 1..=1000 {
                let Ok(plan) = sampler.plan(&schedule, steps) else {
                    let beyond = (spacing, steps) == (Spacing::Leading, 1000);
                    let known = match sampler {
                        Sampler::Ddim | Sampler::Ddpm | Sampler::Pndm | Sampler::Lms => beyond,
                        Sampler::DpmppSde | Sampler::Dpmpp3mSde => beyond,
                        // Their leading times are counted from one more step.
                        Sampler::Dpmpp2m | Sampler::Dpmpp2mSde | Sampler::UniPc | Sampler::Deis => {
                            steps == 1000 || (spacing, steps) == (Spacing::Leading, 999)
                        }
                        Sampler::Lcm | Sampler::Tcd => steps > 50,
                        _ => false,
                    };
                    assert!(known, "{sampler}, {spacing:?}, {steps}");
                    continue;
                };
                assert_eq!(plan.steps(), steps, "{sampler}, {spacing:?}");
                let times = plan.evaluations.iter().map(|evaluation| evaluation.timestep);
                // Some samplers visit a time twice.
                // What lies between two steps is here the second of their levels, found in ln σ.
                let ancestral = [Sampler::Dpm2Ancestral, Sampler::Dpmpp2sAncestral];
                let slack = if ancestral.contains(&sampler) { 0.5 } else { 0.0 };
                assert!(
                    times.is_sorted_by(|a, b| a + slack >= *b),
                    "{sampler}, {spacing:?}, {steps}"
                );
            }
        }
    }
}
