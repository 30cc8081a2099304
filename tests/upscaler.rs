//! Upscalers against the published networks (`scripts/golden/upscaler.py`), from files of every
//! naming; in tiles; what they take of memory; and what is refused.

use crate::harness::golden;
use crate::harness::gpu::{self, Device};
use crate::models::{Golden, TOLERANCE, nmse};
use crate::taesd::made_up;
use darkroom::gpu::{Gpu, Limits};
use darkroom::image::{Rgba, tiles};
use darkroom::models::upscaler::{UpscalerConfig, UpscalerKind, UpscalerNetwork};
use darkroom::nn::{Loader, Scope};
use darkroom::pipeline::{Control, Progress, Upscaler, UpscalerOptions};
use darkroom::weights::{Archive, FileSource, Source, upscaler_names};
use darkroom::{Error, Precision, Result, WeightType};
use pollster::block_on;
use std::cell::RefCell;
use std::rc::Rc;

const OTHER: &str = "other.safetensors";

fn source() -> FileSource {
    FileSource::new(golden::path("tests/golden/upscaler"))
}

fn archive(file: &str) -> Rc<Archive> {
    Rc::new(upscaler_names(&block_on(Archive::open(&source(), file)).unwrap()))
}

fn network(gpu: &Gpu, file: &str) -> UpscalerNetwork {
    let archive = archive(file);
    let config = UpscalerConfig::of(&archive).unwrap();
    let scope = Scope::open(gpu, archive, None);
    let network = UpscalerNetwork::new(&scope, &config).unwrap();
    block_on(Loader::new(&scope).run(&source(), &mut |_, _| Ok(()))).unwrap();
    network
}

fn open(gpu: &Gpu, file: &str, options: UpscalerOptions) -> Result<Upscaler> {
    block_on(Upscaler::open(gpu, (&source(), file), options, &Control::default()))
}

fn open_on_cpu(file: &str) -> Upscaler {
    let how = (UpscalerOptions::default(), None);
    block_on(Upscaler::open_on_cpu((&source(), file), how, &Control::default())).unwrap()
}

/// A picture whose pixels differ.
fn motley(width: u32, height: u32) -> Rgba {
    let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8;
    let pixels =
        (0..width * height).flat_map(|i| [byte(3 * i), byte(3 * i + 1), byte(3 * i + 2), 255]);
    Rgba::new(width, height, pixels.collect())
}

#[test]
fn each_is_the_published_network() {
    let files = [
        ("rrdb.pth", "rrdb"),
        ("own.pth", "rrdb"),
        ("rrdb_x2.safetensors", "rrdb_x2"),
        ("compact.pth", "compact"),
        ("compact_x2.safetensors", "compact_x2"),
    ];
    gpu::run(Device::Plain, move |gpu| files.map(|(file, name)| check(gpu, file, name)));
}

/// The CPU's implementation against the same pictures, rounded to bytes as files are.
#[test]
fn the_cpu_makes_the_same_pictures() {
    gpu::run(Device::Plain, on_both);
}

fn on_both(gpu: &Gpu) {
    for file in ["rrdb.pth", "rrdb_x2.safetensors", "compact.pth", "compact_x2.safetensors"] {
        let picture = motley(23, 14);
        let want = open(gpu, file, UpscalerOptions::default()).unwrap();
        let want = block_on(want.enlarge(&picture, &Control::default())).unwrap();
        let cpu = open_on_cpu(file);
        let got = block_on(cpu.enlarge(&picture, &Control::default())).unwrap();
        assert_eq!([got.width(), got.height()], [want.width(), want.height()], "{file}");
        let farthest = got.pixels().iter().zip(want.pixels()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(farthest <= Some(1), "{file}: {farthest:?}");
        // The values of a random network are no flat picture.
        assert!(got.pixels().iter().any(|byte| *byte != got.pixels()[0]), "{file}");
    }
}

/// Tiles are chosen by what is counted for them: the more layers, the smaller.
#[test]
fn tiles_on_the_cpu_keep_its_memory() {
    for file in ["rrdb.pth", "compact.pth"] {
        let (side, bytes) = block_on(open_on_cpu(file).plan([2048, 2048])).unwrap();
        println!("{file}: tiles of {side}, {:.0} MB", bytes as f64 / 1e6);
        assert!(bytes <= 600_000_000, "{file}: {side}, {bytes}");
        assert!(side >= 192, "{file}: {side}");
    }
}

/// Checks a file against a case.
fn check(gpu: &Gpu, file: &str, name: &str) {
    let cases = Golden::open("upscaler");
    let picture = cases.array(&format!("{name}.picture"));
    let want = cases.array(&format!("{name}.made"));
    let network = network(gpu, file);
    let [height, width] = [picture.shape[0], picture.shape[1]];
    assert_eq!(want.shape[0], height * network.config().factor(), "{file}");
    let pixels = (&picture.values[..], [width, height]);
    let made = block_on(network.enlarge(gpu, Precision::F32, pixels, &|| Ok(()))).unwrap();
    let error = nmse(&made, &want.values);
    println!("{file}: NMSE {error:.1e}");
    assert!(error <= TOLERANCE, "{file}: NMSE {error:.1e}");
}

#[test]
fn the_sizes_are_read_from_the_tensors() {
    let config = UpscalerConfig::of(&archive("rrdb_x2.safetensors")).unwrap();
    assert_eq!((config.unshuffle, config.factor(), config.features), (2, 2, 8));
    assert_eq!(config.kind, UpscalerKind::Rrdb { blocks: 2, growth: 4, ups: 2 });
    let config = UpscalerConfig::of(&archive("compact.pth")).unwrap();
    assert_eq!(config.kind, UpscalerKind::Compact { convs: 3, factor: 4 });
}

#[test]
fn tiles_keep_every_pixel_once() {
    for size in [[1, 1], [64, 64], [65, 64], [200, 77], [512, 130], [333, 1000]] {
        let all = tiles(size, 64, 16);
        let mut kept = vec![0; (size[0] * size[1]) as usize];
        for tile in &all {
            for (axis, &length) in size.iter().enumerate() {
                let (read, keep) = (&tile.read[axis], &tile.keep[axis]);
                assert!(read.end <= length && read.len() as u32 == 64.min(length));
                let inside = |edge: u32, at_end: bool| match at_end {
                    true => keep.end == edge || keep.end + 16 <= edge,
                    false => keep.start == edge || keep.start >= edge + 16,
                };
                assert!(inside(read.start, false) || keep.start == 0, "{tile:?}");
                assert!(inside(read.end, true), "{tile:?}");
            }
            for y in tile.keep[1].clone() {
                for x in tile.keep[0].clone() {
                    kept[(y * size[0] + x) as usize] += 1;
                }
            }
        }
        assert!(kept.iter().all(|count| *count == 1), "{size:?}");
    }
}

/// A compact network of five convolutions sees five pixels far, so that a border of 16 is enough:
/// the tiled picture is that of the whole.
#[test]
fn a_picture_in_tiles_is_the_whole_one() {
    gpu::run(Device::Plain, tiled_and_whole);
}

fn tiled_and_whole(gpu: &Gpu) {
    let picture = motley(150, 90);
    let whole = open(gpu, "compact.pth", UpscalerOptions::default()).unwrap();
    // So little that the smallest tiles are taken.
    let memory = Some(1 << 20);
    let tiled = open(gpu, "compact.pth", UpscalerOptions { memory, ..Default::default() }).unwrap();
    let said = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&said);
    let on_progress = Box::new(move |event: &Progress| heard.borrow_mut().push(event.clone()));
    let control = Control { on_progress, ..Control::default() };
    let want = block_on(whole.enlarge(&picture, &Control::default())).unwrap();
    let got = block_on(tiled.enlarge(&picture, &control)).unwrap();
    assert_eq!([got.width(), got.height()], [600, 360]);
    let farthest = got.pixels().iter().zip(want.pixels()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(farthest <= Some(1), "{farthest:?}");
    let tiles = tiles([150, 90], 64, 16).len();
    assert!(tiles > 4);
    assert_eq!(said.borrow().last(), Some(&Progress::Enlarging { done: tiles, total: tiles }));
}

/// Sides that the first layer cannot cut into squares, and a picture that is partly transparent.
#[test]
fn any_size_and_opacity_is_kept() {
    gpu::run(Device::Plain, odd_and_transparent);
}

fn odd_and_transparent(gpu: &Gpu) {
    let upscaler = open(gpu, "rrdb_x2.safetensors", UpscalerOptions::default()).unwrap();
    let mut pixels = motley(7, 1).into_pixels();
    pixels[3] = 0;
    let made = block_on(upscaler.enlarge(&Rgba::new(7, 1, pixels), &Control::default())).unwrap();
    assert_eq!([made.width(), made.height()], [14, 2]);
    assert!(made.pixels()[3] < 64, "the first pixel is transparent");
    assert_eq!(made.pixels().last(), Some(&255));
}

#[test]
fn a_picture_that_would_be_too_large_is_refused() {
    gpu::run(Device::Plain, too_large);
}

fn too_large(gpu: &Gpu) {
    let upscaler = open(gpu, "compact.pth", UpscalerOptions::default()).unwrap();
    let picture = motley(3000, 1500);
    let error = block_on(upscaler.enlarge(&picture, &Control::default())).unwrap_err();
    assert!(error.to_string().contains("12000×6000"), "{error}");
    // Before any work, also where it is asked what the work would take.
    assert_eq!(block_on(upscaler.plan([3000, 1500])).unwrap_err().to_string(), error.to_string());
}

/// RealESRGAN_x4plus: 64 channels, 23 blocks, 32 more in a dense block.
#[test]
fn the_published_size_makes_2048_of_512_within_600_megabytes() {
    let kind = UpscalerKind::Rrdb { blocks: 23, growth: 32, ups: 2 };
    let config = UpscalerConfig { features: 64, unshuffle: 1, kind };
    for (precision, weights) in
        [(Precision::F32, WeightType::F32), (Precision::F16, WeightType::F16)]
    {
        let gpu = Gpu::dry_within(Limits::default(), precision == Precision::F16);
        let scope = Scope::without_file(&gpu, weights);
        let network = UpscalerNetwork::new(&scope, &config).unwrap();
        assert_eq!(scope.catalogue().parameters(), 16_697_987);
        network.rehearse(&gpu, precision, [160, 160]);
        block_on(gpu.finish()).unwrap();
        let peak = gpu.stats().bytes_peak;
        println!("{precision}: {:.0} MB in tiles of 160", peak as f64 / 1e6);
        assert!(peak <= 600_000_000, "{peak}");
    }
}

#[test]
fn what_is_no_upscaler_is_refused_by_what_it_is() {
    gpu::run(Device::Plain, no_upscalers);
}

fn no_upscalers(gpu: &Gpu) {
    let refused = |tensors: &[(&str, &[usize])], words: &str| {
        let source = made_up(OTHER, tensors);
        let place = (&source as &dyn Source, OTHER);
        let opened = block_on(Upscaler::open(gpu, place, Default::default(), &Control::default()));
        match opened.err().unwrap() {
            error @ Error::BadFile { .. } => {
                assert!(error.to_string().contains(words), "{error}");
            }
            other => panic!("{other}"),
        }
    };
    refused(&[("a.weight", &[4, 4])], "no upscaler");
    refused(&[("lora_unet_x.lora_down.weight", &[4, 4])], "LoRA");
    // The first layers of one, and nothing more.
    refused(&[("conv_first.weight", &[8, 3, 3, 3])], "not those of an ESRGAN");
    refused(
        &[("conv_first.weight", &[8, 4, 3, 3]), ("body.0.rdb1.conv1.weight", &[4, 8, 3, 3])],
        "takes 4 channels",
    );
    refused(&[("body.0.weight", &[8, 3, 3, 3])], "no pixels of a picture");
}
