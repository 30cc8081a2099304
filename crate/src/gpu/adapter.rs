//! The adapter: which one, and which features and limits are asked of it, and why.
//!
//! Features, where there are any: `shader-f16` (half the memory for activations),
//! `timestamp-query` (the device's own clock, to choose among kernels), natively cooperative
//! matrices (a graphics card's matrix units); nothing else.
//! Limits: as large as the adapter offers, because larger buffers save row bands, and of workgroup
//! memory 32 KiB at the most; never more than it offers, so that the request cannot fail.
//! WebGPU's defaults are enough for all that we must do.

use crate::error::{Error, Result};

/// The most memory of a workgroup that is asked for, bytes. Few kernels are faster with more, and
/// what a workgroup has keeps others from its core.
const WORKGROUP_BYTES_MAX: u32 = 32 << 10;

/// How the adapter and its device are chosen.
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Which of several adapters (native only): its place, from 0; its PCI address, such as
    /// `0000:65:00.0`; or part of its name.
    pub adapter: Option<String>,
    /// Ask for WebGPU's default limits only, as the leanest adapter has them.
    pub default_limits: bool,
    /// Bind at most this many bytes at once; larger tensors are worked on in row bands.
    pub max_binding: Option<u64>,
    /// The most work of one submit, in the unit of
    /// [`Dispatch::work`](super::recording::Dispatch::work); without it, what the adapter is
    /// measured to do in a tenth of a second.
    pub max_submit: Option<u64>,
    /// Floating-point operations of one dispatch at the most; without it, what
    /// [`Gpu::dispatch_max`](super::Gpu::dispatch_max) says.
    pub max_dispatch: Option<u64>,
    /// Choose kernels as for a software adapter or as for a real GPU, whatever the adapter is.
    pub software: Option<bool>,
    /// Leave the matrix units of a graphics card unused.
    pub no_matrix_units: bool,
    /// Natively, let shaders check every index and bound every loop, as browsers do. Our kernels
    /// stay within their bounds by themselves; the checks made one of them 2.5 times as slow.
    pub checked_shaders: bool,
}

/// What an adapter said of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdapterInfo {
    /// Its name; browsers may leave it empty.
    pub name: String,
    /// The API underneath.
    pub backend: String,
    /// The driver and its version; browsers leave it empty.
    pub driver: String,
    /// Whether it computes on the CPU.
    pub software: bool,
    /// Whether the browser, the driver or [`GpuOptions::software`] said so. If not, it is taken
    /// for a graphics card until it is measured ([`crate::measure::open`]).
    pub kind_is_known: bool,
}

/// Limits that every recording keeps. The comments have WebGPU's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `maxBufferSize`, bytes.
    pub buffer: u64,
    /// `maxStorageBufferBindingSize`, bytes.
    pub binding: u64,
    /// `maxComputeWorkgroupsPerDimension`.
    pub groups: u32,
    /// `maxComputeWorkgroupStorageSize`, bytes.
    pub workgroup: u32,
}

impl Default for Limits {
    /// WebGPU's defaults, which every adapter has.
    fn default() -> Self {
        Limits { buffer: 256 << 20, binding: 128 << 20, groups: 65_535, workgroup: 16 << 10 }
    }
}

impl Limits {
    /// The smaller of the two, limit by limit.
    pub fn at_most(self, other: Limits) -> Limits {
        Limits {
            buffer: self.buffer.min(other.buffer),
            binding: self.binding.min(other.binding),
            groups: self.groups.min(other.groups),
            workgroup: self.workgroup.min(other.workgroup),
        }
    }
}

/// An open device with its queue.
pub(super) struct Opened {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub info: AdapterInfo,
    pub limits: Limits,
    pub has_f16: bool,
    pub has_matrix_units: bool,
}

/// Opens the adapter that `options` name, or the fastest.
///
/// # Errors
/// [`Error::NoGpu`] where there is no WebGPU;
/// [`Error::NoAdapter`] where it offers no adapter or device.
pub(super) async fn open(options: &GpuOptions) -> Result<Opened> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = choose(&instance, options).await?;
    let offered = adapter.limits();
    let mut wanted = wgpu::Features::SHADER_F16 | wgpu::Features::TIMESTAMP_QUERY;
    let has_matrix_units =
        !options.default_limits && !options.no_matrix_units && has_matrix_units(&adapter);
    if has_matrix_units {
        wanted |= wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
    }
    let features = adapter.features() & wanted;
    let mut limits = wgpu::Limits::default();
    if !options.default_limits {
        limits.max_buffer_size = offered.max_buffer_size;
        limits.max_storage_buffer_binding_size = offered.max_storage_buffer_binding_size;
        limits.max_compute_workgroup_storage_size =
            offered.max_compute_workgroup_storage_size.min(WORKGROUP_BYTES_MAX);
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("darkroom"),
        required_features: features,
        required_limits: limits.clone(),
        experimental_features: experimental(has_matrix_units),
        ..Default::default()
    };
    let (device, queue) = adapter
        .request_device(&descriptor)
        .await
        .map_err(|e| Error::NoAdapter { reason: e.to_string() })?;
    let info = adapter.get_info();
    let binding = options.max_binding.unwrap_or(u64::MAX);
    Ok(Opened {
        device,
        queue,
        info: AdapterInfo {
            software: options.software.unwrap_or(info.device_type == wgpu::DeviceType::Cpu),
            kind_is_known: options.software.is_some()
                || info.device_type != wgpu::DeviceType::Other,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().into(),
            name: info.name,
        },
        limits: Limits {
            buffer: limits.max_buffer_size,
            binding: limits.max_storage_buffer_binding_size.min(binding),
            groups: limits.max_compute_workgroups_per_dimension,
            workgroup: limits.max_compute_workgroup_storage_size,
        },
        has_f16: features.contains(wgpu::Features::SHADER_F16),
        has_matrix_units,
    })
}

/// Whether the adapter multiplies matrices of 16 × 16 f16 numbers and adds in f32, in subgroups of
/// 32 invocations, as `kernels/shared/tile_matrix.wgsl` needs it.
fn has_matrix_units(adapter: &wgpu::Adapter) -> bool {
    use wgpu::CooperativeScalarType::{F16, F32};
    let features = wgpu::Features::SHADER_F16 | wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
    let info = adapter.get_info();
    let multiplies = |matrix: &wgpu::CooperativeMatrixProperties| {
        [matrix.m_size, matrix.n_size, matrix.k_size] == [16; 3]
            && matrix.ab_type == F16
            && matrix.cr_type == F32
    };
    adapter.features().contains(features)
        && [info.subgroup_min_size, info.subgroup_max_size] == [32; 2]
        && adapter.limits().max_compute_workgroup_storage_size >= WORKGROUP_BYTES_MAX
        && adapter.cooperative_matrix_properties().iter().any(multiplies)
}

/// Leave to use features of wgpu that are experimental, if any are used.
#[allow(unsafe_code, reason = "the one way to cooperative matrices; see SAFETY")]
fn experimental(used: bool) -> wgpu::ExperimentalFeatures {
    match used {
        // SAFETY: the one experimental feature is cooperative matrices. Its kernel is ours, is run
        // only where the adapter lists the shape, and its answer is compared with a known one
        // before any other use (measure/probe.rs).
        true => unsafe { wgpu::ExperimentalFeatures::enabled() },
        false => wgpu::ExperimentalFeatures::disabled(),
    }
}

/// What every adapter of this machine says of itself, as text for people: name, driver, features,
/// limits that kernels are chosen by, and shapes of cooperative matrices.
#[cfg(not(target_arch = "wasm32"))]
pub async fn describe_adapters() -> Vec<String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let all = instance.enumerate_adapters(wgpu::Backends::all()).await;
    all.iter().map(describe).collect()
}

#[cfg(not(target_arch = "wasm32"))]
fn describe(adapter: &wgpu::Adapter) -> String {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let mut lines = vec![
        format!("{} ({}, {:?})", info.name, info.backend, info.device_type),
        format!("driver: {} {}", info.driver, info.driver_info),
        format!("subgroups: {} to {}", info.subgroup_min_size, info.subgroup_max_size),
        format!(
            "workgroups: {} bytes of memory, {} invocations; {} of a dimension at the most",
            limits.max_compute_workgroup_storage_size,
            limits.max_compute_invocations_per_workgroup,
            limits.max_compute_workgroups_per_dimension
        ),
        format!(
            "buffers: {} bytes, {} of them bound at once",
            limits.max_buffer_size, limits.max_storage_buffer_binding_size
        ),
    ];
    for matrix in adapter.cooperative_matrix_properties() {
        lines.push(format!(
            "cooperative matrix: {}×{}×{}, {:?} to {:?}",
            matrix.m_size, matrix.n_size, matrix.k_size, matrix.ab_type, matrix.cr_type
        ));
    }
    let features: Vec<_> = adapter.features().iter_names().map(|(name, _)| name).collect();
    lines.push(format!("features: {}", features.join(" ")));
    lines.join("\n  ")
}

#[cfg(not(target_arch = "wasm32"))]
async fn choose(instance: &wgpu::Instance, options: &GpuOptions) -> Result<wgpu::Adapter> {
    if let Some(wanted) = &options.adapter {
        let all = instance.enumerate_adapters(wgpu::Backends::all()).await;
        let told: Vec<_> = all
            .iter()
            .map(wgpu::Adapter::get_info)
            .map(|info| (info.name, info.device_pci_bus_id))
            .collect();
        let place = find(&told, wanted).ok_or_else(|| Error::NoAdapter {
            reason: format!("none is called `{wanted}`; there are: {}", listed(&told)),
        })?;
        return Ok(all.into_iter().nth(place).expect("the place is one of theirs"));
    }
    request(instance).await
}

/// The place of the adapter that is wanted, among names and PCI addresses.
#[cfg(not(target_arch = "wasm32"))]
fn find(all: &[(String, String)], wanted: &str) -> Option<usize> {
    let wanted = wanted.to_lowercase();
    // A longer number is part of a name, such as 3060.
    if let Ok(place @ ..100) = wanted.parse::<usize>() {
        return (place < all.len()).then_some(place);
    }
    // NVIDIA's tools write the domain with eight digits.
    let short = |address: &str| address.trim_start_matches('0').to_lowercase();
    all.iter().position(|(name, address)| {
        name.to_lowercase().contains(&wanted)
            || (wanted.contains(':') && short(address) == short(&wanted))
    })
}

/// Their places, names and PCI addresses, for people.
#[cfg(not(target_arch = "wasm32"))]
fn listed(all: &[(String, String)]) -> String {
    let one = |(place, (name, address)): (usize, &(String, String))| match address.is_empty() {
        true => format!("{place} {name}"),
        false => format!("{place} {name} ({address})"),
    };
    all.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(target_arch = "wasm32")]
async fn choose(instance: &wgpu::Instance, _: &GpuOptions) -> Result<wgpu::Adapter> {
    use wasm_bindgen::JsValue;
    // wgpu panics where `navigator.gpu` is missing, so that case is found here.
    let gpu = js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str("navigator"))
        .and_then(|navigator| js_sys::Reflect::get(&navigator, &JsValue::from_str("gpu")));
    if !gpu.is_ok_and(|gpu| gpu.is_object()) {
        return Err(Error::NoGpu { reason: "the browser has no navigator.gpu".into() });
    }
    request(instance).await
}

async fn request(instance: &wgpu::Instance) -> Result<wgpu::Adapter> {
    // Two-GPU laptops default to the weak one.
    let options = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    };
    instance.request_adapter(&options).await.map_err(|e| Error::NoAdapter { reason: e.to_string() })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_equal_cards_is_found() {
        let card = |address: &str| ("NVIDIA H100 80GB HBM3".to_owned(), address.to_owned());
        let all =
            [card("0000:19:00.0"), card("0001:65:00.0"), ("llvmpipe".to_owned(), String::new())];
        for (wanted, place) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("3", None),
            ("3060", None),
            ("0001:65:00.0", Some(1)),
            ("00000001:65:00.0", Some(1)),
            ("00000000:19:00.0", Some(0)),
            ("h100", Some(0)),
            ("LLVM", Some(2)),
            ("0000:66:00.0", None),
            (":", None),
        ] {
            assert_eq!(find(&all, wanted), place, "{wanted}");
        }
        assert!(listed(&all).ends_with("1 NVIDIA H100 80GB HBM3 (0001:65:00.0), 2 llvmpipe"));
    }
}
