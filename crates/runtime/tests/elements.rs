//! Tuple structs, enums and times as elements: lent, copied, as expressions and as views.
#![forbid(unsafe_code)]

mod common;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::on_both_engines;
use cutthrough::{Element, Network, channel};

#[derive(Element, Clone, Debug, PartialEq)]
struct Price(f64, String);

#[derive(Element, Clone, Copy, Debug, PartialEq)]
enum Side {
    Buy,
    Sell,
}

#[derive(Element, Clone, Debug, PartialEq)]
enum Message {
    Order { side: Side, price: Price, count: u32 },
    Cancel(u64, Option<String>),
    Heartbeat,
    Type(bool),
}

#[derive(Element, Clone, Debug, PartialEq)]
struct Timed {
    at: SystemTime,
    took: Duration,
    late: Option<Duration>,
    message: Message,
}

fn timed() -> Vec<Timed> {
    let message = |k: u32| match k % 5 {
        0 | 4 => Message::Order {
            side: if k.is_multiple_of(2) {
                Side::Buy
            } else {
                Side::Sell
            },
            price: Price(f64::from(k) / 4.0, format!("EUR {k}")),
            count: k,
        },
        1 => Message::Cancel(
            u64::MAX - u64::from(k),
            k.is_multiple_of(3).then(|| k.to_string()),
        ),
        2 => Message::Heartbeat,
        _ => Message::Type(k.is_multiple_of(3)),
    };
    let timed = |k: u32| Timed {
        at: UNIX_EPOCH + Duration::from_secs(1_000_000) * k - Duration::from_secs(50_000_000),
        took: Duration::from_nanos(u64::from(k)),
        late: k.is_multiple_of(2).then(|| Duration::from_millis(u64::from(k))),
        message: message(k),
    };
    (0..1_000).map(timed).collect()
}

/// Runs, and gives what was collected.
fn ran<T>(network: &mut Network, collected: &cutthrough::processes::Collected<T>) -> Vec<T> {
    network.run().expect("it runs");
    network.check_conservation().expect("elements are conserved");
    collected.take()
}

#[test]
fn they_go_through_as_they_are() {
    on_both_engines(|mut network| {
        let (mut sender, receiver) = channel(2_000);
        sender.send_all(timed()).expect("there is room");
        drop(sender);
        let (lent, given, received) = network
            .wire(|wire| {
                let received = wire.receive(receiver).map(|item| item).collect();
                (
                    wire.slice(timed()).collect(),
                    wire.iter(timed()).collect(),
                    received,
                )
            })
            .expect("it is wired");
        assert_eq!(ran(&mut network, &lent), timed());
        assert_eq!((given.take(), received.take()), (timed(), timed()));
    });
}

#[test]
fn expressions_look_at_them() {
    on_both_engines(|mut network| {
        let collected = network
            .wire(|wire| {
                wire.slice(timed())
                    .filter(|item| item.message.is_order() & item.message.order.side.is_buy())
                    .map(|item| {
                        let order = item.message.order;
                        (
                            order.price.0 * 2.0,
                            order.price.1,
                            item.at / 1_000_000_000,
                            item.took,
                        )
                    })
                    .collect()
            })
            .expect("it is wired");
        let by_hand = timed().into_iter().filter_map(|item| match item.message {
            Message::Order {
                side: Side::Buy,
                price: Price(price, text),
                ..
            } => {
                let seconds = match item.at.duration_since(UNIX_EPOCH) {
                    Ok(since) => since.as_secs().cast_signed(),
                    Err(before) => -before.duration().as_secs().cast_signed(),
                };
                Some((price * 2.0, text, seconds, item.took.as_nanos() as i64))
            }
            _ => None,
        });
        assert_eq!(ran(&mut network, &collected), by_hand.collect::<Vec<_>>());
    });
}

#[test]
fn closures_match_them() {
    on_both_engines(|mut network| {
        let collected = network
            .wire(|wire| {
                wire.slice(timed())
                    .map_fn(|item| match item.message() {
                        MessageView::Order {
                            side: Side::Sell,
                            price,
                            count,
                        } => Message::Cancel(u64::from(count), Some(price.1.to_owned())),
                        MessageView::Order { .. } => Message::Heartbeat,
                        MessageView::Cancel(id, text) => Message::Order {
                            side: Side::Buy,
                            price: Price(id as f64, text.unwrap_or("none").to_owned()),
                            count: 7,
                        },
                        MessageView::Heartbeat => Message::Type(item.late().is_some()),
                        MessageView::Type(is) => Message::Type(!is),
                    })
                    .collect()
            })
            .expect("it is wired");
        let by_hand = timed().into_iter().map(|item| match item.message {
            Message::Order {
                side: Side::Sell,
                price,
                count,
            } => Message::Cancel(u64::from(count), Some(price.1)),
            Message::Order { .. } => Message::Heartbeat,
            Message::Cancel(id, text) => Message::Order {
                side: Side::Buy,
                price: Price(id as f64, text.unwrap_or("none".to_owned())),
                count: 7,
            },
            Message::Heartbeat => Message::Type(item.late.is_some()),
            Message::Type(is) => Message::Type(!is),
        });
        assert_eq!(ran(&mut network, &collected), by_hand.collect::<Vec<_>>());
    });
}

#[test]
fn a_number_that_no_variant_has_is_told() {
    on_both_engines(|mut network| {
        let sides = network
            .wire(|wire| {
                let sides = wire.iter([Side::Buy, Side::Sell]);
                sides
                    .map(|side| SideExpr {
                        variant: side.variant * 2,
                    })
                    .collect()
            })
            .expect("it is wired");
        let error = network.run().expect_err("it is none");
        assert_eq!(error.message(), "2 is no variant of Side, which has 2");
        assert_eq!((error.element(), sides.take()), (Some(2), vec![Side::Buy]));
    });
}
