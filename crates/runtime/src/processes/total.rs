use cutthrough_ir::{ElementType, Op, RowsDecl, SlotDecl, Type, Value};

use crate::process::{Account, Fragment, Process, Shape};

/// What to sum up, and what that may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalSpec {
    /// The types of the elements' fields.
    pub element: Vec<Type>,
    /// The fields to sum up: doubles, which do not count where they are absent.
    pub of: Vec<usize>,
    /// How many bytes the elements may take that are held.
    pub bytes_max: usize,
}

/// Adds to all elements the sums of some of their fields: gives them in their order when the
/// flow has ended, each with the same sums behind its fields.
#[derive(Debug)]
pub struct Total {
    spec: TotalSpec,
}

/// The row buffer, and the slots; behind them, one for each sum.
const KEPT: usize = 0;
const NEXT: usize = 0;
const HELD: usize = 1;
const FIRST: usize = 2;

impl Total {
    /// Sums up as `spec` says.
    pub fn new(spec: TotalSpec) -> Total {
        Total { spec }
    }

    fn add(f: &mut Fragment<'_>, slot: usize, value: Value) {
        let value = match f.ty(value).nullable {
            true => {
                let (has, present) = (f.op(Op::IsSome, &[value]), f.op(Op::Payload, &[value]));
                let zero = f.fconst(0.0);
                f.op(Op::Select, &[has, present, zero])
            }
            false => value,
        };
        let sum = f.slot_get(slot);
        let sum = f.op(Op::Fadd, &[sum, value]);
        f.slot_set(slot, sum);
    }
}

fn count(f: &mut Fragment<'_>, slot: usize, by: i64) {
    let (count, by) = (f.slot_get(slot), f.iconst(by));
    let count = f.op(Op::Iadd, &[count, by]);
    f.slot_set(slot, count);
}

impl Process for Total {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("total");
        let fields = self.spec.element.iter().copied();
        let input = shape.input(ElementType::new(fields.clone()));
        let sums = self.spec.of.iter().map(|_| Type::F64);
        shape.output(ElementType::new(fields.clone().chain(sums)));
        shape.slot(SlotDecl::i64("next", 0));
        shape.slot(SlotDecl::i64("held", 0));
        for field in &self.spec.of {
            shape.slot(SlotDecl::zero(format!("sum of field {field}"), Type::F64));
        }
        shape.rows(RowsDecl::new("kept", fields, self.spec.bytes_max));
        shape.state_is_declared();
        shape.account(Account {
            inputs: vec![input],
            outputs: vec![0],
            held: vec![HELD],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        f.rows_push(KEPT, element);
        for (k, &field) in self.spec.of.iter().enumerate() {
            Total::add(f, FIRST + k, element[field]);
        }
        count(f, HELD, 1);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let (row, len) = (f.slot_get(NEXT), f.rows_len(KEPT));
        let is_row = f.op(Op::Ilt, &[row, len]);
        let (_, given) = f.br_new(is_row);
        let mut element = f.rows_row(KEPT, row);
        element.extend((0..self.spec.of.len()).map(|k| f.slot_get(FIRST + k)));
        count(f, HELD, -1);
        count(f, NEXT, 1);
        f.emit(0, &element);
        f.again();
        f.switch_to(given);
        f.finish();
    }
}
