//! The one handle to a graphics device: its buffers, and the recording that ops append to.

mod account;
mod buffers;
mod capacity;
mod profile;
mod reading;
mod run;

pub use profile::Timed;
pub use reading::Reading;
pub use run::Rehearsal;

use crate::error::{Error, Result};
use crate::gpu::adapter::{self, AdapterInfo, GpuOptions, Limits};
use crate::gpu::executor::{Executor, PARAMS_BYTES};
use crate::gpu::faults::Faults;
use crate::gpu::kernel::Kernel;
use crate::gpu::memory::pool::Pool;
use crate::gpu::memory::readbacks::Readbacks;
use crate::gpu::queue::submit_budget::SubmitBudget;
use crate::gpu::queue::submitted::Submitted;
use crate::gpu::recording::{ALIGNMENT, Binding, Dispatch, Recording, distinct_bytes};
use crate::gpu::stats::{Cost, Counter, Kernels};
use crate::gpu::tuning::{MatrixUnits, Tuning};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use web_time::Instant;

/// The one handle to a graphics device, passed explicitly; a clone is the same device.
#[derive(Clone)]
pub struct Gpu(Rc<Inner>);

/// What all clones share.
struct Inner {
    info: AdapterInfo,
    limits: Limits,
    has: Has,
    /// Whether matrix units are used: not before their products were compared with known ones.
    matrix_units: Cell<MatrixUnits>,
    /// Whether they are left aside for the time being.
    keeps_range: Cell<bool>,
    tuning: Cell<Tuning>,
    /// Errors that the device has reported.
    faults: Faults,
    /// None on a dry device.
    executor: Option<RefCell<Executor>>,
    memory: Memory,
    recording: RefCell<Recording>,
    is_rehearsing: Cell<bool>,
    queue: Queue,
    counter: RefCell<Counter>,
    /// Those of a dry device.
    kernels: RefCell<Kernels>,
}

/// What a device has, beside WebGPU's defaults.
#[derive(Clone, Copy)]
struct Has {
    f16: bool,
    matrix_units: bool,
    /// See [`GpuOptions::checked_shaders`].
    checked_shaders: bool,
}

impl Has {
    /// A dry device without matrix units.
    fn dry(f16: bool) -> Has {
        Has { f16, matrix_units: false, checked_shaders: false }
    }
}

/// What is held for the device.
struct Memory {
    pool: Rc<RefCell<Pool>>,
    readbacks: RefCell<Readbacks>,
    /// Bytes that buffers may take; see [`Gpu::limit_memory`].
    capacity: Cell<u64>,
    /// Of the buffer of parameters.
    params_bytes: Cell<u64>,
    /// Written since the device was last waited for, or the last recording was submitted.
    uploads: Cell<u64>,
    /// Written before that, for a recording that may still run; see `rotate_uploads`.
    uploads_before: Cell<u64>,
}

/// Commands and writes that were not submitted yet, or that may still run.
struct Queue {
    /// Number of the present recording.
    epoch: Cell<u64>,
    /// Host writes that were not flushed yet.
    unflushed_bytes: Cell<u64>,
    /// The last submit that was not waited for, and its work.
    running: RefCell<Option<(Submitted, u64)>>,
    /// Since when the device has been working on it.
    busy_since: Cell<Instant>,
    submit_budget: RefCell<SubmitBudget>,
}

impl Gpu {
    /// Opens an adapter and a device.
    ///
    /// # Errors
    /// [`Error::NoGpu`] or [`Error::NoAdapter`].
    pub async fn open(options: &GpuOptions) -> Result<Gpu> {
        let opened = adapter::open(options).await?;
        let faults = Faults::default();
        faults.listen(&opened.device);
        let executor = Executor::new(opened.device, opened.queue, options.checked_shaders);
        let submit_budget = SubmitBudget::new(options.max_submit, opened.info.software)
            .with_dispatch(options.max_dispatch);
        Ok(Gpu::new(
            Some(executor),
            submit_budget,
            faults,
            opened.info,
            opened.limits,
            Has {
                f16: opened.has_f16,
                matrix_units: opened.has_matrix_units,
                checked_shaders: options.checked_shaders,
            },
        ))
    }

    /// A device that runs nothing. It counts bytes, FLOPs and dispatches, and checks limits
    /// (WebGPU's defaults). All of the crate runs on it, but reading a tensor back gives zeros.
    pub fn dry(shader_f16: bool) -> Gpu {
        Gpu::dry_within(Limits::default(), shader_f16)
    }

    /// [`Gpu::dry`] with the limits of another device.
    pub fn dry_within(limits: Limits, shader_f16: bool) -> Gpu {
        let info = AdapterInfo { name: "dry run".into(), ..Default::default() };
        let has = Has { matrix_units: shader_f16, ..Has::dry(shader_f16) };
        Gpu::new_dry(info, limits, has)
    }

    /// [`Gpu::dry`] with the kernels of a software adapter.
    pub fn dry_software(shader_f16: bool) -> Gpu {
        let info = AdapterInfo { software: true, ..Default::default() };
        Gpu::new_dry(info, Limits::default(), Has::dry(shader_f16))
    }

    /// [`Gpu::dry`] with the kernels of this device, within these limits.
    pub fn dry_twin(&self, limits: Limits, shader_f16: bool) -> Gpu {
        let info = AdapterInfo { software: self.info().software, ..Default::default() };
        let has = Has { matrix_units: self.has_matrix_units(), ..Has::dry(shader_f16) };
        let twin = Gpu::new_dry(info, limits, has);
        twin.0.matrix_units.set(self.matrix_units());
        twin.set_tuning(self.tuning());
        // The same bands, so that the same parameters are counted.
        let submit_budget =
            SubmitBudget::new(Some(u64::MAX), false).with_dispatch(Some(self.dispatch_max()));
        twin.0.queue.submit_budget.replace(submit_budget);
        twin
    }

    /// Its submit budget is unlimited: whatever is recorded is one submit.
    fn new_dry(info: AdapterInfo, limits: Limits, has: Has) -> Gpu {
        let submit_budget = SubmitBudget::new(Some(u64::MAX), info.software);
        Gpu::new(None, submit_budget, Faults::default(), info, limits, has)
    }

    fn new(
        executor: Option<Executor>,
        submit_budget: SubmitBudget,
        faults: Faults,
        info: AdapterInfo,
        limits: Limits,
        has: Has,
    ) -> Gpu {
        let mut pool = Pool::default();
        pool.stage(PARAMS_BYTES);
        pool.begin_stage_peak();
        let memory = Memory {
            pool: Rc::new(RefCell::new(pool)),
            readbacks: RefCell::default(),
            capacity: Cell::new(u64::MAX),
            params_bytes: Cell::new(PARAMS_BYTES),
            uploads: Cell::new(0),
            uploads_before: Cell::new(0),
        };
        let queue = Queue {
            epoch: Cell::new(1),
            unflushed_bytes: Cell::new(0),
            running: RefCell::default(),
            busy_since: Cell::new(Instant::now()),
            submit_budget: RefCell::new(submit_budget),
        };
        Gpu(Rc::new(Inner {
            tuning: Cell::new(Tuning::default_for(info.software)),
            info,
            limits,
            has,
            matrix_units: Cell::new(MatrixUnits::Unused),
            keeps_range: Cell::new(false),
            faults,
            executor: executor.map(RefCell::new),
            memory,
            recording: RefCell::default(),
            is_rehearsing: Cell::new(false),
            queue,
            counter: RefCell::default(),
            kernels: RefCell::default(),
        }))
    }

    /// Whether this is a [`Gpu::dry`] device.
    pub fn is_dry(&self) -> bool {
        self.0.executor.is_none()
    }

    /// Whether activations can be f16 (the adapter's `shader-f16`).
    pub fn has_f16(&self) -> bool {
        self.0.has.f16
    }

    /// Whether there are matrix units (cooperative matrices) that our kernels can use.
    pub fn has_matrix_units(&self) -> bool {
        self.0.has.matrix_units
    }

    /// What the adapter said of itself.
    pub fn info(&self) -> &AdapterInfo {
        &self.0.info
    }

    /// Whether shaders are checked natively; see [`GpuOptions::checked_shaders`].
    pub fn has_checked_shaders(&self) -> bool {
        self.0.has.checked_shaders
    }

    /// Which of several equal kernels run here.
    pub fn tuning(&self) -> Tuning {
        let chosen = self.0.tuning.get();
        if self.0.keeps_range.get() { chosen.off_matrix_units() } else { chosen }
    }

    /// Leaves matrix units aside, whose inputs are f16, until it is called with false: all of f32's
    /// range is kept. Returns whether they were left aside before.
    pub fn keep_range(&self, kept: bool) -> bool {
        self.0.keeps_range.replace(kept)
    }

    /// [`Tuning::id`] of the kernels that run; `None` where they are the default ones of this kind
    /// of adapter.
    pub fn tuned_id(&self) -> Option<String> {
        let fixed = Tuning::default_for(self.0.info.software);
        (self.tuning() != fixed).then(|| self.tuning().id())
    }

    /// The kernels that run without measurement: the default ones of this kind of adapter, on its
    /// matrix units where they are used.
    pub fn default_tuning(&self) -> Tuning {
        let fixed = Tuning::default_for(self.0.info.software);
        fixed.on_matrix_units(self.matrix_units())
    }

    /// For what kernels on matrix units are among those that are chosen.
    pub fn matrix_units(&self) -> MatrixUnits {
        self.0.matrix_units.get()
    }

    /// Lets kernels on matrix units be chosen, or not: a model's pipeline asks first whether they
    /// compute rightly ([`Numerics`](crate::measure::Numerics)).
    ///
    /// # Panics
    /// When there are none.
    pub fn use_matrix_units(&self, units: MatrixUnits) {
        assert!(units == MatrixUnits::Unused || self.has_matrix_units(), "matrix units");
        self.0.matrix_units.set(units);
        let chosen = self.0.tuning.get();
        self.set_tuning(chosen.off_matrix_units().on_matrix_units(units));
    }

    /// Chooses the kernels of what is recorded from now on.
    pub fn set_tuning(&self, tuning: Tuning) {
        self.0.tuning.set(tuning);
    }

    /// The bounds that the recording keeps.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Floating-point operations of one dispatch at the most: ops cut what would be more into
    /// bands. A driver resets a device whose dispatch runs for seconds, so this is a careful guess
    /// at first, and smaller where the adapter was measured to be slow; a software adapter has no
    /// bound.
    pub fn dispatch_max(&self) -> u64 {
        self.0.queue.submit_budget.borrow().dispatch_max()
    }

    /// Appends a run of `kernel` to the recording. `params` is at most 256 bytes in the layout of
    /// the kernel's uniform; `bindings` are its inputs and then its output; `cost` is what it
    /// counts as, in the simplest case the floating-point operations of the op's definition.
    pub fn dispatch(
        &self,
        kernel: &Rc<Kernel>,
        params: &[u8],
        bindings: Vec<Binding>,
        groups: [u32; 3],
        cost: impl Into<Cost>,
    ) {
        assert_eq!(bindings.len(), kernel.inputs() + 1, "{}: bindings", kernel.name());
        let (output, inputs) = bindings.split_last().expect("a kernel has an output");
        let aliased = inputs.iter().any(|input| input.buffer == output.buffer);
        assert!(!aliased, "{}: the output's buffer is also an input", kernel.name());
        self.check(kernel, &bindings, groups);
        let mut pool = self.0.memory.pool.borrow_mut();
        bindings.iter().for_each(|binding| pool.touch(binding.buffer, self.0.queue.epoch.get()));
        let bytes = distinct_bytes(&bindings);
        let cost = cost.into();
        if !self.0.is_rehearsing.get() {
            self.0.counter.borrow_mut().dispatch(kernel.name(), cost, bytes);
        }
        if self.is_dry() {
            self.0.kernels.borrow_mut().note(kernel);
        }
        let mut recording = self.0.recording.borrow_mut();
        let params = recording.push_params(params);
        let kernel = kernel.clone();
        let flops = cost.flops;
        recording.dispatches.push(Dispatch { kernel, params, bindings, groups, flops, bytes });
    }

    fn check(&self, kernel: &Kernel, bindings: &[Binding], groups: [u32; 3]) {
        let limits = &self.0.limits;
        let fault = |what, needed, available| {
            self.0.faults.put(Error::GpuLimit { what, needed, available });
        };
        for binding in bindings {
            assert_eq!(binding.offset % ALIGNMENT, 0, "{}: offset of a binding", kernel.name());
            if binding.size > limits.binding {
                fault("a binding", binding.size, limits.binding);
            }
        }
        if let Some(&most) = groups.iter().max().filter(|&&most| most > limits.groups) {
            fault("a number of workgroups", u64::from(most), u64::from(limits.groups));
        }
        // Where there are matrix units, there is f16 for them, whatever activations are.
        let needs_f16 = kernel.needs_f16() && !kernel.needs_matrix_units();
        if needs_f16 && !self.0.has.f16 {
            self.0.faults.put(Error::Gpu {
                message: "f16 precision needs an adapter with shader-f16; choose f32".into(),
            });
        }
        assert!(
            !kernel.needs_matrix_units() || self.0.has.matrix_units,
            "{}: on matrix units, which this device does not have",
            kernel.name()
        );
    }

    /// The device and its queue, so that nothing is borrowed while they are waited for.
    fn handles(&self) -> Option<(wgpu::Device, wgpu::Queue)> {
        let executor = self.0.executor.as_ref()?.borrow();
        Some((executor.device().clone(), executor.queue().clone()))
    }

    /// Destroys the device; whatever is asked of it afterwards fails.
    pub fn destroy(&self) {
        if let Some(executor) = &self.0.executor {
            executor.borrow().device().destroy();
        }
    }
}
