//! The thirteen pipelines of the strymonas suite, wired at run time: each is one native
//! loop, and gives what a loop written by hand gives, on every engine and however often
//! it is interrupted.

use cutthrough::{Mode, Network, Options, ProcessReport, Progress};
use cutthrough_bench_support::{Data, PIPELINES, Pipeline, Sizes, Wired};

/// What the suite's own repository asserts, for its sizes, where the result is
/// proportional to them.
const PUBLISHED: [(&str, i64); 10] = [
    ("sum", 450_000_000),
    ("sumOfSquares", 2_850_000_000),
    ("sumOfSquaresEven", 1_200_000_000),
    ("mapsMegamorphic", 2_268_000_000_000),
    ("filtersMegamorphic", 170_000_000),
    ("cart", 2_025_000_000),
    ("dotProduct", 285_000_000),
    ("flatMapTake", 405_000_000),
    ("zipFilterFilter", 64_000_000),
    ("runLengthDecoding", 100_000_000),
];

#[test]
fn loops_by_hand_give_what_the_suite_publishes() {
    let divisor = 1_000;
    let data = Data::new(Sizes::suite(divisor));
    for (name, published) in PUBLISHED {
        let pipeline = PIPELINES
            .iter()
            .find(|pipeline| pipeline.name == name)
            .expect("it is in the suite");
        let expected = published / i64::try_from(divisor).expect("it is small");
        assert_eq!((pipeline.plain)(&data), expected, "{name}");
        assert_eq!((pipeline.scalar)(&data), expected, "{name}");
    }
}

#[test]
fn there_are_thirteen() {
    assert_eq!(PIPELINES.len(), 13);
}

#[test]
fn each_is_one_native_chain() {
    let data = Data::new(Sizes::suite(100_000));
    for pipeline in PIPELINES {
        let mut wired = pipeline.wire(Network::new(Options::native()), &data);
        assert_eq!(
            wired.network.run_steps(5),
            Ok(Progress::Steps),
            "{}",
            pipeline.name
        );
        let report = wired.network.report();
        let [chain] = &report.chains[..] else {
            panic!(
                "{}: {} chains have run\n{report}",
                pipeline.name,
                report.chains.len()
            );
        };
        assert_eq!(
            (chain.root, chain.is_delivery),
            (wired.root, false),
            "{}",
            pipeline.name
        );
        assert!(
            matches!(chain.mode, Mode::Native(..)),
            "{}: {:?}",
            pipeline.name,
            chain.mode
        );
        let (mut members, mut all) = (chain.members.clone(), Wired::members(&report));
        members.sort_unstable();
        all.sort_unstable();
        assert_eq!(members, all, "{}", pipeline.name);
        assert!(
            report.points.iter().all(|point| point.polymorphic.is_none()),
            "{}",
            pipeline.name
        );
        assert_eq!(report.specialisations.refused, 0, "{}", pipeline.name);
    }
}

#[test]
fn interpreted_and_native_give_the_same() {
    let data = Data::new(Sizes::suite(20_000));
    for pipeline in PIPELINES {
        let expected = (pipeline.plain)(&data);
        let interpreted = run(pipeline, &data, Options::interpreted());
        assert_eq!(interpreted.0, expected, "{} interpreted", pipeline.name);
        let native = run(pipeline, &data, Options::native());
        assert_eq!(native, interpreted, "{} native", pipeline.name);
    }
}

#[test]
fn native_gives_the_same_on_much_data() {
    let data = Data::new(Sizes::suite(100));
    for pipeline in PIPELINES {
        let (result, _) = run(pipeline, &data, Options::native());
        assert_eq!(result, (pipeline.plain)(&data), "{}", pipeline.name);
    }
}

#[test]
fn compiled_in_the_background_gives_the_same() {
    let data = Data::new(Sizes::suite(1_000));
    for pipeline in PIPELINES {
        let (result, _) = run(pipeline, &data, Options::default());
        assert_eq!(result, (pipeline.plain)(&data), "{}", pipeline.name);
    }
}

#[test]
fn invalidated_every_so_many_steps() {
    for (steps, divisor) in [
        (1, 2_000_000),
        (2, 2_000_000),
        (3, 1_000_000),
        (7, 400_000),
        (61, 100_000),
    ] {
        let data = Data::new(Sizes::suite(divisor));
        for pipeline in PIPELINES {
            let name = pipeline.name;
            let interpreted = run_in_steps(pipeline, &data, Options::interpreted(), steps);
            assert_eq!(
                interpreted.0,
                (pipeline.plain)(&data),
                "{name} interpreted, {steps} steps at a time"
            );
            let native = run_in_steps(pipeline, &data, Options::native(), steps);
            assert_eq!(native, interpreted, "{name} native, {steps} steps at a time");
        }
    }
}

#[test]
fn native_and_interpreted_by_turns() {
    for (steps, divisor) in [(1, 2_000_000), (5, 400_000), (23, 100_000)] {
        let data = Data::new(Sizes::suite(divisor));
        for pipeline in PIPELINES {
            let interpreted = run_in_steps(pipeline, &data, Options::interpreted(), steps);
            let mut wired = pipeline.wire(Network::new(Options::native()), &data);
            let mut is_native = false;
            let by_turns = drive(&mut wired, |network| {
                is_native = !is_native;
                network.set_compile(if is_native {
                    cutthrough::Compile::AtOnce
                } else {
                    cutthrough::Compile::Never
                });
                network.run_steps(steps)
            });
            assert_eq!(
                by_turns, interpreted,
                "{}, {steps} steps at a time",
                pipeline.name
            );
        }
    }
}

/// The result, and every process's counts.
type Outcome = (i64, Vec<ProcessReport>);

fn run(pipeline: &Pipeline, data: &Data, options: Options) -> Outcome {
    let mut wired = pipeline.wire(Network::new(options), data);
    drive(&mut wired, Network::run)
}

fn run_in_steps(pipeline: &Pipeline, data: &Data, options: Options, steps: u64) -> Outcome {
    let mut wired = pipeline.wire(Network::new(options), data);
    drive(&mut wired, |network| {
        network.invalidate_all();
        network.run_steps(steps)
    })
}

fn drive(
    wired: &mut Wired,
    mut run: impl FnMut(&mut Network) -> Result<Progress, cutthrough::Error>,
) -> Outcome {
    loop {
        let progress = run(&mut wired.network).expect("no process of the suite fails");
        wired.network.check_conservation().expect("nothing is lost");
        match progress {
            Progress::Steps => {}
            Progress::Done => break,
            Progress::Waiting => panic!("stuck:\n{}", wired.network.report()),
        }
    }
    (wired.result(), wired.network.report().processes)
}
