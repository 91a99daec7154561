//! What is printed beside every figure: on which machine, and how far to trust it.

use std::fs;

/// The value below which this share of the samples lies; the median for 0.5.
/// Interpolates between neighbours, so that few samples are read fairly.
pub fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().saturating_sub(1) as f64;
    let low = sorted.get(place.floor() as usize).copied().unwrap_or(f64::NAN);
    let high = sorted.get(place.ceil() as usize).copied().unwrap_or(f64::NAN);
    low + (high - low) * place.fract()
}

/// Prints the machine and the program that the figures below are of.
pub fn print_machine() {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let profile = if cfg!(debug_assertions) { " (NOT a release build)" } else { "" };
    println!(
        "machine: {}, {cores} cores, Linux {}; dustline {}{profile}",
        model.map_or("unknown", |(_, m)| m),
        kernel.trim(),
        env!("CARGO_PKG_VERSION"),
    );
    println!("load before: {}", load());
}

/// How busy the machine was over the last minute, with what of it is ours.
pub fn load() -> String {
    let line = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    line.split(' ').next().unwrap_or("unknown").to_owned()
}
