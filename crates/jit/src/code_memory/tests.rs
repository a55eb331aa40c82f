//! The protocol, seen from outside: what the system says about our pages, and what the counters say.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cranelift_codegen::ir::{AbiParam, InstBuilder, types};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{BranchProtection, JITBuilder, JITMemoryKind, JITMemoryProvider, JITModule};
use cranelift_module::{DataDescription, Linkage, Module, ModuleError, default_libcall_names};
use cutthrough_test_support::Random;

use super::*;

const PAGE_BYTES: usize = 4096;

/// One line of `/proc/self/maps`.
struct Mapping {
    start: usize,
    end: usize,
    flags: String,
}

fn mappings() -> Vec<Mapping> {
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let address = |hex| usize::from_str_radix(hex, 16).ok();
        Some(Mapping {
            start: address(start)?,
            end: address(end)?,
            flags: words.next()?.to_owned(),
        })
    };
    maps.lines()
        .map(|line| parse(line).expect("two addresses, then flags"))
        .collect()
}

/// The protection of the page at `address`; panics if any mapping of the process is writable and executable.
fn flags_at(address: *const u8) -> String {
    let mappings = mappings();
    for Mapping { start, flags, .. } in &mappings {
        assert!(
            !(flags.contains('w') && flags.contains('x')),
            "{start:x} is {flags}"
        );
    }
    let found = mappings
        .into_iter()
        .find(|mapping| (mapping.start..mapping.end).contains(&address.addr()));
    found.map_or_else(|| "unmapped".to_owned(), |mapping| mapping.flags)
}

fn small(pages: usize) -> Arc<CodeMemory> {
    CodeMemory::with_capacity(pages * PAGE_BYTES).expect("a reservation")
}

fn allocate(provider: &mut CodeProvider, bytes: usize) -> *mut u8 {
    provider
        .allocate(bytes, 16, JITMemoryKind::Executable)
        .expect("room for code")
}

fn seal(provider: &mut CodeProvider) {
    provider.finalize(BranchProtection::None).expect("finalized");
}

/// One sealed specialisation, if there is room.
fn specialise(memory: &Arc<CodeMemory>, bytes: usize) -> io::Result<(CodeRegion, *mut u8)> {
    let (region, mut provider) = memory.new_region();
    let code = provider.allocate(bytes, 16, JITMemoryKind::Executable)?;
    // SAFETY: `bytes` fresh, writable bytes of this thread.
    unsafe { code.write_bytes(0xc3, bytes) };
    seal(&mut provider);
    Ok((region, code))
}

#[test]
fn pages_are_writable_or_executable_and_then_gone() {
    let memory = small(64);
    let (region, mut provider) = memory.new_region();
    let code = allocate(&mut provider, 100);
    let constant = provider
        .allocate(8, 8, JITMemoryKind::ReadOnly)
        .expect("room for a constant");
    let counter = provider
        .allocate(8, 8, JITMemoryKind::Writable)
        .expect("room for data");
    for address in [code, constant, counter] {
        assert_eq!(flags_at(address), "rw-p");
    }
    assert!(!region.contains(code), "open pages are the provider's");

    seal(&mut provider);
    assert_eq!(
        [code, constant, counter].map(|address| flags_at(address)),
        ["r-xp", "r-xp", "rw-p"]
    );
    assert!(
        [code, constant, counter]
            .iter()
            .all(|&address| region.contains(address))
    );
    assert_eq!(region.bytes(), 2 * PAGE_BYTES);

    let more = allocate(&mut provider, 100);
    assert_eq!(
        (flags_at(code), flags_at(more)),
        ("r-xp".to_owned(), "rw-p".to_owned())
    );
    drop(provider);
    assert_eq!(
        (flags_at(code), flags_at(more)),
        ("r-xp".to_owned(), "---p".to_owned())
    );

    drop(region);
    assert!(
        [code, constant, counter]
            .iter()
            .all(|&address| flags_at(address) == "---p")
    );
    drop(memory);
}

#[test]
fn what_comes_back_is_empty() {
    let memory = small(8);
    let (region, code) = specialise(&memory, 3 * PAGE_BYTES).expect("room");
    drop(region);
    let (_region, mut provider) = memory.new_region();
    assert_eq!(allocate(&mut provider, 3 * PAGE_BYTES), code, "first fit");
    // SAFETY: `code` was just given to us again, writable, for three pages; the system fills it with zeros.
    let bytes = unsafe { std::slice::from_raw_parts(code, 3 * PAGE_BYTES) };
    assert!(
        bytes.iter().all(|&byte| byte == 0),
        "the memory went back to the system"
    );
}

#[test]
fn a_specialisation_grows_in_place() {
    let memory = small(64);
    let (region, mut provider) = memory.new_region();
    let first = allocate(&mut provider, 3000);
    let second = allocate(&mut provider, 3000);
    assert_eq!(second.addr() - first.addr(), 3008);
    // Somebody else's page is in the way of the third.
    let (_other_region, mut other) = memory.new_region();
    let in_the_way = allocate(&mut other, 1);
    let third = allocate(&mut provider, 3000);
    assert_eq!(in_the_way.addr() - first.addr(), 2 * PAGE_BYTES);
    assert_eq!(third.addr() - first.addr(), 3 * PAGE_BYTES);
    seal(&mut provider);
    assert_eq!(
        [first, second, third].map(|address| flags_at(address)),
        ["r-xp"; 3]
    );
    assert_eq!(flags_at(in_the_way), "rw-p");
    assert_eq!(region.bytes(), 3 * PAGE_BYTES);
}

#[test]
fn the_cap_is_an_error_and_not_the_end() {
    let memory = small(16);
    let mut regions = Vec::new();
    let error = loop {
        match specialise(&memory, 2 * PAGE_BYTES + 1) {
            Ok((region, _)) => regions.push(region),
            Err(error) => break error,
        }
    };
    assert_eq!(regions.len(), 5);
    assert_eq!(
        error.to_string(),
        "code memory full: 12288 bytes wanted in one piece, 61440 of 65536 in use; \
         drop specialisations or raise the capacity"
    );
    assert!(CodeMemoryFull::caused(&ModuleError::Allocation { err: error }));
    let stats = CodeMemoryStats {
        capacity_bytes: 16 * PAGE_BYTES,
        used_bytes: 15 * PAGE_BYTES,
        allocated_bytes_total: 15 * PAGE_BYTES as u64,
        freed_bytes_total: 0,
        live_specialisations: 5,
    };
    assert_eq!(memory.stats(), stats);

    // The provider that met the cap can go on: here with less.
    let (_region, mut provider) = memory.new_region();
    allocate(&mut provider, 1000);
    assert!(
        provider
            .allocate(PAGE_BYTES, 16, JITMemoryKind::Executable)
            .is_err()
    );
    assert!(
        provider
            .allocate(usize::MAX, 16, JITMemoryKind::Executable)
            .is_err()
    );
    allocate(&mut provider, 1000);
    drop(provider);

    drop(regions.remove(2));
    assert_eq!(memory.stats().live_specialisations, 4);
    regions.push(specialise(&memory, 3 * PAGE_BYTES).expect("room again").0);
    regions.clear();
    let CodeMemoryStats {
        used_bytes,
        allocated_bytes_total,
        freed_bytes_total,
        live_specialisations,
        ..
    } = memory.stats();
    assert_eq!((used_bytes, live_specialisations), (0, 0));
    assert_eq!(allocated_bytes_total, freed_bytes_total);
}

#[test]
fn wrong_requests_are_refused() {
    for capacity_bytes in [0, CAPACITY_BYTES_MAX + 1] {
        let error = CodeMemory::with_capacity(capacity_bytes).expect_err("a bad capacity");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    let memory = small(4);
    let (_region, mut provider) = memory.new_region();
    for align in [0, 3, 1 << 20, 1 << 40] {
        let error = provider
            .allocate(8, align, JITMemoryKind::Executable)
            .expect_err("a bad alignment");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(memory.stats().allocated_bytes_total, 0);
}

#[test]
fn a_region_may_go_before_its_provider() {
    let memory = small(16);
    let (region, mut provider) = memory.new_region();
    let code = allocate(&mut provider, 10);
    drop(region);
    assert_eq!(flags_at(code), "rw-p", "the module may still write there");
    let error = provider
        .finalize(BranchProtection::None)
        .expect_err("nobody to own the code");
    assert!(matches!(error, ModuleError::Backend(_)) && !CodeMemoryFull::caused(&error));
    assert_eq!(flags_at(code), "---p");
    assert_eq!(memory.stats().used_bytes, 0);
}

#[test]
fn threads_share_it() {
    let memory = small(48);
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let memory = &memory;
            scope.spawn(move || {
                let mut random = Random::new(u64::from(thread) + 1);
                let mut regions = Vec::new();
                for _ in 0..2000 {
                    if regions.len() > 5 || (random.below(3) == 0 && !regions.is_empty()) {
                        drop(regions.swap_remove(random.below(regions.len())));
                    }
                    let (region, mut provider) = memory.new_region();
                    let bytes = 1 + random.below(4 * PAGE_BYTES);
                    let Ok(code) = provider.allocate(bytes, 16, JITMemoryKind::Executable) else {
                        continue;
                    };
                    // SAFETY: `bytes` writable bytes; that they are this thread's alone is what is tested.
                    unsafe { code.write_bytes(thread, bytes) };
                    std::thread::yield_now();
                    seal(&mut provider);
                    // SAFETY: `bytes` readable bytes which nobody can write to as long as `region` lives.
                    let written = unsafe { std::slice::from_raw_parts(code, bytes) };
                    assert!(written.iter().all(|&byte| byte == thread));
                    regions.push(region);
                }
            });
        }
    });
    let stats = memory.stats();
    assert_eq!((stats.used_bytes, stats.live_specialisations), (0, 0));
}

#[test]
fn fragments_coalesce() {
    for seed in 1..=8 {
        let memory = small(200);
        let mut random = Random::new(seed);
        let mut regions: Vec<(CodeRegion, *mut u8, usize)> = Vec::new();
        for step in 0..300 {
            let bytes = 1 + random.below(12 * PAGE_BYTES);
            if random.below(3) == 0 && !regions.is_empty() {
                drop(regions.swap_remove(random.below(regions.len())));
            } else if let Ok((region, code)) = specialise(&memory, bytes) {
                regions.push((region, code, bytes));
            }
            let pages = regions
                .iter()
                .map(|(_, _, bytes)| bytes.div_ceil(PAGE_BYTES))
                .sum::<usize>();
            assert_eq!(
                memory.stats().used_bytes,
                pages * PAGE_BYTES,
                "seed {seed}, step {step}"
            );
        }
        regions.sort_by_key(|(_, code, _)| code.addr());
        for pair in regions.windows(2) {
            assert!(
                pair[0].1.addr() + pair[0].2 <= pair[1].1.addr(),
                "seed {seed}: no overlap"
            );
        }
        drop(regions);
        assert!(
            specialise(&memory, 200 * PAGE_BYTES).is_ok(),
            "seed {seed}: all is one piece again"
        );
    }
}

fn add_module(provider: CodeProvider) -> JITModule {
    let mut flags = settings::builder();
    flags.set("is_pic", "false").expect("a flag");
    flags.set("use_colocated_libcalls", "false").expect("a flag");
    let isa = cranelift_native::builder()
        .expect("a known host")
        .finish(settings::Flags::new(flags))
        .expect("an ISA");
    let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
    builder.memory_provider(Box::new(provider));
    JITModule::new(builder)
}

/// Defines a function that adds two numbers and a constant, which lies in read-only data.
fn define_add(module: &mut JITModule) -> Result<cranelift_module::FuncId, Box<ModuleError>> {
    let data = module.declare_anonymous_data(false, false)?;
    let mut description = DataDescription::new();
    description.define(Box::new(1000i64.to_ne_bytes()));
    description.set_align(8);
    module.define_data(data, &description)?;

    let mut context = module.make_context();
    context.func.signature.params = vec![AbiParam::new(types::I64); 2];
    context.func.signature.returns = vec![AbiParam::new(types::I64)];
    let function = module.declare_function("add", Linkage::Local, &context.func.signature)?;
    let data = module.declare_data_in_func(data, &mut context.func);
    let mut builder_context = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_all_blocks();
    let (a, b) = (builder.block_params(block)[0], builder.block_params(block)[1]);
    let address = builder.ins().symbol_value(types::I64, data);
    let constant = builder.ins().load(
        types::I64,
        cranelift_codegen::ir::MemFlagsData::trusted(),
        address,
        0,
    );
    let sum = builder.ins().iadd(a, b);
    let sum = builder.ins().iadd(sum, constant);
    builder.ins().return_(&[sum]);
    builder.finalize(module.target_config());
    module.define_function(function, &mut context)?;
    Ok(function)
}

#[test]
fn a_function_is_compiled_run_and_freed() {
    let memory = CodeMemory::new().expect("a reservation");
    let (region, provider) = memory.new_region();
    let mut module = add_module(provider);
    let function = define_add(&mut module).expect("compiled");
    module.finalize_definitions().expect("finalized");
    let code = module.get_finalized_function(function);
    drop(module);

    assert!(region.contains(code));
    assert_eq!(flags_at(code), "r-xp");
    assert_eq!(
        (memory.stats().live_specialisations, region.bytes()),
        (1, PAGE_BYTES)
    );
    // SAFETY: `code` is the entry of a function of this signature in the platform's calling convention.
    let add = unsafe { std::mem::transmute::<*const u8, extern "C" fn(i64, i64) -> i64>(code) };
    assert_eq!(add(20, 22), 1042);

    drop(region);
    assert_eq!(flags_at(code), "---p");
    assert_eq!(
        (memory.stats().live_specialisations, memory.stats().used_bytes),
        (0, 0)
    );
}

#[test]
fn a_module_at_the_cap_fails_with_our_error() {
    let memory = small(2);
    let (_other, _) = specialise(&memory, PAGE_BYTES).expect("room");
    let (_region, mut provider) = memory.new_region();
    allocate(&mut provider, PAGE_BYTES - 8);
    let error = define_add(&mut add_module(provider)).expect_err("8 bytes are too few");
    assert!(CodeMemoryFull::caused(&error), "{error}");
    assert_eq!(memory.stats().used_bytes, PAGE_BYTES);
}

#[test]
fn a_panic_while_compiling_leaves_nothing() {
    let memory = small(16);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let (_region, provider) = memory.new_region();
        let mut module = add_module(provider);
        define_add(&mut module).expect("compiled");
        assert_eq!(memory.stats().used_bytes, 0, "the compiler panics");
    }));
    assert!(result.is_err());
    assert_eq!(
        (memory.stats().used_bytes, memory.stats().freed_bytes_total),
        (0, PAGE_BYTES as u64)
    );
}

#[test]
fn a_spread_memory_uses_addresses_again_last() {
    let memory = CodeMemory::spread().expect("a reservation");
    let pages = memory.stats().capacity_bytes / PAGE_BYTES;
    let (mut seen, mut above) = (std::collections::HashSet::new(), 0);
    let (_lives, _) = specialise(&memory, PAGE_BYTES).expect("room");
    // Two pages each, and one is in use: an odd one is left at the end.
    for _ in 0..(pages - 1) / 2 {
        let (region, code) = specialise(&memory, 2 * PAGE_BYTES).expect("room");
        assert!(
            code.addr() > above && seen.insert(code.addr()),
            "an address was used again"
        );
        above = code.addr();
        drop(region);
    }
    let (_region, code) = specialise(&memory, 2 * PAGE_BYTES).expect("room");
    assert!(seen.contains(&code.addr()), "then from the beginning");
    assert_eq!(memory.stats().used_bytes, 3 * PAGE_BYTES);
}
