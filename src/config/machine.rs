//! What the machine, or the container's cgroup, has.

use std::path::Path;

/// Where nothing can be learnt.
const FALLBACK_MEMORY: u64 = 2 << 30;

/// Of what there is, the engine's share in percent: DuckDB's memory_limit does not count everything it uses, and the
/// gateway itself needs some.
const ENGINE_SHARE: u64 = 60;

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub fn default_memory_limit() -> u64 {
    let machine = meminfo("MemTotal:").unwrap_or(FALLBACK_MEMORY);
    let container = cgroup_limit().unwrap_or(u64::MAX);
    machine.min(container) / 100 * ENGINE_SHARE
}

fn meminfo(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The tightest limit on the way from this process' cgroup to the root; version 2, then version 1.
fn cgroup_limit() -> Option<u64> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let v2 = own.lines().find_map(|line| line.strip_prefix("0::"));
    let v1 = own.lines().find_map(|line| line.split_once(":memory:").map(|(_, path)| path));
    let limits = [(v2, "/sys/fs/cgroup", "memory.max"), (v1, "/sys/fs/cgroup/memory", "memory.limit_in_bytes")];
    limits.into_iter().filter_map(|(path, root, file)| tightest(Path::new(root), path?, file)).min()
}

fn tightest(root: &Path, path: &str, file: &str) -> Option<u64> {
    let inside = root.join(path.trim_start_matches('/'));
    let up = inside.ancestors().take_while(|dir| dir.starts_with(root));
    // In a container, the own path may not be visible: the root then is the container's.
    up.chain([root]).filter_map(|dir| std::fs::read_to_string(dir.join(file)).ok()?.trim().parse().ok()).min()
}
