//! How much one stage may keep, by how much there is.

use std::fs;
use std::path::Path;

use cutthrough_lang::limits::STAGE_MEMORY_BYTES_MAX;
use rustix::process::{Resource, getrlimit};

/// What is kept may be moved, and sorted: of a limit of memory it may take this part, as a divisor.
const SHARE_OF_MEMORY: u64 = 2;

/// The same of a limit of addresses, of which the tool itself takes many.
const SHARE_OF_ADDRESSES: u64 = 4;

/// What one stage may keep, in bytes: what the language says, or less where less may be taken. So the run ends with a
/// message, and not for want of memory.
pub(crate) fn stage_bytes_max() -> usize {
    let addresses = getrlimit(Resource::As)
        .current
        .map(|most| most / SHARE_OF_ADDRESSES);
    let memory = [of_groups(), of_machine()].into_iter().flatten();
    let most = memory.map(|most| most / SHARE_OF_MEMORY).chain(addresses).min();
    let most = most.and_then(|most| usize::try_from(most).ok());
    most.map_or(STAGE_MEMORY_BYTES_MAX, |most| most.min(STAGE_MEMORY_BYTES_MAX))
}

/// The limit of the control groups that the process is in.
fn of_groups() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = |group: &Path| {
        let path = Path::new("/sys/fs/cgroup").join(group).join("memory.max");
        fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    Path::new(group).ancestors().filter_map(limit).min()
}

/// What the machine has.
fn of_machine() -> Option<u64> {
    let known = fs::read_to_string("/proc/meminfo").ok()?;
    let total = known.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}
