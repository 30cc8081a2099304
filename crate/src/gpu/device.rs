//! The one handle to a graphics device: its buffers, and the recording that ops append to.

use super::adapter::{self, AdapterInfo, GpuOptions, Limits};
use super::buffer::Buffer;
use super::engine::{Engine, PARAMS_BYTES};
use super::faults::Faults;
use super::kernel::Kernel;
use super::pace::Pace;
use super::pool::{BufferId, Pool, Use};
use super::readbacks::Readbacks;
use super::recording::{ALIGNMENT, Binding, Dispatch, Recording, distinct_bytes};
use super::stats::{Counter, Kernels, Work};
use super::submitted::Submitted;
use super::tuning::Tuning;
use crate::error::{Error, Result};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use web_time::Instant;

/// Host writes are flushed by an empty submit when this much is on its way, so that loading a model
/// does not pile up a second copy of it in staging memory.
const UPLOAD_BYTES_MAX: u64 = 32 << 20;

/// The one handle to a graphics device, passed explicitly; a clone is the same device.
#[derive(Clone)]
pub struct Gpu(pub(super) Rc<Inner>);

/// What all clones share.
pub(super) struct Inner {
    /// None on a dry device.
    pub(super) engine: Option<RefCell<Engine>>,
    pub(super) pool: Rc<RefCell<Pool>>,
    pub(super) recording: RefCell<Recording>,
    /// Number of the present recording.
    pub(super) epoch: Cell<u64>,
    /// Written and not yet flushed.
    pub(super) upload_bytes: Cell<u64>,
    /// Written since the device was last waited for, or the last recording was submitted.
    pub(super) uploads: Cell<u64>,
    /// Written before that, for a recording that may still run; see `turn_uploads`.
    pub(super) uploads_before: Cell<u64>,
    /// The last submit that was not waited for, and its work; since when the device works on it.
    pub(super) running: RefCell<Option<(Submitted, u64)>>,
    pub(super) busy_since: Cell<Instant>,
    pub(super) readbacks: RefCell<Readbacks>,
    pub(super) is_rehearsing: Cell<bool>,
    /// Of the buffer of parameters.
    pub(super) params_bytes: Cell<u64>,
    pub(super) counter: RefCell<Counter>,
    /// Those of a dry device.
    pub(super) kernels: RefCell<Kernels>,
    pub(super) pace: RefCell<Pace>,
    pub(super) faults: Faults,
    pub(super) info: AdapterInfo,
    pub(super) tuning: Cell<Tuning>,
    pub(super) limits: Limits,
    pub(super) has_f16: bool,
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
        let engine = Engine::new(opened.device, opened.queue);
        let pace = Pace::new(options.max_submit, opened.info.software);
        Ok(Gpu::new(Some(engine), pace, faults, opened.info, opened.limits, opened.has_f16))
    }

    /// A device that only adds up: bytes, FLOPs, dispatches, limits (WebGPU's defaults). All of the
    /// crate runs on it, but reading a tensor back gives zeros.
    pub fn dry(shader_f16: bool) -> Gpu {
        Gpu::dry_within(Limits::default(), shader_f16)
    }

    /// [`Gpu::dry`] with the limits of another device.
    pub fn dry_within(limits: Limits, shader_f16: bool) -> Gpu {
        let info = AdapterInfo { name: "dry run".into(), ..Default::default() };
        Gpu::new_dry(info, limits, shader_f16)
    }

    /// [`Gpu::dry`] with the kernels of a software adapter.
    pub fn dry_software(shader_f16: bool) -> Gpu {
        let info = AdapterInfo { software: true, ..Default::default() };
        Gpu::new_dry(info, Limits::default(), shader_f16)
    }

    /// [`Gpu::dry`] with the kernels of this device, within these limits.
    pub fn dry_twin(&self, limits: Limits, shader_f16: bool) -> Gpu {
        let info = AdapterInfo { software: self.info().software, ..Default::default() };
        let twin = Gpu::new_dry(info, limits, shader_f16);
        twin.set_tuning(self.tuning());
        twin
    }

    /// It is fast: whatever is recorded is one submit.
    fn new_dry(info: AdapterInfo, limits: Limits, shader_f16: bool) -> Gpu {
        let pace = Pace::new(Some(u64::MAX), info.software);
        Gpu::new(None, pace, Faults::default(), info, limits, shader_f16)
    }

    fn new(
        engine: Option<Engine>,
        pace: Pace,
        faults: Faults,
        info: AdapterInfo,
        limits: Limits,
        has_f16: bool,
    ) -> Gpu {
        let mut pool = Pool::default();
        pool.stage(PARAMS_BYTES);
        pool.lap();
        Gpu(Rc::new(Inner {
            engine: engine.map(RefCell::new),
            pool: Rc::new(RefCell::new(pool)),
            recording: RefCell::default(),
            epoch: Cell::new(1),
            upload_bytes: Cell::new(0),
            uploads: Cell::new(0),
            uploads_before: Cell::new(0),
            running: RefCell::default(),
            busy_since: Cell::new(Instant::now()),
            readbacks: RefCell::default(),
            is_rehearsing: Cell::new(false),
            params_bytes: Cell::new(PARAMS_BYTES),
            counter: RefCell::default(),
            kernels: RefCell::default(),
            pace: RefCell::new(pace),
            faults,
            tuning: Cell::new(Tuning::default_for(info.software)),
            info,
            limits,
            has_f16,
        }))
    }

    /// Whether this is a [`Gpu::dry`] device.
    pub fn is_dry(&self) -> bool {
        self.0.engine.is_none()
    }

    /// Whether activations can be f16 (the adapter's `shader-f16`).
    pub fn has_f16(&self) -> bool {
        self.0.has_f16
    }

    /// What the adapter said of itself.
    pub fn info(&self) -> &AdapterInfo {
        &self.0.info
    }

    /// Which of several equal kernels run here.
    pub fn tuning(&self) -> Tuning {
        self.0.tuning.get()
    }

    /// [`Tuning::id`], where others run than would without any choice.
    pub fn tuned_id(&self) -> Option<String> {
        let fixed = Tuning::default_for(self.0.info.software);
        (self.tuning() != fixed).then(|| self.tuning().id())
    }

    /// Chooses them, for what is recorded from now on.
    pub fn set_tuning(&self, tuning: Tuning) {
        self.0.tuning.set(tuning);
    }

    /// The bounds that the recording keeps.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// A buffer for kernels, with whatever it held before.
    pub fn alloc(&self, bytes: u64) -> Buffer {
        self.alloc_where(bytes, None)
    }

    /// A buffer for what is held on to from one work to the next: no larger than it must be, and
    /// later given to its like alone.
    pub fn alloc_kept(&self, bytes: u64) -> Buffer {
        let taken = self.0.pool.borrow_mut().take_kept(bytes);
        let id = taken.unwrap_or_else(|| self.create(bytes, Use::Kept));
        Buffer { pool: self.0.pool.clone(), id, bytes }
    }

    /// A buffer that the host may write at once: nothing recorded and unsubmitted uses it.
    pub fn alloc_for_host(&self, bytes: u64) -> Buffer {
        self.alloc_where(bytes, Some(self.0.epoch.get()))
    }

    /// A buffer of exactly this size that serves nobody else: it is destroyed when its handle was
    /// dropped and the device has run what uses it.
    pub fn alloc_apart(&self, bytes: u64) -> Buffer {
        let id = self.create(bytes, Use::Apart);
        Buffer { pool: self.0.pool.clone(), id, bytes }
    }

    /// [`Gpu::alloc_apart`] for weights, which the host may write at once.
    pub fn alloc_weights(&self, bytes: u64) -> Buffer {
        let id = self.create(bytes, Use::Weights);
        Buffer { pool: self.0.pool.clone(), id, bytes }
    }

    fn alloc_where(&self, bytes: u64, before: Option<u64>) -> Buffer {
        let taken = self.0.pool.borrow_mut().take(bytes, before);
        let id = taken.unwrap_or_else(|| self.create(bytes, Use::Pooled));
        Buffer { pool: self.0.pool.clone(), id, bytes }
    }

    fn create(&self, bytes: u64, usage: Use) -> BufferId {
        let size = Pool::rounded(bytes);
        if size > self.0.limits.buffer {
            let available = self.0.limits.buffer;
            self.0.faults.put(Error::GpuLimit { what: "a buffer", needed: size, available });
        }
        let buffer = self.0.engine.as_ref().map(|e| e.borrow().create_buffer(size));
        self.0.counter.borrow_mut().made.buffers += 1;
        self.0.pool.borrow_mut().insert(size, buffer, usage)
    }

    /// Writes `data` into a buffer of [`Gpu::alloc_for_host`]; offset and length are multiples of
    /// 4.
    pub fn write(&self, buffer: &Buffer, offset: u64, data: &[u8]) {
        assert!(offset + data.len() as u64 <= Pool::rounded(buffer.bytes), "a write past the end");
        if self.0.is_rehearsing.get() {
            return;
        }
        // The write would overtake what is recorded: see the pool.
        let touched = self.0.pool.borrow().epoch(buffer.id) == Some(self.0.epoch.get());
        assert!(!touched, "the host writes a buffer that the present recording uses");
        self.count_upload(data.len() as u64);
        let Some(engine) = &self.0.engine else { return };
        if let Some(target) = self.0.pool.borrow().buffer(buffer.id) {
            engine.borrow().queue().write_buffer(target, offset, data);
        }
        let pending = self.0.upload_bytes.get() + data.len() as u64;
        self.0.upload_bytes.set(pending);
        if pending >= UPLOAD_BYTES_MAX {
            engine.borrow().queue().submit([]);
            self.0.upload_bytes.set(0);
        }
    }

    /// Appends a run of `kernel` to the recording. `params` is at most 256 bytes in the layout of
    /// the kernel's uniform; `bindings` are its inputs and then its output; `work` is what it
    /// counts as, in the simplest case the definition's floating-point operations.
    pub fn dispatch(
        &self,
        kernel: &Rc<Kernel>,
        params: &[u8],
        bindings: Vec<Binding>,
        groups: [u32; 3],
        work: impl Into<Work>,
    ) {
        assert_eq!(bindings.len(), kernel.inputs() + 1, "{}: bindings", kernel.name());
        let (output, inputs) = bindings.split_last().expect("a kernel has an output");
        let aliased = inputs.iter().any(|input| input.buffer == output.buffer);
        assert!(!aliased, "{}: the output's buffer is also an input", kernel.name());
        self.check(kernel, &bindings, groups);
        let mut pool = self.0.pool.borrow_mut();
        bindings.iter().for_each(|binding| pool.touch(binding.buffer, self.0.epoch.get()));
        let bytes = distinct_bytes(&bindings);
        let work = work.into();
        if !self.0.is_rehearsing.get() {
            self.0.counter.borrow_mut().dispatch(kernel.name(), work, bytes);
        }
        if self.is_dry() {
            self.0.kernels.borrow_mut().note(kernel);
        }
        let mut recording = self.0.recording.borrow_mut();
        let params = recording.push_params(params);
        let kernel = kernel.clone();
        let flops = work.flops;
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
        if kernel.needs_f16() && !self.0.has_f16 {
            self.0.faults.put(Error::Gpu {
                message: "f16 precision needs an adapter with shader-f16; choose f32".into(),
            });
        }
    }

    /// The device and its queue, so that nothing is borrowed while they are waited for.
    pub(super) fn handles(&self) -> Option<(wgpu::Device, wgpu::Queue)> {
        let engine = self.0.engine.as_ref()?.borrow();
        Some((engine.device().clone(), engine.queue().clone()))
    }

    /// Destroys the device; whatever is asked of it afterwards fails.
    pub fn destroy(&self) {
        if let Some(engine) = &self.0.engine {
            engine.borrow().device().destroy();
        }
    }
}
