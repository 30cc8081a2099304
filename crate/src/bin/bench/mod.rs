//! `darkroom bench`: how fast the kernels are on this adapter, at the shapes of Stable Diffusion
//! v1.4, beside the adapter's own peaks measured in the same run.
//!
//! The peak of arithmetic is that of a kernel which only multiplies and adds in registers, the peak
//! of memory that of a copy. Every figure is the best of a few runs after one that compiles.

use clap::Args;
use darkroom::gpu::kernel::{Kernel, Source};
use darkroom::gpu::{Gpu, GpuOptions};
use darkroom::ops::{Activation, Epilogue, Mask, Window};
use darkroom::tensor::Tensor;
use darkroom::weight::Weight;
use darkroom::{Precision, Result, WeightType};
use std::rc::Rc;
use std::time::Instant;

/// Measures the kernels.
#[derive(Args)]
pub struct BenchArgs {
    /// Part of the adapter's name, where there are several.
    #[arg(long)]
    adapter: Option<String>,
    /// Tiles as for a real GPU, also on a software adapter.
    #[arg(long)]
    hardware_tiles: bool,
    /// Only ops whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Runs of each, of which the best counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Rows of the largest shapes are divided by this: a software adapter is a thousand times
    /// slower than a graphics card.
    #[arg(long, default_value_t = 1)]
    divide: usize,
}

/// One line of the table.
struct Op {
    name: String,
    /// Records it once.
    record: Box<dyn Fn()>,
}

/// Runs the command.
pub fn run(args: &BenchArgs) -> Result<()> {
    pollster::block_on(async {
        let software = args.hardware_tiles.then_some(false);
        let options = GpuOptions { adapter: args.adapter.clone(), software, ..Default::default() };
        let gpu = Gpu::open(&options).await?;
        let info = gpu.info();
        println!("{} ({}), tiles of a {} adapter", info.name, info.backend, tiles(&gpu));
        let fma = peak_of_arithmetic(&gpu, args.runs).await?;
        let copy = peak_of_memory(&gpu, args.runs).await?;
        println!("peaks: {fma:.1} GFLOP/s of multiply-adds, {copy:.1} GB/s of a copy\n");
        println!(
            "{:44}{:>10}{:>10}{:>9}{:>9}{:>9}",
            "", "ms", "GFLOP/s", "of peak", "GB/s", "of copy"
        );
        for op in ops(&gpu, args.divide.max(1)) {
            if args.only.as_ref().is_some_and(|only| !op.name.contains(only)) {
                continue;
            }
            let [seconds, flops, bytes] = measure(&gpu, args.runs, &*op.record).await?;
            let (rate, moved) = (flops / seconds / 1e9, bytes / seconds / 1e9);
            println!(
                "{:44}{:>10.2}{rate:>10.2}{:>8.1}%{moved:>9.2}{:>8.1}%",
                op.name,
                seconds * 1e3,
                100.0 * rate / fma,
                100.0 * moved / copy
            );
        }
        Ok(())
    })
}

fn tiles(gpu: &Gpu) -> &'static str {
    if gpu.info().software { "software" } else { "hardware" }
}

/// The best time of one run in seconds, its floating-point operations and the bytes it moves.
async fn measure(gpu: &Gpu, runs: usize, record: &dyn Fn()) -> Result<[f64; 3]> {
    record();
    gpu.finish().await?;
    let mut best = f64::INFINITY;
    let mut counts = [0.0; 2];
    for _ in 0..runs.max(1) {
        gpu.reset_stats();
        record();
        let start = Instant::now();
        gpu.finish().await?;
        best = best.min(start.elapsed().as_secs_f64());
        let stats = gpu.stats();
        counts = [stats.flops as f64, stats.bytes_moved as f64];
    }
    Ok([best, counts[0], counts[1]])
}

/// GFLOP/s of multiply-adds in registers.
async fn peak_of_arithmetic(gpu: &Gpu, runs: usize) -> Result<f64> {
    const LANES: u32 = 64;
    // About a tenth of a second on either kind of adapter.
    let (groups, rounds) = if gpu.info().software { (64u32, 4096u32) } else { (4096, 16_384) };
    let source = Source { name: "fma", text: include_str!("fma.wgsl") };
    let kernel = Rc::new(Kernel::new(source, 1).uint("LANES", LANES));
    let bytes = u64::from(groups * LANES) * 16;
    let x = gpu.alloc_for_host(bytes);
    gpu.write(&x, 0, &vec![0; bytes as usize]);
    let y = gpu.alloc(bytes);
    let mut params = rounds.to_le_bytes().to_vec();
    params.extend(0.999f32.to_le_bytes());
    let flops = u64::from(groups * LANES) * u64::from(rounds) * 64;
    let record = || {
        gpu.dispatch(&kernel, &params, vec![x.whole(), y.whole()], [groups, 1, 1], flops);
    };
    let [seconds, flops, _] = measure(gpu, runs, &record).await?;
    Ok(flops / seconds / 1e9)
}

/// GB/s of a copy, read and written.
async fn peak_of_memory(gpu: &Gpu, runs: usize) -> Result<f64> {
    let x = Tensor::empty(gpu, [1, 4096, 2048], Precision::F32);
    let record = || drop(x.activate(Activation::Identity));
    let [seconds, _, bytes] = measure(gpu, runs, &record).await?;
    Ok(bytes / seconds / 1e9)
}

/// The ops of a UNet's evaluation, two pictures as with guidance, and two of reference.
fn ops(gpu: &Gpu, divide: usize) -> Vec<Op> {
    let mut ops = vec![];
    for (rows, k, n) in [(1024, 1024, 1024), (8192, 320, 320), (2048, 640, 640), (512, 1280, 1280)]
    {
        ops.push(matmul(gpu, (rows / divide).max(16), k, n));
    }
    for (rows, c) in [(8192, 320), (512, 1280)] {
        ops.push(gated(gpu, (rows / divide).max(16), c));
    }
    for (side, c, n) in
        [(64, 320, 320), (64, 960, 320), (32, 640, 640), (16, 1280, 1280), (8, 2560, 1280)]
    {
        ops.push(conv2d(gpu, [(side / divide).max(4), side], c, n));
    }
    for (tokens, keys, width) in
        [(4096, 4096, 40), (4096, 77, 40), (1024, 1024, 80), (256, 256, 160)]
    {
        ops.push(attention(gpu, [(tokens / divide).max(16), keys], width));
    }
    for (side, c) in [(64, 320), (32, 640), (16, 1280)] {
        ops.push(norms(gpu, side, c));
    }
    ops
}

fn matmul(gpu: &Gpu, rows: usize, k: usize, n: usize) -> Op {
    let x = Tensor::empty(gpu, [1, rows, k], Precision::F32);
    let weight = Weight::empty(gpu, k, n, WeightType::F16);
    Op {
        name: format!("matmul {rows}×{k} → {n}"),
        record: Box::new(move || drop(x.matmul(&weight, Epilogue::default()))),
    }
}

fn gated(gpu: &Gpu, rows: usize, c: usize) -> Op {
    let x = Tensor::empty(gpu, [1, rows, c], Precision::F32);
    let weight = Weight::empty(gpu, c, 8 * c, WeightType::F16);
    Op {
        name: format!("matmul_gated {rows}×{c} → {}", 4 * c),
        record: Box::new(move || drop(x.matmul_gated(&weight, None, Activation::Gelu))),
    }
}

fn conv2d(gpu: &Gpu, [h, w]: [usize; 2], c: usize, n: usize) -> Op {
    let x = Tensor::empty(gpu, [2, h, w, c], Precision::F32);
    let weight = Weight::empty(gpu, 9 * c, n, WeightType::F16);
    let window = Window { kernel: 3, stride: 1, padding: [1, 1], resize: None };
    Op {
        name: format!("conv2d 3×3 2×{h}×{w}×{c} → {n}"),
        record: Box::new(move || drop(x.conv2d(&weight, window, Epilogue::default()))),
    }
}

fn attention(gpu: &Gpu, [queries, keys]: [usize; 2], width: usize) -> Op {
    const HEADS: usize = 8;
    let q = Tensor::empty(gpu, [2, queries, HEADS * width], Precision::F32);
    let k = Tensor::empty(gpu, [2, keys, HEADS * width], Precision::F32);
    Op {
        name: format!("attention 2×{queries} to {keys}, 8 heads of {width}"),
        record: Box::new(move || drop(q.attention(&k, &k, HEADS, Mask::None))),
    }
}

fn norms(gpu: &Gpu, side: usize, c: usize) -> Op {
    let x = Tensor::empty(gpu, [2, side, side, c], Precision::F32);
    let one = Tensor::empty(gpu, [c], Precision::F32);
    Op {
        name: format!("group_norm 2×{side}×{side}×{c}"),
        record: Box::new(move || drop(x.group_norm(32, &one, &one, 1e-5, Activation::Silu))),
    }
}
