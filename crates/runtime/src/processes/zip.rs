use cutthrough_ir::{ElementType, Op, SlotDecl, Type, Value};

use crate::process::{Account, Fragment, Process, Shape};

/// Makes pairs: the first element of the left input with the first of the right one,
/// and so on. It finishes when either input has ended and no pair can follow; an
/// element without a partner is dropped as unpaired.
///
/// When one input brings an element, the other side is pulled; where that is not
/// possible at once, the element is kept.
#[derive(Debug)]
pub struct Zip {
    sides: [ElementType; 2],
}

/// The slots: whether an element of a side is kept, whether the side has ended, and
/// from here on the fields kept of the left and of the right element.
const KEPT: [usize; 2] = [0, 1];
const FIELDS: usize = 2;

impl Zip {
    /// Pairs elements of these types; a pair has the fields of both.
    pub fn new(left: impl Into<ElementType>, right: impl Into<ElementType>) -> Zip {
        Zip {
            sides: [left.into(), right.into()],
        }
    }

    fn slot(&self, side: usize, field: usize) -> usize {
        FIELDS + side * self.sides[0].fields().len() + field
    }

    fn kept(&self, f: &mut Fragment<'_>, side: usize) -> Vec<Value> {
        (0..self.sides[side].fields().len())
            .map(|field| f.slot_get(self.slot(side, field)))
            .collect()
    }
}

impl Process for Zip {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("zip");
        for side in &self.sides {
            shape.input(side.clone());
        }
        shape.pulled(1);
        shape.output(ElementType::new(
            self.sides.iter().flat_map(|side| side.fields().iter().copied()),
        ));
        shape.slot(SlotDecl::zero("left is kept", Type::BOOL));
        shape.slot(SlotDecl::zero("right is kept", Type::BOOL));
        for (side, name) in self.sides.iter().zip(["left", "right"]) {
            for (k, &ty) in side.fields().iter().enumerate() {
                shape.slot(SlotDecl::zero(format!("{name} field {k}"), ty));
            }
        }
        for (side, name) in ["left", "right"].iter().enumerate() {
            let unpaired = shape.drop_policy(format!("unpaired {name}"));
            shape.account(Account {
                inputs: vec![side],
                outputs: vec![0],
                drops: vec![unpaired],
                held: vec![KEPT[side]],
                ..Account::default()
            });
        }
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let other = 1 - from;
        let pair = |mine: &[Value], theirs: &[Value]| {
            if from == 0 {
                [mine, theirs].concat()
            } else {
                [theirs, mine].concat()
            }
        };
        let is_kept = f.slot_get(KEPT[other]);
        let (_, none_kept) = f.br_new(is_kept);
        let theirs = self.kept(f, other);
        let no = f.bconst(false);
        f.slot_set(KEPT[other], no);
        f.emit(0, &pair(element, &theirs));
        f.done();

        f.switch_to(none_kept);
        let (theirs, ended, pending) = f.take(other);
        f.emit(0, &pair(element, &theirs));
        f.done();

        f.switch_to(ended);
        f.drop(from);
        f.finish();

        f.switch_to(pending);
        for (field, &value) in element.iter().enumerate() {
            f.slot_set(self.slot(from, field), value);
        }
        let yes = f.bconst(true);
        f.slot_set(KEPT[from], yes);
        f.done();
    }

    fn ask(&self, to: usize, f: &mut Fragment<'_>) -> Option<Value> {
        let is_kept = f.slot_get(KEPT[to]);
        // The first one may be kept, so that no second could be taken.
        let (none, one) = (f.iconst(0), f.iconst(1));
        Some(f.op(Op::Select, &[is_kept, none, one]))
    }

    fn end(&self, of: usize, f: &mut Fragment<'_>) {
        let is_kept = f.slot_get(KEPT[of]);
        let (_, none_kept) = f.br_new(is_kept);
        // Its partner may come yet.
        f.done();

        f.switch_to(none_kept);
        let is_kept = f.slot_get(KEPT[1 - of]);
        let (_, neither) = f.br_new(is_kept);
        f.drop(1 - of);
        let no = f.bconst(false);
        f.slot_set(KEPT[1 - of], no);
        f.finish();
        f.switch_to(neither);
        f.finish();
    }
}
