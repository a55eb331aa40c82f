use cutthrough_expr::{Exprs, Traced};
use cutthrough_ir::{ElementType, Kind, LentColumn, Op, Rows, RowsArg, RowsDecl, SlotDecl, Type, Value};

use crate::element::Element;
use crate::limits::STAGE_STATE_BYTES_MAX;
use crate::process::{Account, Fragment, Process, Shape};

/// Takes all elements into state slots and gives one element, of the slots' values,
/// when the flow has ended. How many it stands for is counted.
///
/// ```
/// use cutthrough::ir::{Op, SlotDecl, Type};
/// use cutthrough::processes::Fold;
///
/// let sum = Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, state, x| {
///     vec![f.op(Op::Iadd, &[state[0], x[0]])]
/// });
/// ```
#[derive(Debug)]
pub struct Fold<F> {
    input: ElementType,
    slots: Vec<SlotDecl>,
    step: F,
}

/// A step in IR, of expressions.
type Step = Box<dyn Fn(&mut Fragment<'_>, &[Value], &[Value]) -> Vec<Value> + Send>;

impl Fold<Step> {
    /// Begins as `init`; `step` gives the next value from the last one and an element.
    ///
    /// ```
    /// use cutthrough::processes::Fold;
    ///
    /// let sum = Fold::expr::<i64, i64, _>(0, |sum, x| sum + x);
    /// ```
    ///
    /// # Panics
    /// When there is text in `init`.
    pub fn expr<T: Element, S: Element, X: Exprs<Element = S>>(
        init: S,
        step: impl FnOnce(S::Expr, T::Expr) -> X,
    ) -> Fold<Step> {
        let step = Traced::new(&[S::fields(), T::fields()].concat(), |fields| {
            let state = S::expr(fields);
            step(state, T::expr(fields))
        });
        let step: Step = Box::new(move |f, state, element| step.values(f, &[state, element].concat()));
        Fold::new(T::element_type(), slots_of(&init), step)
    }
}

/// The slots that begin as the fields of a value.
fn slots_of<S: Element>(init: &S) -> Vec<SlotDecl> {
    let mut rows = Rows::new(RowsDecl::new("init", S::fields(), STAGE_STATE_BYTES_MAX));
    let mut arg = RowsArg::new(&mut rows, true);
    let mut row = arg.write().append(1, None).expect("INVARIANT: one row fits");
    for (field, column) in row.columns().iter_mut().enumerate() {
        S::lend(std::iter::once(init), field, &mut LentColumn::copying(column));
    }
    row.finish(1);
    let slot = |(field, ty): (usize, Type)| {
        let mut slot = SlotDecl::zero(format!("field {field}"), ty);
        rows.get(field, 0, &mut slot.init);
        let is_text = ty.kind == Kind::Bytes && slot.init[1] != 0;
        assert!(!is_text, "a fold cannot begin with text: begin with an empty one");
        slot
    };
    S::fields().into_iter().enumerate().map(slot).collect()
}

impl<F> Fold<F>
where
    F: Fn(&mut Fragment<'_>, &[Value], &[Value]) -> Vec<Value> + Send,
{
    /// `step` gives the slots' new values from their values and an element's fields.
    pub fn new(input: impl Into<ElementType>, slots: Vec<SlotDecl>, step: F) -> Fold<F> {
        Fold {
            input: input.into(),
            slots,
            step,
        }
    }

    fn values(&self, f: &mut Fragment<'_>) -> Vec<Value> {
        (0..self.slots.len()).map(|slot| f.slot_get(slot)).collect()
    }
}

impl<F> Process for Fold<F>
where
    F: Fn(&mut Fragment<'_>, &[Value], &[Value]) -> Vec<Value> + Send,
{
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("fold");
        let input = shape.input(self.input.clone());
        shape.output(ElementType::new(self.slots.iter().map(|slot| slot.ty)));
        for slot in &self.slots {
            shape.slot(slot.clone());
        }
        let counts = ["elements held", "combined"].map(|name| shape.slot(SlotDecl::i64(name, 0)));
        shape.account(Account {
            inputs: vec![input],
            held: vec![counts[0]],
            gone: vec![counts[1]],
            ..Account::default()
        });
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let state = self.values(f);
        let state = (self.step)(f, &state, element);
        for (slot, value) in state.into_iter().enumerate() {
            f.slot_set(slot, value);
        }
        let (held, one) = (f.slot_get(self.slots.len()), f.iconst(1));
        let held = f.op(Op::Iadd, &[held, one]);
        f.slot_set(self.slots.len(), held);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let state = self.values(f);
        let (held, none) = (f.slot_get(self.slots.len()), f.iconst(0));
        f.slot_set(self.slots.len(), none);
        f.slot_set(self.slots.len() + 1, held);
        f.emit(0, &state);
        f.finish();
    }
}
