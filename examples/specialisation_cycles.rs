//! Compiles a chain, runs it and drops it, over and over; resident memory and the
//! number of memory mappings stay as they are.
//!
//! ```sh
//! cargo run --release --example specialisation_cycles -- 200000
//! ```
//!
//! Each cycle runs a few steps natively and then drops the native code; every tenth
//! also attaches and removes a second reader, so that the wiring changes too. The
//! program fails if memory or mappings grow after the first tenth of the cycles.

use std::time::Instant;

use cutthrough::ir::{Op, Type};
use cutthrough::processes::{Filter, ForEach, Iter, Map};
use cutthrough::{Error, FlowPoint, Network, Options, SpecialisationCounts};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cycles: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(200_000), |text| text.parse::<u64>())?;
    let (mut network, point) = network()?;
    let began = Instant::now();
    let mut settled = None;
    for cycle in 0..cycles {
        network.run_steps(16)?;
        network.invalidate_all();
        if cycle % 10 == 0 {
            let second = network.sink(point, ForEach::new(|_: i64| {}))?;
            network.run_steps(16)?;
            network.remove(second)?;
        }
        if cycle == cycles / 10 {
            settled = Some(Memory::now()?);
        }
        if cycle % (cycles / 10).max(1) == 0 {
            println!("{cycle:>9} cycles: {}", Memory::now()?);
        }
    }
    let (before, after) = (settled.unwrap_or(Memory::now()?), Memory::now()?);
    println!(
        "{cycles:>9} cycles: {after}; {:.1} us a cycle",
        began.elapsed().as_secs_f64() * 1e6 / cycles as f64
    );
    let SpecialisationCounts {
        compiled,
        invalidated,
        refused,
        ..
    } = network.report().specialisations;
    println!("{compiled} compiled, {invalidated} dropped, {refused} refused");
    network.check_conservation()?;
    if after.resident_kib > before.resident_kib + 1024 || after.mappings > before.mappings + 4 {
        return Err(format!("memory has grown: {before} before, {after} after").into());
    }
    Ok(())
}

fn network() -> Result<(Network, FlowPoint<i64>), Error> {
    let mut network = Network::new(Options::native());
    let numbers = network.source::<i64>(Iter::new(0i64..))?;
    let odd: FlowPoint<i64> = network.pipe(
        numbers,
        Filter::new(Type::I64, |f, x| {
            let one = f.iconst(1);
            let bit = f.op(Op::Iand, &[x[0], one]);
            f.op(Op::Ieq, &[bit, one])
        }),
    )?;
    let squares: FlowPoint<i64> = network.pipe(
        odd,
        Map::new(Type::I64, Type::I64, |f, x| vec![f.op(Op::Imul, &[x[0], x[0]])]),
    )?;
    network.sink(squares, ForEach::new(|_: i64| {}))?;
    Ok((network, squares))
}

/// What the process uses, as the kernel says.
#[derive(Clone, Copy)]
struct Memory {
    resident_kib: u64,
    mappings: usize,
}

impl Memory {
    fn now() -> std::io::Result<Memory> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident
            .and_then(|text| text.trim().strip_suffix(" kB"))
            .and_then(|text| text.parse().ok());
        let mappings = std::fs::read_to_string("/proc/self/maps")?.lines().count();
        Ok(Memory {
            resident_kib: resident.unwrap_or_default(),
            mappings,
        })
    }
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} KiB resident, {} mappings",
            self.resident_kib, self.mappings
        )
    }
}
