//! Every kernel in every specialisation, on no GPU at all: it parses, it validates, it stays within
//! what every WebGPU adapter has. The ops run on a dry device, whose recording tells their kernels.

use crate::harness::PRECISIONS;
use crate::harness::epilogue::{ACTIVATIONS, epilogues};
use darkroom::gpu::kernel::Kernel;
use darkroom::gpu::{AttentionTile, Gpu, Limits, MatrixTile, Tuning};
use darkroom::ops::{Activation, Epilogue, FiniteCheck, Mask, Term, TokenMerge, Window};
use darkroom::tensor::{Channels, Tensor};
use darkroom::weight::{Table, Weight};
use darkroom::{Precision, WeightType};
use naga::front::wgsl::{Frontend, Options};
use naga::proc::Layouter;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, ShaderStage, StorageAccess};
use pollster::block_on;
use std::collections::HashSet;
use std::rc::Rc;

/// WebGPU's default limits, and the most memory of a workgroup that is ever asked for.
const STORAGE_BUFFERS_MAX: usize = 8;
const WORKGROUP_BYTES: [u32; 2] = [16 << 10, 32 << 10];
const INVOCATIONS_MAX: u32 = 256;
/// A slot of parameters in the recording.
const PARAMS_BYTES_MAX: u32 = 256;

/// Everything that the ops record.
pub(crate) fn kernels() -> HashSet<Rc<Kernel>> {
    WORKGROUP_BYTES.into_iter().flat_map(kernels_within).collect()
}

/// Everything that the ops record where a workgroup may have so many bytes.
fn kernels_within(workgroup: u32) -> HashSet<Rc<Kernel>> {
    let gpu = Gpu::dry_within(Limits { workgroup, ..Limits::default() }, true);
    for precision in PRECISIONS {
        pointwise(&gpu, precision);
        norms_and_attention(&gpu, precision);
        for attention in [AttentionTile::Shared, AttentionTile::Units] {
            gpu.set_tuning(Tuning::of(MatrixTile::Shared, attention));
            norms_and_attention(&gpu, precision);
        }
        for weights in WeightType::ALL {
            for tile in MatrixTile::ALL {
                gpu.set_tuning(Tuning::of(tile, AttentionTile::Block));
                matrices(&gpu, precision, weights);
            }
        }
    }
    let software = Gpu::dry_software(true);
    for precision in PRECISIONS {
        norms_and_attention(&software, precision);
        for weights in WeightType::ALL {
            matrices(&software, precision, weights);
        }
    }
    let recorded = [&gpu, &software].map(|gpu| gpu.take_recording().dispatches);
    let recorded = recorded.into_iter().flatten().map(|dispatch| dispatch.kernel);
    block_on(gpu.finish()).expect("small tensors are within the limits");
    // Ops that read back have emptied the recording by the time they return.
    let of = |p| [Tensor::rgba_kernel(p), FiniteCheck::kernel(p)].map(Rc::new);
    let read_back = PRECISIONS.into_iter().flat_map(of);
    recorded.chain(read_back).collect()
}

fn pointwise(gpu: &Gpu, precision: Precision) {
    let image = Tensor::empty(gpu, [2, 4, 4, 8], precision);
    for activation in ACTIVATIONS {
        image.activate(activation);
    }
    image.add(&image);
    image.concat(&image);
    image.concat_freeu(&image, [1.3, 0.2]);
    Tensor::empty(gpu, [2, 4, 4, 8], Precision::F32).blend_kept(&image, &image);
    image.add_at_kept(&image.window_kept([1, 1], [2, 2]), [1, 1]);
    Tensor::empty(gpu, [2, 4, 4, 8], Precision::F32).rescaled(Term::new(1.0, &image), 0.5);
    image.resize(8, 8);
    image.average_pool();
    image.prelu(&Tensor::empty(gpu, [8], Precision::F32));
    let tokens = image.reshape([2, 16, 8]);
    let merge = TokenMerge::choose(&tokens, [4, 4], 6);
    merge.undo(&merge.merge(&tokens), &tokens);
    for other in PRECISIONS {
        let other = Tensor::empty(gpu, [2, 4, 4, 8], other);
        for terms in 1..=5 {
            let term = |i: usize| Term::new(1.0, if i.is_multiple_of(2) { &image } else { &other });
            let terms: Vec<Term<'_>> = (0..terms).map(term).collect();
            Tensor::combine(2, precision, &terms);
        }
    }
}

fn norms_and_attention(gpu: &Gpu, precision: Precision) {
    for c in [320, 640] {
        let image = Tensor::empty(gpu, [2, 8, 8, c], precision);
        let scale = Tensor::empty(gpu, [c], Precision::F32);
        image.layer_norm(&scale, &scale, 1e-5);
        for activation in [Activation::Identity, Activation::Silu] {
            image.group_norm(32, &scale, &scale, 1e-5, activation);
            let large = Tensor::empty(gpu, [1, 80, 80, c], precision);
            large.group_norm(32, &scale, &scale, 1e-5, activation);
        }
    }
    for (heads, width) in [(8, 40), (8, 80), (8, 160), (1, 512), (12, 64), (2, 4), (2, 32)] {
        let tokens = Tensor::empty(gpu, [1, 77, heads * width], precision);
        for mask in [Mask::None, Mask::Causal] {
            tokens.attention(&tokens, &tokens, heads, mask);
        }
    }
}

fn matrices(gpu: &Gpu, precision: Precision, weights: WeightType) {
    for n in [4, 8, 16, 32, 320, 520] {
        let image = Tensor::empty(gpu, [2, 8, 8, 32], precision);
        // Enough inputs for two slices.
        let wide = Tensor::empty(gpu, [2, 8, 8, 1024], precision);
        let (bias, shift) =
            (Tensor::empty(gpu, [n], Precision::F32), Tensor::empty(gpu, [2, n], precision));
        for ([has_bias, has_shift, has_residual], activation) in epilogues(Precision::F32) {
            let linear = Weight::empty(gpu, 32, n, weights);
            let residual = Tensor::empty(gpu, [2, 8, 8, n], precision);
            let ends = Epilogue {
                bias: has_bias.then_some(&bias),
                shift: has_shift.then_some(Channels::from(&shift)),
                activation,
                residual: has_residual.then_some(&residual),
                // Only there does it differ.
                activation_last: has_residual && n == 8,
            };
            image.matmul(&linear, ends);
            wide.matmul(&Weight::empty(gpu, 1024, n, weights), ends);
            if n > 4 {
                image.matmul_gated(&linear, ends.bias, activation);
            }
            let same = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
            image.conv2d(&Weight::empty(gpu, 9 * 32, n, weights), same, ends);
            wide.conv2d(&Weight::empty(gpu, 9 * 1024, n, weights), same, ends);
        }
        for (kernel, stride, resize) in [(3, 2, None), (3, 1, Some([16, 16])), (4, 4, None)] {
            let window = Window { kernel, stride, padding: [0, 1], resize };
            let weight = Weight::empty(gpu, kernel * kernel * 32, n, weights);
            image.conv2d(&weight, window, Epilogue::default());
        }
    }
    // So many outputs have wide workgroups where there is the memory for them.
    const MANY: usize = 16384;
    let image = Tensor::empty(gpu, [2, 8, 8, 32], precision);
    image.matmul(&Weight::empty(gpu, 32, MANY, weights), Epilogue::default());
    image.matmul_gated(&Weight::empty(gpu, 32, MANY, weights), None, Activation::Gelu);
    let same = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    image.conv2d(&Weight::empty(gpu, 9 * 32, MANY, weights), same, Epilogue::default());
    if weights.is_quantised() {
        return;
    }
    Weight::empty(gpu, 32, 64, weights).add_product(0..64, [&[0.0; 64], &[0.0; 32]]);
    let positions = Tensor::empty(gpu, [77, 32], Precision::F32);
    Tensor::embedding(&[&Table::empty(gpu, 100, 32, weights)], &[0; 154], &positions, precision);
}

/// What is wrong with a kernel: `wgsl` reads `inputs` storage buffers and writes one.
fn check(wgsl: &str, inputs: usize, f16: bool) -> Result<(), String> {
    check_within(WORKGROUP_BYTES[0], wgsl, inputs, [f16, false])
}

/// [`check`] where a workgroup may have so many bytes, and a kernel f16 and matrix units.
fn check_within(
    workgroup: u32,
    wgsl: &str,
    inputs: usize,
    [f16, matrix_units]: [bool; 2],
) -> Result<(), String> {
    // `unpack2x16float` is part of WebGPU without any feature
    let mut features = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    features.set(Capabilities::SHADER_FLOAT16, f16);
    features.set(Capabilities::COOPERATIVE_MATRIX, matrix_units);
    let options = Options { parse_doc_comments: false, capabilities: features };
    let module =
        Frontend::new_with_options(options).parse(wgsl).map_err(|e| e.emit_to_string(wgsl))?;
    Validator::new(ValidationFlags::all(), features)
        .validate(&module)
        .map_err(|e| e.emit_to_string(wgsl))?;

    let [entry] = &module.entry_points[..] else { return Err("not one entry point".into()) };
    if entry.name != "main" || entry.stage != ShaderStage::Compute {
        return Err(format!("the entry point is {:?} `{}`", entry.stage, entry.name));
    }
    let invocations: u32 = entry.workgroup_size.iter().product();
    if invocations > INVOCATIONS_MAX {
        return Err(format!("{invocations} invocations of {INVOCATIONS_MAX}"));
    }
    if matrix_units {
        lie_at_multiples_of_16_bytes(&module)?;
    }
    memory(&module, inputs, workgroup)
}

/// A card reads and writes matrices at multiples of 16 bytes and rounds other places down. Nothing
/// but the sizes of a workgroup's variables places the next one.
fn lie_at_multiples_of_16_bytes(module: &naga::Module) -> Result<(), String> {
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).map_err(|e| e.to_string())?;
    let shared = module.global_variables.iter().map(|(_, variable)| variable);
    for variable in shared.filter(|variable| variable.space == AddressSpace::WorkGroup) {
        let bytes = layouter[variable.ty].size;
        if bytes % 16 != 0 {
            return Err(format!("{:?} has {bytes} bytes, no multiple of 16", variable.name));
        }
    }
    Ok(())
}

/// The kernel's variables: the bindings in their order, the workgroup's memory.
fn memory(module: &naga::Module, inputs: usize, workgroup_max: u32) -> Result<(), String> {
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).map_err(|e| e.to_string())?;
    let mut bindings = vec![];
    let mut workgroup_bytes = 0;
    for (_, variable) in module.global_variables.iter() {
        let bytes = layouter[variable.ty].size;
        let name = variable.name.clone().unwrap_or_default();
        match variable.space {
            AddressSpace::WorkGroup => workgroup_bytes += bytes,
            AddressSpace::Private => return Err(format!("`{name}` is private to all functions")),
            space => {
                let at = variable.binding.as_ref().ok_or(format!("`{name}` has no binding"))?;
                bindings.push((at.group, at.binding as usize, space));
                if space == AddressSpace::Uniform && bytes > PARAMS_BYTES_MAX {
                    return Err(format!("{bytes} bytes of parameters of {PARAMS_BYTES_MAX}"));
                }
            }
        }
    }
    if workgroup_bytes > workgroup_max {
        return Err(format!("{workgroup_bytes} bytes of a workgroup of {workgroup_max}"));
    }
    bindings.sort_by_key(|&(group, binding, _)| (group, binding));
    let read = AddressSpace::Storage { access: StorageAccess::LOAD };
    let write = AddressSpace::Storage { access: StorageAccess::LOAD | StorageAccess::STORE };
    let mut expected = vec![(0, 0, AddressSpace::Uniform)];
    expected.extend((1..=inputs).map(|i| (0, i, read)));
    expected.push((0, inputs + 1, write));
    if bindings != expected {
        return Err(format!("bindings {bindings:?}, not {expected:?}"));
    }
    if inputs + 1 > STORAGE_BUFFERS_MAX {
        return Err(format!("{} storage buffers of {STORAGE_BUFFERS_MAX}", inputs + 1));
    }
    Ok(())
}

#[test]
fn every_specialisation_is_valid_and_small() {
    let [lean, roomy] = WORKGROUP_BYTES.map(kernels_within);
    for (bytes, kernel) in lean
        .iter()
        .map(|kernel| (WORKGROUP_BYTES[0], kernel))
        .chain(roomy.difference(&lean).map(|kernel| (WORKGROUP_BYTES[1], kernel)))
    {
        let (wgsl, units) = (kernel.wgsl(), kernel.needs_matrix_units());
        // A device with matrix units has the larger memory.
        let bytes = if units { WORKGROUP_BYTES[1] } else { bytes };
        let needs = [kernel.needs_f16(), units];
        if let Err(what) = check_within(bytes, &wgsl, kernel.inputs(), needs) {
            let prelude = wgsl.lines().next().unwrap_or_default();
            panic!("{}: {what}\nprelude: {prelude}", kernel.name());
        }
    }
    let kernels = kernels();
    println!("{} specialisations", kernels.len());
    write_for_tint(&kernels);
}

/// Leaves the texts for Chromium's compiler, which `tests/web/node/kernels.test.mjs` asks.
fn write_for_tint(kernels: &HashSet<Rc<Kernel>>) {
    let entry = |kernel: &Rc<Kernel>| {
        let (name, wgsl, f16) = (kernel.name(), kernel.wgsl(), kernel.needs_f16());
        serde_json::json!({ "name": name, "wgsl": wgsl, "f16": f16 })
    };
    // Browsers have no matrix units yet.
    let known = kernels.iter().filter(|kernel| !kernel.needs_matrix_units());
    let all: Vec<_> = known.map(entry).collect();
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/kernels.json");
    std::fs::write(file, serde_json::to_vec(&all).unwrap()).expect("target/tmp can be written");
}

/// No file of `crate/kernels` escapes the test above.
#[test]
fn every_file_is_among_them() {
    let texts: Vec<String> = kernels().iter().map(|kernel| kernel.wgsl()).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crate/kernels");
    for folder in [folder.to_string(), format!("{folder}/shared")] {
        for entry in std::fs::read_dir(folder).expect("the kernels are there") {
            let path = entry.expect("a file").path();
            if path.is_file() {
                let file = std::fs::read_to_string(&path).expect("WGSL is text");
                let bare = |line: &'_ str| line.split("//").next().unwrap_or_default().to_owned();
                let file = file.split('\n').map(bare).collect::<Vec<_>>().join("\n");
                let used = texts.iter().any(|text| text.contains(&file));
                assert!(used, "{} is in no kernel: use it or remove it", path.display());
            }
        }
    }
}

/// A specialisation for f32 needs no feature; one for f16 says that it does.
#[test]
fn only_f16_asks_for_a_feature() {
    for kernel in kernels() {
        let text = kernel.wgsl();
        let prelude = text.lines().next().unwrap_or_default();
        assert_eq!(prelude.contains("f16"), kernel.needs_f16(), "{}: {prelude}", kernel.name());
        assert_eq!(prelude.contains("enable f16;"), kernel.needs_f16(), "{prelude}");
    }
}

/// The checks above, on kernels that must not pass.
#[test]
fn bad_kernels_are_refused() {
    let kernel = |body: &str, size: &str, more: &str| {
        format!(
            "struct P {{ a: vec4<u32>, }}\n\
             @group(0) @binding(0) var<uniform> params: P;\n\
             @group(0) @binding(1) var<storage, read> x: array<f32>;\n\
             @group(0) @binding(2) var<storage, read_write> y: array<f32>;\n{more}\n\
             @compute @workgroup_size({size})\n\
             fn main(@builtin(local_invocation_index) i: u32) {{ {body} }}"
        )
    };
    let good = "y[i] = x[i] + f32(params.a.x);";
    let refused = |text: String, why: &str| {
        let what = check(&text, 1, false).expect_err(why);
        assert!(what.contains(why), "expected {why}, got {what}");
    };
    assert_eq!(check(&kernel(good, "256", ""), 1, false), Ok(()));
    let sixteen_kib = kernel(good, "64", "var<workgroup> a: array<f32, 4096>;");
    assert_eq!(check(&sixteen_kib, 1, false), Ok(()));
    refused(kernel("y[i] = x[i]", "64", ""), "expected");
    refused(kernel("y[i] = 1u;", "64", ""), "");
    refused(kernel("x[i] = 1.0;", "64", ""), "");
    refused(kernel(good, "16, 17", ""), "272 invocations");
    refused(kernel(good, "64", "var<workgroup> a: array<f32, 4097>;"), "16388 bytes");
    refused(
        kernel(good, "64", "@group(0) @binding(3) var<storage, read> z: array<f32>;"),
        "bindings",
    );
    refused(kernel(good, "64", "var<private> a: f32;"), "private");
    refused(format!("enable f16; {}", kernel("y[i] = f32(f16(x[i]));", "64", "")), "");
    assert!(check(&kernel(good, "64", ""), 2, false).is_err(), "an input is missing");
    let on_units = |words: u32| {
        let shared = format!("var<workgroup> a: array<f32, {words}>;");
        check_within(WORKGROUP_BYTES[1], &kernel(good, "64", &shared), 1, [true, true])
    };
    assert_eq!(on_units(4), Ok(()));
    assert!(on_units(2).unwrap_err().contains("8 bytes, no multiple of 16"));
}
