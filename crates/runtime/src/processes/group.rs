mod windows;

use std::sync::Arc;
use std::time::Duration;

use cutthrough_ir::rows::Entry;
use cutthrough_ir::{AtBound, ElementType, Op, RowsDecl, SlotDecl, Type, Value};

use crate::aggregate::{Accumulator, Aggregate, At, BasicAggregate, Gather, gather};
use crate::process::{Account, Fragment, Process, Shape, StatePart};

/// What to group by, and what to compute.
#[derive(Clone, Debug)]
pub struct GroupSpec {
    /// The types of the keys.
    pub keys: Vec<Type>,
    /// What is computed for each group.
    pub aggregates: Vec<Arc<dyn Aggregate>>,
    /// How many groups there may be, at most [`ROWS_MAX`](cutthrough_ir::limits::ROWS_MAX).
    pub groups_max: usize,
    /// How many bytes the groups may take: keys, accumulators, the index.
    pub bytes_max: usize,
    /// What becomes of a new key when there are as many groups: the group fails, or forgets
    /// the key that came first, whose elements are counted as evicted.
    pub at_bound: AtBound,
    /// Whether elements of one window make groups of their own.
    pub windowing: Windowing,
}

/// Which windows have groups of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windowing {
    /// There are none: groups are of the whole flow.
    None,
    /// Windows of arrival time: the groups are given, and begin anew, whenever so much time has passed.
    Every(Duration),
    /// Windows that come from elsewhere, as from [`Windows`](super::Windows): elements begin with when their window begins, and
    /// whether they are its last, after which its groups are given.
    Given,
}

impl GroupSpec {
    /// Groups with these built-in aggregates, which may take so many bytes.
    pub fn basic(
        keys: Vec<Type>,
        aggregates: impl IntoIterator<Item = BasicAggregate>,
        bytes_max: usize,
    ) -> GroupSpec {
        let aggregate = |aggregate: BasicAggregate| Arc::new(aggregate) as Arc<dyn Aggregate>;
        GroupSpec {
            keys,
            aggregates: aggregates.into_iter().map(aggregate).collect(),
            groups_max: cutthrough_ir::limits::ROWS_MAX,
            bytes_max,
            at_bound: AtBound::Fail,
            windowing: Windowing::None,
        }
    }
}

/// Groups elements by key and gives, when the flow has ended, one element for each
/// group, in the order in which they first came: the key's fields and the aggregates.
///
/// Keys are equal if they are the same bytes, number or boolean, or both null; -0.0 equals
/// 0.0, and NaN equals NaN. Without keys there is one group, with or without elements.
///
/// With [windows](Windowing::Every), elements of one window of time make groups of their own: a window begins at a
/// multiple of its length ([`set_time`](crate::Network::set_time) says from when on time counts), and its groups are
/// given when it is over, with its beginning in nanoseconds as first field. A window without elements gives nothing.
///
/// Its state is a table: a row for each key with how many elements it stands for and the
/// accumulators of the aggregates. Without keys, it is slots. Aggregates that need all
/// values at once ([`Gather`]) have a row buffer each for these, and one for their results.
#[derive(Debug)]
pub struct Group {
    spec: GroupSpec,
}

/// The table, and the slots.
const GROUPS: usize = 0;
const NEXT: usize = 0;
const HELD: usize = 1;
const COMBINED: usize = 2;
const EVICTED: usize = 3;
/// When the window has begun; [`NO_WINDOW`] if no element has come in it.
const WINDOW: usize = 4;
/// Whether the flow has ended.
const ENDED: usize = 5;
/// The first slot of the accumulators, where there are no keys.
const FIRST: usize = 6;

const NO_WINDOW: i64 = i64::MIN;

impl Group {
    /// An input element has the fields of the key, then the aggregates' inputs.
    ///
    /// # Panics
    /// When keys may be evicted and an aggregate needs all values: those of an evicted key
    /// could not be told from others.
    pub fn new(spec: GroupSpec) -> Group {
        let group = Group { spec };
        assert!(
            group.spec.at_bound == AtBound::Fail || group.gathers().next().is_none(),
            "what needs all values evicts none"
        );
        group
    }

    /// The aggregates that need all values at once.
    fn gathers(&self) -> impl Iterator<Item = &Arc<dyn Gather>> {
        self.spec
            .aggregates
            .iter()
            .filter_map(|aggregate| aggregate.gather())
    }

    /// The row buffer of the values of the aggregate of this number among them; the next one
    /// has the results.
    fn values_of(&self, gather: usize) -> usize {
        usize::from(!self.spec.keys.is_empty()) + 2 * gather
    }

    /// Keeps a value of a group.
    fn keep(&self, f: &mut Fragment<'_>, number: usize, gather: &dyn Gather, at: At, value: Value) {
        let values = self.values_of(number);
        let group = match at {
            At::Row { row, .. } => row,
            At::Slots => f.iconst(0),
        };
        let keep = |f: &mut Fragment<'_>, value: Value| {
            if gather.is_distinct() {
                f.rows_entry(values, &[group, value]);
            } else {
                f.rows_push(values, &[group, value]);
            }
        };
        where_present(f, &[value], |f, present| keep(f, present[0]));
    }

    /// Has the results computed that need all values.
    fn gather_all(&self, f: &mut Fragment<'_>) {
        let groups = match self.spec.keys.is_empty() {
            true => f.iconst(1),
            false => f.rows_len(GROUPS),
        };
        for number in 0..self.gathers().count() {
            let values = self.values_of(number);
            f.call_with_rows(number, &[groups], &[values, values + 1]);
        }
    }

    /// Where the accumulators lie: the number of elements first.
    fn accumulators(&self, at: At) -> (Accumulator, Vec<Accumulator>) {
        let mut first = match at {
            At::Row { .. } => self.spec.keys.len(),
            At::Slots => FIRST,
        };
        let mut next = |len: usize| {
            first += len;
            Accumulator {
                at,
                first: first - len,
                len,
            }
        };
        let elements = next(1);
        let aggregates = self.spec.aggregates.iter();
        (
            elements,
            aggregates
                .map(|aggregate| next(aggregate.accumulator().len()))
                .collect(),
        )
    }

    /// The columns behind the keys.
    fn columns(&self) -> Vec<SlotDecl> {
        let mut columns = vec![SlotDecl::i64("elements", 0)];
        let mut field = self.spec.keys.len();
        for aggregate in &self.spec.aggregates {
            let inputs = aggregate.input().len();
            // Of what it is an aggregate tells it from others of its kind.
            let of = match inputs {
                0 => String::new(),
                _ => format!(" of field {field}"),
            };
            field += inputs;
            columns.extend(aggregate.accumulator().into_iter().map(|column| SlotDecl {
                name: format!("{aggregate:?}{of}: {}", column.name),
                ..column
            }));
        }
        columns
    }

    /// What an element does to the accumulators of its key.
    fn step(&self, f: &mut Fragment<'_>, at: At, element: &[Value]) {
        let (elements, accumulators) = self.accumulators(at);
        let (count, one) = (elements.get(f, 0), f.iconst(1));
        let count = f.op(Op::Iadd, &[count, one]);
        elements.set(f, 0, count);
        let mut rest = &element[self.spec.keys.len()..];
        let mut gathers = 0;
        for (aggregate, to) in self.spec.aggregates.iter().zip(&accumulators) {
            let (input, behind) = rest.split_at(aggregate.input().len());
            rest = behind;
            if let Some(gather) = aggregate.gather() {
                self.keep(f, gathers, &**gather, at, input[0]);
                gathers += 1;
                continue;
            }
            where_present(f, input, |f, present| aggregate.step(f, to, present));
        }
        let held = f.slot_get(HELD);
        let held = f.op(Op::Iadd, &[held, one]);
        f.slot_set(HELD, held);
    }

    /// Gives the group of a row, behind these values.
    fn give_group(&self, f: &mut Fragment<'_>, row: Value, before: &[Value]) {
        let at = match self.spec.keys.is_empty() {
            true => At::Slots,
            false => At::Row { rows: GROUPS, row },
        };
        let (elements, accumulators) = self.accumulators(at);
        let keys = (0..self.spec.keys.len()).map(|key| f.rows_get(GROUPS, key, row));
        let keys: Vec<Value> = keys.collect();
        let results = self.results(f, &accumulators);
        let elements = elements.get(f, 0);
        Group::give(f, elements);
        let one = f.iconst(1);
        let next = f.op(Op::Iadd, &[row, one]);
        f.slot_set(NEXT, next);
        f.emit(0, &[before, &keys, &results].concat());
    }

    /// Notes that so many elements are represented by what is given now.
    fn give(f: &mut Fragment<'_>, elements: Value) {
        let (held, combined) = (f.slot_get(HELD), f.slot_get(COMBINED));
        let held = f.op(Op::Isub, &[held, elements]);
        let combined = f.op(Op::Iadd, &[combined, elements]);
        f.slot_set(HELD, held);
        f.slot_set(COMBINED, combined);
    }

    fn results(&self, f: &mut Fragment<'_>, accumulators: &[Accumulator]) -> Vec<Value> {
        let aggregates = self.spec.aggregates.iter().zip(accumulators);
        let mut gathers = 0;
        aggregates
            .map(|(aggregate, accumulator)| {
                if aggregate.gather().is_some() {
                    let results = self.values_of(gathers) + 1;
                    gathers += 1;
                    let row = match accumulator.at {
                        At::Row { row, .. } => row,
                        At::Slots => f.iconst(0),
                    };
                    return f.rows_get(results, 0, row);
                }
                let state = accumulator.all(f);
                aggregate.finish(f, &state)
            })
            .collect()
    }

    /// The row of a key, which has been evicted from it where it was another's.
    fn row_of(&self, f: &mut Fragment<'_>, key: &[Value]) -> Value {
        let (row, entry) = f.rows_entry(GROUPS, key);
        if self.spec.at_bound == AtBound::EvictOldest {
            let evicted = f.iconst(Entry::Evicted as i64);
            let is_evicted = f.op(Op::Ieq, &[entry, evicted]);
            let (_, stays) = f.br_new(is_evicted);
            self.evict(f, row);
            f.jump(stays, &[]);
            f.switch_to(stays);
        }
        row
    }

    /// Goes on if neither this group nor the other one, of these slots, has begun to give.
    fn check_not_given(&self, f: &mut Fragment<'_>, slots: &[Value]) {
        let (next, zero) = (f.slot_get(NEXT), f.iconst(0));
        let mut given = f.op(Op::Ior, &[next, slots[NEXT]]);
        for number in 0..self.gathers().count() {
            let results = f.rows_len(self.values_of(number) + 1);
            given = f.op(Op::Ior, &[given, results]);
        }
        let is_given = f.op(Op::Ine, &[given, zero]);
        let (_, not_given) = f.br_new(is_given);
        f.fail("one of the two has begun to give its groups");
        f.switch_to(not_given);
    }

    /// What the accumulators of another group, with the number of elements before them, do to
    /// these.
    fn merge_group(&self, f: &mut Fragment<'_>, at: At, other: &[Value]) {
        let (elements, accumulators) = self.accumulators(at);
        let (mine, held) = (elements.get(f, 0), f.slot_get(HELD));
        let mine = f.op(Op::Iadd, &[mine, other[0]]);
        let held = f.op(Op::Iadd, &[held, other[0]]);
        elements.set(f, 0, mine);
        f.slot_set(HELD, held);
        let mut rest = &other[1..];
        for (aggregate, to) in self.spec.aggregates.iter().zip(&accumulators) {
            let (state, behind) = rest.split_at(to.len);
            rest = behind;
            if aggregate.gather().is_none() {
                aggregate.merge(f, to, state);
            }
        }
    }

    /// Keeps a value that the other group has gathered: the columns of the row of its group,
    /// if there are keys, then the number of that row and the value.
    fn merge_gathered(&self, f: &mut Fragment<'_>, number: usize, values: &[Value]) {
        let keys = self.spec.keys.len();
        let at = match keys {
            0 => At::Slots,
            _ => At::Row {
                rows: GROUPS,
                row: self.row_of(f, &values[..keys]),
            },
        };
        let gather = self.gathers().nth(number);
        let gather = gather.expect("INVARIANT: each has its row buffers");
        self.keep(f, number, &**gather, at, values[values.len() - 1]);
    }

    /// The oldest row has been given another key: what it stood for is gone, and it begins
    /// anew.
    fn evict(&self, f: &mut Fragment<'_>, row: Value) {
        let at = At::Row { rows: GROUPS, row };
        let (elements, _) = self.accumulators(at);
        let gone = elements.get(f, 0);
        let (held, evicted) = (f.slot_get(HELD), f.slot_get(EVICTED));
        let held = f.op(Op::Isub, &[held, gone]);
        let evicted = f.op(Op::Iadd, &[evicted, gone]);
        f.slot_set(HELD, held);
        f.slot_set(EVICTED, evicted);
        for (k, column) in self.columns().into_iter().enumerate() {
            let value = begins_with(f, &column);
            f.rows_set(GROUPS, self.spec.keys.len() + k, row, value);
        }
    }
}

/// What is done with values, if all of them are present.
fn where_present(f: &mut Fragment<'_>, input: &[Value], then: impl FnOnce(&mut Fragment<'_>, &[Value])) {
    let nullable = input.iter().copied().filter(|&value| f.ty(value).nullable);
    let nullable: Vec<Value> = nullable.collect();
    let Some((&first, others)) = nullable.split_first() else {
        return then(f, input);
    };
    let mut all = f.op(Op::IsSome, &[first]);
    for &value in others {
        let is_some = f.op(Op::IsSome, &[value]);
        all = f.op(Op::And, &[all, is_some]);
    }
    let (_, absent) = f.br_new(all);
    let join = f.block(&[]);
    let present: Vec<Value> = input
        .iter()
        .map(|&value| match f.ty(value).nullable {
            true => f.op(Op::Payload, &[value]),
            false => value,
        })
        .collect();
    then(f, &present);
    f.jump(join, &[]);
    f.switch_to(absent);
    f.jump(join, &[]);
    f.switch_to(join);
}

/// The value that a column begins with.
fn begins_with(f: &mut Fragment<'_>, column: &SlotDecl) -> Value {
    use cutthrough_ir::Kind;
    let (ty, word) = (column.ty, column.init[0]);
    if ty.nullable && column.init[ty.payload_words()] == 0 {
        return f.null(ty);
    }
    let value = match ty.kind {
        Kind::I64 => f.iconst(word.cast_signed()),
        Kind::F64 => f.fconst(f64::from_bits(word)),
        Kind::Bool => f.bconst(word != 0),
        Kind::Bytes => f.zero(ty.present()),
    };
    match ty.nullable {
        true => f.op(Op::Some, &[value]),
        false => value,
    }
}

impl Process for Group {
    fn declare(&mut self, shape: &mut Shape) {
        let spec = &self.spec;
        let windowed = [Type::I64, Type::BOOL]
            .into_iter()
            .filter(|_| spec.windowing == Windowing::Given);
        shape.name("group");
        let inputs = spec.aggregates.iter().flat_map(|aggregate| aggregate.input());
        let input = shape.input(ElementType::new(
            windowed.chain(spec.keys.iter().copied()).chain(inputs),
        ));
        let results = spec.aggregates.iter().map(|aggregate| aggregate.result());
        let window = self.is_windowed().then_some(Type::I64);
        let fields = window.into_iter().chain(spec.keys.iter().copied()).chain(results);
        shape.output(ElementType::new(fields));
        for name in ["next", "held", "combined", "evicted"] {
            shape.slot(SlotDecl::i64(name, 0));
        }
        shape.slot(SlotDecl::i64("window", NO_WINDOW));
        shape.slot(SlotDecl::zero("ended", Type::BOOL));
        let columns = self.columns();
        if spec.keys.is_empty() {
            for column in columns {
                shape.slot(column);
            }
        } else {
            let keys = spec.keys.iter().enumerate();
            let keys = keys.map(|(k, &ty)| SlotDecl::zero(format!("key {k}"), ty));
            let columns = keys.chain(columns).collect();
            shape.rows(RowsDecl {
                rows_max: spec.groups_max.min(cutthrough_ir::limits::ROWS_MAX),
                at_bound: spec.at_bound,
                ..RowsDecl::table("groups", columns, spec.keys.len(), spec.bytes_max)
            });
        }
        let bytes_max = spec.bytes_max;
        for (number, gather) in self.gathers().enumerate() {
            shape.rows(gather::values_decl(&**gather, number, bytes_max));
            shape.rows(gather::results_decl(&**gather, number, bytes_max));
            shape.host(gather::kernel(gather));
        }
        if let Windowing::Every(every) = spec.windowing {
            let timer = shape.timer();
            shape.host(windows::begins(every, timer));
        }
        shape.state_is_declared();
        shape.account(Account {
            inputs: vec![input],
            held: vec![HELD],
            gone: vec![COMBINED, EVICTED],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let keys = self.spec.keys.len();
        let (element, is_last) = match (self.spec.windowing, element) {
            (Windowing::Given, [window, is_last, element @ ..]) => {
                f.slot_set(WINDOW, *window);
                (element, Some(*is_last))
            }
            _ => (element, None),
        };
        if matches!(self.spec.windowing, Windowing::Every(_)) {
            self.begin_window(f);
        }
        if keys == 0 {
            self.step(f, At::Slots, element);
            return Group::go_on(f, is_last);
        }
        let row = self.row_of(f, &element[..keys]);
        self.step(f, At::Row { rows: GROUPS, row }, element);
        Group::go_on(f, is_last);
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        if self.is_windowed() {
            let ended = f.bconst(true);
            f.slot_set(ENDED, ended);
        } else {
            self.gather_all(f);
        }
        f.again();
    }

    /// Groups of windows are not merged: they may be of different times.
    fn merge(&self, part: StatePart, f: &mut Fragment<'_>, values: &[Value]) {
        if self.is_windowed() {
            return;
        }
        let first_gathered = self.values_of(0);
        match part {
            StatePart::Slots => {
                self.check_not_given(f, values);
                if self.spec.keys.is_empty() {
                    self.merge_group(f, At::Slots, &values[FIRST..]);
                }
            }
            StatePart::Row { rows, .. } if rows < first_gathered => {
                let (key, state) = values.split_at(self.spec.keys.len());
                let row = self.row_of(f, key);
                self.merge_group(f, At::Row { rows: GROUPS, row }, state);
            }
            StatePart::Row { rows, .. } if (rows - first_gathered).is_multiple_of(2) => {
                self.merge_gathered(f, (rows - first_gathered) / 2, values);
            }
            // Results are computed of all values, when the flow has ended.
            StatePart::Row { .. } => {}
        }
        f.done();
    }

    fn rows_refer(&self, rows: usize) -> Option<usize> {
        let gathered = rows.checked_sub(self.values_of(0))?;
        (gathered.is_multiple_of(2) && !self.spec.keys.is_empty()).then_some(GROUPS)
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        if self.is_windowed() {
            return self.give_window(f);
        }
        if self.spec.keys.is_empty() {
            let row = f.iconst(0);
            self.give_group(f, row, &[]);
            return f.finish();
        }
        let (row, len) = (f.slot_get(NEXT), f.rows_len(GROUPS));
        let is_row = f.op(Op::Ilt, &[row, len]);
        let (_, given) = f.br_new(is_row);
        self.give_group(f, row, &[]);
        f.again();
        f.switch_to(given);
        f.finish();
    }
}

#[cfg(test)]
mod tests;
