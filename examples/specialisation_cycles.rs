//! Compiles a chain, runs it and drops it, over and over; resident memory, memory mappings
//! and file descriptors stay as they are, and every byte of native code that was retired
//! has been freed.
//!
//! ```sh
//! cargo run --release --example specialisation_cycles -- 1000000
//! ```
//!
//! Each cycle runs a few steps natively and then drops the native code. What drops it
//! takes turns: a second reader is attached and removed, a process is inserted and
//! removed, a program is swapped, or all code is dropped at once. The program fails if
//! anything grows after the first tenth of the invalidations, or if the bytes differ.

use std::time::Instant;

use cutthrough::ir::{Op, Type};
use cutthrough::processes::{Filter, ForEach, Iter, Map, Pass};
use cutthrough::{Error, FlowPoint, Network, Options, Port, Process, ProcessId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let invalidations: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(200_000), |text| text.parse::<u64>())?;
    let mut line = Line::new()?;
    let began = Instant::now();
    let mut settled = None;
    let mut shown = 0;
    for cycle in 0.. {
        line.cycle(cycle)?;
        let done = line.network.report().specialisations.invalidated;
        if settled.is_none() && done >= invalidations / 10 {
            settled = Some(Usage::now()?);
        }
        if done >= shown {
            println!("{done:>9} invalidations: {}", Usage::now()?);
            shown += (invalidations / 10).max(1);
        }
        if done >= invalidations {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    line.network.invalidate_all();
    line.network.check_conservation()?;
    let (before, after) = (settled.unwrap_or(Usage::now()?), Usage::now()?);
    let report = line.network.report();
    let counts = report.specialisations;
    println!(
        "{:.1} us an invalidation; {before} after a tenth, {after} at the end",
        seconds * 1e6 / counts.invalidated as f64
    );
    println!("{counts:?}");
    let causes: Vec<String> = report
        .causes
        .iter()
        .map(|(cause, count)| format!("{count} {cause}"))
        .collect();
    println!("causes: {}", causes.join(", "));
    let memory = report
        .code_memory
        .ok_or("there is no code memory on this machine")?;
    println!("{memory:?}");
    // The allocator keeps some pages back and gives others up, within a MiB.
    if after.resident_kib > before.resident_kib + 1024
        || after.mappings > before.mappings + 4
        || after.descriptors != before.descriptors
    {
        return Err(format!("something has grown: {before} after a tenth, {after} at the end").into());
    }
    let is_all_freed = counts.retired_bytes == counts.installed_bytes
        && memory.freed_bytes == memory.allocated_bytes
        && memory.freed_bytes == counts.retired_bytes
        && memory.used_bytes == 0;
    if !is_all_freed {
        return Err(format!("retired code was not freed: {counts:?}, {memory:?}").into());
    }
    Ok(())
}

/// Numbers, the odd ones of them, their squares.
struct Line {
    network: Network,
    source: ProcessId,
    map: ProcessId,
    squares: FlowPoint<i64>,
}

impl Line {
    fn new() -> Result<Line, Error> {
        let mut network = Network::new(Options::native());
        let source = network.add(Iter::new(0i64..))?;
        let numbers = network.point::<i64>("numbers")?;
        network.attach_output(source, 0, numbers)?;
        let odd = network.pipe::<i64, i64>(
            numbers,
            Filter::new(Type::I64, |f, x| {
                let one = f.iconst(1);
                let bit = f.op(Op::Iand, &[x[0], one]);
                f.op(Op::Ieq, &[bit, one])
            }),
        )?;
        let map = network.add(square())?;
        network.attach_input(map, 0, odd)?;
        let squares = network.point::<i64>("squares")?;
        network.attach_output(map, 0, squares)?;
        network.sink(squares, ForEach::new(|_: i64| {}))?;
        Ok(Line {
            network,
            source,
            map,
            squares,
        })
    }

    /// Runs natively for a little, then has that code dropped.
    fn cycle(&mut self, cycle: u64) -> Result<(), Error> {
        self.network.run_steps(16)?;
        match cycle % 4 {
            0 => {
                let second = self.network.sink(self.squares, ForEach::new(|_: i64| {}))?;
                self.network.run_steps(16)?;
                self.network.remove(second)?;
            }
            1 => {
                let inserted = self.insert()?;
                self.network.run_steps(16)?;
                let is_gone = self.network.rewire(|rewire| rewire.take_out(inserted))?;
                assert!(is_gone, "nothing is dealt out in this line");
            }
            2 => self.network.rewire(|rewire| rewire.swap(self.map, square()))?,
            _ => self.network.invalidate_all(),
        }
        Ok(())
    }

    fn insert(&mut self) -> Result<ProcessId, Error> {
        let behind = Port {
            process: self.source,
            port: 0,
        };
        self.network.rewire(|rewire| {
            let copy = rewire.add(Pass::new(Type::I64))?;
            rewire.insert(behind, copy)?;
            Ok(copy)
        })
    }
}

fn square() -> impl Process {
    Map::new(Type::I64, Type::I64, |f, x| vec![f.op(Op::Imul, &[x[0], x[0]])])
}

/// What the OS process uses, as the kernel says.
#[derive(Clone, Copy)]
struct Usage {
    resident_kib: u64,
    mappings: usize,
    descriptors: usize,
}

impl Usage {
    fn now() -> std::io::Result<Usage> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident
            .and_then(|text| text.trim().strip_suffix(" kB"))
            .and_then(|text| text.parse().ok());
        Ok(Usage {
            resident_kib: resident.unwrap_or_default(),
            mappings: std::fs::read_to_string("/proc/self/maps")?.lines().count(),
            descriptors: std::fs::read_dir("/proc/self/fd")?.count(),
        })
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} KiB resident, {} mappings, {} descriptors",
            self.resident_kib, self.mappings, self.descriptors
        )
    }
}
