//! Measures what DESIGN promises: how long chains take to compile, and what an
//! element costs. `cargo run --release -p cutthrough-jit --example probe [dump]`.
//!
//! Biased towards: data in cache, a condition that is hard to predict (`random`) or
//! that always holds (`always`). Each result is compared with the expected answer.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use cutthrough_ir::{
    ChainCode, Data, FunctionBuilder, FunctionKind, Grant, HostContext, Imm, Item, Op, Origin, SlotDecl,
    State, Tables, Terminator, Type, Value,
};
use cutthrough_jit::{DumpKinds, Jit, JitOptions, Tier};

const ELEMENTS: usize = 4096;

fn count(b: &mut FunctionBuilder<'_>) {
    let tables = b.tables();
    tables.edges += 1;
    let edge = tables.edges as u32 - 1;
    b.inst(Op::Count, Imm::Index(edge), &[]);
}

/// slice -> filter(x > threshold) -> map... -> sum, with `stages` in all.
fn chain(data: &Arc<[i64]>, stages: usize, threshold: i64, items: Item) -> ChainCode {
    let float = items == Item::F64;
    let ty = items.ty();
    let mut tables = Tables {
        slots: vec![SlotDecl::i64("next", 0), SlotDecl::zero("sum", ty)],
        data: vec![Data::I64(Arc::clone(data))],
        ..Tables::default()
    };
    let mut b = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
    let (head, body, out) = (b.block(&[]), b.block(&[]), b.block(&[]));
    b.jump(head, &[]);
    b.switch_to(head);
    b.terminate(Terminator::Step {
        go: body.into(),
        stop: out.into(),
    });
    b.switch_to(out);
    let code = b.iconst(1);
    b.ret(&[code]);
    b.switch_to(body);
    let next = b.slot_get(0);
    let view = b.data_at(0);
    let (mut item, none) = b.get(items, view, next);
    let one = b.iconst(1);
    let after = b.op(Op::Iadd, &[next, one]);
    b.slot_set(0, after);
    count(&mut b);
    b.set_origin(Origin(1));
    let passes = if float {
        let limit = b.fconst(threshold as f64);
        b.op(Op::Fgt, &[item, limit])
    } else {
        let limit = b.iconst(threshold);
        b.op(Op::Igt, &[item, limit])
    };
    let (_, fails) = b.br_new(passes);
    for stage in 0..stages - 3 {
        b.set_origin(Origin(2));
        count(&mut b);
        item = map(&mut b, stage, item, float);
        // As the planner does: each stage in a block of its own.
        let next = b.block(&[ty]);
        b.jump(next, &[item]);
        b.switch_to(next);
        item = b.block_params(next)[0];
    }
    b.set_origin(Origin(3));
    count(&mut b);
    let sum = b.slot_get(1);
    let sum = b.op(if float { Op::Fadd } else { Op::Iadd }, &[sum, item]);
    b.slot_set(1, sum);
    b.jump(head, &[]);
    b.switch_to(fails);
    b.jump(head, &[]);
    b.switch_to(none);
    let code = b.iconst(0);
    b.ret(&[code]);
    let function = b.build();
    let mut state = State::default();
    ChainCode {
        name: format!("{stages} stages"),
        places: tables
            .slots
            .iter()
            .map(|slot| state.add(slot.ty, &slot.init))
            .collect(),
        rows: vec![],
        hosts: vec![],
        edges: (0..tables.edges as u32).collect(),
        drops: vec![],
        origins: ["slice", "filter", "map", "sum"].map(str::to_owned).to_vec(),
        function,
        tables,
    }
}

fn map(b: &mut FunctionBuilder<'_>, stage: usize, item: Value, float: bool) -> Value {
    if float {
        let by = b.fconst(1.0 + stage as f64);
        return b.op(Op::Fmul, &[item, by]);
    }
    let by = b.iconst(3 + stage as i64);
    b.op([Op::Imul, Op::Iadd, Op::Ixor][stage % 3], &[item, by])
}

fn best_of(times: usize, mut run: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..times {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn median_and_best_us(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2] * 1e6, times[0] * 1e6)
}

fn main() {
    let jit = Jit::new(JitOptions::default()).expect("there is a JIT here");
    let mut seed = 88_172_645_463_325_252_u64;
    let data: Arc<[i64]> = (0..ELEMENTS)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % 1000) as i64
        })
        .collect();
    if std::env::args().any(|arg| arg == "dump") {
        let (_, dump) = jit
            .compile_with_dump(&chain(&data, 4, 500, Item::I64), Tier::Full, DumpKinds::ALL)
            .expect("compiles");
        println!(
            "{}\n{}",
            dump.clif_optimized.unwrap_or_default(),
            dump.disassembly.unwrap_or_default()
        );
    }
    for stages in [4, 5, 30] {
        let chain = chain(&data, stages, 500, Item::I64);
        let times = (0..300).map(|_| {
            let start = Instant::now();
            black_box(jit.compile(&chain, Tier::Full).expect("compiles"));
            start.elapsed().as_secs_f64()
        });
        let (median, best) = median_and_best_us(times.collect());
        println!("compile {stages} stages: {median:.1} us (median), {best:.1} us (best)");
    }
    for (name, threshold) in [("random", 500), ("always", -1)] {
        ints(&jit, &data, name, threshold);
    }
    activation(&jit, &data);
}

fn ints(jit: &Jit, data: &Arc<[i64]>, name: &str, threshold: i64) {
    let chain = chain(data, 4, threshold, Item::I64);
    let native = jit.compile(&chain, Tier::Full).expect("compiles");
    let expected: i64 = data.iter().filter(|&&x| x > threshold).map(|x| x * 3).sum();
    let (mut counts, context, interrupt) = (
        vec![0; chain.tables.edges],
        HostContext::default(),
        AtomicBool::new(false),
    );
    let best = best_of(2000, || {
        let mut state = state(&chain);
        let exit = native.run(&mut Grant {
            state: &mut state,
            counts: &mut counts,
            hosts: &mut [],
            context: &context,
            interrupt: &interrupt,
            budget: u64::MAX,
            inbox: None,
            outboxes: &mut [],
        });
        assert_eq!((exit, state.i64(chain.places[1])), (0, expected));
    });
    println!(
        "{name}: native chain {:.3} ns per element",
        best * 1e9 / ELEMENTS as f64
    );
    let best = best_of(2000, || {
        assert_eq!(scalar(black_box(data), black_box(threshold)), expected);
    });
    println!(
        "{name}: scalar rust loop {:.3} ns per element",
        best * 1e9 / ELEMENTS as f64
    );
    let best = best_of(2000, || {
        let sum: i64 = black_box(data)
            .iter()
            .filter(|&&x| x > black_box(threshold))
            .map(|x| x * 3)
            .sum();
        assert_eq!(sum, expected);
    });
    println!(
        "{name}: rust iterators {:.3} ns per element",
        best * 1e9 / ELEMENTS as f64
    );
}

/// One element after another, with a branch: the barrier keeps rustc from
/// vectorising, and from selecting instead.
#[inline(never)]
fn scalar(data: &[i64], threshold: i64) -> i64 {
    let mut sum = 0;
    for &x in data {
        if x > threshold {
            black_box(());
            sum += x * 3;
        }
    }
    sum
}

fn state(chain: &ChainCode) -> State {
    let mut state = State::default();
    for slot in &chain.tables.slots {
        state.add(slot.ty, &slot.init);
    }
    state
}

fn activation(jit: &Jit, data: &Arc<[i64]>) {
    let chain = chain(data, 5, 500, Item::I64);
    let native = jit.compile(&chain, Tier::Full).expect("compiles");
    let (mut counts, context, interrupt) = (
        vec![0; chain.tables.edges],
        HostContext::default(),
        AtomicBool::new(false),
    );
    let mut state = state(&chain);
    let mut grant = Grant {
        state: &mut state,
        counts: &mut counts,
        hosts: &mut [],
        context: &context,
        interrupt: &interrupt,
        budget: 0,
        inbox: None,
        outboxes: &mut [],
    };
    let best = best_of(200, || {
        (0..1000).for_each(|_| assert_eq!(native.run(&mut grant), 1));
    });
    println!("activation without elements: {:.1} ns", best * 1e6);
}
