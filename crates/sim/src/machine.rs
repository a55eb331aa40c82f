//! A process that is random itself.

use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::{ElementType, End, Op, SlotDecl, Type, Value};

use crate::expr::{self, Pool};
use crate::procs::{is_positive, less_one};
use cutthrough_test_support::Random;

/// A random process: random slots, random computations over them and the element,
/// random ways to end.
#[derive(Debug)]
pub struct Machine {
    /// What it takes, by input.
    pub inputs: Vec<ElementType>,
    /// What it gives, by output.
    pub outputs: Vec<ElementType>,
    /// Which outputs are optional.
    pub optional: Vec<bool>,
    /// The types of its slots.
    pub slots: Vec<Type>,
    /// Whether it may hold several elements to give.
    pub gives: bool,
    /// Decides everything else.
    pub seed: u64,
}

/// The slot of a machine that says how many elements it still gives.
const LEFT: usize = 0;
const OWN: usize = 1;

/// Whether a machine of this seed is pending now and then, if it gives at all.
pub fn pends(seed: u64) -> bool {
    seed.is_multiple_of(3)
}

/// A seed of a machine that is pending now and then, or never is.
pub fn seed(random: u64, pends: bool) -> u64 {
    random / 3 * 3 + u64::from(!pends)
}

impl Machine {
    fn rng(&self, part: u64) -> Random {
        Random::new(self.seed.wrapping_mul(31).wrapping_add(part))
    }

    /// Whether it is pending now and then.
    fn pends(&self) -> bool {
        self.gives && pends(self.seed)
    }

    /// Sets some slots, and gives some of the outputs that are ready.
    fn act(&self, rng: &mut Random, f: &mut Fragment<'_>, pool: &Pool, emitted: &[usize]) {
        for (k, &ty) in self.slots.iter().enumerate() {
            if rng.chance(50) {
                let value = pool.get(rng, f, ty);
                f.slot_set(OWN + k, value);
            }
        }
        for &output in emitted {
            let element = pool.row(rng, f, &self.outputs[output]);
            f.emit(output, &element);
        }
    }

    fn pool(&self, rng: &mut Random, f: &mut Fragment<'_>, element: &[Value]) -> Pool {
        let mut values: Vec<Value> = (0..self.slots.len()).map(|k| f.slot_get(OWN + k)).collect();
        values.extend(element);
        let mut pool = Pool::of(f, &values);
        let size = rng.below(6);
        expr::grow(rng, f, &mut pool, size);
        pool
    }

    /// Decides by a random condition, and by what is ready, to which outputs to give.
    fn choose(
        &self,
        rng: &mut Random,
        f: &mut Fragment<'_>,
        output: usize,
        chosen: &mut Vec<usize>,
        end: &mut dyn FnMut(&mut Random, &mut Fragment<'_>, &[usize]),
    ) {
        if output == self.outputs.len() {
            end(rng, f, chosen);
            return;
        }
        let asks = self.optional[output];
        if !asks && rng.chance(60) {
            chosen.push(output);
            self.choose(rng, f, output + 1, chosen, end);
            chosen.pop();
            return;
        }
        let left = f.slot_get(LEFT);
        let bit = f.iconst(1);
        let bit = f.op(Op::Iand, &[left, bit]);
        let mut condition = is_positive(f, bit);
        if asks {
            let ready = f.ready(output);
            condition = if rng.chance(50) {
                f.op(Op::And, &[condition, ready])
            } else {
                ready
            };
        }
        let (_, no) = f.br_new(condition);
        chosen.push(output);
        self.choose(rng, f, output + 1, chosen, end);
        chosen.pop();
        f.switch_to(no);
        if asks {
            f.drop(output);
        }
        self.choose(rng, f, output + 1, chosen, end);
    }
}

impl Process for Machine {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("machine");
        for element in &self.inputs {
            shape.input(element.clone());
        }
        for (element, optional) in self.outputs.iter().zip(&self.optional) {
            let output = shape.output(element.clone());
            shape.drop_policy(format!("output {output} was not ready"));
            if *optional {
                shape.optional(output);
            }
        }
        shape.slot(SlotDecl::i64("left", 0));
        for (k, &ty) in self.slots.iter().enumerate() {
            shape.slot(SlotDecl::zero(format!("own {k}"), ty));
        }
    }

    fn read_ok(&self, from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let mut rng = self.rng(from as u64);
        let pool = self.pool(&mut rng, f, element);
        let number = pool.get(&mut rng, f, Type::I64);
        let three = f.iconst(3);
        let left = f.op(Op::Iand, &[number, three]);
        f.slot_set(LEFT, left);
        self.choose(&mut rng, f, 0, &mut Vec::new(), &mut |rng, f, chosen| {
            self.act(rng, f, &pool, chosen);
            if self.pends() && rng.chance(20) {
                f.end(End::Pending);
            } else if self.gives && rng.chance(70) {
                f.again();
            } else {
                f.done();
            }
        });
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        if !self.gives {
            return;
        }
        let mut rng = self.rng(99);
        let left = f.slot_get(LEFT);
        let is_more = is_positive(f, left);
        let (_, ended) = f.br_new(is_more);
        let less = less_one(f, left);
        let pool = self.pool(&mut rng, f, &[left]);
        self.choose(&mut rng, f, 0, &mut Vec::new(), &mut |rng, f, chosen| {
            f.slot_set(LEFT, less);
            self.act(rng, f, &pool, chosen);
            if self.pends() && rng.chance(20) {
                f.end(End::Pending);
            } else {
                f.again();
            }
        });
        f.switch_to(ended);
        f.done();
    }
}
