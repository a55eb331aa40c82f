//! Stages of streams: windows, looking up, stages put into a flow that runs.
#![forbid(unsafe_code)]

mod common;

use std::time::Duration;

use common::on_both_engines;
use cutthrough::stream::{avg, count, max, tumbling};
use cutthrough::{ErrorKind, Network, Progress, channel};

const SECOND: i64 = 1_000_000_000;

#[test]
fn windows_of_event_time_are_given_when_they_are_over() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<(Option<i64>, String, f64)>(64);
        let found = network
            .wire(|wire| {
                wire.receive(receiver)
                    .key_by(|(_, user, _)| user)
                    .window(|(at, _, _)| {
                        let seconds = Duration::from_secs;
                        tumbling(seconds(10)).event_time(at).lateness(seconds(5))
                    })
                    .aggregate(|(_, _, value)| (count(), avg(value)))
                    .collect()
            })
            .unwrap();
        let mut put = |network: &mut Network, elements: &[(i64, &str, f64)]| {
            let element = |&(at, user, value): &(i64, &str, f64)| (Some(at * SECOND), user.to_owned(), value);
            sender.send_all(elements.iter().map(element)).unwrap();
            assert_eq!(network.run().unwrap(), Progress::Waiting);
        };
        put(&mut network, &[(12, "a", 1.0), (3, "b", 2.0), (14, "a", 2.0)]);
        assert_eq!(found.take(), [], "3 may still have others beside it");
        put(&mut network, &[(15, "c", 4.0)]);
        assert_eq!(found.take(), [(0, "b".to_owned(), (1, Some(2.0)))]);
        put(&mut network, &[(9, "late", 0.0), (25, "a", 8.0)]);
        let window = |user: &str, found| (10 * SECOND, user.to_owned(), found);
        assert_eq!(
            found.take(),
            [window("a", (2, Some(1.5))), window("c", (1, Some(4.0)))]
        );
        sender.send((None, "none".to_owned(), 0.0)).unwrap();
        drop(sender);
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(found.take(), [(20 * SECOND, "a".to_owned(), (1, Some(8.0)))]);
        let report = network.report();
        let windows = report
            .processes
            .iter()
            .find(|process| process.name == "windows")
            .unwrap();
        assert_eq!(windows.dropped, [("late".to_owned(), 2)]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn windows_of_arrival_are_given_when_their_time_has_passed() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<i64>(64);
        let found = network
            .wire(|wire| {
                let keyed = wire.receive(receiver).key_by(|x| x % 2);
                keyed
                    .window(|_| tumbling(Duration::from_secs(10)))
                    .sum(|x| x)
                    .collect()
            })
            .unwrap();
        network.set_time(Duration::from_secs(13));
        sender.send_all([1, 2, 3]).unwrap();
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(found.take(), []);
        network.set_time(Duration::from_secs(20));
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(found.take(), [(10 * SECOND, 1, 4), (10 * SECOND, 0, 2)]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn what_is_looked_up_is_there_first() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<(String, Option<i64>, f64)>(64);
        let found = network
            .wire(|wire| {
                let orders = wire.iter(["x", "y", "z", "x"].map(str::to_owned));
                let prices = wire.receive(receiver);
                orders
                    .lookup(prices, |item| item, |(item, stock, price)| (item, (price, stock)))
                    .collect()
            })
            .unwrap();
        let price = |item: &str, stock, price| (item.to_owned(), stock, price);
        sender
            .send_all([price("x", Some(3), 1.5), price("z", None, 2.5)])
            .unwrap();
        assert_eq!(network.run().unwrap(), Progress::Waiting);
        assert_eq!(found.take(), [], "more may come");
        network.check_conservation().unwrap();
        sender
            .send_all([price("x", Some(9), 9.5), price("w", Some(1), 1.0)])
            .unwrap();
        drop(sender);
        assert_eq!(network.run().unwrap(), Progress::Done);
        let found = found.take();
        let found: Vec<_> = found
            .iter()
            .map(|(item, found)| (item.as_str(), *found))
            .collect();
        let x = ("x", (Some(1.5), Some(3)));
        assert_eq!(found, [x, ("y", (None, None)), ("z", (Some(2.5), None)), x]);
        network.check_conservation().unwrap();
    });
}

#[test]
fn stages_are_put_into_a_flow_that_runs() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel::<i64>(64);
        let (numbers, collected) = network
            .wire(|wire| {
                let numbers = wire.receive(receiver).point();
                (numbers, wire.stream(numbers).collect())
            })
            .unwrap();
        sender.send_all(0..3).unwrap();
        network.run().unwrap();
        let small = network
            .wire(|wire| wire.insert(numbers, |all| all.map(|x| x * 10).filter(|x| x.lt(50))))
            .unwrap();
        sender.send_all(3..9).unwrap();
        network.run().unwrap();
        network.rewire(|rewire| small.swap(rewire, |x| x.gt(50))).unwrap();
        sender.send_all(3..9).unwrap();
        drop(sender);
        assert_eq!(network.run().unwrap(), Progress::Done);
        assert_eq!(collected.take(), [0, 1, 2, 30, 40, 60, 70, 80]);
        network.check_conservation().unwrap();
        // Now nobody writes there.
        let refused = network.wire(|wire| wire.insert(numbers, |all| all.skip(1)));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotThere);
    });
}

#[test]
fn greatest_of_each_window_without_lateness() {
    on_both_engines(|mut network| {
        let found = network
            .wire(|wire| {
                let numbers = wire.iter([(1_i64, 5_i64), (2, 9), (11, 3), (3, 99), (25, 1)]);
                let keyed = numbers.key_by(|_| cutthrough::expr::lit(true));
                let window = |(at, _)| tumbling(Duration::from_nanos(10)).event_time(at);
                keyed.window(window).aggregate(|(_, x)| max(x)).collect()
            })
            .unwrap();
        assert_eq!(network.run().unwrap(), Progress::Done);
        let greatest = [
            (0_i64, true, Some(9_i64)),
            (10, true, Some(3)),
            (20, true, Some(1)),
        ];
        assert_eq!(found.take(), greatest);
        network.check_conservation().unwrap();
    });
}
