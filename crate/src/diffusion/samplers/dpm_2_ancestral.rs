//! DPM-Solver-2 with ancestral noise, as in k-diffusion's `sample_dpm_2_ancestral`; diffusers:
//! `KDPM2AncestralDiscreteScheduler`.
//!
//! ```text
//! σₘ = √(σ·down)                       down and up as in [`super::euler_ancestral`]
//! x̃  = x + (σₘ − σ)·d(x, σ)
//! x' = x + (down − σ)·d(x̃, σₘ) + up·noise
//! ```
//!
//! A step that ends at σ' = 0 is one of Euler's method.

pub(super) use super::dpm_2::plan_ancestral as plan;
