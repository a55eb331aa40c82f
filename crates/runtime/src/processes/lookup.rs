use cutthrough_ir::{AtBound, ElementType, Op, RowsDecl, SlotDecl, Type, Value};

use crate::process::{Account, Fragment, Process, Shape};

/// Gives each element of its first input with the row of its second that has its key, or with
/// nulls if none has.
///
/// The second input is read to its end first: the first waits for that. Of rows with the same key
/// the first one counts; the others are dropped as `same key`. Keys are equal as those of
/// [`Group`](super::Group) are.
#[derive(Debug)]
pub struct Lookup {
    key: Vec<Type>,
    element: Vec<Type>,
    row: Vec<Type>,
    bytes_max: usize,
}

const ELEMENTS: usize = 0;
const ROWS: usize = 1;
const TABLE: usize = 0;
/// The slots: whether all rows are there, and how many.
const COMPLETE: usize = 0;
const KEPT: usize = 1;

impl Lookup {
    /// An element of the first input has the key first, then what is given; one of the second the
    /// key, then what is looked up. That may take so many bytes.
    pub fn new(key: Vec<Type>, element: Vec<Type>, row: Vec<Type>, bytes_max: usize) -> Lookup {
        Lookup {
            key,
            element,
            row,
            bytes_max,
        }
    }
}

impl Process for Lookup {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("lookup");
        let keyed = |fields: &[Type]| ElementType::new(self.key.iter().chain(fields).copied());
        shape.input(keyed(&self.element));
        shape.input(keyed(&self.row));
        let nullable = self.row.iter().map(|ty| ty.or_null());
        shape.output(ElementType::new(self.element.iter().copied().chain(nullable)));
        shape.slot(SlotDecl::zero("complete", Type::BOOL));
        shape.slot(SlotDecl::i64("kept", 0));
        let columns = self.key.iter().chain(&self.row).enumerate();
        let columns = columns.map(|(k, &ty)| SlotDecl::zero(format!("column {k}"), ty));
        shape.rows(RowsDecl {
            at_bound: AtBound::Fail,
            ..RowsDecl::table("rows", columns.collect(), self.key.len(), self.bytes_max)
        });
        let same = shape.drop_policy("same key");
        shape.account(Account {
            inputs: vec![ELEMENTS],
            outputs: vec![0],
            ..Account::default()
        });
        shape.account(Account {
            inputs: vec![ROWS],
            drops: vec![same],
            gone: vec![KEPT],
            ..Account::default()
        });
    }

    /// Elements wait until all rows are there.
    fn ask(&self, to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        if to == ROWS {
            return None;
        }
        let complete = f.slot_get(COMPLETE);
        let (all, none) = (f.iconst(i64::MAX), f.iconst(0));
        Some(f.op(Op::Select, &[complete, all, none]))
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let (key, rest) = element.split_at(self.key.len());
        match from {
            ELEMENTS => self.look_up(f, key, rest),
            _ => self.keep(f, key, rest),
        }
    }

    fn end(&self, of: usize, f: &mut Fragment<'_>) {
        if of == ROWS {
            let yes = f.bconst(true);
            f.slot_set(COMPLETE, yes);
            f.done();
        }
    }
}

impl Lookup {
    fn keep(&self, f: &mut Fragment<'_>, key: &[Value], row: &[Value]) {
        let (at, entry) = f.rows_entry(TABLE, key);
        let known = f.iconst(cutthrough_ir::rows::Entry::Found as i64);
        let is_known = f.op(Op::Ieq, &[entry, known]);
        let (_, new) = f.br_new(is_known);
        f.drop(0);
        f.done();
        f.switch_to(new);
        for (k, &value) in row.iter().enumerate() {
            f.rows_set(TABLE, self.key.len() + k, at, value);
        }
        let (kept, one) = (f.slot_get(KEPT), f.iconst(1));
        let kept = f.op(Op::Iadd, &[kept, one]);
        f.slot_set(KEPT, kept);
        f.done();
    }

    fn look_up(&self, f: &mut Fragment<'_>, key: &[Value], element: &[Value]) {
        let (at, zero) = (f.rows_find(TABLE, key), f.iconst(0));
        let is_known = f.op(Op::Ige, &[at, zero]);
        let (_, unknown) = f.br_new(is_known);
        let found = (0..self.row.len()).map(|k| {
            let value = f.rows_get(TABLE, self.key.len() + k, at);
            match self.row[k].nullable {
                true => value,
                false => f.op(Op::Some, &[value]),
            }
        });
        let found: Vec<Value> = found.collect();
        f.emit(0, &[element, &found].concat());
        f.done();
        f.switch_to(unknown);
        let nulls: Vec<Value> = self.row.iter().map(|ty| f.null(ty.or_null())).collect();
        f.emit(0, &[element, &nulls].concat());
        f.done();
    }
}
