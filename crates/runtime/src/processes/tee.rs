use cutthrough_ir::{ElementType, Op, SlotDecl, Value};

use crate::process::{Account, Fragment, Process, Shape};

/// What a branch of a [`Tee`] does when its reader takes nothing at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchPolicy {
    /// All branches wait for it.
    Block,
    /// It misses the element, which is counted.
    Drop,
    /// It gets every so-manieth element, if its reader takes it then; what it misses
    /// is counted.
    Sample(u64),
}

/// Passes each element on to every branch.
#[derive(Debug)]
pub struct Tee {
    element: ElementType,
    branches: Vec<BranchPolicy>,
}

impl Tee {
    /// One output for each policy.
    pub fn new(element: impl Into<ElementType>, branches: impl Into<Vec<BranchPolicy>>) -> Tee {
        Tee {
            element: element.into(),
            branches: branches.into(),
        }
    }
}

impl Process for Tee {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("tee");
        shape.input(self.element.clone());
        for (k, policy) in self.branches.iter().enumerate() {
            let output = shape.output(self.element.clone());
            shape.drop_policy(format!("missed by branch {k}"));
            shape.slot(SlotDecl::i64(format!("until sample {k}"), 0));
            shape.account(Account {
                inputs: vec![0],
                outputs: vec![output],
                drops: vec![k],
                ..Account::default()
            });
            if *policy != BranchPolicy::Block {
                shape.optional(output);
            }
        }
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        self.branch(f, element, 0, &mut Vec::new());
    }
}

impl Tee {
    /// Decides about the branches from `k` on, and hands out at the end: emits stand
    /// where the activation ends.
    fn branch(&self, f: &mut Fragment<'_>, element: &[Value], k: usize, taken: &mut Vec<usize>) {
        let Some(policy) = self.branches.get(k) else {
            for &output in taken.iter() {
                f.emit(output, element);
            }
            f.done();
            return;
        };
        let takes = match *policy {
            BranchPolicy::Block => None,
            BranchPolicy::Drop => Some(f.ready(k)),
            BranchPolicy::Sample(every) => Some(sample(f, k, every)),
        };
        let missed = takes.map(|takes| f.br_new(takes).1);
        taken.push(k);
        self.branch(f, element, k + 1, taken);
        taken.pop();
        if let Some(missed) = missed {
            f.switch_to(missed);
            f.drop(k);
            self.branch(f, element, k + 1, taken);
        }
    }
}

/// Whether it is a sampling branch's turn and its reader takes the element.
fn sample(f: &mut Fragment<'_>, k: usize, every: u64) -> Value {
    let until = f.slot_get(k);
    let zero = f.iconst(0);
    let is_turn = f.op(Op::Ieq, &[until, zero]);
    let one = f.iconst(1);
    let earlier = f.op(Op::Isub, &[until, one]);
    let last = f.iconst(i64::try_from(every.max(1) - 1).unwrap_or(i64::MAX));
    let until = f.op(Op::Select, &[is_turn, last, earlier]);
    f.slot_set(k, until);
    let ready = f.ready(k);
    f.op(Op::And, &[is_turn, ready])
}
