use std::sync::Arc;

use cutthrough_ir::rows::Entry;
use cutthrough_ir::{AtBound, ElementType, Op, RowsDecl, SlotDecl, Type, Value};

use crate::aggregate::{Accumulator, Aggregate, At, BasicAggregate};
use crate::process::{Account, Fragment, Process, Shape};

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
        }
    }
}

/// Groups elements by key and gives, when the flow has ended, one element for each
/// group, in the order in which they first came: the key's fields and the aggregates.
///
/// Keys are equal if they are the same bytes, number or boolean, or both null; -0.0 equals
/// 0.0, and NaN equals NaN. Without keys there is one group, with or without elements.
///
/// Its state is a table: a row for each key with how many elements it stands for and the
/// accumulators of the aggregates. Without keys, it is slots.
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
/// The first slot of the accumulators, where there are no keys.
const FIRST: usize = 4;

impl Group {
    /// An input element has the fields of the key, then the aggregates' inputs.
    pub fn new(spec: GroupSpec) -> Group {
        Group { spec }
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
        for (aggregate, to) in self.spec.aggregates.iter().zip(&accumulators) {
            let (input, behind) = rest.split_at(aggregate.input().len());
            rest = behind;
            step_present(f, &**aggregate, to, input);
        }
        let held = f.slot_get(HELD);
        let held = f.op(Op::Iadd, &[held, one]);
        f.slot_set(HELD, held);
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
        aggregates
            .map(|(aggregate, accumulator)| {
                let state = accumulator.all(f);
                aggregate.finish(f, &state)
            })
            .collect()
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

/// The step of an aggregate, if all its inputs are present.
fn step_present(f: &mut Fragment<'_>, aggregate: &dyn Aggregate, to: &Accumulator, input: &[Value]) {
    let nullable = input.iter().copied().filter(|&value| f.ty(value).nullable);
    let nullable: Vec<Value> = nullable.collect();
    let Some((&first, others)) = nullable.split_first() else {
        return aggregate.step(f, to, input);
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
    aggregate.step(f, to, &present);
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
        shape.name("group");
        let inputs = spec.aggregates.iter().flat_map(|aggregate| aggregate.input());
        let input = shape.input(ElementType::new(spec.keys.iter().copied().chain(inputs)));
        let results = spec.aggregates.iter().map(|aggregate| aggregate.result());
        shape.output(ElementType::new(spec.keys.iter().copied().chain(results)));
        for name in ["next", "held", "combined", "evicted"] {
            shape.slot(SlotDecl::i64(name, 0));
        }
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
        shape.account(Account {
            inputs: vec![input],
            held: vec![HELD],
            gone: vec![COMBINED, EVICTED],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let keys = self.spec.keys.len();
        if keys == 0 {
            self.step(f, At::Slots, element);
            return f.done();
        }
        let (row, entry) = f.rows_entry(GROUPS, &element[..keys]);
        if self.spec.at_bound == AtBound::EvictOldest {
            let evicted = f.iconst(Entry::Evicted as i64);
            let is_evicted = f.op(Op::Ieq, &[entry, evicted]);
            let (_, stays) = f.br_new(is_evicted);
            self.evict(f, row);
            f.jump(stays, &[]);
            f.switch_to(stays);
        }
        self.step(f, At::Row { rows: GROUPS, row }, element);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        if self.spec.keys.is_empty() {
            let (elements, accumulators) = self.accumulators(At::Slots);
            let results = self.results(f, &accumulators);
            let elements = elements.get(f, 0);
            Group::give(f, elements);
            f.emit(0, &results);
            return f.finish();
        }
        let (row, len) = (f.slot_get(NEXT), f.rows_len(GROUPS));
        let is_row = f.op(Op::Ilt, &[row, len]);
        let (_, given) = f.br_new(is_row);
        let (elements, accumulators) = self.accumulators(At::Row { rows: GROUPS, row });
        let keys = (0..self.spec.keys.len()).map(|key| f.rows_get(GROUPS, key, row));
        let keys: Vec<Value> = keys.collect();
        let results = self.results(f, &accumulators);
        let elements = elements.get(f, 0);
        Group::give(f, elements);
        let one = f.iconst(1);
        let next = f.op(Op::Iadd, &[row, one]);
        f.slot_set(NEXT, next);
        f.emit(0, &[keys, results].concat());
        f.again();
        f.switch_to(given);
        f.finish();
    }
}

#[cfg(test)]
mod tests;
