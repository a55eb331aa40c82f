//! Code comes and goes by the ten thousand, and the process stays the same. One test, in a process of its
//! own: it looks at the whole process.

#![cfg(target_os = "linux")]

use std::collections::VecDeque;
use std::fs;

use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
use cutthrough_jit::code_memory::CodeMemory;

const CYCLES: usize = 20_000;
const LIVE: usize = 50;

fn resident_bytes() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second number") * 4096
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps")
        .expect("Linux has it")
        .lines()
        .count()
}

#[test]
fn twenty_thousand_specialisations_leave_no_trace() {
    let memory = CodeMemory::new().expect("a reservation");
    let mut live = VecDeque::new();
    let mut seen = Vec::new();
    let mappings_before = mappings();
    for cycle in 0..CYCLES {
        let (region, mut provider) = memory.new_region();
        let bytes = 500 + cycle * 7919 % 15_000;
        let code = provider
            .allocate(bytes, 16, JITMemoryKind::Executable)
            .expect("room");
        // SAFETY: `bytes` fresh, writable bytes of this thread.
        unsafe { code.write_bytes(0xc3, bytes) };
        provider.finalize(BranchProtection::None).expect("finalized");
        live.push_back(region);
        if live.len() > LIVE {
            live.pop_front();
        }
        if cycle % 2000 == 1999 {
            seen.push((resident_bytes(), mappings()));
        }
    }
    let (resident_early, _) = seen[0];
    for &(resident, mappings) in &seen {
        assert!(
            resident <= resident_early + (512 << 10),
            "resident memory grows: {seen:?}"
        );
        assert!(
            mappings <= mappings_before + 2 * LIVE + 8,
            "mappings grow: {seen:?}"
        );
    }
    live.clear();
    assert_eq!(memory.stats().used_bytes, 0);
    assert!(
        mappings() <= mappings_before + 2,
        "free pages are one mapping again: {seen:?}, {}",
        mappings()
    );
    assert_eq!(
        memory.stats().allocated_bytes_total,
        memory.stats().freed_bytes_total
    );
    println!("{seen:?}, at the end {} and {}", resident_bytes(), mappings());
}
