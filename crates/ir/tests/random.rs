//! The verifier under load: random functions, mutated ones, and long ones.

mod support;

use std::time::{Duration, Instant};

use cutthrough_ir::{
    Block, Function, FunctionBuilder, FunctionKind, Imm, Op, Role, SlotDecl, Tables, Type, Value,
    passes::optimize, verify_function,
};
use support::Unit;

/// Random units verify; with one thing changed at random they may not, but nothing
/// panics, also not when they run.
#[test]
fn mutated_functions_panic_nowhere() {
    let mut verified = 0;
    for seed in 0..6000 {
        let mut random = support::Random::new(seed);
        let mut unit = support::generate::unit(seed % 500);
        for _ in 0..1 + random.below(2) {
            mutate(&mut random, &mut unit);
        }
        if unit.verify().is_ok() {
            verified += 1;
            support::dummy::run_all(&unit, seed);
        }
        // Also what is ill can be printed.
        unit.print();
    }
    assert!(verified > 500, "{verified} of 6000 verified");
}

fn mutate(random: &mut support::Random, unit: &mut Unit) {
    let (function, tables) = match unit {
        Unit::Chain(chain) => (&mut chain.function, &mut chain.tables),
        Unit::Process(program) => {
            let Some(function) = program
                .write_ok
                .as_mut()
                .or(program.inputs.first_mut().map(|i| &mut i.read_ok))
            else {
                return;
            };
            (function, &mut program.tables)
        }
    };
    let values = function.values.len() + 1;
    let value = Value(random.below(values) as u32);
    let to = Block(random.below(function.blocks.len() + 1) as u32);
    let at = random.below(function.blocks.len());
    let other = function.blocks[random.below(function.blocks.len())].clone();
    let some_type = *random.pick(&[Type::I64, Type::BYTES, Type::F64.or_null()]);
    let block = &mut function.blocks[at];
    let k = random.below(block.insts.len());
    match random.below(10) {
        0 => block.insts.extend(block.insts.get(k).cloned()),
        1 => block.terminator = other.terminator,
        2 => block.terminator.for_each_target_mut(|target| target.block = to),
        3 => block.terminator.map_operands(|_| value),
        4 => block
            .terminator
            .for_each_target_mut(|target| target.args.truncate(1)),
        5 => function
            .values
            .iter_mut()
            .skip(value.index())
            .take(1)
            .for_each(|ty| *ty = some_type),
        6 => drop(tables.slots.pop()),
        7 => tables.slots.push(SlotDecl::zero("new", some_type)),
        _ => {
            let Some(inst) = block.insts.get_mut(k) else {
                return;
            };
            match random.below(5) {
                0 => inst.op = *random.pick(Op::ALL),
                1 => inst.result = Some(value),
                2 => inst.imm = Imm::Index(random.below(4) as u32),
                3 => drop(inst.args.pop()),
                _ => inst.args.iter_mut().take(1).for_each(|arg| *arg = value),
            }
        }
    }
}

/// Verifies within a time that anything quadratic would exceed many times.
fn quickly(function: &Function, tables: &Tables) {
    let start = Instant::now();
    verify_function(function, tables, Role::Run).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn long_chains_verify_quickly() {
    let mut tables = Tables::default();
    let mut builder = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
    let first = builder.iconst(1);
    for _ in 0..60_000 {
        let next = builder.block(&[]);
        builder.jump(next, &[]);
        builder.switch_to(next);
        builder.op(Op::Ineg, &[first]);
    }
    builder.ret(&[first]);
    quickly(&builder.build(), &tables);
}

#[test]
fn ladders_verify_quickly() {
    // Every rung may leave for one shared exit, and for one of its own that the
    // other side reaches too: hard for dominators found by walking up.
    let mut tables = Tables::default();
    let mut builder = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
    let (value, condition) = (builder.iconst(1), builder.bconst(true));
    let exit = builder.block(&[]);
    let mut exits = Vec::new();
    for k in 0..30_000 {
        let (next, own) = (builder.block(&[]), builder.block(&[]));
        builder.br(condition, next, if k % 2 == 0 { exit } else { own });
        exits.push(own);
        builder.switch_to(next);
    }
    for &own in &exits {
        let next = builder.block(&[]);
        builder.br(condition, own, next);
        builder.switch_to(next);
    }
    builder.jump(exit, &[]);
    for block in exits.into_iter().chain([exit]) {
        builder.switch_to(block);
        builder.ret(&[value]);
    }
    quickly(&builder.build(), &tables);
}

#[test]
fn what_is_optimized_stays_well_formed() {
    for seed in 0..2000 {
        let unit = support::generate::unit(seed);
        let mut simple = unit.clone();
        for function in simple.functions_mut() {
            *function = optimize(function, unit.tables());
        }
        simple
            .verify_optimized()
            .unwrap_or_else(|errors| panic!("seed {seed}: {errors}\n{}", unit.print()));
        assert!(
            Unit::parse(&simple.print()) == Ok(simple.clone()),
            "seed {seed}: another unit came back"
        );
        let (before, after) = (
            support::dummy::run_all(&unit, seed),
            support::dummy::run_all(&simple, seed),
        );
        assert_eq!(
            before,
            after,
            "seed {seed}: it does something else\n{}",
            unit.print()
        );
    }
}
