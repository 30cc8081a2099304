//! The group norms of Stable Diffusion v1.4 on a device that only adds up: on a graphics card all
//! of it has work, and software adapters keep their own kernels.

use darkroom::gpu::Gpu;
use darkroom::gpu::recording::Dispatch;
use darkroom::models::sd_v1_4;
use darkroom::models::unet::{Unet, UnetConfig, UnetInput};
use darkroom::nn::Scope;
use darkroom::ops::Activation;
use darkroom::tensor::Tensor;
use darkroom::{Precision, WeightType};
use std::collections::BTreeMap;

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F16];

/// What an evaluation of the UNet records for two pictures of 512×512.
fn evaluation(gpu: &Gpu, precision: Precision) -> Vec<Dispatch> {
    let config = UnetConfig::parse("unet", sd_v1_4::UNET).unwrap();
    let unet = Unet::new(&Scope::without_file(gpu, WeightType::F16), &config).unwrap();
    let context = unet.prepare(&Tensor::empty(gpu, [2, 77, 768], precision));
    let latents = Tensor::empty(gpu, [2, 64, 64, 4], precision);
    gpu.submit();
    drop(unet.forward(&UnetInput::new(&latents, 1.0, &context)));
    gpu.take_recording().dispatches
}

/// What a group norm of the decoder records.
fn norm(gpu: &Gpu, [side, c]: [usize; 2], precision: Precision) -> Vec<Dispatch> {
    let x = Tensor::empty(gpu, [1, side, side, c], precision);
    let gamma = Tensor::empty(gpu, [c], Precision::F32);
    drop(x.group_norm(32, &gamma, &gamma, 1e-6, Activation::Silu));
    gpu.take_recording().dispatches
}

/// The workgroups of each dispatch of each kernel of the group norms.
fn workgroups(dispatches: &[Dispatch]) -> BTreeMap<&'static str, Vec<u32>> {
    let mut of_kernel: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for dispatch in dispatches.iter().filter(|d| d.kernel.name().starts_with("group_norm")) {
        let count = dispatch.groups.iter().product();
        of_kernel.entry(dispatch.kernel.name()).or_default().push(count);
    }
    for (name, counts) in &of_kernel {
        let [least, most] = [counts.iter().min().unwrap(), counts.iter().max().unwrap()];
        println!("{name}: {} dispatches of {least} to {most} workgroups", counts.len());
    }
    of_kernel
}

/// The norms at 8×8, and those of up to 1280 channels at 16×16, are one dispatch each: three would
/// take longer to start than they read and write.
#[test]
fn an_evaluation_streams_with_all_of_a_card() {
    for precision in PRECISIONS {
        let dispatches = evaluation(&Gpu::dry(precision == Precision::F16), precision);
        let norms = workgroups(&dispatches);
        for pass in ["group_norm_channels", "group_norm_stream"] {
            assert_eq!(norms[pass].len(), 34);
            assert!(norms[pass].iter().all(|&count| count >= 256), "{pass}: {:?}", norms[pass]);
        }
        assert_eq!(norms["group_norm_merge"], [64; 34]);
        assert_eq!(norms["group_norm_whole"], [64; 27]);
        assert_eq!(norms.len(), 4);
    }
}

/// However large the picture is, what is merged stays short beside what is read. Tensors that are
/// larger than a binding are read and written in several dispatches.
#[test]
fn a_decoder_streams_with_all_of_a_card() {
    let sizes = [[64, 512], [128, 512], [256, 512], [256, 256], [512, 256], [512, 128]];
    for size in sizes.into_iter().chain([[768, 256], [1024, 128]]) {
        for precision in PRECISIONS {
            println!("{size:?} {precision:?}");
            let dispatches = norm(&Gpu::dry(true), size, precision);
            let norms = workgroups(&dispatches);
            for pass in ["group_norm_channels", "group_norm_stream"] {
                assert!(norms[pass].iter().sum::<u32>() >= 256, "{pass}: {:?}", norms[pass]);
            }
            assert_eq!((norms.len(), &norms["group_norm_merge"][..]), (3, &[32][..]));
            let bytes = |pass: &str| -> u64 {
                dispatches.iter().filter(|d| d.kernel.name() == pass).map(|d| d.bytes).sum()
            };
            let [read, merged] = ["group_norm_channels", "group_norm_merge"].map(bytes);
            assert!(20 * merged < read, "{merged} of {read}");
        }
    }
}

#[test]
fn software_adapters_keep_their_kernels() {
    let gpu = Gpu::dry_software(false);
    let dispatches = evaluation(&gpu, Precision::F32);
    assert!(dispatches.len() <= 380, "{} dispatches", dispatches.len());
    let norms = workgroups(&dispatches);
    assert_eq!(norms.keys().collect::<Vec<_>>(), [&"group_norm_direct"]);
    assert_eq!(norms["group_norm_direct"].len(), 61);
    let norms = workgroups(&norm(&gpu, [512, 128], Precision::F32));
    assert_eq!(norms.into_keys().collect::<Vec<_>>(), ["group_norm", "group_norm_stats"]);
}
