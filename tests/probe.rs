//! The check of an adapter's numbers: what a sound adapter answers, with the kernels of a graphics
//! card. What follows from other answers is tested beside the code. And the kind of an adapter, by
//! measuring.

use crate::harness::gpu::{self, Device};
use crate::made_up::tiny;
use crate::walk::open;
use darkroom::measure::{Answers, Numerics, computes_on_cpu};
use darkroom::pipeline::Options;
use pollster::block_on;

#[test]
fn a_sound_adapter_is_found_exact() {
    for device in [Device::Plain, Device::Hardware] {
        let (answers, has_f16) =
            gpu::run(device, |gpu| (block_on(Answers::ask(gpu)).unwrap(), gpu.has_f16()));
        assert_eq!(answers.stored.is_some(), has_f16);
        assert_eq!(answers.finite, [false, false, false, true], "NaN, ∞, −∞, 1");
        let [first, second, third] = &answers.runs;
        assert!(first == second && second == third);
        let values = first.iter().map(|bits| f32::from_bits(*bits));
        assert!(values.clone().all(f32::is_finite) && values.clone().any(|value| value != 0.0));
        assert_eq!(Numerics::of(&answers), Ok(Numerics::EXACT), "{:?}", answers.stored);
    }
}

/// Where pictures come from a graphics card, it is asked; a software adapter is known.
#[test]
fn a_graphics_card_is_asked_when_it_is_opened() {
    for device in [Device::Plain, Device::Hardware] {
        let (dispatches, software) = gpu::run(device, |gpu| {
            gpu.reset_stats();
            assert_eq!(block_on(Numerics::probe(gpu)), Ok(Numerics::EXACT));
            (gpu.stats().dispatches, gpu.info().software)
        });
        assert_eq!(dispatches > 0, !software, "{device:?}: {dispatches}");
    }
}

#[test]
fn a_model_is_opened_on_a_card_that_was_checked() {
    for device in [Device::Plain, Device::Hardware] {
        let (dispatches, software) = gpu::run(device, |gpu| {
            gpu.reset_stats();
            open(gpu, tiny(), Options::default()).unwrap();
            (gpu.stats().dispatches, gpu.info().software)
        });
        assert_eq!(dispatches > 0, !software, "{device:?}: {dispatches}");
    }
}

/// By times that are several times apart, so that other work on the machine does not matter.
#[test]
fn what_an_adapter_computes_on_is_measured_where_nobody_says_it() {
    let as_driver_says = gpu::run(Device::Plain, |gpu| gpu.info().software);
    for device in [Device::Plain, Device::Hardware] {
        let measured = gpu::run(device, |gpu| {
            let tuning = gpu.tuning();
            let measured = block_on(computes_on_cpu(gpu)).unwrap();
            assert_eq!(gpu.tuning(), tuning);
            measured
        });
        assert_eq!(measured, as_driver_says, "{device:?}");
    }
}
