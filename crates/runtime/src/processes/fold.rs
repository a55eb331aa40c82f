use std::fmt;

use bytes::Bytes;
use cutthrough_expr::{Exprs, Traced};
use cutthrough_ir::{
    Data, ElementType, LentColumn, Op, Rows, RowsArg, RowsDecl, Scalar, SlotDecl, Type, Value,
};

use crate::element::Element;
use crate::limits::STAGE_STATE_BYTES_MAX;
use crate::process::{Account, Fragment, Process, Shape, StatePart};

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
    /// The texts that slots begin with; a slot itself begins with none.
    texts: Vec<(usize, Data)>,
    step: F,
    combine: Option<Combine>,
}

/// What the state of another fold does to the state of one.
struct Combine(Step);

impl fmt::Debug for Combine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Combine")
    }
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
    pub fn expr<T: Element, S: Element, X: Exprs<Element = S>>(
        init: S,
        step: impl FnOnce(S::Expr, T::Expr) -> X,
    ) -> Fold<Step> {
        let step = Traced::new(&[S::fields(), T::fields()].concat(), |fields| {
            let state = S::expr(fields);
            step(state, T::expr(fields))
        });
        let step: Step = Box::new(move |f, state, element| step.values(f, &[state, element].concat()));
        let (slots, texts) = slots_of(&init);
        Fold {
            texts,
            ..Fold::new(T::element_type(), slots, step)
        }
    }
}

/// The slots that begin as the fields of a value, and the texts among these.
fn slots_of<S: Element>(init: &S) -> (Vec<SlotDecl>, Vec<(usize, Data)>) {
    let mut rows = Rows::new(RowsDecl::new("init", S::fields(), STAGE_STATE_BYTES_MAX));
    let mut arg = RowsArg::new(&mut rows, true);
    let mut row = arg.write().append(1, None).expect("INVARIANT: one row fits");
    for (field, column) in row.columns().iter_mut().enumerate() {
        S::lend(std::iter::once(init), field, &mut LentColumn::copying(column));
    }
    row.finish(1);
    let mut texts = Vec::new();
    let slot = |(field, ty): (usize, Type)| {
        let mut slot = SlotDecl::zero(format!("field {field}"), ty);
        match rows.value(field, 0) {
            Some(Scalar::Bytes(text)) => texts.push((field, Data::Bytes(Bytes::copy_from_slice(text)))),
            _ => rows.get(field, 0, &mut slot.init),
        }
        slot
    };
    let slots = S::fields().into_iter().enumerate().map(slot).collect();
    (slots, texts)
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
            texts: Vec::new(),
            step,
            combine: None,
        }
    }

    /// Lets folds be [merged](crate::Network::merge): `combine` gives the slots' new values from
    /// their values and those of a fold of elements that come behind. What slots begin with must
    /// change nothing in that, as every fold begins with it.
    ///
    /// ```
    /// use cutthrough::ir::{Op, SlotDecl, Type};
    /// use cutthrough::processes::Fold;
    ///
    /// let sum = Fold::new(Type::I64, vec![SlotDecl::i64("sum", 0)], |f, state, x| {
    ///     vec![f.op(Op::Iadd, &[state[0], x[0]])]
    /// })
    /// .combined_by(|f, mine, other| vec![f.op(Op::Iadd, &[mine[0], other[0]])]);
    /// ```
    #[must_use]
    pub fn combined_by(
        mut self,
        combine: impl Fn(&mut Fragment<'_>, &[Value], &[Value]) -> Vec<Value> + Send + 'static,
    ) -> Fold<F> {
        self.combine = Some(Combine(Box::new(combine)));
        self
    }

    /// The same, by an expression of both states.
    ///
    /// ```
    /// use cutthrough::processes::Fold;
    ///
    /// let sum = Fold::expr::<i64, i64, _>(0, |sum, x| sum + x)
    ///     .combined_by_expr::<i64, _>(|mine, other| mine + other);
    /// ```
    #[must_use]
    pub fn combined_by_expr<S: Element, X: Exprs<Element = S>>(
        self,
        combine: impl FnOnce(S::Expr, S::Expr) -> X,
    ) -> Fold<F> {
        let combine = Traced::new(&[S::fields(), S::fields()].concat(), |fields| {
            let mine = S::expr(fields);
            combine(mine, S::expr(fields))
        });
        self.combined_by(move |f, mine, other| combine.values(f, &[mine, other].concat()))
    }

    /// The slots' values, before which so many elements came.
    fn values(&self, f: &mut Fragment<'_>, held: Value) -> Vec<Value> {
        let values = (0..self.slots.len()).map(|slot| f.slot_get(slot)).collect();
        self.begun(f, held, values)
    }

    /// Slots' values, before which so many elements came: texts that no slot can begin with.
    fn begun(&self, f: &mut Fragment<'_>, held: Value, mut values: Vec<Value>) -> Vec<Value> {
        for (slot, text) in &self.texts {
            let zero = f.iconst(0);
            let is_first = f.op(Op::Ieq, &[held, zero]);
            let text = f.data(text.clone());
            let text = match self.slots[*slot].ty.nullable {
                true => f.op(Op::Some, &[text]),
                false => text,
            };
            values[*slot] = f.op(Op::Select, &[is_first, text, values[*slot]]);
        }
        values
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
        let held = f.slot_get(self.slots.len());
        let state = self.values(f, held);
        let state = (self.step)(f, &state, element);
        for (slot, value) in state.into_iter().enumerate() {
            f.slot_set(slot, value);
        }
        let one = f.iconst(1);
        let held = f.op(Op::Iadd, &[held, one]);
        f.slot_set(self.slots.len(), held);
        f.done();
    }

    fn merge(&self, _part: StatePart, f: &mut Fragment<'_>, values: &[Value]) {
        let Some(Combine(combine)) = &self.combine else {
            return;
        };
        let (held, combined) = (self.slots.len(), self.slots.len() + 1);
        let zero = f.iconst(0);
        let has_given = f.op(Op::Ine, &[values[combined], zero]);
        let (_, has_not) = f.br_new(has_given);
        f.fail("the other one has given its element");
        f.switch_to(has_not);
        let mine = f.slot_get(held);
        let mine = self.values(f, mine);
        let other = self.begun(f, values[held], values[..self.slots.len()].to_vec());
        let both = combine(f, &mine, &other);
        for (slot, value) in both.into_iter().enumerate() {
            f.slot_set(slot, value);
        }
        let both = f.slot_get(held);
        let both = f.op(Op::Iadd, &[both, values[held]]);
        f.slot_set(held, both);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        f.again();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let held = f.slot_get(self.slots.len());
        let state = self.values(f, held);
        let none = f.iconst(0);
        f.slot_set(self.slots.len(), none);
        f.slot_set(self.slots.len() + 1, held);
        f.emit(0, &state);
        f.finish();
    }
}
