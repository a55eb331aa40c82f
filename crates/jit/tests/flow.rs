//! What chains do with their surroundings: budget, interrupt, counters, host
//! functions, inbox and outboxes; and what is refused.

mod common;

use common::{Setup, Val, build, f, hosts, s};
use cutthrough_ir::passes;
use cutthrough_ir::{
    ChainCode, Data, ElementType, FunctionBuilder, Imm, Item, Op, SlotDecl, Tables, Terminator, Type, Value,
};
use cutthrough_jit::code_memory::CodeMemory;
use cutthrough_jit::{CompileErrorKind, DumpKinds, Jit, JitOptions, Tier};

/// A loop that runs `body` in each step, and leaves with -1 where it stops.
fn looped(tables: Tables, body: impl FnOnce(&mut FunctionBuilder<'_>)) -> ChainCode {
    build(tables, |b| {
        let (head, go, out) = (b.block(&[]), b.block(&[]), b.block(&[]));
        b.jump(head, &[]);
        b.switch_to(head);
        b.terminate(Terminator::Step {
            go: go.into(),
            stop: out.into(),
        });
        b.switch_to(out);
        let code = b.iconst(-1);
        b.ret(&[code]);
        b.switch_to(go);
        body(b);
        b.jump(head, &[]);
    })
}

fn count(b: &mut FunctionBuilder<'_>, edge: u32) {
    b.inst(Op::Count, Imm::Index(edge), &[]);
}

fn leave_unless(b: &mut FunctionBuilder<'_>, condition: Value, code: i64) {
    let (_, no) = b.br_new(condition);
    let go_on = b.current();
    b.switch_to(no);
    let code = b.iconst(code);
    b.ret(&[code]);
    b.switch_to(go_on);
}

/// Adds 1 to slot 0; gives the value before.
fn tick(b: &mut FunctionBuilder<'_>) -> Value {
    let (before, one) = (b.slot_get(0), b.iconst(1));
    let after = b.op(Op::Iadd, &[before, one]);
    b.slot_set(0, after);
    before
}

fn ticks() -> Tables {
    Tables {
        slots: vec![SlotDecl::i64("ticks", 0)],
        hosts: hosts::sigs(),
        edges: 3,
        ..Tables::default()
    }
}

fn with_hosts(chain: ChainCode) -> Setup {
    let mut setup = Setup::new(chain);
    setup.hosts = hosts::all;
    setup
}

#[test]
fn budgets_are_exact() {
    let mut setup = with_hosts(looped(ticks(), |b| {
        tick(b);
        count(b, 0);
    }));
    let native = setup.compile();
    for budget in [0, 1, 2, 511, 512, 513, 1023, 1024, 1025, 10_000] {
        setup.budget = budget;
        let left = setup.check_native(&native);
        assert_eq!((left.exit, left.budget, left.counts[0]), (-1, 0, budget));
        setup.interrupted = true;
        let left = setup.check_native(&native);
        assert_eq!((left.exit, left.budget, left.counts[0]), (-1, budget, 0));
        setup.interrupted = false;
    }
}

#[test]
fn leaving_in_mid_strip_gives_the_rest_back() {
    let mut setup = with_hosts(looped(ticks(), |b| {
        let (before, last) = (tick(b), b.iconst(300));
        let goes_on = b.op(Op::Ilt, &[before, last]);
        leave_unless(b, goes_on, 5);
    }));
    let native = setup.compile();
    for budget in [0, 1, 300, 301, 302, 400, 512, 100_000, u64::MAX] {
        setup.budget = budget;
        let left = setup.check_native(&native);
        assert_eq!(left.budget, budget - budget.min(301));
    }
}

#[test]
fn halt_comes_out_of_every_loop_and_keeps_the_budget() {
    for halt_at in [0, 1, 511, 512, 600] {
        let mut setup = with_hosts(looped(ticks(), |b| {
            let (before, last) = (tick(b), b.iconst(halt_at));
            let halts = b.op(Op::Ieq, &[before, last]);
            let (_, no) = b.br_new(halts);
            b.inst(Op::Halt, Imm::None, &[]);
            b.inst(Op::Halt, Imm::None, &[]);
            b.jump(no, &[]);
            b.switch_to(no);
        }));
        setup.budget = 1000;
        assert_eq!(setup.check().budget, 1000 - halt_at as u64 - 1);
    }
}

#[test]
fn an_interrupt_is_seen_within_a_strip() {
    let mut setup = with_hosts(looped(ticks(), |b| {
        tick(b);
        let when = b.iconst(100);
        let terminator = {
            let (ok, failed) = (b.block(&[]), b.block(&[]));
            (
                Terminator::Call {
                    host: 4,
                    args: vec![when],
                    rows: Vec::new(),
                    ok: ok.into(),
                    failed: failed.into(),
                },
                ok,
                failed,
            )
        };
        b.terminate(terminator.0);
        b.switch_to(terminator.2);
        let code = b.iconst(-2);
        b.ret(&[code]);
        b.switch_to(terminator.1);
    }));
    setup.budget = 100_000;
    let native = setup.compile();
    let left = setup.run(|grant| native.run(grant));
    let Val::I(ticks) = left.slots[0] else {
        panic!("an integer")
    };
    let strip = cutthrough_jit::limits::STRIP_STEPS as i64;
    assert!((100..=100 + strip).contains(&ticks), "{ticks}");
    assert_eq!(left.budget + ticks as u64, 100_000);
}

#[test]
fn counters_of_equal_blocks_and_others() {
    let mut setup = with_hosts(looped(
        Tables {
            drops: vec!["odd".into()],
            ..ticks()
        },
        |b| {
            count(b, 0);
            let before = tick(b);
            let (one, next) = (b.iconst(1), b.block(&[]));
            b.jump(next, &[]);
            b.switch_to(next);
            count(b, 1);
            let low = b.op(Op::Iand, &[before, one]);
            let is_odd = b.op(Op::Ieq, &[low, one]);
            let (_, even) = b.br_new(is_odd);
            b.drop(0);
            count(b, 2);
            count(b, 2);
            b.jump(even, &[]);
            b.switch_to(even);
        },
    ));
    setup.budget = 301;
    assert_eq!(setup.check().counts, [301, 301, 300, 150]);
    let (_, dump) = common::jit()
        .compile_with_dump(&setup.chain, Tier::Full, DumpKinds::ALL)
        .expect("it compiles");
    assert!(dump.clif.is_some() && dump.clif_optimized.is_some());
}

#[test]
fn host_functions_succeed_fail_and_panic() {
    let mut setup = with_hosts(looped(ticks(), |b| {
        let (before, one) = (tick(b), b.iconst(1));
        count(b, 0);
        let (ok, failed) = (b.block(&[Type::I64]), b.block(&[]));
        b.terminate(Terminator::Call {
            host: 0,
            args: vec![before, one],
            rows: Vec::new(),
            ok: ok.into(),
            failed: failed.into(),
        });
        b.switch_to(failed);
        let code = b.iconst(-2);
        b.ret(&[code]);
        b.switch_to(ok);
        count(b, 1);
    }));
    let native = setup.compile();
    for (start, error) in [
        (0, Some("7 is refused")),
        (7, Some("panicked: test: 11")),
        (100, Some("105 is refused")),
    ] {
        setup.slots[0] = Val::I(start);
        assert_eq!(setup.check_native(&native).error.as_deref(), error);
    }
}

#[test]
fn host_functions_get_and_give_every_type() {
    let mut tables = ticks();
    let types = tables.hosts[2].params.clone();
    tables.slots = types
        .iter()
        .chain(&types)
        .map(|&ty| SlotDecl::zero("slot", ty))
        .collect();
    let mut setup = with_hosts(build(tables, |b| {
        let args: Vec<Value> = (0..types.len()).map(|k| b.slot_get(k)).collect();
        let (ok, failed) = (b.block(&types), b.block(&[]));
        b.terminate(Terminator::Call {
            host: 2,
            args,
            rows: Vec::new(),
            ok: ok.into(),
            failed: failed.into(),
        });
        b.switch_to(failed);
        let code = b.iconst(-2);
        b.ret(&[code]);
        b.switch_to(ok);
        for (k, value) in b.block_params(ok).into_iter().enumerate() {
            b.slot_set(types.len() + k, value);
        }
        let code = b.iconst(0);
        b.ret(&[code]);
    }));
    let native = setup.compile();
    for k in 0..30 {
        for (slot, &ty) in types.iter().enumerate() {
            let values = common::edge_values(ty);
            setup.slots[slot] = values[values.len().saturating_sub(1 + (k + slot) % values.len())].clone();
        }
        let left = setup.check_native(&native);
        assert_eq!(left.slots[..types.len()], left.slots[types.len()..]);
    }
}

#[test]
fn items_of_a_view_at_every_index() {
    for item in [Item::U8, Item::I64, Item::F64] {
        let slots = vec![
            SlotDecl::i64("index", 0),
            SlotDecl::i64("from", 0),
            SlotDecl::i64("to", 0),
            SlotDecl::zero("item", item.ty()),
        ];
        let odd = [1.5, f64::from_bits(0xfff8_0000_0000_0001), -0.0];
        let mut setup = Setup::new(build(
            Tables {
                slots,
                data: vec![Data::F64(odd.into())],
                ..Tables::default()
            },
            |b| {
                let (view, from, to) = (b.data_at(0), b.slot_get(1), b.slot_get(2));
                let slice = b.op(Op::Sslice, &[view, from, to]);
                let index = b.slot_get(0);
                let (value, none) = b.get(item, slice, index);
                b.slot_set(3, value);
                let code = b.iconst(1);
                b.ret(&[code]);
                b.switch_to(none);
                let code = b.iconst(0);
                b.ret(&[code]);
            },
        ));
        let native = setup.compile();
        for index in [
            0,
            1,
            2,
            3,
            15,
            16,
            23,
            24,
            -1,
            i64::MIN,
            i64::MAX,
            i64::MAX / 8 + 1,
            1 << 61,
        ] {
            for (from, to) in [(0, 24), (0, 23), (1, 17), (3, 3), (5, 2), (-7, i64::MAX)] {
                setup.slots[..3].clone_from_slice(&[Val::I(index), Val::I(from), Val::I(to)]);
                setup.check_native(&native);
            }
        }
    }
}

#[test]
fn every_nan_leaves_as_the_canonical_one() {
    let fields = [Type::F64, Type::F64.or_null()];
    let slots = vec![
        SlotDecl::zero("x", Type::F64),
        SlotDecl::zero("y", Type::F64.or_null()),
    ];
    let tables = Tables {
        slots,
        outputs: vec![ElementType::new(fields)],
        ..Tables::default()
    };
    let mut setup = Setup::new(build(tables, |b| {
        let x = b.slot_get(0);
        let zero = b.fconst(0.0);
        let quotient = b.op(Op::Fdiv, &[x, zero]);
        let nan = b.op(Op::Fneg, &[quotient]);
        let some = b.op(Op::Some, &[nan]);
        b.slot_set(0, nan);
        b.slot_set(1, some);
        b.inst(Op::OutboxPut, Imm::Index(0), &[nan, some]);
        let code = b.iconst(0);
        b.ret(&[code]);
    }));
    for x in [0.0, -0.0, f64::NAN] {
        setup.slots[0] = f(x);
        let left = setup.check();
        assert_eq!(left.outboxes[0], [[f(f64::NAN), f(f64::NAN)]]);
        assert_eq!(left.slots, [f(f64::NAN), f(f64::NAN)]);
    }
}

#[test]
fn outboxes_grow_and_own_their_bytes() {
    let outputs = vec![
        ElementType::new([Type::BYTES, Type::I64, Type::BYTES.or_null()]),
        ElementType::from(Type::BOOL),
    ];
    let mut tables = Tables { outputs, ..ticks() };
    tables.slots.push(SlotDecl::zero("room", Type::I64));
    tables.data = vec![Data::from("0123456789")];
    let mut setup = with_hosts(looped(tables, |b| {
        let (room, zero) = (
            b.inst(Op::OutboxRoom, Imm::Index(0), &[]).expect("room"),
            b.iconst(0),
        );
        b.slot_set(1, room);
        let there = b.op(Op::Igt, &[room, zero]);
        leave_unless(b, there, 7);
        let before = tick(b);
        let (text, ten) = (b.data_at(0), b.iconst(10));
        let end = b.op(Op::Irem, &[before, ten]);
        let part = b.op(Op::Sslice, &[text, zero, end]);
        let (some, null) = (b.op(Op::Some, &[part]), b.null(Type::BYTES));
        let is_zero = b.op(Op::Ieq, &[end, zero]);
        let nullable = b.op(Op::Select, &[is_zero, null, some]);
        b.inst(Op::OutboxPut, Imm::Index(0), &[part, before, nullable]);
        b.inst(Op::OutboxPut, Imm::Index(1), &[is_zero]);
    }));
    setup.budget = 100_000;
    let native = setup.compile();
    for capacity in [0, 1, 1023, 1024, 1025, 5000] {
        setup.capacities = vec![capacity, 3];
        let left = setup.check_native(&native);
        assert_eq!(
            (left.exit, left.outboxes[0].len(), left.outboxes[1].len()),
            (7, capacity, capacity)
        );
    }
}

#[test]
fn an_inbox_is_read_to_its_end_or_to_the_budget() {
    let inputs = vec![ElementType::new([Type::I64, Type::BYTES, Type::F64.or_null()])];
    let mut tables = Tables {
        inputs: inputs.clone(),
        outputs: inputs,
        ..ticks()
    };
    tables.slots.push(SlotDecl::zero("last", Type::BYTES));
    let mut setup = with_hosts(looped(tables, |b| {
        let fields = b.tables_ref().inputs[0].fields().to_vec();
        let (some, none) = (b.block(&fields), b.block(&[]));
        b.terminate(Terminator::Inbox {
            some: some.into(),
            none: none.into(),
        });
        b.switch_to(none);
        let code = b.iconst(0);
        b.ret(&[code]);
        b.switch_to(some);
        let element = b.block_params(some);
        b.slot_set(1, element[1]);
        b.inst(Op::OutboxPut, Imm::Index(0), &element);
        count(b, 0);
    }));
    let native = setup.compile();
    let elements: Vec<Vec<Val>> = (0..300)
        .map(|k| {
            vec![
                Val::I(k),
                s(format!("element {k}")),
                if k % 3 == 0 { Val::Null } else { f(k as f64) },
            ]
        })
        .collect();
    for (budget, exit, read) in [
        (0, -1, 0),
        (10, -1, 10),
        (300, -1, 300),
        (301, 0, 300),
        (1000, 0, 300),
    ] {
        setup.budget = budget;
        setup.inbox = Some(elements.clone());
        let left = setup.check_native(&native);
        assert_eq!(
            (left.exit, left.inbox_next, left.outboxes[0].len()),
            (exit, Some(read), read)
        );
    }
    setup.inbox = Some(vec![]);
    assert_eq!(setup.check_native(&native).exit, 0);
}

#[test]
fn a_chain_goes_on_where_it_stopped() {
    let setup = with_hosts(looped(ticks(), |b| {
        tick(b);
        count(b, 1);
    }));
    let native = setup.compile();
    let left = setup.run(|grant| {
        for budget in [1, 511, 512, 513, 0, 2000] {
            grant.budget = budget;
            native.run(grant);
        }
        -1
    });
    assert_eq!((&left.slots[0], left.counts[1]), (&Val::I(3537), 3537));
}

/// Reads an array in step with its index, counts every item, and leaves at the first
/// that is not `below`; with every budget, and from indices in and out of it.
fn read_in_batches(item: Item, data: Data, below: i64) {
    let mut tables = ticks();
    tables.slots.push(SlotDecl::i64("sum", 0));
    tables.data.push(data);
    let mut setup = with_hosts(looped(tables, |b| {
        let at = tick(b);
        let view = b.inst(Op::Sconst, Imm::Index(0), &[]).expect("it has a result");
        let (some, none) = (b.block(&[item.ty()]), b.block(&[]));
        b.terminate(Terminator::Get {
            item,
            view,
            index: at,
            some: some.into(),
            none: none.into(),
        });
        b.switch_to(none);
        let code = b.iconst(-2);
        b.ret(&[code]);
        b.switch_to(some);
        let mut value = b.block_params(some)[0];
        if item.ty() == Type::F64 {
            value = b.op(Op::FToI, &[value]);
        }
        count(b, 0);
        let bound = b.iconst(below);
        let goes_on = b.op(Op::Ilt, &[value, bound]);
        leave_unless(b, goes_on, -3);
        let sum = b.slot_get(1);
        let sum = b.op(Op::Iadd, &[sum, value]);
        b.slot_set(1, sum);
        count(b, 1);
    }));
    let native = setup.compile();
    for begin in [0, 1, 90, 99, 100, 101, -1, i64::MIN, i64::MAX] {
        for budget in [0, 1, 3, 4, 5, 50, 100, 101, 511, 512, 2000] {
            setup.slots[0] = Val::I(begin);
            setup.budget = budget;
            setup.check_native(&native);
        }
    }
}

#[test]
fn batches_read_what_single_steps_read() {
    let numbers: Vec<i64> = (0..100).map(|k| k * 7 % 100).collect();
    for below in [1000, 93, 50, 0] {
        let bytes: Vec<u8> = numbers.iter().map(|&number| number as u8).collect();
        read_in_batches(Item::U8, Data::Bytes(bytes.into()), below);
        read_in_batches(Item::I64, Data::I64(numbers.clone().into()), below);
        let doubles: Vec<f64> = numbers.iter().map(|&number| number as f64).collect();
        read_in_batches(Item::F64, Data::F64(doubles.into()), below);
    }
}

/// Reads a byte in step with the index, of a view that is another one from the second
/// lap on, and shorter: how many laps there are is not known when the first begins.
#[test]
fn a_view_that_changes_is_not_settled() {
    let mut tables = ticks();
    tables.slots.push(SlotDecl::i64("sum", 0));
    tables.slots.push(SlotDecl::zero("text", Type::BYTES));
    tables.data.push(Data::Bytes(b"abc"[..].into()));
    let mut setup = with_hosts(looped(tables, |b| {
        let at = tick(b);
        let text = b.slot_get(2);
        let (some, none) = (b.block(&[Type::I64]), b.block(&[]));
        b.terminate(Terminator::Get {
            item: Item::U8,
            view: text,
            index: at,
            some: some.into(),
            none: none.into(),
        });
        b.switch_to(none);
        let code = b.iconst(-2);
        b.ret(&[code]);
        b.switch_to(some);
        let byte = b.block_params(some)[0];
        let sum = b.slot_get(1);
        let sum = b.op(Op::Iadd, &[sum, byte]);
        b.slot_set(1, sum);
        let shorter = b.inst(Op::Sconst, Imm::Index(0), &[]).expect("it has a result");
        b.slot_set(2, shorter);
    }));
    setup.slots[2] = s("x".repeat(1000));
    setup.budget = 500;
    let optimized = passes::optimize(&setup.chain.function, &setup.chain.tables);
    let left = setup.check_interpreted(&optimized);
    let sum = [b'x', b'b', b'c'].map(i64::from).iter().sum();
    assert_eq!((left.exit, &left.slots[1]), (-2, &Val::I(sum)));
    setup.check();
}

/// `unfold` sees where a halt leads to, so that no lap has one; `batch` does not rely on
/// that.
#[test]
fn a_lap_that_may_halt_is_not_batched() {
    let mut setup = with_hosts(looped(ticks(), |b| {
        tick(b);
        let (at, fifth) = (b.slot_get(0), b.iconst(5));
        let is_fifth = b.op(Op::Ieq, &[at, fifth]);
        let (_, goes_on) = b.br_new(is_fifth);
        let next = b.block(&[]);
        b.inst(Op::Halt, Imm::None, &[]);
        b.jump(next, &[]);
        b.switch_to(goes_on);
        b.jump(next, &[]);
        b.switch_to(next);
    }));
    setup.budget = 100;
    let batched = passes::batch(&setup.chain.function).function;
    let left = setup.check_interpreted(&batched);
    assert_eq!(left.slots[0], Val::I(5));
}

#[test]
fn dumps_name_the_origins() {
    let mut setup = with_hosts(looped(ticks(), |b| {
        b.set_origin(cutthrough_ir::Origin(1));
        tick(b);
    }));
    setup.chain.origins = vec!["the loop".into(), "ticker".into()];
    let (native, dump) = common::jit()
        .compile_with_dump(&setup.chain, Tier::Full, DumpKinds::ALL)
        .expect("it compiles");
    let text = dump.disassembly.expect("it was asked for");
    assert!(
        text.contains("; ticker\n") && text.contains("; the loop\n") && text.contains("ret"),
        "{text}"
    );
    assert!(native.code_bytes() > 0);
    assert_eq!(native.name(), "test");
}

#[test]
fn what_is_refused() {
    let chain = looped(ticks(), |b| {
        tick(b);
    });
    let mut options = JitOptions::default();
    options.chain_insts_max = 3;
    let error = Jit::new(options)
        .expect("a JIT")
        .compile(&chain, Tier::Full)
        .expect_err("too large");
    assert_eq!(error.kind(), CompileErrorKind::TooLarge);
    assert_eq!(error.to_string(), "9 instructions, at most 3 are compiled");

    let memory = CodeMemory::with_capacity(1).expect("a page");
    let jit = Jit::with_memory(memory, JitOptions::default()).expect("a JIT");
    let first = jit.compile(&chain, Tier::Full).expect("it fits");
    let error = jit.compile(&chain, Tier::Full).expect_err("full");
    assert_eq!(error.kind(), CompileErrorKind::CodeMemoryFull);
    assert!(!error.to_string().contains('\n'), "{error}");
    drop(first);
    jit.compile(&chain, Tier::Full).expect("there is room again");
    assert_eq!(jit.code_memory().stats().used_bytes, 0);

    // Not verified: a chain that returns nothing.
    let mut broken = chain;
    for block in &mut broken.function.blocks {
        if let Terminator::Return(values) = &mut block.terminator {
            values.clear();
        }
    }
    let error = jit.compile(&broken, Tier::Full).expect_err("broken");
    assert_eq!(error.kind(), CompileErrorKind::Panic);
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
#[should_panic(expected = "is not the one that the chain was made for")]
fn a_host_function_of_another_signature_is_not_called() {
    let mut setup = with_hosts(build(ticks(), |b| {
        let (ok, failed) = (b.block(&[]), b.block(&[]));
        b.terminate(Terminator::Call {
            host: 3,
            args: vec![],
            rows: Vec::new(),
            ok: ok.into(),
            failed: failed.into(),
        });
        for block in [ok, failed] {
            b.switch_to(block);
            let code = b.iconst(0);
            b.ret(&[code]);
        }
    }));
    setup.chain.hosts[3] = 0;
    let native = setup.compile();
    setup.run(|grant| native.run(grant));
}

#[test]
#[should_panic(expected = "the counters are not those")]
fn a_grant_with_fewer_counters_is_not_run_on() {
    let mut setup = with_hosts(looped(ticks(), |b| count(b, 2)));
    setup.chain.edges[2] = 1000;
    let native = setup.compile();
    setup.run(|grant| native.run(grant));
}
