//! The values that diffusers' own tests expect of v1.4's published weights.
//!
//! diffusers: `tests/pipelines/stable_diffusion/test_stable_diffusion.py` at commit 58eb52c080,
//! `test_stable_diffusion_1_4_pndm` and `_ddim`, `_lms`, `_dpm` beside it. All ask for the same
//! picture of 512×512 in three steps, from latents of `numpy.random.RandomState(0)`, and keep
//! `image[0, -3:, -3:, -1]`: the blue of the last three rows and columns.

use crate::pipeline::Request;

/// One of these tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The sampler, as in [`Request::sampler`].
    pub sampler: &'static str,
    /// `final_sigmas_type="sigma_min"`
    pub ends_at_sigma_min: bool,
    /// The expected values of the picture, 0 to 1, row by row.
    pub expected: [f32; 9],
    /// The largest difference that the test allows.
    pub tolerance: f32,
}

/// All of them, the strictest first.
pub const PUBLISHED: [Published; 4] = [
    Published {
        sampler: "ddim",
        ends_at_sigma_min: false,
        expected: [0.38019, 0.28647, 0.27321, 0.40377, 0.38290, 0.35446, 0.39218, 0.38165, 0.42239],
        tolerance: 1e-4,
    },
    Published {
        sampler: "pndm",
        ends_at_sigma_min: false,
        expected: [0.5740, 0.4784, 0.3162, 0.6358, 0.5831, 0.5505, 0.5082, 0.5631, 0.5575],
        tolerance: 3e-3,
    },
    Published {
        sampler: "lms",
        ends_at_sigma_min: false,
        expected: [0.10542, 0.09620, 0.07332, 0.09015, 0.09382, 0.07597, 0.08496, 0.07806, 0.06455],
        tolerance: 3e-3,
    },
    Published {
        sampler: "dpmpp_2m",
        ends_at_sigma_min: true,
        expected: [0.03503, 0.03494, 0.01087, 0.03128, 0.02552, 0.00803, 0.00742, 0.00372, 0.00000],
        tolerance: 3e-3,
    },
];

impl Published {
    /// The request, at the model's own size, as in these tests of v1.4.
    pub fn request(&self) -> Request {
        Request {
            prompt: "a photograph of an astronaut riding a horse".into(),
            sampler: self.sampler.into(),
            steps: 3,
            guidance_scale: 7.5,
            seed: 0,
            rng: "numpy".into(),
            ..Request::default()
        }
    }
}
