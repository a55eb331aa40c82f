//! Chains of many small integer stages, and what else they could be written as.

use std::sync::Arc;

use cutthrough::ir::{Op, Type};
use cutthrough::processes::{Pass, Slice};
use cutthrough::{Error, FlowPoint, Network, ProcessId};

use crate::suite::{map, total};
use crate::wired::Wired;

/// What each stage of a chain computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `x + 1`: a compiler makes one addition of all stages.
    Increment,
    /// `x * 3 ^ k`, by the number of the stage: none can be left out.
    Mix,
    /// `x`: a `Pass` process.
    Pass,
}

/// The constant of a stage.
const fn salt(stage: usize) -> i64 {
    stage as i64 * 0x9e37 + 1
}

impl Stage {
    /// What a stage makes of an element.
    #[inline(always)]
    pub fn apply(self, stage: usize, x: i64) -> i64 {
        match self {
            Stage::Increment => x.wrapping_add(1),
            Stage::Mix => x.wrapping_mul(3) ^ salt(stage),
            Stage::Pass => x,
        }
    }

    /// Wires up a source, this many stages, and a sum.
    ///
    /// # Panics
    /// When the network refuses it.
    pub fn wire(self, network: Network, data: &Arc<[i64]>, stages: usize) -> Wired {
        Wired::new(network, |network| self.build(network, data, stages)).expect("the pipeline is well formed")
    }

    fn build(
        self,
        net: &mut Network,
        data: &Arc<[i64]>,
        stages: usize,
    ) -> Result<(ProcessId, FlowPoint<i64>), Error> {
        let root = net.add(Slice::i64(data.clone()))?;
        let mut at = net.point("slice")?;
        net.attach_output(root, 0, at)?;
        for stage in 0..stages {
            at = match self {
                Stage::Pass => net.pipe(at, Pass::new(Type::I64))?,
                Stage::Increment => map(net, at, |f, x| {
                    let one = f.iconst(1);
                    f.op(Op::Iadd, &[x, one])
                })?,
                Stage::Mix => map(net, at, move |f, x| {
                    let (three, salt) = (f.iconst(3), f.iconst(salt(stage)));
                    let product = f.op(Op::Imul, &[x, three]);
                    f.op(Op::Ixor, &[product, salt])
                })?,
            };
        }
        Ok((root, total(net, at)?))
    }

    /// What a chain of such stages sums up to.
    pub fn expected(self, data: &[i64], stages: usize) -> i64 {
        let through = |x| (0..stages).fold(x, |x, stage| self.apply(stage, x));
        data.iter().fold(0, |sum: i64, &x| sum.wrapping_add(through(x)))
    }

    /// The stages as one boxed closure each, called in turn for every element.
    pub fn boxed(self, stages: usize) -> Vec<Box<dyn Fn(i64) -> i64>> {
        (0..stages)
            .map(|stage| -> Box<dyn Fn(i64) -> i64> { Box::new(move |x| self.apply(stage, x)) })
            .collect()
    }

    /// The stages as iterators, each behind a pointer.
    pub fn nested(self, data: &[i64], stages: usize) -> Box<dyn Iterator<Item = i64> + '_> {
        let first: Box<dyn Iterator<Item = i64> + '_> = Box::new(data.iter().copied());
        (0..stages).fold(first, |inner, stage| {
            Box::new(inner.map(move |x| self.apply(stage, x)))
        })
    }
}

/// Sums what boxed closures make of the elements.
pub fn sum_boxed(data: &[i64], stages: &[Box<dyn Fn(i64) -> i64>]) -> i64 {
    let through = |x| stages.iter().fold(x, |x, stage| stage(x));
    data.iter().fold(0, |sum: i64, &x| sum.wrapping_add(through(x)))
}

macro_rules! fused {
    ($function:ident $($stage:literal)*) => {
        /// Sums up an iterator with so many stages, whose types fuse at compile time.
        #[inline(never)]
        pub fn $function<const KIND: u8>(data: &[i64]) -> i64 {
            let stage = const {
                match KIND {
                    0 => Stage::Increment,
                    _ => Stage::Mix,
                }
            };
            data.iter().copied()$(.map(move |x| stage.apply($stage, x)))*.fold(0, i64::wrapping_add)
        }
    };
}

fused!(fused_1 0);
fused!(fused_5 0 1 2 3 4);
fused!(fused_20 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);

/// The iterator with this many stages (1, 5 or 20), as rustc fuses it.
///
/// # Panics
/// For other numbers of stages, and for copies.
pub fn fused(stage: Stage, stages: usize) -> fn(&[i64]) -> i64 {
    match (stage, stages) {
        (Stage::Increment, 1) => fused_1::<0>,
        (Stage::Increment, 5) => fused_5::<0>,
        (Stage::Increment, 20) => fused_20::<0>,
        (Stage::Mix, 1) => fused_1::<1>,
        (Stage::Mix, 5) => fused_5::<1>,
        (Stage::Mix, 20) => fused_20::<1>,
        _ => panic!("there is no iterator of {stages} stages of {stage:?}"),
    }
}
