//! Choices of kernels: any two draw the same picture within a level of 255, an adapter keeps the
//! one it was given, and what is not known is measured.

use crate::harness::gpu::{self, Device};
use crate::made_up::tiny;
use crate::walk::{open, request};
use darkroom::Error;
use darkroom::gpu::{AttentionTile, Gpu, MatrixTile, Tuning};
use darkroom::measure::tuner;
use darkroom::pipeline::{Control, Options, Picture, Progress, tune};
use pollster::block_on;
use std::cell::RefCell;
use std::rc::Rc;

/// The tiny model's picture with these kernels.
fn draw(gpu: &Gpu, tuning: Tuning) -> Picture {
    gpu.set_tuning(tuning);
    let options = Options { reproducible: false, ..Options::default() };
    let pipeline = open(gpu, tiny(), options).unwrap();
    block_on(pipeline.generate(&request(), &Control::default())).unwrap()
}

#[test]
fn any_two_choices_draw_the_same_picture() {
    gpu::run(Device::Plain, |gpu| {
        let fixed = gpu.tuning();
        // Matrix units, which not every adapter has, have tests of their own: on_matrix_units.
        let all = MatrixTile::ALL.map(|tile| AttentionTile::ALL.map(|of| Tuning::of(tile, of)));
        let without_units = |tuning: &Tuning| tuning.off_matrix_units() == *tuning;
        let tunings: Vec<Tuning> = all.into_iter().flatten().filter(without_units).collect();
        let pictures: Vec<Picture> = tunings.iter().map(|&tuning| draw(gpu, tuning)).collect();
        for (i, one) in pictures.iter().enumerate() {
            for other in &pictures[i + 1..] {
                let differences = one.rgba.iter().zip(&other.rgba).map(|(a, b)| a.abs_diff(*b));
                let most = differences.max().unwrap();
                println!("{:?} and {:?}: {most} of 255", one.kernels, other.kernels);
                assert!(
                    most <= 1,
                    "{most} levels between {:?} and {:?}",
                    one.kernels,
                    other.kernels
                );
            }
        }
        // and it can be told which drew it; the fixed ones go without saying
        let told = |picture: &Picture| picture.parameters().get("Kernels").map(str::to_string);
        assert_eq!(pictures.iter().filter(|picture| told(picture).is_none()).count(), 1);
        for (picture, tuning) in pictures.iter().zip(&tunings) {
            let fixed = *tuning == Tuning::default_for(gpu.info().software);
            assert_eq!(told(picture), (!fixed).then(|| tuning.id()));
        }
        gpu.set_tuning(fixed);
    });
}

#[test]
fn a_reproducible_picture_asks_no_choice() {
    gpu::run(Device::Plain, |gpu| {
        let fixed = gpu.tuning();
        let draw = || {
            let pipeline = open(gpu, tiny(), Options::default()).unwrap();
            block_on(pipeline.generate(&request(), &Control::default())).unwrap()
        };
        let picture = draw();
        gpu.set_tuning(Tuning::of(MatrixTile::Shared, AttentionTile::Shared));
        let again = draw();
        assert_eq!(gpu.tuning(), fixed);
        assert_eq!((&again.kernels, &again.rgba), (&None, &picture.rgba));
    });
}

#[test]
fn a_choice_is_measured_once() {
    gpu::run(Device::Plain, |gpu| {
        let fixed = gpu.tuning();
        for unknown in [None, Some(""), Some("matmul=fastest conv2d=shared attention=shared")] {
            gpu.reset_stats();
            let told = Rc::new(RefCell::new(Vec::new()));
            let hears = told.clone();
            let on_progress =
                Box::new(move |event: &Progress| hears.borrow_mut().push(event.clone()));
            let control = Control { on_progress, ..Control::default() };
            let measured = block_on(tune(gpu, unknown, &control)).unwrap();
            assert_eq!(measured, gpu.tuning());
            // Each compilation and each timing, of the families that have a choice here.
            let told = told.take();
            assert!(told.len() >= 2, "{told:?}");
            for (i, event) in told.iter().enumerate() {
                let Progress::Tuning { done, total } = *event else { panic!("{event:?}") };
                assert!(done == i && done < total, "{event:?}");
            }
            assert!(gpu.stats().dispatches > 0, "{unknown:?} was measured");
        }
        let matmul = MatrixTile::Shared;
        let kept = Tuning { matmul, ..Tuning::of(MatrixTile::Direct8, AttentionTile::Shared) };
        gpu.reset_stats();
        assert_eq!(
            block_on(tune(gpu, Some(&kept.to_string()), &Control::default())).unwrap(),
            kept
        );
        assert_eq!((gpu.tuning(), gpu.stats().dispatches), (kept, 0));
        gpu.set_tuning(fixed);
        let control = Control::default();
        control.cancel.set(true);
        let cancelled = block_on(tune(gpu, None, &control));
        assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
        gpu.set_tuning(fixed);
    });
}

#[test]
fn a_key_names_the_adapter_and_our_kernels() {
    let [dry, real] = [
        tuner::key(&Gpu::dry(false)),
        gpu::run(Device::Plain, |gpu| {
            assert!(tuner::key(gpu).contains(&gpu.info().name));
            tuner::key(gpu)
        }),
    ];
    assert_ne!(dry, real);
    let version = |key: &str| key.rsplit(' ').next().map(str::to_string);
    assert_eq!(version(&dry), version(&real), "the same kernels everywhere");
}
