//! What a running network tells of itself: how chains are executed and why, who waits for
//! whom, and what was dropped for what cause.

mod common;

use cutthrough::ir::Type;
use cutthrough::processes::{Collect, ForEach, Iter, Pass};
use cutthrough::{
    Cause, Compile, FlowPoint, Mode, Network, NotNative, Options, Polymorphic, Port, ProcessId, Progress,
    Report, Standing, Waits, limits,
};

/// A source, a copy and a sink.
struct Line {
    network: Network,
    source: ProcessId,
    numbers: FlowPoint<i64>,
    copy: ProcessId,
    copied: FlowPoint<i64>,
    sink: ProcessId,
}

fn line(options: Options) -> Line {
    let mut network = Network::new(options);
    let source = network.add(Iter::new(0i64..)).unwrap();
    let numbers = network.point::<i64>("numbers").unwrap();
    network.attach_output(source, 0, numbers).unwrap();
    let copy = network.add(Pass::new(Type::I64)).unwrap();
    network.attach_input(copy, 0, numbers).unwrap();
    let copied = network.point::<i64>("copied").unwrap();
    network.attach_output(copy, 0, copied).unwrap();
    let sink = network.sink(copied, ForEach::new(|_: i64| {})).unwrap();
    Line {
        network,
        source,
        numbers,
        copy,
        copied,
        sink,
    }
}

fn mode(network: &mut Network) -> Mode {
    let chains = network.report().chains;
    assert_eq!(chains.len(), 1, "one chain from end to end");
    chains[0].mode.clone()
}

/// The causes that occurred since the last look, with their edits; several chains may
/// have been dropped for one.
fn news(report: &Report, seen: &mut u64) -> Vec<(Cause, Option<usize>)> {
    let news = report.invalidations.iter().filter(|one| one.number > *seen);
    let mut news: Vec<_> = news.map(|one| (one.cause, one.edit)).collect();
    news.dedup();
    *seen = report.specialisations.invalidated;
    news
}

#[test]
fn a_chain_that_is_not_native_says_why() {
    let Line { mut network, .. } = line(Options::interpreted());
    network.run_steps(10).unwrap();
    assert_eq!(mode(&mut network), Mode::Interpreted(NotNative::NoEngine));

    let off = Options {
        compile: Compile::Never,
        ..Options::default()
    };
    let Line { mut network, .. } = line(off);
    network.run_steps(10).unwrap();
    assert_eq!(mode(&mut network), Mode::Interpreted(NotNative::Off));

    let Line { mut network, .. } = line(Options::default());
    assert_eq!(network.report().chains, [], "none has run");
    network.run_steps(10).unwrap();
    let warming = NotNative::Warming {
        steps: 10,
        due_steps: limits::WARM_STEPS,
    };
    assert_eq!(mode(&mut network), Mode::Interpreted(warming));

    let Line { mut network, .. } = line(Options::native());
    network.run_steps(10).unwrap();
    assert!(mode(&mut network).is_native());
}

#[test]
fn a_chain_that_keeps_changing_backs_off() {
    let Line {
        mut network, source, ..
    } = line(Options {
        quantum_steps: 16,
        ..Options::default()
    });
    // Dropped as soon as it is native, twice.
    network.run_steps(1).unwrap();
    for doublings in 1..=2 {
        while !mode(&mut network).is_native() {
            network.run_steps(16).unwrap();
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        // Into a chain that has not been there before.
        let behind = Port {
            process: source,
            port: 0,
        };
        network
            .rewire(|rewire| {
                let inserted = rewire.add(Pass::new(Type::I64))?;
                rewire.insert(behind, inserted)
            })
            .unwrap();
        network.run_steps(1).unwrap();
        let backing_off = NotNative::BackingOff {
            steps: 1,
            due_steps: limits::WARM_STEPS << doublings,
            doublings,
        };
        assert_eq!(mode(&mut network), Mode::Interpreted(backing_off));
    }
}

#[test]
fn every_invalidation_has_its_cause() {
    let Line {
        mut network,
        source,
        numbers,
        copy,
        copied,
        sink,
    } = line(Options::native());
    let mut seen = 0;
    let mut check = |network: &mut Network, cause: Cause, edit: usize| {
        let report = network.report();
        let found = news(&report, &mut seen);
        assert_eq!(found.first(), Some(&(cause, Some(edit))), "{report}");
        // What is being dealt out comes before the root's own turn.
        for _ in 0..3 {
            network.run_steps(10).unwrap();
        }
    };
    network.run_steps(10).unwrap();

    let second = network.add(ForEach::new(|_: i64| {})).unwrap();
    network.attach_input(second, 0, copied).unwrap();
    check(&mut network, Cause::AttachedReader, 1);
    network.rewire(|rewire| rewire.detach_input(second, 0)).unwrap();
    let report = network.report();
    let dropped = report.invalidations.last().unwrap();
    assert_eq!(dropped.process, Some((second, "for_each".into())));
    assert_eq!(dropped.point, Some((copied.id(), "copied".into())));
    let expected = format!(
        "detached reader `for_each` at point `copied`, edit 1 of version {}",
        report.version
    );
    assert!(dropped.to_string().ends_with(&expected), "{dropped}");
    check(&mut network, Cause::DetachedReader, 1);

    let other = network.add(Iter::new(0..100i64)).unwrap();
    network.attach_output(other, 0, numbers).unwrap();
    check(&mut network, Cause::AttachedWriter, 1);
    network.rewire(|rewire| rewire.detach_output(other, 0)).unwrap();
    check(&mut network, Cause::DetachedWriter, 1);
    network.attach_output(other, 0, numbers).unwrap();
    check(&mut network, Cause::AttachedWriter, 1);
    network.remove(other).unwrap();
    check(&mut network, Cause::Removed, 1);

    let behind = Port {
        process: source,
        port: 0,
    };
    network
        .rewire(|rewire| {
            let inserted = rewire.add(Pass::new(Type::I64))?;
            rewire.insert(behind, inserted)
        })
        .unwrap();
    // The first of the edits that the insertion consists of.
    check(&mut network, Cause::Inserted, 2);
    network
        .rewire(|rewire| rewire.swap(copy, Pass::new(Type::I64)))
        .unwrap();
    check(&mut network, Cause::Swapped, 1);
    network.rewire(|rewire| rewire.finish(sink)).unwrap();
    check(&mut network, Cause::Finishing, 1);

    let report = network.report();
    let total: u64 = report.causes.iter().map(|(_, count)| count).sum();
    assert_eq!(total, report.specialisations.invalidated);
    let counts = report.specialisations;
    assert_eq!(counts.retired_bytes, counts.installed_bytes, "none is left");
}

#[test]
fn what_follows_from_an_end_has_a_cause_but_no_edit() {
    let mut network = Network::new(Options::native());
    let numbers = network.source::<i64>(Iter::new(0..100i64)).unwrap();
    network.sink(numbers, ForEach::new(|_: i64| {})).unwrap();
    network.run().unwrap();
    let report = network.report();
    let dropped = report.invalidations.last().unwrap();
    assert_eq!((dropped.cause, dropped.edit), (Cause::Finished, None));
    assert_eq!(&*dropped.process.as_ref().unwrap().1, "iter");
}

#[test]
fn the_list_of_invalidations_is_bounded_and_the_count_is_not() {
    let Line { mut network, .. } = line(Options::native());
    let many = limits::INVALIDATIONS_KEPT_MAX as u64 + 10;
    for _ in 0..many {
        network.run_steps(1).unwrap();
        network.invalidate_all();
    }
    let report = network.report();
    assert_eq!(report.causes, [(Cause::Requested, many)]);
    assert_eq!(report.invalidations.len(), limits::INVALIDATIONS_KEPT_MAX);
    assert_eq!(report.invalidations.last().unwrap().number, many);
}

#[test]
fn a_point_says_who_waits_for_whom() {
    let mut network = Network::default();
    let (mut sender, point) = common::sender::<i64>(&mut network, 4);
    let waits = |network: &mut Network| {
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        network.report().points[0].waits
    };
    // A source offers until it has been tried: nobody reads, and so it is not.
    assert_eq!(waits(&mut network), Waits::Writers);

    let (_receiver, process) = common::receiver(&mut network, point, 3);
    assert_eq!(waits(&mut network), Waits::Readers);
    // There is room for three, but it finishes if it finds that the receiver has gone.
    let asked = (Port { process, port: 0 }, Standing::UpTo(1));
    assert_eq!(network.report().points[0].readers, [asked]);

    sender.send(1).unwrap();
    assert_eq!(waits(&mut network), Waits::Readers);
    sender.send_all([2, 3, 4]).unwrap();
    assert_eq!(waits(&mut network), Waits::Writers);

    network.sink(point, Collect::<i64>::new()).unwrap();
    let report = network.report();
    assert_eq!(report.points[0].waits, Waits::Neither);
    assert_eq!(report.points[0].polymorphic, Some(Polymorphic::Readers(2)));
}

#[test]
fn a_chain_says_where_it_goes_and_where_it_ends() {
    let Line {
        mut network,
        numbers,
        copied,
        ..
    } = line(Options::native());
    network.sink(copied, ForEach::new(|_: i64| {})).unwrap();
    for _ in 0..3 {
        network.run_steps(2_000).unwrap();
    }
    let report = network.report();
    let through: Vec<_> = report.chains_through(numbers.id()).collect();
    assert_eq!(through.len(), 1);
    assert_eq!(through[0].points, [numbers.id(), copied.id()]);
    assert_eq!(through[0].ends_at, [copied.id()]);
    assert_eq!(report.chains.iter().filter(|chain| chain.is_delivery).count(), 2);
}

#[test]
fn a_report_goes_through_json_and_back() {
    let Line {
        mut network, copied, ..
    } = line(Options::native());
    network.run_steps(100).unwrap();
    network.sink(copied, ForEach::new(|_: i64| {})).unwrap();
    network.run_steps(2_000).unwrap();
    let report = network.report();
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}
