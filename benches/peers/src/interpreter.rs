//! How much slower the interpreter is than native code, for the thirteen pipelines and for chains.
//! The interpreter does a twenty-fifth of the elements.

use cutthrough::{Network, Options as NetworkOptions};
use cutthrough_bench_support::data::ascending;
use cutthrough_bench_support::ratio::{Contender, Run, per_element, take_turns};
use cutthrough_bench_support::stages::Stage;
use cutthrough_bench_support::{Data, PIPELINES, Sizes, Wired};

use crate::Options;
use crate::report::{Line, Report};

const STAGE_ELEMENTS: usize = 1_000_000;

pub(crate) fn run(options: &Options) -> bool {
    let mut report = options.report("interpreter");
    let repetitions = options.pick(11, 3);
    let (many, few) = (Data::new(Sizes::suite(100)), Data::new(Sizes::suite(2_500)));
    for pipeline in PIPELINES {
        if options.wants(pipeline.name) {
            let [few, many] = [&few, &many].map(|data| Case {
                elements: (pipeline.elements)(data),
                answer: (pipeline.scalar)(data),
                wire: Box::new(move |network| pipeline.wire(network, data)),
            });
            beside(&mut report, pipeline.name, &few, &many, repetitions);
        }
    }
    let (many, few) = (ascending(STAGE_ELEMENTS), ascending(STAGE_ELEMENTS / 25));
    for stages in [1, 5, 20] {
        let name = format!("mix-{stages}");
        if options.wants(&name) {
            let [few, many] = [&few, &many].map(|data| Case {
                elements: data.len() as u64,
                answer: Stage::Mix.expected(data, stages),
                wire: Box::new(move |network| Stage::Mix.wire(network, data, stages)),
            });
            beside(&mut report, &name, &few, &many, repetitions);
        }
    }
    report.finish()
}

/// A pipeline on some data.
struct Case<'c> {
    elements: u64,
    answer: i64,
    wire: Box<dyn Fn(Network) -> Wired + 'c>,
}

fn beside(report: &mut Report, name: &str, interpreted: &Case<'_>, native: &Case<'_>, repetitions: usize) {
    let mut contenders = [
        Contender::new("interpreted", || {
            finish((interpreted.wire)(Network::new(NetworkOptions::interpreted())))
        }),
        Contender::new("native", || finish(Wired::warm(&native.wire))),
    ];
    take_turns(&mut contenders, repetitions);
    let [ours, theirs] = &contenders;
    report.line(&Line {
        name,
        anchor: "native",
        ours: per_element(ours.median(), interpreted.elements),
        theirs: per_element(theirs.median(), native.elements),
        ok: ours.always_gave(interpreted.answer) && theirs.always_gave(native.answer),
    });
}

fn finish<'c>(mut wired: Wired) -> Run<'c> {
    Box::new(move || wired.finish())
}
