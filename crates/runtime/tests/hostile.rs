//! Random networks through the safe API, with elements of hostile sizes and elements that do not
//! do what they say: whatever comes of it is a result or an error, the same on both engines, and
//! every element is accounted for.
#![forbid(unsafe_code)]

use cutthrough::expr::{Expr, FieldExprs};
use cutthrough::ir::{LentColumn, Type};
use cutthrough::processes::Collected;
use cutthrough::stream::{Stream, count, max, tumbling};
use cutthrough::{Element, Error, FieldReader, FieldWriter, Fields, Network, Options, Progress, channel};

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    /// Mostly short, sometimes at the edge of something, seldom large.
    fn text(&mut self) -> String {
        let length = match self.below(40) {
            0 => 70_000 + self.below(3),
            1 => 4_095 + self.below(3),
            2..=9 => 0,
            _ => self.below(24),
        };
        let letters = ["a", "b", "\0", "é", "\u{10FFFF}"];
        (0..length).map(|_| letters[self.below(5) as usize]).collect()
    }
}

#[derive(Element, Clone, Debug, PartialEq)]
enum Note {
    None,
    Text(String),
    At { place: [f32; 2], text: Option<String> },
}

#[derive(Element, Clone, Debug, PartialEq)]
struct Item {
    number: i64,
    text: String,
    bytes: Vec<u8>,
    note: Note,
}

fn items(random: &mut Random) -> Vec<Item> {
    let item = |random: &mut Random| Item {
        number: [i64::MIN, -1, 0, 1, i64::MAX, 7][random.below(6) as usize],
        text: random.text(),
        bytes: random.text().into_bytes(),
        note: match random.below(3) {
            0 => Note::None,
            1 => Note::Text(random.text()),
            _ => Note::At {
                place: [f32::NAN, 0.5],
                text: (random.below(2) == 0).then(|| random.text()),
            },
        },
    };
    (0..random.below(400)).map(|_| item(random)).collect()
}

/// One stage, at random.
fn stage<'w>(stream: Stream<'w, Item>, random: &mut Random) -> Stream<'w, Item> {
    match random.below(9) {
        0 => untyped(stream.filter(|item| item.number.gt(-2) | item.note.is_text())),
        1 => untyped(stream.filter_fn(|item| item.text().len() % 2 == 0)),
        2 => untyped(stream.map(|item| ItemExpr {
            number: item.number * 3 - 1,
            ..item
        })),
        3 => untyped(stream.map_fn(|item| Item {
            number: item.number().wrapping_add(1),
            text: item.text().repeat(2),
            bytes: Vec::new(),
            note: match item.note() {
                NoteView::None => Note::None,
                NoteView::Text(text) => Note::At {
                    place: [1.0, 2.0],
                    text: Some(text.to_owned()),
                },
                NoteView::At { text, .. } => Note::Text(text.unwrap_or("none").to_owned()),
            },
        })),
        4 => untyped(stream.inspect(|item| assert!(item.text().len() < 1 << 30))),
        5 => untyped(stream.skip(3).take(200)),
        6 => untyped(stream.filter(|item| item.text.contains("a") | item.bytes.len().lt(3))),
        7 => untyped(stream.sort_by(|item| item.text)),
        _ => untyped(stream.flat_map_fn(|item| {
            let number = item.number();
            (0..number.rem_euclid(3)).map(move |k| Item {
                number: k,
                text: k.to_string(),
                bytes: vec![0; 5_000],
                note: Note::None,
            })
        })),
    }
}

fn untyped<I>(stream: Stream<'_, Item, I>) -> Stream<'_, Item> {
    stream.forget_id()
}

type Out = (Collected<Item>, Collected<(String, (i64, Option<i64>))>);

fn wired(network: &mut Network, seed: u64) -> Result<Out, Error> {
    let mut random = Random(seed);
    let items = items(&mut random);
    network.wire(|wire| {
        let mut stream = match random.below(2) {
            0 => untyped(wire.slice(items)),
            _ => untyped(wire.iter(items)),
        };
        for _ in 0..random.below(5) {
            stream = stage(stream, &mut random);
        }
        let (all, grouped) = stream.tee();
        let grouped = grouped
            .key_by(|item| item.text)
            .aggregate(|item| (count(), max(item.number)));
        (all.collect(), grouped.collect())
    })
}

#[test]
fn random_networks_of_hostile_elements_do_the_same_on_both_engines() {
    for seed in 0..60 {
        let run = |options| {
            let mut network = Network::new(options);
            let (all, grouped) = wired(&mut network, seed).expect("it is wired");
            let outcome = network.run();
            network
                .check_conservation()
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let outcome = outcome.map_err(|error| error.to_string());
            (outcome, format!("{:?}", all.take()), grouped.take())
        };
        assert_eq!(run(Options::interpreted()), run(Options::native()), "seed {seed}");
    }
}

/// An element that breaks what it says of itself, in one of several ways.
#[derive(Clone, Debug)]
struct Liar<const HOW: usize>;

impl<const HOW: usize> Element for Liar<HOW> {
    type Expr = Expr<i64>;
    type View<'a> = i64;
    const FIELDS: usize = 2;

    fn fields() -> Vec<Type> {
        vec![Type::I64, Type::BYTES]
    }

    fn expr(fields: &mut FieldExprs<'_>) -> Expr<i64> {
        fields.next()
    }

    fn view(fields: Fields<'_>) -> i64 {
        match HOW {
            0 => fields.skip(1).i64(),
            1 => fields.skip(9).i64(),
            _ => fields.bytes().len() as i64,
        }
    }

    fn read(fields: &mut FieldReader<'_>) -> Result<Self, String> {
        match HOW {
            0 => {
                fields.bytes();
            }
            1 => fields.skip(usize::MAX / 2),
            2 => {
                fields.i64();
                fields.i64();
            }
            _ => {}
        }
        Ok(Liar)
    }

    fn write(self, fields: &mut FieldWriter<'_, '_>) -> Result<(), String> {
        match HOW {
            0 => fields.bytes(b"text"),
            1 => {
                fields.skip(usize::MAX / 2);
                fields.i64(1);
                Ok(())
            }
            2 => {
                fields.i64(1 << 40);
                fields.i64(1 << 41);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn lend<'x>(items: impl Iterator<Item = &'x Self>, field: usize, column: &mut LentColumn<'_, '_, 'x>) {
        match HOW {
            0 => column.f64s(items.map(|_| 0.5)),
            1 => column.from_row(1 << 20).i64(1, 7),
            2 => column.byte_strings(items.map(|_| &b"text"[..])),
            _ => column.i64(field + (1 << 50), 7),
        }
    }
}

fn lie<const HOW: usize>() {
    for options in [Options::interpreted, Options::native] {
        let run = |wire: &dyn Fn(cutthrough::Wire<'_>)| {
            let mut network = Network::new(options());
            network.wire(wire).expect("it is wired");
            network.run().expect_err("it does not do what it says");
            network.check_conservation().expect("elements are conserved");
        };
        run(&|wire| {
            wire.slice(vec![Liar::<HOW>; 9]).sink(|_| {});
        });
        run(&|wire| {
            wire.iter(vec![Liar::<HOW>; 9]).map_fn(|_| 1_i64).collect();
        });
        run(&|wire| {
            let (mut sender, receiver) = channel(16);
            sender.send_all(vec![Liar::<HOW>; 9]).expect("there is room");
            wire.receive(receiver).count().collect();
        });
    }
}

#[test]
fn elements_that_break_what_they_say_fail_and_no_more() {
    lie::<0>();
    lie::<1>();
    lie::<2>();
    lie::<3>();
}

#[test]
fn windows_of_hostile_times_end() {
    for seed in 0..20 {
        let run = |options| {
            let mut random = Random(seed);
            let times: Vec<i64> = (0..300)
                .map(|_| match random.below(8) {
                    0 => i64::MIN + random.below(9) as i64,
                    1 => i64::MAX - random.below(9) as i64,
                    _ => random.below(100) as i64 - 50,
                })
                .collect();
            let mut network = Network::new(options);
            let counts = network
                .wire(|wire| {
                    let window = |x| {
                        let lateness = std::time::Duration::from_nanos(30);
                        tumbling(std::time::Duration::from_nanos(7))
                            .event_time(x)
                            .lateness(lateness)
                    };
                    wire.iter(times)
                        .key_by(|x| x % 2)
                        .window(window)
                        .count()
                        .collect()
                })
                .expect("it is wired");
            assert_eq!(network.run().expect("it runs"), Progress::Done);
            network.check_conservation().expect("elements are conserved");
            counts.take()
        };
        assert_eq!(run(Options::interpreted()), run(Options::native()), "seed {seed}");
    }
}
