//! Runs a recording, range by range: each range of its dispatches is one submit with one compute
//! pass. Timed runs have a pass for each dispatch. Keeps pipelines and bind groups for later runs.

use crate::gpu::kernel::Kernel;
use crate::gpu::memory::pool::Pool;
use crate::gpu::memory::readbacks::Readbacks;
use crate::gpu::queue::submitted::{Readback, Submitted};
use crate::gpu::recording::{ALIGNMENT, Binding, Dispatch, Recording};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// The first size of the buffer of parameters: those of 256 dispatches.
pub(super) const PARAMS_BYTES: u64 = 64 << 10;

/// Pipelines by kernel, bind groups by what they bind.
pub(super) struct Executor {
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// By number of inputs: the layout of the bind group and of the pipeline.
    layouts: HashMap<usize, (wgpu::BindGroupLayout, wgpu::PipelineLayout)>,
    pipelines: HashMap<Rc<Kernel>, wgpu::ComputePipeline>,
    bind_groups: HashMap<Vec<Binding>, wgpu::BindGroup>,
    /// The uniforms of the present recording. When it has to grow, all bind groups are made again.
    params: wgpu::Buffer,
    /// How many bind groups and how many pipelines were made.
    made: [u64; 2],
    checked_shaders: bool,
}

impl Executor {
    pub(super) fn new(device: wgpu::Device, queue: wgpu::Queue, checked_shaders: bool) -> Executor {
        let params = params_buffer(&device, PARAMS_BYTES);
        Executor {
            device,
            queue,
            layouts: HashMap::new(),
            pipelines: HashMap::new(),
            bind_groups: HashMap::new(),
            params,
            made: [0; 2],
            checked_shaders,
        }
    }

    /// Bind groups and pipelines made since [`Executor::reset_made`].
    pub(super) fn made(&self) -> [u64; 2] {
        self.made
    }

    pub(super) fn reset_made(&mut self) {
        self.made = [0; 2];
    }

    pub(super) fn device(&self) -> &wgpu::Device {
        &self.device
    }

    pub(super) fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// A buffer for kernels, host writes and copies.
    pub(super) fn create_buffer(&self, bytes: u64) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: bytes,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_DST
                | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    }

    /// Forgets bind groups: their buffers may be gone.
    pub(super) fn forget_bind_groups(&mut self) {
        self.bind_groups.clear();
    }

    /// Runs a range of the recording's dispatches. The ranges of a recording come in order: the
    /// first one also writes the parameters, the last one also runs the copies.
    pub(super) fn submit(
        &mut self,
        recording: &Recording,
        range: Range<usize>,
        pool: &Pool,
        readbacks: &mut Readbacks,
    ) -> Submitted {
        let is_last = range.end == recording.dispatches.len();
        let copies = if is_last { &recording.copies[..] } else { &[] };
        if range.start == 0 {
            self.write_params(&recording.params);
        }
        let dispatches = &recording.dispatches[range];
        for dispatch in dispatches {
            self.prepare(dispatch, pool);
        }
        let mut encoder = self.device.create_command_encoder(&Default::default());
        if !dispatches.is_empty() {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for dispatch in dispatches {
                self.encode(&mut pass, dispatch);
            }
        }
        for copy in copies {
            if let (Some(from), Some(to)) = (pool.buffer(copy.from), readbacks.buffer(copy.to)) {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, copy.bytes);
            }
        }
        let index = self.queue.submit([encoder.finish()]);
        for copy in copies {
            let Some(to) = readbacks.buffer(copy.to) else { continue };
            let submitted = Submitted::new(&self.queue, index.clone());
            let readback = Readback::new(to, submitted);
            readbacks.submitted(copy.to, readback);
        }
        Submitted::new(&self.queue, index)
    }

    /// Whether the device has a clock of its own.
    pub(super) fn has_timestamps(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Runs a recording with each dispatch in a pass of its own: the readback is of the clock
    /// before and after each, in ticks of 8 bytes.
    pub(super) fn submit_timed(
        &mut self,
        recording: &Recording,
        pool: &Pool,
    ) -> (Readback, wgpu::Buffer) {
        self.write_params(&recording.params);
        let stamps = 2 * recording.dispatches.len() as u32;
        let bytes = u64::from(stamps) * u64::from(wgpu::QUERY_SIZE);
        let query_set = self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count: stamps,
        });
        let resolved = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size: bytes,
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for (i, dispatch) in recording.dispatches.iter().enumerate() {
            self.prepare(dispatch, pool);
            let from = 2 * i as u32;
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &query_set,
                    beginning_of_pass_write_index: Some(from),
                    end_of_pass_write_index: Some(from + 1),
                }),
            });
            self.encode(&mut pass, dispatch);
        }
        encoder.resolve_query_set(&query_set, 0..stamps, &resolved, 0);
        let to = self.create_readback(bytes);
        encoder.copy_buffer_to_buffer(&resolved, 0, &to, 0, bytes);
        let index = self.queue.submit([encoder.finish()]);
        (Readback::new(&to, Submitted::new(&self.queue, index)), to)
    }

    fn encode(&self, pass: &mut wgpu::ComputePass<'_>, dispatch: &Dispatch) {
        let [x, y, z] = dispatch.groups;
        pass.set_pipeline(&self.pipelines[&dispatch.kernel]);
        pass.set_bind_group(0, &self.bind_groups[&dispatch.bindings], &[dispatch.params]);
        pass.dispatch_workgroups(x, y, z);
    }

    /// Makes the bind groups and pipelines of a recording that is not run.
    pub(super) fn rehearse(&mut self, recording: &Recording, pool: &Pool) {
        self.fit_params(&recording.params);
        for dispatch in &recording.dispatches {
            self.prepare(dispatch, pool);
        }
    }

    /// Makes the pipelines of kernels; false if all of them existed. A browser returns at once and
    /// compiles them in parallel with what follows.
    pub(super) fn compile(&mut self, kernels: &[Rc<Kernel>]) -> bool {
        let before = self.pipelines.len();
        kernels.iter().for_each(|kernel| drop(self.compiled(kernel)));
        self.pipelines.len() > before
    }

    fn write_params(&mut self, params: &[u8]) {
        self.fit_params(params);
        if !params.is_empty() {
            self.queue.write_buffer(&self.params, 0, params);
        }
    }

    fn fit_params(&mut self, params: &[u8]) {
        if (params.len() as u64) > self.params.size() {
            self.params.destroy();
            self.params = params_buffer(&self.device, params.len().next_power_of_two() as u64);
            self.bind_groups.clear();
        }
    }

    /// The layout of a kernel's bind groups; makes its pipeline if there is none yet.
    fn compiled(&mut self, kernel: &Rc<Kernel>) -> wgpu::BindGroupLayout {
        let Executor { device, layouts, pipelines, made, checked_shaders, .. } = self;
        let (bind_group_layout, pipeline_layout) =
            layouts.entry(kernel.inputs()).or_insert_with(|| layout(device, kernel.inputs()));
        if !pipelines.contains_key(kernel) {
            let module = shader_module(device, kernel, *checked_shaders);
            pipelines.insert(kernel.clone(), pipeline(device, kernel, &module, pipeline_layout));
            made[1] += 1;
        }
        bind_group_layout.clone()
    }

    fn prepare(&mut self, dispatch: &Dispatch, pool: &Pool) {
        let layout = self.compiled(&dispatch.kernel);
        let Executor { device, bind_groups, params, made, .. } = self;
        if !bind_groups.contains_key(&dispatch.bindings) {
            let group = bind_group(device, &layout, params, &dispatch.bindings, pool);
            bind_groups.insert(dispatch.bindings.clone(), group);
            made[0] += 1;
        }
    }

    /// A readback buffer: the device copies to it, the host maps it.
    pub(super) fn create_readback(&self, bytes: u64) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }
}

fn params_buffer(device: &wgpu::Device, bytes: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("params"),
        size: bytes,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn layout(device: &wgpu::Device, inputs: usize) -> (wgpu::BindGroupLayout, wgpu::PipelineLayout) {
    let entry = |binding: usize, ty: wgpu::BufferBindingType| wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: binding == 0,
            min_binding_size: None,
        },
        count: None,
    };
    let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
    entries.extend((1..=inputs).map(|i| entry(i, storage(true))));
    entries.push(entry(inputs + 1, storage(false)));
    let bind_group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: None,
        entries: &entries,
    });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(&bind_group_layout)],
        immediate_size: 0,
    });
    (bind_group_layout, pipeline_layout)
}

/// A browser checks shaders whatever is asked.
#[allow(unsafe_code, reason = "without checks some shaders are twice as fast; see SAFETY")]
fn shader_module(device: &wgpu::Device, kernel: &Kernel, checked: bool) -> wgpu::ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(kernel.name()),
        source: wgpu::ShaderSource::Wgsl(kernel.wgsl().into()),
    };
    if checked {
        return device.create_shader_module(descriptor);
    }
    // SAFETY: the text is ours alone. Its kernels read and write within their bindings and their
    // workgroup memory, for every shape that an op accepts; each loop is bounded by a constant or
    // by a parameter; indices that one kernel leaves for another are in range whatever the numbers;
    // and what a division divides by is a constant or a size, which is not zero.
    unsafe {
        device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
    }
}

fn pipeline(
    device: &wgpu::Device,
    kernel: &Kernel,
    module: &wgpu::ShaderModule,
    layout: &wgpu::PipelineLayout,
) -> wgpu::ComputePipeline {
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(kernel.name()),
        layout: Some(layout),
        module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            // Kernels write workgroup memory before they read it.
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    })
}

fn bind_group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    params: &wgpu::Buffer,
    bindings: &[Binding],
    pool: &Pool,
) -> wgpu::BindGroup {
    let uniform =
        wgpu::BufferBinding { buffer: params, offset: 0, size: wgpu::BufferSize::new(ALIGNMENT) };
    let mut entries =
        vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) }];
    for (i, binding) in bindings.iter().enumerate() {
        let buffer = pool.buffer(binding.buffer).expect("a bound buffer is alive");
        let range = wgpu::BufferBinding {
            buffer,
            offset: binding.offset,
            size: wgpu::BufferSize::new(binding.size),
        };
        entries.push(wgpu::BindGroupEntry {
            binding: i as u32 + 1,
            resource: wgpu::BindingResource::Buffer(range),
        });
    }
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}
