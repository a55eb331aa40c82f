//! What a plan says of a process, and the process made of it.

use cutthrough::aggregate::{AggregateFunction, BasicAggregate};
use cutthrough::kernels::order::{OrderKey, OrderSpec};
use cutthrough::processes::GroupSpec;
use cutthrough::processes::{
    BranchPolicy, Collect, Filter, FilterFn, FlatMap, Fold, ForEach, Group, Iter, Map, MapFn, Merge, Order,
    Pass, Route, Skip, Slice, Take, Tee, Zip,
};
use cutthrough::{Fragment, Process};
use cutthrough_ir::{Block, ElementType, Kind, Op, SlotDecl, Type, Value};

use crate::machine::{self, Machine};
use crate::procs::{Buffer, Collected, Fault, Faulty, Feed, Gate, Puller, Sink, lock};
use crate::value::{Row, Rowed, Val};
use crate::window::Window;
use crate::{expr, with_rust_type};
use cutthrough_test_support::Random;

/// A process of a plan.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "the variants are the processes, the fields what they are made with"
)]
pub enum Spec {
    SliceI(Vec<i64>),
    SliceF(Vec<u64>),
    Iter {
        element: ElementType,
        rows: Vec<Row>,
    },
    Feed {
        element: ElementType,
        rows: Vec<Row>,
        batch: i64,
        idle: bool,
        fault: Fault,
        own: bool,
    },
    Pass(ElementType),
    Map {
        from: ElementType,
        to: ElementType,
        seed: u64,
        size: usize,
    },
    MapFn {
        element: ElementType,
        panics_at: usize,
    },
    Filter {
        element: ElementType,
        seed: u64,
        size: usize,
    },
    FilterFn {
        element: ElementType,
        every: usize,
    },
    FlatMap {
        from: ElementType,
        to: ElementType,
        seed: u64,
        most: i64,
    },
    Take(ElementType, u64),
    Skip(ElementType, u64),
    Zip(ElementType, ElementType),
    Merge(ElementType, usize),
    Route {
        element: ElementType,
        seed: u64,
    },
    Tee(ElementType, Vec<BranchPolicy>),
    Fold {
        element: ElementType,
        state: Vec<Type>,
        seed: u64,
    },
    Group {
        element: ElementType,
        keys: usize,
        seed: u64,
    },
    Order {
        element: ElementType,
        descending: bool,
        limit: Option<usize>,
    },
    Buffer(ElementType, usize),
    Window(ElementType, u64),
    Gate {
        element: ElementType,
        leave: ElementType,
        each: i64,
    },
    Puller {
        inputs: Vec<ElementType>,
        output: ElementType,
        seed: u64,
    },
    Faulty {
        element: ElementType,
        fault: (usize, Fault),
    },
    Machine {
        inputs: Vec<ElementType>,
        outputs: Vec<ElementType>,
        optional: Vec<bool>,
        slots: Vec<Type>,
        gives: bool,
        seed: u64,
    },
    Collect(ElementType),
    ForEach(ElementType),
    Sink {
        element: ElementType,
        fault: (usize, Fault),
    },
}

fn aggregates(element: &ElementType, keys: usize, seed: u64) -> Vec<BasicAggregate> {
    use AggregateFunction::{Avg, Count, Max, Min, Sum};
    let inputs = element.fields()[keys..].iter().enumerate();
    let mut all: Vec<BasicAggregate> = inputs
        .map(|(k, &ty)| {
            let numeric = matches!(ty.kind, Kind::I64 | Kind::F64);
            let functions: &[_] = if numeric {
                &[Count, Sum, Avg, Min, Max]
            } else {
                &[Count, Min, Max]
            };
            BasicAggregate {
                function: functions[(seed as usize + k) % functions.len()],
                input: Some(ty),
            }
        })
        .collect();
    if all.is_empty() {
        all.push(BasicAggregate {
            function: Count,
            input: None,
        });
    }
    all
}

impl Spec {
    /// What it is called in coverage.
    pub fn kind(&self) -> &'static str {
        match self {
            Spec::SliceI(_) | Spec::SliceF(_) => "slice",
            Spec::Iter { .. } => "iter",
            Spec::Feed { .. } => "feed",
            Spec::Pass(_) => "pass",
            Spec::Map { .. } => "map",
            Spec::MapFn { .. } => "map_fn",
            Spec::Filter { .. } => "filter",
            Spec::FilterFn { .. } => "filter_fn",
            Spec::FlatMap { .. } => "flat_map",
            Spec::Take(..) => "take",
            Spec::Skip(..) => "skip",
            Spec::Zip(..) => "zip",
            Spec::Merge(..) => "merge",
            Spec::Route { .. } => "route",
            Spec::Tee(..) => "tee",
            Spec::Fold { .. } => "fold",
            Spec::Group { .. } => "group",
            Spec::Order { .. } => "order",
            Spec::Buffer(..) => "buffer",
            Spec::Window(..) => "window",
            Spec::Gate { .. } => "gate",
            Spec::Puller { .. } => "puller",
            Spec::Faulty { .. } => "faulty",
            Spec::Machine { .. } => "machine",
            Spec::Collect(_) => "collect",
            Spec::ForEach(_) => "for_each",
            Spec::Sink { .. } => "sink",
        }
    }

    /// The types of its inputs.
    pub fn inputs(&self) -> Vec<ElementType> {
        match self {
            Spec::SliceI(_) | Spec::SliceF(_) | Spec::Iter { .. } | Spec::Feed { .. } => Vec::new(),
            Spec::Pass(element)
            | Spec::MapFn { element, .. }
            | Spec::Filter { element, .. }
            | Spec::FilterFn { element, .. }
            | Spec::Take(element, _)
            | Spec::Skip(element, _)
            | Spec::Route { element, .. }
            | Spec::Tee(element, _)
            | Spec::Fold { element, .. }
            | Spec::Group { element, .. }
            | Spec::Order { element, .. }
            | Spec::Buffer(element, _)
            | Spec::Window(element, _)
            | Spec::Faulty { element, .. }
            | Spec::Collect(element)
            | Spec::ForEach(element)
            | Spec::Sink { element, .. } => vec![element.clone()],
            Spec::Map { from, .. } | Spec::FlatMap { from, .. } => vec![from.clone()],
            Spec::Zip(left, right) => vec![left.clone(), right.clone()],
            Spec::Merge(element, inputs) => vec![element.clone(); *inputs],
            Spec::Gate { element, leave, .. } => vec![element.clone(), leave.clone()],
            Spec::Puller { inputs, .. } | Spec::Machine { inputs, .. } => inputs.clone(),
        }
    }

    /// The types of its outputs.
    pub fn outputs(&self) -> Vec<ElementType> {
        match self {
            Spec::SliceI(_) => vec![Type::I64.into()],
            Spec::SliceF(_) => vec![Type::F64.into()],
            Spec::Iter { element, .. }
            | Spec::Feed { element, .. }
            | Spec::Pass(element)
            | Spec::MapFn { element, .. }
            | Spec::Filter { element, .. }
            | Spec::FilterFn { element, .. }
            | Spec::Take(element, _)
            | Spec::Skip(element, _)
            | Spec::Order { element, .. }
            | Spec::Merge(element, _)
            | Spec::Gate { element, .. }
            | Spec::Buffer(element, _)
            | Spec::Window(element, _)
            | Spec::Faulty { element, .. } => vec![element.clone()],
            Spec::Collect(_) | Spec::ForEach(_) | Spec::Sink { .. } => Vec::new(),
            Spec::Map { to, .. } | Spec::FlatMap { to, .. } => vec![to.clone()],
            Spec::Zip(left, right) => {
                vec![ElementType::new(
                    left.fields().iter().chain(right.fields()).copied(),
                )]
            }
            Spec::Route { element, .. } => vec![element.clone(); 2],
            Spec::Tee(element, branches) => vec![element.clone(); branches.len()],
            Spec::Fold { state, .. } => vec![ElementType::new(state.iter().copied())],
            Spec::Group { element, keys, seed } => {
                let keyed = element.fields()[..*keys].iter().copied();
                let results = aggregates(element, *keys, *seed)
                    .into_iter()
                    .map(BasicAggregate::result);
                vec![ElementType::new(keyed.chain(results))]
            }
            Spec::Puller { output, .. } => vec![output.clone()],
            Spec::Machine { outputs, .. } => outputs.clone(),
        }
    }

    /// Whether what it gives is what it takes, element by element.
    pub fn passes(&self) -> bool {
        use Spec::{
            Buffer, Faulty, Filter, FilterFn, Gate, MapFn, Merge, Pass, Route, Skip, Take, Tee, Window,
        };
        matches!(
            self,
            Pass(_)
                | MapFn { .. }
                | Filter { .. }
                | FilterFn { .. }
                | Take(..)
                | Skip(..)
                | Merge(..)
                | Route { .. }
                | Tee(..)
                | Buffer(..)
                | Window(..)
                | Gate { .. }
                | Faulty { .. }
        )
    }

    /// Another program that it may be swapped for: of the same ports, and of the same kind, so
    /// that what has to hold of it stays the same.
    pub fn swapped(&self, rng: &mut Random) -> Spec {
        let mut other = self.clone();
        match &mut other {
            Spec::Map { seed, .. }
            | Spec::Filter { seed, .. }
            | Spec::FlatMap { seed, .. }
            | Spec::Route { seed, .. }
            | Spec::Fold { seed, .. }
            | Spec::Puller { seed, .. } => *seed = rng.next(),
            Spec::Machine { seed, .. } => *seed = machine::seed(rng.next(), machine::pends(*seed)),
            Spec::FilterFn { every, .. } => *every = rng.range(1, 3),
            Spec::Take(_, count) | Spec::Skip(_, count) => *count = rng.below(8) as u64,
            Spec::Order { descending, .. } => *descending = rng.chance(50),
            Spec::Window(_, ms) => *ms = rng.range(1, 9) as u64,
            Spec::Gate { each, .. } => *each = rng.range(1, 3) as i64,
            _ => {}
        }
        other
    }

    /// The process; what it collects, if anything, goes to `collected`.
    pub fn build(&self, name: &str, collected: &Collected) -> Box<dyn Process> {
        let name = name.to_owned();
        match self.clone() {
            Spec::SliceI(data) => Box::new(Slice::i64(data)),
            Spec::SliceF(bits) => Box::new(Slice::f64(
                bits.into_iter().map(f64::from_bits).collect::<Vec<f64>>(),
            )),
            Spec::Iter { element, rows } => iter(&element, &rows),
            Spec::Feed {
                element,
                rows,
                batch,
                idle,
                fault,
                own,
            } => Box::new(Feed {
                element,
                rows,
                batch,
                idle,
                fault,
                own,
                name,
            }),
            Spec::Pass(element) => Box::new(Pass::new(element)),
            Spec::Map { from, to, seed, size } => Box::new(Map::new(from, to.clone(), move |f, x| {
                expr::element(seed, size, f, x, &to)
            })),
            Spec::MapFn { element, panics_at } => map_fn(&element, panics_at, name),
            Spec::Filter { element, seed, size } => Box::new(Filter::new(element, move |f, x| {
                expr::condition(seed, size, f, x)
            })),
            Spec::FilterFn { element, every } => filter_fn(&element, every),
            Spec::FlatMap { from, to, seed, most } => flat_map(from, to, seed, most),
            Spec::Take(element, count) => Box::new(Take::new(element, count)),
            Spec::Skip(element, count) => Box::new(Skip::new(element, count)),
            Spec::Zip(left, right) => Box::new(Zip::new(left, right)),
            Spec::Merge(element, inputs) => Box::new(Merge::new(element, inputs)),
            Spec::Route { element, seed } => {
                Box::new(Route::new(element, move |f, x| expr::condition(seed, 2, f, x)))
            }
            Spec::Tee(element, branches) => Box::new(Tee::new(element, branches)),
            Spec::Fold { element, state, seed } => fold(element, state, seed),
            Spec::Group { element, keys, seed } => Box::new(Group::new(GroupSpec {
                groups_max: 1000,
                ..GroupSpec::basic(
                    element.fields()[..keys].to_vec(),
                    aggregates(&element, keys, seed),
                    1 << 20,
                )
            })),
            Spec::Order {
                element,
                descending,
                limit,
            } => Box::new(Order::new(OrderSpec {
                element: element.fields().to_vec(),
                keys: vec![OrderKey { field: 0, descending }],
                limit,
                is_from_end: false,
                bytes_max: 1 << 20,
            })),
            Spec::Buffer(element, room) => Box::new(Buffer { element, room }),
            Spec::Window(element, ms) => Box::new(Window { element, ms }),
            Spec::Gate { element, leave, each } => Box::new(Gate { element, leave, each }),
            Spec::Puller { inputs, output, seed } => Box::new(Puller { inputs, output, seed }),
            Spec::Faulty { element, fault } => Box::new(Faulty { element, fault, name }),
            Spec::Machine {
                inputs,
                outputs,
                optional,
                slots,
                gives,
                seed,
            } => Box::new(Machine {
                inputs,
                outputs,
                optional,
                slots,
                gives,
                seed,
            }),
            Spec::Collect(element) => collect(&element, collected),
            Spec::ForEach(element) => for_each(&element, collected),
            Spec::Sink { element, fault } => Box::new(Sink {
                element,
                collected: collected.clone(),
                fault,
                name,
            }),
        }
    }
}

const TYPED: &str = "a plan uses typed processes only for types that Rust has";

fn of_row<T: Rowed>(row: &[Val]) -> T {
    T::of_row(&mut row.iter())
}

fn row_of<T: Rowed>(value: &T) -> Row {
    let mut row = Row::new();
    value.to_row(&mut row);
    row
}

/// Whether Rust has a type for these elements.
pub fn is_typed(element: &ElementType) -> bool {
    with_rust_type!(element, T => std::mem::size_of::<T>()).is_some()
}

fn iter(element: &ElementType, rows: &[Row]) -> Box<dyn Process> {
    let process = with_rust_type!(element, T => {
        let items: Vec<T> = rows.iter().map(|row| of_row(row)).collect();
        Box::new(Iter::new(items)) as Box<dyn Process>
    });
    process.expect(TYPED)
}

fn map_fn(element: &ElementType, panics_at: usize, name: String) -> Box<dyn Process> {
    let process = with_rust_type!(element, T => {
        let (mut seen, name) = (0, name.clone());
        Box::new(MapFn::new(move |value: T| {
            seen += 1;
            assert!(seen != panics_at, "{name} ran into a panic");
            value
        })) as Box<dyn Process>
    });
    process.expect(TYPED)
}

fn filter_fn(element: &ElementType, every: usize) -> Box<dyn Process> {
    let process = with_rust_type!(element, T => {
        let mut seen = 0;
        Box::new(FilterFn::new(move |_: T| {
            seen += 1;
            seen % (every + 1) != 0
        })) as Box<dyn Process>
    });
    process.expect(TYPED)
}

/// Collects behind the back of a real [`Collect`], whose vector has a type.
fn collect(element: &ElementType, collected: &Collected) -> Box<dyn Process> {
    let process = with_rust_type!(element, T => {
        let collect = Collect::<T>::new();
        Box::new(Draining { typed: collect.collected(), process: collect, into: collected.clone() }) as Box<dyn Process>
    });
    process.expect(TYPED)
}

fn for_each(element: &ElementType, collected: &Collected) -> Box<dyn Process> {
    let process = with_rust_type!(element, T => {
        let into = collected.clone();
        Box::new(ForEach::new(move |value: T| lock(&into).push(row_of(&value)))) as Box<dyn Process>
    });
    process.expect(TYPED)
}

/// A `Collect` that hands over what it has when it leaves the network.
struct Draining<T: Rowed> {
    process: Collect<T>,
    typed: cutthrough::processes::Collected<T>,
    into: Collected,
}

impl<T: Rowed> Process for Draining<T> {
    fn declare(&mut self, shape: &mut cutthrough::Shape) {
        self.process.declare(shape);
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        self.process.read_ok(from, f, element);
    }
}

impl<T: Rowed> Drop for Draining<T> {
    fn drop(&mut self) {
        lock(&self.into).extend(self.typed.take().iter().map(row_of));
    }
}

fn flat_map(from: ElementType, to: ElementType, seed: u64, most: i64) -> Box<dyn Process> {
    let kept: Vec<Type> = from.fields().to_vec();
    let slots = std::iter::once(SlotDecl::i64("left", 0)).chain(
        kept.iter()
            .enumerate()
            .map(|(k, &ty)| SlotDecl::zero(format!("kept {k}"), ty)),
    );
    let slots: Vec<SlotDecl> = slots.collect();
    let fields = kept.len();
    let number = ElementType::from(Type::I64);
    let start = move |f: &mut Fragment<'_>, x: &[Value]| {
        let number = expr::element(seed, 2, f, x, &number)[0];
        let bound = f.iconst(most + 1);
        let left = f.op(Op::Irem, &[number, bound]);
        f.slot_set(0, left);
        for (k, &value) in x.iter().enumerate() {
            f.slot_set(1 + k, value);
        }
    };
    let given = to.clone();
    let next = move |f: &mut Fragment<'_>| -> (Vec<Value>, Block) {
        let left = f.slot_get(0);
        let zero = f.iconst(0);
        let is_more = f.op(Op::Igt, &[left, zero]);
        let (_, ended) = f.br_new(is_more);
        let one = f.iconst(1);
        let less = f.op(Op::Isub, &[left, one]);
        f.slot_set(0, less);
        let mut values: Vec<Value> = (0..fields).map(|k| f.slot_get(1 + k)).collect();
        values.push(less);
        (expr::element(seed ^ 1, 2, f, &values, &given), ended)
    };
    Box::new(FlatMap::new(from, to, slots, start, next))
}

fn fold(element: ElementType, state: Vec<Type>, seed: u64) -> Box<dyn Process> {
    let slots = state
        .iter()
        .enumerate()
        .map(|(k, &ty)| SlotDecl::zero(format!("state {k}"), ty));
    let slots = slots.collect();
    let to = ElementType::new(state.iter().copied());
    Box::new(Fold::new(element, slots, move |f, state, x| {
        expr::element(seed, 4, f, &[state, x].concat(), &to)
    }))
}
