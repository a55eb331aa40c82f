//! Prints a pipeline of the suite at each stage of its way to machine code:
//! `cargo run --release -p cutthrough-bench-support --example dump sum [ir|optimized|clif|asm]`.
//! `copies-20` and the like are chains of so many copies.

use cutthrough::{Network, Options};
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::stages::Stage;
use cutthrough_bench_support::{Data, PIPELINES, Sizes};
use cutthrough_ir::passes::{optimize, simplify};
use cutthrough_ir::text::print_function;
use cutthrough_ir::{Role, parse_chain};

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let form = args.next();
    let network = Network::new(Options::native());
    let stages = |stage: Stage| {
        name.rsplit('-')
            .next()?
            .parse()
            .ok()
            .map(|count: usize| (stage, count))
    };
    let chain = match name.split('-').next() {
        Some("copies") => stages(Stage::Pass),
        Some("increments") => stages(Stage::Increment),
        Some("mixes") => stages(Stage::Mix),
        _ => None,
    };
    let mut wired = match (chain, PIPELINES.iter().find(|pipeline| pipeline.name == name)) {
        (Some((stage, count)), _) => stage.wire(network, &ascending(100), count),
        (None, Some(pipeline)) => pipeline.wire(network, &Data::new(Sizes::suite(100_000))),
        (None, None) => {
            for pipeline in PIPELINES {
                println!("{}", pipeline.name);
            }
            return;
        }
    };
    let dump = wired.network.dump(wired.root).expect("the chain is small");
    let wants = |which: &str| form.as_deref().is_none_or(|form| form == which);
    println!("{}", dump.chain);
    let optimized = optimized(&dump.ir);
    for (which, text) in [
        ("ir", &dump.ir),
        ("optimized", &optimized),
        ("clif", &dump.clif),
        ("asm", &dump.asm),
    ] {
        if wants(which) {
            println!("{text}");
        }
    }
}

/// The chain as it is lowered, but for its counters.
fn optimized(ir: &str) -> String {
    let mut chain = parse_chain(ir).expect("a dump is the text form");
    let simple = simplify(&chain.function);
    chain.function = optimize(&simple, &chain.tables);
    let sizes = [&simple, &chain.function].map(|function| (function.blocks.len(), function.size()));
    let [before, after] = sizes.map(|(blocks, insts)| format!("{blocks} blocks, {insts} instructions"));
    format!(
        "; {before}; optimized, {after}\n{}",
        print_function(&chain.function, &chain.tables, Role::Run)
    )
}
