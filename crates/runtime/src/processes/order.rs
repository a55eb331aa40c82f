use cutthrough_ir::{
    Block, ElementType, HostFunction, HostSig, Op, RowsDecl, RowsParam, SlotDecl, Type, Value,
};

use crate::aggregate::is_before_nullable;
use crate::kernels::order::{OrderKernel, OrderSpec, PRUNE_MIN};
use crate::process::{Account, Fragment, Process, Shape, StatePart};

/// Sorts elements: gives them in order when the flow has ended, all or the first so
/// many.
///
/// Its state is a row buffer, of the elements that may be among those given. With a limit of
/// N, at most 2 N (and no fewer than [`PRUNE_MIN`]) are ever held: when so many are there,
/// all but the first N go, and from then on what comes behind the last of those by the first
/// key is not kept at all. What is not kept is counted.
#[derive(Debug)]
pub struct Order {
    spec: OrderSpec,
    kernel: Option<HostFunction>,
}

/// The row buffer, the kernel, and the slots.
const KEPT: usize = 0;
const SORT: usize = 0;
const NEXT: usize = 0;
const HELD: usize = 1;
const BEYOND: usize = 2;
/// Whether the flow has ended, so that the rows are in the order in which they are given.
const IS_SORTED: usize = 3;
/// Whether there is a first key behind which nothing is kept, and that.
const IS_FULL: usize = 4;
const LAST: usize = 5;

impl Order {
    /// Sorts as `spec` says.
    ///
    /// # Panics
    /// When a key is not a field.
    pub fn new(spec: OrderSpec) -> Order {
        let sig = HostSig {
            name: "order".to_owned(),
            params: vec![Type::I64],
            results: [vec![Type::I64, Type::BOOL], first_key(&spec)].concat(),
            rows: vec![RowsParam {
                columns: spec.element.clone(),
                writes: true,
            }],
        };
        let kernel = HostFunction::kernel(sig, OrderKernel::new(spec.clone()));
        Order {
            spec,
            kernel: Some(kernel),
        }
    }

    /// The slot that counts what is not kept, named after the limit: an order by another one
    /// cannot go on with what this one has kept.
    fn beyond(&self) -> String {
        let Some(limit) = self.spec.limit else {
            return "beyond no limit".to_owned();
        };
        let side = if self.spec.is_from_end { "last" } else { "first" };
        let keys = self.spec.keys.iter().map(|key| {
            let direction = if key.descending { " descending" } else { "" };
            format!(" field {}{direction}", key.field)
        });
        format!("beyond the {side} {limit} by{}", keys.collect::<String>())
    }

    /// How many elements are kept before the first so many are found.
    fn prune_at(limit: usize) -> i64 {
        i64::try_from(limit.saturating_mul(2).max(PRUNE_MIN)).unwrap_or(i64::MAX)
    }

    /// Has the kernel sort, and notes what is left and what went.
    fn sort(&self, f: &mut Fragment<'_>, what: i64) {
        let what = f.iconst(what);
        let left = f.call_with_rows(SORT, &[what], &[KEPT]);
        let (held, beyond) = (f.slot_get(HELD), f.slot_get(BEYOND));
        let gone = f.op(Op::Isub, &[held, left[0]]);
        let beyond = f.op(Op::Iadd, &[beyond, gone]);
        f.slot_set(HELD, left[0]);
        f.slot_set(BEYOND, beyond);
        if let Some(&last) = left.get(2) {
            f.slot_set(IS_FULL, left[1]);
            f.slot_set(LAST, last);
        }
    }

    /// Counts an element that is kept, and ends the activation.
    fn keep(&self, f: &mut Fragment<'_>) {
        add_one(f, HELD);
        let Some(limit) = self.spec.limit else {
            return f.done();
        };
        let (len, most) = (f.rows_len(KEPT), f.iconst(Order::prune_at(limit)));
        let is_much = f.op(Op::Ige, &[len, most]);
        let (_, little) = f.br_new(is_much);
        self.sort(f, OrderKernel::PRUNE);
        f.done();
        f.switch_to(little);
        f.done();
    }

    /// Goes on where an element may be among the first; gives the block for where it is not.
    fn may_be_first(&self, f: &mut Fragment<'_>, element: &[Value]) -> Option<Block> {
        let key = self.spec.keys.first()?;
        let is_full = f.slot_get(IS_FULL);
        let last = f.slot_get(LAST);
        let is_behind = is_before_nullable(f, last, element[key.field], key.descending);
        let is_behind = f.op(Op::And, &[is_full, is_behind]);
        let may_be = f.op(Op::Not, &[is_behind]);
        Some(f.br_new(may_be).1)
    }
}

/// The type of the first key, if there is one.
fn first_key(spec: &OrderSpec) -> Vec<Type> {
    spec.keys
        .first()
        .map(|key| spec.element[key.field])
        .into_iter()
        .collect()
}

fn add_one(f: &mut Fragment<'_>, slot: usize) {
    let (count, one) = (f.slot_get(slot), f.iconst(1));
    let count = f.op(Op::Iadd, &[count, one]);
    f.slot_set(slot, count);
}

impl Process for Order {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("order");
        let element = ElementType::new(self.spec.element.iter().copied());
        let input = shape.input(element.clone());
        shape.output(element);
        for name in ["next", "held", &self.beyond()] {
            shape.slot(SlotDecl::i64(name, 0));
        }
        shape.slot(SlotDecl::zero("is sorted", Type::BOOL));
        for ty in first_key(&self.spec) {
            shape.slot(SlotDecl::zero("is full", Type::BOOL));
            shape.slot(SlotDecl::zero("last", ty));
        }
        let columns = self.spec.element.iter().copied();
        shape.rows(RowsDecl::new("kept", columns, self.spec.bytes_max));
        shape.host_once(&mut self.kernel);
        shape.state_is_declared();
        shape.account(Account {
            inputs: vec![input],
            outputs: vec![0],
            held: vec![HELD],
            gone: vec![BEYOND],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        if self.spec.limit == Some(0) {
            add_one(f, BEYOND);
            return f.done();
        }
        let Some(_) = self.spec.limit else {
            f.rows_push(KEPT, element);
            return self.keep(f);
        };
        if let Some(not) = self.may_be_first(f, element) {
            let may = f.current();
            f.switch_to(not);
            add_one(f, BEYOND);
            f.done();
            f.switch_to_any(may);
        }
        let (_, full) = f.rows_push_or(KEPT, element);
        self.keep(f);
        f.switch_to(full);
        self.sort(f, OrderKernel::PRUNE_FULL);
        f.rows_push(KEPT, element);
        add_one(f, HELD);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        self.sort(f, OrderKernel::GIVE);
        let yes = f.bconst(true);
        f.slot_set(IS_SORTED, yes);
        f.again();
    }

    fn merge(&self, part: StatePart, f: &mut Fragment<'_>, values: &[Value]) {
        match part {
            StatePart::Slots => {
                let zero = f.iconst(0);
                let has_given = f.op(Op::Ine, &[values[NEXT], zero]);
                let is_sorted = f.slot_get(IS_SORTED);
                let is_late = f.op(Op::Or, &[has_given, is_sorted]);
                let (_, in_time) = f.br_new(is_late);
                f.fail("its flow has ended, or the other one has begun to give");
                f.switch_to(in_time);
                f.done();
            }
            // What the other one keeps came in this order, as if it came here.
            StatePart::Row { .. } => self.read_ok(0, f, values),
        }
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (row, len) = (f.slot_get(NEXT), f.rows_len(KEPT));
        let is_row = f.op(Op::Ilt, &[row, len]);
        let (_, given) = f.br_new(is_row);
        let element = f.rows_row(KEPT, row);
        let (held, one) = (f.slot_get(HELD), f.iconst(1));
        let held = f.op(Op::Isub, &[held, one]);
        f.slot_set(HELD, held);
        let next = f.op(Op::Iadd, &[row, one]);
        f.slot_set(NEXT, next);
        f.emit(0, &element);
        f.again();
        f.switch_to(given);
        f.finish();
    }
}

#[cfg(test)]
mod tests;
