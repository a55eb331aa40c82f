//! How long each part of the way from a log to groups takes:
//! `cargo run --release -p cutthrough-formats --example throughput -- access.log`
//!
//! Each line has the parts of the one before and one more (`parse` follows `read`); the best of
//! five runs.

use std::fs::File;
use std::time::Instant;

use cutthrough::aggregate::{AggregateFunction, BasicAggregate};
use cutthrough::ir::{ElementType, Op, SlotDecl, Type};
use cutthrough::processes::GroupSpec;
use cutthrough::processes::{Filter, Fold, Group, Map, Read};
use cutthrough::{Error, Network, Options, PointId, Process};
use cutthrough_formats::clf::{Column, Columns};
use cutthrough_formats::processes::{Lines, Parse, line_type};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the path of a log, please")?;
    let bytes = std::fs::metadata(&path)?.len() as f64;
    for (parts, name) in ["read", "lines", "parse", "filter", "group"]
        .into_iter()
        .enumerate()
    {
        let mut best = f64::MAX;
        let mut count = 0;
        for _ in 0..5 {
            let mut net = Network::new(Options::default());
            let begin = Instant::now();
            count = run(&mut net, &path, parts)?;
            best = best.min(begin.elapsed().as_secs_f64());
        }
        println!(
            "{name:6} {:7.1} ms {:6.0} MB/s  {count} elements",
            best * 1e3,
            bytes / best / 1e6
        );
    }
    Ok(())
}

/// Runs the first parts; how many elements the last of them gave.
fn run(net: &mut Network, path: &str, parts: usize) -> Result<i64, Error> {
    let row = ElementType::new([Type::BYTES.or_null(), Type::I64, Type::I64]);
    let group = ElementType::new([Type::BYTES.or_null(), Type::I64]);
    let file = File::open(path).expect("the file is there");
    let mut ty = ElementType::from(Type::BYTES);
    let mut at = source(net, Read::new(path, file), &ty)?;
    if parts == 1 {
        ty = line_type();
        at = then(net, at, Lines::new(), &ty)?;
    }
    if parts >= 2 {
        ty = row.clone();
        let want = Columns::NONE
            .with(Column::Path)
            .with(Column::Status)
            .with(Column::Bytes);
        at = then(net, at, Parse::clf(want), &ty)?;
    }
    if parts >= 3 {
        let errors = Filter::new(row.clone(), |f, x| {
            let least = f.iconst(500);
            f.op(Op::Ige, &[x[1], least])
        });
        at = then(net, at, errors, &ty)?;
        ty = group.clone();
        at = then(net, at, Map::new(row, ty.clone(), |_, x| vec![x[0], x[2]]), &ty)?;
    }
    if parts >= 4 {
        let aggregates = vec![
            BasicAggregate {
                function: AggregateFunction::Count,
                input: None,
            },
            BasicAggregate {
                function: AggregateFunction::Sum,
                input: Some(Type::I64),
            },
        ];
        let keys = vec![Type::BYTES.or_null()];
        ty = ElementType::new(
            keys.iter()
                .copied()
                .chain(aggregates.iter().map(|aggregate| aggregate.result())),
        );
        let process = Group::new(GroupSpec::basic(keys, aggregates, 1 << 30));
        at = then(net, at, process, &ty)?;
    }
    count(net, at, &ty)
}

fn source(net: &mut Network, process: impl Process + 'static, ty: &ElementType) -> Result<PointId, Error> {
    let id = net.add(process)?;
    let point = net.add_point("point", ty.clone())?;
    net.attach_output(id, 0, point)?;
    Ok(point)
}

fn then(
    net: &mut Network,
    from: PointId,
    process: impl Process + 'static,
    ty: &ElementType,
) -> Result<PointId, Error> {
    let id = net.add(process)?;
    net.attach_input(id, 0, from)?;
    let point = net.add_point("point", ty.clone())?;
    net.attach_output(id, 0, point)?;
    Ok(point)
}

fn count(net: &mut Network, from: PointId, ty: &ElementType) -> Result<i64, Error> {
    let fold = Fold::new(ty.clone(), vec![SlotDecl::i64("count", 0)], |f, state, _| {
        let one = f.iconst(1);
        vec![f.op(Op::Iadd, &[state[0], one])]
    });
    let counts = then(net, from, fold, &Type::I64.into())?;
    let collect = cutthrough::processes::Collect::<i64>::new();
    let collected = collect.collected();
    let id = net.add(collect)?;
    net.attach_input(id, 0, counts)?;
    net.run()?;
    Ok(collected.take()[0])
}
