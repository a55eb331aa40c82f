//! Streams of structs: the same by expressions, by Rust closures and by hand, on both
//! engines.
#![forbid(unsafe_code)]

mod common;

use std::sync::Arc;

use common::on_both_engines;
use cutthrough::expr::{NumberTable, lit};
use cutthrough::stream::{StageId, avg, count, max, min, sum};
use cutthrough::{Element, Error, Network};

#[derive(Element, Clone, Debug, PartialEq)]
struct Place {
    x: f32,
    y: Option<f64>,
}

#[derive(Element, Clone, Debug, PartialEq)]
struct Event {
    kind: u8,
    ad: u32,
    at: Place,
    user: String,
    tags: [i16; 2],
    note: Option<Box<str>>,
    time: i64,
    big: u64,
    is_new: bool,
}

fn events() -> Vec<Event> {
    let event = |k: i64| Event {
        kind: (k % 3) as u8,
        ad: (k * 7 % 11) as u32,
        at: Place {
            x: k as f32 / 4.0,
            y: (k % 5 != 0).then_some(k as f64 * 0.5),
        },
        user: format!("user {}", k % 4),
        tags: [k as i16, -k as i16],
        note: (k % 2 == 0).then(|| format!("note {k}").into()),
        time: k * 1000 - 5000,
        big: u64::MAX - k as u64,
        is_new: k % 7 == 0,
    };
    (0..3000).map(event).collect()
}

/// Runs, and gives what was collected.
fn ran<T>(network: &mut Network, collected: &cutthrough::processes::Collected<T>) -> Vec<T> {
    network.run().expect("it runs");
    network.check_conservation().expect("elements are conserved");
    collected.take()
}

#[test]
fn a_slice_gives_its_elements_as_they_are() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network.wire(|wire| wire.slice(events()).collect()).expect("fits");
        assert_eq!(ran(network, &collected), events());
    });
}

#[test]
fn expressions_are_what_they_would_be_in_rust() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network
            .wire(|wire| {
                wire.slice(events())
                    .filter(|e| e.kind.eq(1) & e.ad.lt(9) & !e.is_new)
                    .map(|e| {
                        (
                            e.time / 10_000,
                            e.ad * 1_000_000_000,
                            e.tags[1] + 30_000,
                            e.big.gt(u64::MAX - 9),
                        )
                    })
                    .collect()
            })
            .expect("fits");
        let by_hand = events()
            .into_iter()
            .filter(|e| e.kind == 1 && e.ad < 9 && !e.is_new);
        let by_hand: Vec<_> = by_hand
            .map(|e| {
                let product = e.ad.wrapping_mul(1_000_000_000);
                (
                    e.time / 10_000,
                    product,
                    e.tags[1].wrapping_add(30_000),
                    e.big > u64::MAX - 9,
                )
            })
            .collect();
        assert_eq!(ran(network, &collected), by_hand);
    });
}

#[test]
fn null_is_one_thing() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network
            .wire(|wire| {
                wire.slice(events())
                    .filter(|e| e.at.y.lt(100.0) | e.note.is_none())
                    .map(|e| {
                        let half = e.at.y / 2.0;
                        let inverse = e.at.x / e.at.x.floor();
                        (
                            half,
                            half.unwrap_or(-1.0),
                            inverse,
                            e.note.eq("note 8"),
                            half.is_some(),
                        )
                    })
                    .collect()
            })
            .expect("fits");
        let by_hand = events().into_iter();
        let by_hand: Vec<_> = by_hand
            .filter(|e| e.at.y.is_some_and(|y| y < 100.0) || e.note.is_none())
            .map(|e| {
                let half = e.at.y.map(|y| y / 2.0);
                let x = f64::from(e.at.x);
                let inverse = (x.floor() != 0.0).then(|| x / x.floor());
                let is_eight = e.note.as_deref().map(|note| note == "note 8");
                (half, half.unwrap_or(-1.0), inverse, is_eight, half.is_some())
            })
            .collect();
        assert_eq!(ran(network, &collected), by_hand);
    });
}

#[test]
fn closures_see_the_same() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network
            .wire(|wire| {
                wire.slice(events())
                    .filter_fn(|e| e.at().y().is_some_and(|y| y > 2.0) && e.user() == "user 3")
                    .map_fn(|e| {
                        (
                            e.user().to_owned(),
                            e.tags()[0],
                            e.note().map(str::len).unwrap_or(0),
                            e.big(),
                        )
                    })
                    .collect()
            })
            .expect("fits");
        let by_hand = events()
            .into_iter()
            .filter(|e| e.at.y.is_some_and(|y| y > 2.0) && e.user == "user 3");
        let by_hand: Vec<_> = by_hand
            .map(|e| {
                (
                    e.user.clone(),
                    e.tags[0],
                    e.note.as_deref().map_or(0, str::len),
                    e.big,
                )
            })
            .collect();
        assert_eq!(ran(network, &collected), by_hand);
    });
}

#[test]
fn structs_are_made_of_expressions() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network
            .wire(|wire| {
                wire.slice(events())
                    .map(|e| PlaceExpr {
                        x: e.at.x + 1.0,
                        y: e.at.y,
                    })
                    .filter(|place| place.y.is_none())
                    .collect()
            })
            .expect("fits");
        let by_hand = events().into_iter().filter(|e| e.at.y.is_none());
        let by_hand: Vec<Place> = by_hand
            .map(|e| Place {
                x: e.at.x + 1.0,
                ..e.at
            })
            .collect();
        assert_eq!(ran(network, &collected), by_hand);
    });
}

#[test]
fn groups_are_by_keys_of_expressions() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let table = NumberTable::from(vec![10_i64, 20, 30]);
        let collected = network
            .wire(|wire| {
                wire.slice(events())
                    .key_by(|e| (table.at(e.ad), e.user))
                    .aggregate(|e| (count(), sum(e.time), min(e.kind), max(e.at.x), avg(e.at.y)))
                    .filter(|(key, _)| key.0.eq(20))
                    .collect()
            })
            .expect("fits");
        let ran = ran(network, &collected);
        let of = |user: &str| {
            let events = events().into_iter().filter(move |e| e.ad == 1 && e.user == user);
            let events: Vec<Event> = events.collect();
            let some: Vec<f64> = events.iter().filter_map(|e| e.at.y).collect();
            (
                (Some(20), user.to_owned()),
                (
                    events.len() as i64,
                    events.iter().map(|e| e.time).sum::<i64>(),
                    events.iter().map(|e| e.kind).min(),
                    events.iter().map(|e| f64::from(e.at.x)).reduce(f64::max),
                    Some(some.iter().sum::<f64>() / some.len() as f64),
                ),
            )
        };
        assert_eq!(ran.len(), 4);
        for group in ran {
            let user = group.0.1.clone();
            assert_eq!(group, of(&user));
        }
    });
}

#[test]
fn all_elements_make_one() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let (counted, sums, folded) = network
            .wire(|wire| {
                let (left, right) = wire.slice(events()).tee();
                let (one, other) = left.tee();
                let folded = other.fold((0_i64, false), |state, e| {
                    (state.0 + e.tags[0].cast::<i64>(), state.1 | e.is_new)
                });
                (
                    right.count().collect(),
                    one.sum(|e| e.time).collect(),
                    folded.collect(),
                )
            })
            .expect("fits");
        network.run().expect("it runs");
        assert_eq!(counted.take(), [3000]);
        assert_eq!(sums.take(), [events().iter().map(|e| e.time).sum::<i64>()]);
        assert_eq!(
            folded.take(),
            [(events().iter().map(|e| i64::from(e.tags[0])).sum(), true)]
        );
    });
}

#[test]
fn streams_meet_and_part() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let (pairs, merged, expanded) = network
            .wire(|wire| {
                let (even, odd) = wire.iter(0..8_i64).route(|x| (x % 2).eq(0));
                let letters = wire.iter(["a", "b", "c", "d"].map(str::to_owned));
                let expanded = wire
                    .iter(0..4_u8)
                    .flat_map_fn(|n| (0..n).map(i64::from).collect::<Vec<_>>());
                (
                    even.zip(letters).collect(),
                    odd.merge(wire.iter(10..13_i64)).collect(),
                    expanded.skip(1).take(4).collect(),
                )
            })
            .expect("fits");
        network.run().expect("it runs");
        let letters = ["a", "b", "c", "d"].map(str::to_owned);
        assert_eq!(
            pairs.take(),
            [0, 2, 4, 6].into_iter().zip(letters).collect::<Vec<_>>()
        );
        let mut merged = merged.take();
        merged.sort_unstable();
        assert_eq!(merged, [1, 3, 5, 7, 10, 11, 12]);
        assert_eq!(expanded.take(), [0, 1, 0, 1]);
    });
}

#[test]
fn elements_are_put_in_order() {
    let numbers: Vec<(u64, i32, Option<f64>)> = (0..500_u64)
        .map(|k| {
            let random = (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (
                random,
                (random >> 40) as i32 % 50 - 25,
                (k % 3 != 0).then_some(random as f64),
            )
        })
        .collect();
    on_both_engines(|mut network| {
        let network = &mut network;
        let (sorted, by_both, top) = network
            .wire(|wire| {
                let (one, rest) = wire.slice(numbers.clone()).tee();
                let (two, three) = rest.tee();
                (
                    one.sort_by(|e| e.0).collect(),
                    two.sort_by(|e| (e.1.abs(), e.0)).collect(),
                    three.top(7, |e| e.2).map(|e| e.2).collect(),
                )
            })
            .expect("fits");
        network.run().expect("it runs");
        network.check_conservation().expect("elements are conserved");
        let mut by_hand = numbers.clone();
        by_hand.sort_by_key(|e| e.0);
        assert_eq!(sorted.take(), by_hand);
        by_hand.sort_by_key(|e| (e.1.abs(), e.0));
        assert_eq!(by_both.take(), by_hand);
        let mut greatest: Vec<f64> = numbers.iter().filter_map(|e| e.2).collect();
        greatest.sort_by(|a, b| b.total_cmp(a));
        let greatest: Vec<_> = greatest[..7].iter().copied().map(Some).collect();
        assert_eq!(top.take(), greatest);
    });
}

#[test]
fn bits_are_as_in_rust() {
    let numbers: Vec<(i32, u8, u64)> = (0..200_i64)
        .map(|k| {
            (
                (k * 987_654_321) as i32,
                (k * 7) as u8,
                (k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            )
        })
        .collect();
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network
            .wire(|wire| {
                wire.iter(numbers.clone())
                    .map(|(a, b, c)| {
                        (
                            (a << 3) ^ (a >> 5),
                            !b & 0x5f,
                            (c >> 60) | 1,
                            (
                                -a,
                                b - 9,
                                c.max(1 << 63),
                                a.cast::<u8>(),
                                c.cast::<i64>(),
                                b.cast::<i8>(),
                            ),
                        )
                    })
                    .collect()
            })
            .expect("fits");
        let by_hand: Vec<_> = numbers
            .iter()
            .map(|&(a, b, c)| {
                let rest = (
                    a.wrapping_neg(),
                    b.wrapping_sub(9),
                    c.max(1 << 63),
                    a as u8,
                    c as i64,
                    b as i8,
                );
                ((a << 3) ^ (a >> 5), !b & 0x5f, (c >> 60) | 1, rest)
            })
            .collect();
        assert_eq!(ran(network, &collected), by_hand);
    });
}

#[test]
fn truths_are_ordered() {
    let pairs = [(false, false), (false, true), (true, false), (true, true)];
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network
            .wire(|wire| {
                wire.iter(pairs)
                    .map(|(a, b)| [a.eq(b), a.ne(b), a.lt(b), a.le(b), a.gt(b), a.ge(b)])
                    .collect()
            })
            .expect("fits");
        let by_hand = pairs.map(|(a, b)| [a == b, a != b, !a & b, a <= b, a & !b, a >= b]);
        assert_eq!(ran(network, &collected), by_hand);
    });
}

#[test]
fn bins_have_the_width_of_their_numbers() {
    let numbers: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    on_both_engines(|mut network| {
        let network = &mut network;
        let collected = network
            .wire(|wire| wire.iter(numbers.clone()).map(|x| x.bin(100)).collect())
            .expect("fits");
        let by_hand: Vec<i8> = numbers
            .iter()
            .map(|&x| (i16::from(x).div_euclid(100) * 100) as i8)
            .collect();
        assert_eq!(ran(network, &collected), by_hand);
    });
}

#[test]
fn a_stage_is_changed_while_it_runs() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let (big, double, numbers) = network
            .wire(|wire| {
                let big = wire.iter(0..1000_i64).filter(|x| x.gt(10));
                let id = big.id();
                let double = big.map(|x| x * 2);
                (id, double.id(), double.collect())
            })
            .expect("fits");
        network.run_steps(20).expect("it runs");
        let before = numbers.take();
        assert!(before.len() <= 20 && before.iter().all(|x| *x > 20));
        network
            .rewire(|rewire| {
                big.swap_fn(rewire, |x| x > 997)?;
                double.swap(rewire, |x| x + 1)
            })
            .expect("the types are the same");
        assert_eq!(ran(network, &numbers), [999, 1000]);
    });
}

#[test]
fn a_filter_is_taken_out() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let (none, numbers) = network
            .wire(|wire| {
                let none = wire.iter(0..5_i64).filter(|_| lit(false));
                (none.id(), none.collect())
            })
            .expect("fits");
        network
            .rewire(|rewire| none.remove(rewire))
            .expect("it is between two points");
        assert_eq!(ran(network, &numbers), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let mut network = Network::default();
    let refused = network.wire(|wire| {
        wire.source::<i64>(cutthrough::processes::Slice::f64([1.0]))
            .map(|x| x + 1)
            .collect()
    });
    let error = refused.expect_err("the slice is of doubles");
    assert_eq!(error.kind(), cutthrough::ErrorKind::Type, "{error}");
    assert!(network.report().processes.is_empty());
}

#[test]
fn an_expression_belongs_to_its_closure() {
    let wired = || {
        let mut kept = None;
        Network::default().wire(|wire| {
            let _ = wire
                .iter([1_i64])
                .map(|x| *kept.insert(x))
                .filter(|_| kept.expect("kept").gt(0))
                .point();
        })
    };
    let panic = std::panic::catch_unwind(wired).expect_err("it is used elsewhere");
    let message = panic.downcast_ref::<&str>().expect("text");
    assert!(message.contains("outside of the closure"), "{message}");
}

#[test]
fn a_number_out_of_range_fails_the_process() -> Result<(), Error> {
    let mut network = Network::default();
    let numbers: Arc<[i64]> = vec![1, 300].into();
    let point = network.source::<u8>(cutthrough::processes::Slice::i64(numbers))?;
    network.wire(|wire| wire.stream(point).sink(|_| ()))?;
    let error = network.run().expect_err("300 is no u8");
    assert!(error.to_string().contains("300 is no u8"), "{error}");
    Ok(())
}

/// What `outcome` is refused with, which changes nothing.
#[track_caller]
fn refused<T>(outcome: Result<T, Error>, message: &str) {
    let error = outcome.map(drop).expect_err("it is another network's");
    assert_eq!(error.kind(), cutthrough::ErrorKind::NotThere);
    assert!(error.message().contains(message), "{error}");
}

#[test]
fn a_flow_point_of_another_network_is_no_stream() {
    let (mut one, mut other) = (Network::default(), Network::default());
    let foreign = one.wire(|wire| wire.iter(0..5_i64).point()).expect("fits");
    let own = other.wire(|wire| wire.iter(5..9_i64).point()).expect("fits");
    let message = "the flow point is another network's";
    refused(other.wire(|wire| wire.stream(foreign).collect()), message);
    refused(other.wire(|wire| wire.stream(foreign).tee().0.point()), message);
    refused(
        other.wire(|wire| wire.stream(foreign).route(|x| x.gt(1)).0.point()),
        message,
    );
    refused(
        other.wire(|wire| wire.stream(foreign).sum(|x| x).point()),
        message,
    );
    refused(
        other.wire(|wire| wire.stream(foreign).sort_by(|x| x).point()),
        message,
    );
    refused(
        other.wire(|wire| wire.stream(foreign).sort_by(|x| x * -1).point()),
        message,
    );
    refused(
        other.wire(|wire| wire.stream(own).zip(wire.stream(foreign)).point()),
        message,
    );
    // A stream of another network that is being wired at the same time.
    let mixed = other.wire(|wire| {
        let merged = one.wire(|foreign| wire.stream(own).merge(foreign.iter(0..5_i64)).point());
        merged.map(drop)
    });
    refused(mixed, message);
    refused(other.remove_point(foreign), message);
    assert_eq!(other.report().processes.len(), 1);
    let numbers = other
        .wire(|wire| wire.stream(own).collect())
        .expect("it is its own");
    assert_eq!(ran(&mut other, &numbers), [5, 6, 7, 8]);
}

#[test]
fn a_stage_of_another_network_is_not_changed() {
    let wired = |network: &mut Network| {
        let wired = network.wire(|wire| {
            let filter = wire.iter(0..9_i64).filter(|x| x.gt(6));
            let filter_id = filter.id();
            let map = filter.map(|x| x * 10);
            let map_id = map.id();
            let (big, small) = map.route(|x| x.gt(70));
            let route_id = big.id();
            small.sink(|_| {});
            (filter_id, map_id, route_id, big.collect())
        });
        wired.expect("fits")
    };
    let (mut one, mut other) = (Network::default(), Network::default());
    let (filter, map, route, _) = wired(&mut one);
    let (.., numbers) = wired(&mut other);
    let message = "edit 1: the stage is another network's";
    refused(other.rewire(|r| filter.swap(r, |_| lit(true))), message);
    refused(other.rewire(|r| filter.swap_fn(r, |_| true)), message);
    refused(other.rewire(|r| filter.remove(r)), message);
    refused(other.rewire(|r| map.swap(r, |x| x)), message);
    refused(other.rewire(|r| map.swap_fn(r, |x| x)), message);
    refused(other.rewire(|r| route.swap(r, |_| lit(true))), message);
    refused(other.rewire(|r| map.process_in(r)), message);
    assert_eq!(ran(&mut other, &numbers), [80]);
}

#[test]
fn a_fold_begins_with_text() {
    on_both_engines(|mut network| {
        let network = &mut network;
        let init = || ("none".to_owned(), Some(String::new()), 0_i64);
        let last = |wire: cutthrough::Wire<'_>, texts: Vec<String>| {
            let fold = wire.iter(texts).fold(init(), |(last, longest, count), text| {
                let is_longer = text.len().gt(longest.len().unwrap_or(0));
                let longest = is_longer.select(text, longest.unwrap_or(""));
                (text.ne("").select(text, last), longest.some(), count + 1)
            });
            fold.collect()
        };
        let texts = ["a", "ccc", "bb", ""].map(str::to_owned).to_vec();
        let (some, none) = network
            .wire(|wire| (last(wire, texts), last(wire, Vec::new())))
            .expect("fits");
        let longest = Some("ccc".to_owned());
        assert_eq!(ran(network, &some), [("bb".to_owned(), longest, 4)]);
        assert_eq!(none.take(), [init()]);
    });
}
