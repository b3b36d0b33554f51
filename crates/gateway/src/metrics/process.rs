//! The process itself, under the names that Prometheus' own clients use. Linux tells; elsewhere there is nothing.

use std::fs;

use super::exposition::{Exposition, Kind};

/// Bytes in a page of memory, as the kernel counts them in `statm`: the smallest there is. `status` tells kilobytes and is used instead.
const KILOBYTE: u64 = 1024;

pub(crate) fn write(text: &mut Exposition) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().ok()
    };
    let bytes = |name: &str| kilobytes(name).map(|kilobytes| kilobytes * KILOBYTE);
    gauge(text, "process_resident_memory_bytes", "Memory in use.", bytes("VmRSS"));
    gauge(text, "process_resident_memory_peak_bytes", "The most memory that was in use.", bytes("VmHWM"));
    gauge(text, "process_threads", "Threads.", kilobytes("Threads"));
    let open = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
    gauge(text, "process_open_fds", "Open files and sockets.", open.and_then(|open| open.try_into().ok()));
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let most = most.and_then(|line| line.split_whitespace().next()).and_then(|soft| soft.parse().ok());
    gauge(text, "process_max_fds", "How many files and sockets may be open.", most);
}

fn gauge(text: &mut Exposition, name: &'static str, help: &str, value: Option<u64>) {
    if let Some(value) = value {
        text.single(name, Kind::Gauge, help, value);
    }
}
