use cutthrough_ir::rows::Entry;
use cutthrough_ir::{ElementType, Op, RowsDecl, SlotDecl, Type, Value};

use crate::process::{Fragment, Process, Shape, StatePart};

/// The table of the elements that have come.
const SEEN: usize = 0;

/// Passes an element on when it first comes, at once; the others are counted as repeated. Elements are the same if all
/// of their fields are, as the keys of a [`Group`](super::Group) are.
///
/// Its state is a table with a row for each element passed on. At its bound the process fails.
#[derive(Clone, Debug)]
pub struct Distinct {
    element: ElementType,
    bytes_max: usize,
}

impl Distinct {
    /// Of elements with these fields, which may take so many bytes.
    pub fn new(fields: impl IntoIterator<Item = Type>, bytes_max: usize) -> Distinct {
        Distinct {
            element: ElementType::new(fields),
            bytes_max,
        }
    }
}

impl Process for Distinct {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("distinct");
        shape.input(self.element.clone());
        shape.output(self.element.clone());
        let fields = self.element.fields().iter().enumerate();
        let columns: Vec<SlotDecl> = fields
            .map(|(k, &ty)| SlotDecl::zero(format!("field {k}"), ty))
            .collect();
        let key = columns.len();
        shape.rows(RowsDecl::table("distinct elements", columns, key, self.bytes_max));
        shape.drop_policy("repeated");
        shape.passes_on();
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let (_, entry) = f.rows_entry(SEEN, element);
        let new = f.iconst(Entry::New as i64);
        let is_new = f.op(Op::Ieq, &[entry, new]);
        let (_, repeated) = f.br_new(is_new);
        f.emit(0, element);
        f.done();
        f.switch_to(repeated);
        f.drop(0);
        f.done();
    }

    fn merge(&self, part: StatePart, f: &mut Fragment<'_>, values: &[Value]) {
        if let StatePart::Row { .. } = part {
            f.rows_entry(SEEN, values);
        }
        f.done();
    }
}
