//! Tensors larger than a binding may be: the op runs in row bands, with the same result to the bit
//! as on a device that binds them whole (where the other proofs hold it against its definition).

use crate::harness::epilogue::Ends;
use crate::harness::gpu::{Device, NARROW, run};
use crate::harness::{Case, FEWER_IN_F16, PRECISIONS, WEIGHTS};
use darkroom::gpu::Gpu;
use darkroom::ops::{Activation, Epilogue, Window};
use darkroom::tensor::Tensor;
use darkroom::{Precision, WeightType};
use pollster::block_on;

/// Runs `job` on both devices and compares its bits and its dispatches.
fn same_in_bands<T: PartialEq + Send + 'static>(
    case: &Case,
    job: impl Fn(&Gpu) -> Vec<T> + Clone + Send + 'static,
) {
    same_on(case, [Device::Plain, Device::Narrow], job);
}

/// The same on two devices, of which the second needs bands.
fn same_on<T: PartialEq + Send + 'static>(
    case: &Case,
    [wide, narrow]: [Device; 2],
    job: impl Fn(&Gpu) -> Vec<T> + Clone + Send + 'static,
) {
    let on = |device| {
        let job = job.clone();
        run(device, move |gpu| {
            gpu.reset_stats();
            let output = job(gpu);
            (output, gpu.stats().dispatches)
        })
    };
    let ((whole, one), (bands, many)) = (on(wide), on(narrow));
    assert!(many > one, "{case}: {many} dispatches in bands, {one} without");
    assert_eq!(whole.len(), bands.len(), "{case}");
    let wrong = (0..whole.len()).find(|&i| whole[i] != bands[i]);
    assert!(wrong.is_none(), "{case}: value {} of {} differs", wrong.unwrap(), whole.len());
}

fn read(tensor: &Tensor) -> Vec<u32> {
    let values = block_on(tensor.to_f32()).unwrap_or_else(|fault| panic!("{fault}"));
    values.into_iter().map(f32::to_bits).collect()
}

/// A tensor of odd sizes that needs several bands, in f16 too; two pictures.
const IMAGE: [usize; 4] = [2, 131, 91, 28];

fn case(op: &'static str, size: &str, precision: Precision) -> Case {
    assert!((IMAGE.iter().product::<usize>() * precision.bytes()) as u64 > NARROW);
    Case::new(op, format!("{IMAGE:?} {size}"), precision)
}

#[test]
fn of_pointwise_ops() {
    for precision in PRECISIONS {
        let case = case("pointwise", "", precision);
        let (a, b) = (case.activations("a", IMAGE), case.activations("b", IMAGE));
        let (x, y) = (a.clone(), b.clone());
        same_in_bands(&case, move |gpu| read(&x.on(gpu).add(&y.on(gpu))));
        let (x, y) = (a.clone(), b);
        same_in_bands(&case, move |gpu| read(&x.on(gpu).concat(&y.on(gpu))));
        let x = a.clone();
        same_in_bands(&case, move |gpu| read(&x.on(gpu).activate(Activation::Silu)));
    }
}

#[test]
fn of_norms() {
    for precision in PRECISIONS {
        let case = case("norms", "", precision);
        let (gamma, beta) = (case.parameters("gamma", [28]), case.parameters("beta", [28]));
        let x = case.activations("x", IMAGE);
        let (a, g, b) = (x.clone(), gamma.clone(), beta.clone());
        same_in_bands(&case, move |gpu| read(&a.on(gpu).layer_norm(&g.on(gpu), &b.on(gpu), 1e-5)));
        for devices in [[Device::Plain, Device::Narrow], [Device::Hardware, Device::NarrowHardware]]
        {
            let (x, gamma, beta) = (x.clone(), gamma.clone(), beta.clone());
            same_on(&case, devices, move |gpu| {
                let (gamma, beta) = (gamma.on(gpu), beta.on(gpu));
                read(&x.on(gpu).group_norm(4, &gamma, &beta, 1e-5, Activation::Silu))
            });
        }
    }
}

#[test]
fn of_resize() {
    for precision in PRECISIONS {
        for [height, width] in [[262, 182], [261, 183], [70, 300], [300, 40]] {
            let case = case("resize", &format!("→ {height}×{width}"), precision);
            let x = case.activations("x", IMAGE);
            same_in_bands(&case, move |gpu| read(&x.on(gpu).resize(height, width)));
        }
    }
}

#[test]
fn of_matmul() {
    for precision in PRECISIONS {
        for (n, weights) in [(4, WeightType::F32), (36, WeightType::F16)] {
            let case = case("matmul", &format!("→ {n}"), precision).with(weights);
            let x = case.activations("x", IMAGE);
            let w = case.weights(n, 28);
            let shape = [IMAGE[0], IMAGE[1], IMAGE[2], n];
            let ends = Ends::some(&case, shape, [true; 3], Activation::Silu);
            let of_gated = (x.clone(), case.weights(2 * n, 28));
            same_in_bands(&case, move |gpu| {
                let w = w.weight_on(gpu, weights);
                read(&ends.on(gpu, |ends| x.on(gpu).matmul(&w, ends)))
            });
            let (x, w) = of_gated;
            same_in_bands(&case, move |gpu| {
                let w = w.weight_on(gpu, weights);
                read(&x.on(gpu).matmul_gated(&w, None, Activation::Gelu))
            });
        }
    }
}

#[test]
fn of_conv2d() {
    let same = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    let windows = [
        same,
        Window { stride: 2, ..same },
        Window { stride: 2, padding: [0, 1], ..same },
        Window { resize: Some([262, 182]), ..same },
        Window { resize: Some([261, 183]), ..same },
        Window { resize: Some([60, 40]), ..same },
        Window { kernel: 1, padding: [0, 0], ..same },
    ];
    for (precision, step) in FEWER_IN_F16 {
        for (i, window) in windows.into_iter().enumerate().step_by(step) {
            let n = [20, 36, 4][i % 3];
            let case = case("conv2d", &format!("→ {n} by {window:?}"), precision);
            let case = case.with(WeightType::F16);
            let x = case.activations("x", IMAGE);
            let w = case.weights(n, window.kernel * window.kernel * 28);
            let [h, w_] = window.resize.unwrap_or([131, 91]).map(|length| window.output(length));
            let ends = Ends::some(&case, [2, h, w_, n], [true; 3], Activation::Silu);
            same_in_bands(&case, move |gpu| {
                let w = w.weight_on(gpu, WeightType::F16);
                read(&ends.on(gpu, |ends| x.on(gpu).conv2d(&w, window, ends)))
            });
        }
    }
}

/// The output alone is large, or the input alone.
#[test]
fn of_conv2d_on_one_side() {
    for (c, n) in [(4, 36), (36, 4)] {
        let case = Case::new("conv2d", format!("2×131×91×{c} → {n}"), Precision::F32);
        let case = case.with(WeightType::F32);
        let x = case.activations("x", [2, 131, 91, c]);
        let w = case.weights(n, 9 * c);
        same_in_bands(&case, move |gpu| {
            let w = w.weight_on(gpu, WeightType::F32);
            let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
            read(&x.on(gpu).conv2d(&w, window, Epilogue::default()))
        });
    }
}

#[test]
fn of_embedding() {
    for weights in WEIGHTS {
        let case = Case::new("embedding", "20011 rows of 36", Precision::F32).with(weights);
        let table = case.parameters("table", [20_011, 36]);
        let positions = case.parameters("positions", [77, 36]);
        let random = case.random("ids");
        let mut ids: Vec<u32> = (0..154).map(|i| random.below(i, 20_011) as u32).collect();
        (ids[0], ids[1]) = (0, 20_010);
        same_in_bands(&case, move |gpu| {
            let table = table.table_on(gpu, weights);
            read(&Tensor::embedding(&[&table], &ids, &positions.on(gpu), Precision::F32))
        });
    }
}

#[test]
fn of_to_rgba() {
    for precision in PRECISIONS {
        let case = Case::new("to_rgba", "391×397", precision);
        let x = case.activations("x", [1, 391, 397, 4]);
        same_in_bands(&case, move |gpu| {
            block_on(x.on(gpu).to_rgba()).unwrap_or_else(|fault| panic!("{fault}"))
        });
    }
}

/// Bands of the harness are bands: the sizes above are larger than the narrow device binds.
#[test]
fn the_narrow_device_refuses_what_it_must() {
    let elements = NARROW as usize / 4 + 4;
    let refused = std::panic::catch_unwind(|| {
        run(Device::Narrow, move |gpu| {
            let x = Tensor::from_f32(gpu, &vec![0.0; elements], [1, 1, elements], Precision::F32);
            // a row that is larger than a binding cannot be cut
            x.add(&x);
        })
    });
    let message = refused.expect_err("a binding beyond the limit is an error");
    let message = message.downcast_ref::<String>().expect("a text");
    assert!(message.contains("binding"), "{message}");
}

/// The sums of slices are larger than what is read and what is stored.
#[test]
fn of_products_in_slices() {
    let size = "24×16×1056 → 548, 4×9×8×128 → 548";
    let case = Case::new("matmul", size, Precision::F32).with(WeightType::Q8_0);
    let tokens = case.activations("tokens", [24, 16, 1056]);
    let image = case.activations("image", [4, 9, 8, 128]);
    let (linear, filter) = (case.weights(548, 1056), case.weights(548, 9 * 128));
    let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    let devices = [Device::Hardware, Device::NarrowHardware];
    same_on(&case, devices, move |gpu| {
        let linear = linear.weight_on(gpu, WeightType::Q8_0);
        read(&tokens.on(gpu).matmul(&linear, Epilogue::default()))
    });
    same_on(&case, devices, move |gpu| {
        let filter = filter.weight_on(gpu, WeightType::Q8_0);
        read(&image.on(gpu).conv2d(&filter, window, Epilogue::default()))
    });
}
