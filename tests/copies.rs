//! A process that passes elements on costs nothing, nor does a flow point: shown by the
//! shape of the code. (`cargo bench --bench ratios chains` measures it.)

use cutthrough::{Dump, Network, Options};
use cutthrough_bench_support::asm::innermost_loop;
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::stages::Stage;
use cutthrough_ir::{Op, parse_chain};

/// What becomes of a chain with this many copies, and one flow point more.
fn dump(copies: usize) -> Dump {
    let mut wired = Stage::Pass.wire(Network::new(Options::native()), &ascending(100), copies);
    let root = wired.root;
    wired.network.dump(root).expect("the chain is small")
}

/// How many instructions a chain has, those not counted that count.
fn instructions(ir: &str) -> usize {
    let chain = parse_chain(ir).expect("a dump is the text form");
    let insts = chain.function.blocks.iter().flat_map(|block| &block.insts);
    insts.filter(|inst| inst.op != Op::Count).count()
}

#[test]
fn twenty_copies_compute_what_one_does() {
    assert_eq!(instructions(&dump(20).ir), instructions(&dump(1).ir));
}

#[test]
fn twenty_copies_and_points_are_the_loop_of_one() {
    let (none, one, twenty) = (dump(0), dump(1), dump(20));
    if one.asm.is_empty() {
        return; // there is no native code on this machine
    }
    let mut lines = one.chain.lines();
    assert_eq!(lines.next(), Some("slice -> pass -> fold"));
    let strategy = lines.next().expect("it is compiled");
    assert_eq!(twenty.chain.lines().nth(1), Some(strategy));
    #[cfg(target_arch = "x86_64")]
    assert_eq!(
        strategy,
        "; full: unfolded, batched loops: 1, of these vectorised: 1"
    );
    assert_eq!(twenty.chain.matches("pass").count(), 20);
    let expected = innermost_loop(&one.asm);
    assert_eq!(innermost_loop(&twenty.asm), expected);
    assert_eq!(innermost_loop(&none.asm), expected);
}

#[test]
fn the_counts_of_all_are_kept() {
    let mut wired = Stage::Pass.wire(Network::new(Options::native()), &ascending(1_000), 20);
    assert_eq!(wired.finish(), 499_500);
    wired.network.check_conservation().expect("nothing is lost");
    let report = wired.network.report();
    let copies = report.processes.iter().filter(|process| process.name == "pass");
    assert_eq!(copies.clone().count(), 20);
    for copy in copies {
        assert_eq!((copy.inputs[0].moved, copy.outputs[0].moved), (1_000, 1_000));
    }
}
