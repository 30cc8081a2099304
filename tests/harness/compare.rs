//! An op's output against its definition: how far off, and where.

use super::gpu::{self, Device};
use super::random::Random;
use super::{Array, shapes};
use darkroom::gpu::Gpu;
use darkroom::tensor::Tensor;
use darkroom::{Precision, WeightType};
use pollster::block_on;
use std::collections::BTreeMap;
use std::fmt;

/// The largest normalised mean squared error, Σ(a−b)²/Σb², that an op may have. It belongs to the
/// op, never to a shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    /// With f32 activations.
    pub f32: f64,
    /// With f16 activations: the output is rounded to 11 bits, which alone is about 4e-8.
    pub f16: f64,
}

/// One op at one size.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    op: &'static str,
    size: String,
    /// How its activations are stored.
    pub precision: Precision,
    weights: Option<WeightType>,
    device: Device,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, {}", self.op, self.size, self.kind())
    }
}

impl Case {
    /// The op, what distinguishes this call of it, and how its activations are stored.
    pub(crate) fn new(op: &'static str, size: impl Into<String>, precision: Precision) -> Case {
        Case { op, size: size.into(), precision, weights: None, device: Device::Plain }
    }

    /// The same with weights of this type.
    pub(crate) fn with(self, weights: WeightType) -> Case {
        Case { weights: Some(weights), ..self }
    }

    /// The same on another device.
    pub(crate) fn on(self, device: Device) -> Case {
        Case { device, ..self }
    }

    fn kind(&self) -> String {
        let weights = self.weights.map(|w| format!(", {w:?} weights").to_lowercase());
        let device = match self.device {
            Device::Plain => "",
            Device::Hardware => ", tiles of a real GPU",
            Device::Roomy => ", tiles of a real GPU, 32 KiB",
            Device::Direct => ", read directly",
            Device::Wide => ", wide tiles",
            Device::Narrow => ", in bands",
            Device::Units => ", on matrix units",
            Device::NarrowHardware => ", in bands, tiles of a real GPU",
        };
        let activations = format!("{:?} activations", self.precision).to_lowercase();
        activations + &weights.unwrap_or_default() + device
    }

    /// The numbers called `what`, of this case only.
    pub(crate) fn random(&self, what: &str) -> Random {
        Random::new(&format!("{} {} {what}", self.op, self.size))
    }

    /// Activations: mean 0, variance 1.
    pub(crate) fn activations<const N: usize>(&self, what: &str, shape: [usize; N]) -> Array {
        self.parameters(what, shape).stored(self.precision)
    }

    /// f32 parameters (a bias, a scale): mean 0, variance 1.
    pub(crate) fn parameters<const N: usize>(&self, what: &str, shape: [usize; N]) -> Array {
        let random = self.random(what);
        Array::from_fn(shape, |i| random.normal(i))
    }

    /// Weights `[n, k]`, of such a size that a product with activations has variance 1.
    pub(crate) fn weights(&self, n: usize, k: usize) -> Array {
        let (random, scale) = (self.random("weights"), 1.0 / (k as f32).sqrt());
        let weights = self.weights.expect("a case with weights says so");
        Array::from_fn([n, k], |i| random.normal(i) * scale).weighted(weights)
    }

    /// Runs the op; its output's buffer is full of NaN before.
    pub(crate) fn run(
        &self,
        job: impl FnOnce(&Gpu) -> Tensor + Send + 'static,
        shape: &[usize],
    ) -> Vec<f32> {
        let (precision, shape) = (self.precision, shape.to_vec());
        gpu::run(self.device, move |gpu| {
            poison(gpu, &shape, precision);
            let output = job(gpu);
            assert_eq!(output.shape().dims(), shape, "the output's shape");
            assert_eq!(output.precision(), precision, "the output's precision");
            block_on(output.to_f32()).unwrap_or_else(|fault| panic!("{fault}"))
        })
    }
}

/// Leaves buffers full of NaN for the next tensors of this shape: what an op does not write, or
/// reads without owning it, shows.
fn poison(gpu: &Gpu, shape: &[usize], precision: Precision) {
    let elements: usize = shape.iter().product();
    if elements <= 1 << 16 {
        let nans = vec![f32::NAN; elements];
        let _held: Vec<_> =
            (0..6).map(|_| Tensor::from_f32(gpu, &nans, shape, precision)).collect();
        gpu.submit();
    }
}

/// What the definition says, at every place of the output or at a sample of them.
pub(crate) struct Want {
    shape: Vec<usize>,
    places: Vec<usize>,
    values: Vec<f64>,
}

impl Want {
    /// At every place.
    pub(crate) fn every<const N: usize>(
        shape: [usize; N],
        definition: impl FnMut([usize; N]) -> f64,
    ) -> Want {
        Want::at_places(shape, (0..shape.iter().product()).collect(), definition)
    }

    /// At the corners, at the edges of tiles, and anywhere: at least 256 places, or all.
    pub(crate) fn sampled<const N: usize>(
        case: &Case,
        shape: [usize; N],
        definition: impl FnMut([usize; N]) -> f64,
    ) -> Want {
        Want::at_places(shape, shapes::sample(&case.random("places"), &shape, 320), definition)
    }

    fn at_places<const N: usize>(
        shape: [usize; N],
        places: Vec<usize>,
        mut definition: impl FnMut([usize; N]) -> f64,
    ) -> Want {
        let values = places.iter().map(|&place| definition(coordinates(place, shape))).collect();
        Want { shape: shape.to_vec(), places, values }
    }

    /// The errors of `got`, or a report of what is wrong.
    pub(crate) fn compare(&self, got: &[f32], tolerance: f64) -> Result<Errors, String> {
        if got.len() != self.shape.iter().product::<usize>() {
            return Err(format!("{} values for shape {:?}", got.len(), self.shape));
        }
        let pairs =
            || self.places.iter().zip(&self.values).map(|(&p, &w)| (p, w, f64::from(got[p])));
        let power: f64 = self.values.iter().map(|w| w * w).sum();
        let noise: f64 = pairs().map(|(_, w, g)| (g - w) * (g - w)).sum();
        let max_abs = pairs().map(|(_, w, g)| (g - w).abs()).fold(0.0, f64::max);
        let nmse = if power > 0.0 { noise / power } else { noise };

        // One wrong value among a million does not move the mean: each has a bound of its own.
        let rms = (power / self.values.len() as f64).sqrt();
        let bound = |want: f64| 16.0 * tolerance.sqrt() * (rms + want.abs());
        let wrong = |&(_, w, g): &(usize, f64, f64)| {
            let error = (g - w).abs();
            error.is_nan() || error > bound(w).max(f64::MIN_POSITIVE)
        };
        let count = pairs().filter(wrong).count();
        if nmse <= tolerance && count == 0 {
            return Ok(Errors { nmse, max_abs });
        }
        let mut report = format!(
            "NMSE {nmse:.2e} where {tolerance:.0e} is allowed, largest difference {max_abs:.2e}, \
             {count} of {} values out of bounds; the first:",
            self.values.len()
        );
        let mut worst: Vec<_> = pairs().filter(wrong).take(5).collect();
        if worst.is_empty() {
            worst = pairs().take(5).collect();
        }
        for (place, want, got) in worst {
            let place = shapes::coordinates(place, &self.shape);
            report += &format!("\n  at {place:?} got {got:.8e}, expected {want:.8e}");
        }
        Err(report)
    }
}

fn coordinates<const N: usize>(place: usize, shape: [usize; N]) -> [usize; N] {
    shapes::coordinates(place, &shape).try_into().expect("as many coordinates as dimensions")
}

/// How far an output is from its definition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Errors {
    pub nmse: f64,
    pub max_abs: f64,
}

/// A series of cases of one op; says at its end how close they came.
pub(crate) struct Proof {
    op: &'static str,
    tolerance: Tolerance,
    worst: BTreeMap<String, (usize, Errors, String)>,
}

impl Proof {
    pub(crate) fn new(op: &'static str, tolerance: Tolerance) -> Proof {
        Proof { op, tolerance, worst: BTreeMap::new() }
    }

    /// A case of the op.
    pub(crate) fn case(&self, size: impl Into<String>, precision: Precision) -> Case {
        Case::new(self.op, size, precision)
    }

    /// Runs `job` and compares.
    ///
    /// # Panics
    /// When the output is not what the definition says.
    pub(crate) fn check(
        &mut self,
        case: &Case,
        want: Want,
        job: impl FnOnce(&Gpu) -> Tensor + Send + 'static,
    ) {
        let got = case.run(job, &want.shape);
        let tolerance = match case.precision {
            Precision::F32 => self.tolerance.f32,
            Precision::F16 => self.tolerance.f16,
        };
        match want.compare(&got, tolerance) {
            Ok(errors) => self.note(case, errors),
            Err(report) => panic!("{case}: {report}"),
        }
    }

    fn note(&mut self, case: &Case, errors: Errors) {
        let entry = self.worst.entry(case.kind()).or_insert((0, errors, case.size.clone()));
        entry.0 += 1;
        if errors.nmse > entry.1.nmse {
            (entry.1, entry.2) = (errors, case.size.clone());
        }
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        for (kind, (cases, Errors { nmse, max_abs }, size)) in &self.worst {
            println!(
                "{}, {kind}: {cases} cases, worst NMSE {nmse:.1e}, max abs {max_abs:.1e}, {size}",
                self.op
            );
        }
    }
}
