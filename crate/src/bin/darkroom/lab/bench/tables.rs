//! The tables of `darkroom bench`.

use darkroom::gpu::Timed;
use darkroom::measure::{Figure, Peaks};
use darkroom::pipeline::{PictureTime, Profile};

/// The heads of the columns of [`print_figure`].
pub(super) fn print_head() {
    let heads = ["ms", "by device", "GFLOP/s", "of peak", "GB/s", "of copy"];
    println!("{:44}{}", "", heads.map(|head| format!("{head:>11}")).concat());
}

/// An op.
pub(super) fn print_figure(figure: &Figure) {
    println!(
        "{:44}{:>11.3}{:>11}{:>11.1}{:>10.1}%{:>11.2}{:>10.1}%",
        figure.name,
        figure.seconds * 1e3,
        figure.device_seconds.map_or("–".into(), |seconds| format!("{:.3}", seconds * 1e3)),
        figure.gflops,
        100.0 * figure.of_peak,
        figure.gbps,
        100.0 * figure.of_copy
    );
}

/// A dispatch of an evaluation.
pub(super) fn print_dispatch(timed: &Timed) {
    println!(
        "{:24}{:>16}{:>10.3} ms{:>10.2} GFLOP/s{:>9.2} GB/s",
        timed.kernel,
        timed.groups.map(|n| n.to_string()).join("×"),
        timed.seconds * 1e3,
        timed.flops as f64 / timed.seconds / 1e9,
        timed.bytes as f64 / timed.seconds / 1e9
    );
}

/// An evaluation by kernel.
pub(super) fn print_profile(profile: &Profile) {
    let head = ["dispatches", "ms", "GFLOP", "GFLOP/s", "MB", "of peak", "of copy"];
    println!("{:24}{}", "kernel", head.map(|name| format!("{name:>11}")).concat());
    for kernel in &profile.kernels {
        println!(
            "{:24}{:>11}{:>11.2}{:>11.2}{:>11.1}{:>11.1}{:>10.1}%{:>10.1}%",
            kernel.kernel,
            kernel.dispatches,
            kernel.seconds * 1e3,
            kernel.gflop,
            kernel.gflop / kernel.seconds,
            kernel.mb,
            100.0 * kernel.of_peak,
            100.0 * kernel.of_copy
        );
    }
    let clock = if profile.by_device_clock { "the device's clock" } else { "the wall clock" };
    println!("\nby {clock}, all kernels {:.1} ms", 1e3 * profile.kernels_seconds);
    let [width, height] = profile.size;
    println!(
        "an evaluation for {width}×{height}: {:.1} ms (the fastest {:.1}), {:.0} MB at the most",
        1e3 * profile.seconds,
        1e3 * profile.fastest_seconds,
        profile.bytes_peak as f64 / 1e6
    );
    print_peaks(profile.peaks);
    println!();
}

/// The adapter's peaks.
pub(super) fn print_peaks(Peaks { gflops, gbps }: Peaks) {
    println!("peaks: {gflops:.1} GFLOP/s of multiply-adds, {gbps:.1} GB/s of a copy");
}

/// A picture by stage.
pub(super) fn print_picture(time: &PictureTime) {
    let [width, height] = time.size;
    println!(
        "a picture of {width}×{height}, {} steps: {:.2} s, {:.2} before the steps, \
         {:.2} in them, {:.2} decoding; {:.0} MB at the most",
        time.steps,
        time.seconds,
        time.before_seconds,
        time.steps_seconds,
        time.decoding_seconds,
        time.bytes_peak as f64 / 1e6
    );
}
