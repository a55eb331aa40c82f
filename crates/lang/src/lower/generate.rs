//! The process of `generate`: numbers, as fast as they are taken or one every so often.

use std::time::Duration;

use cutthrough::ir::{ElementType, End, HostFunction, HostSig, Op, SlotDecl, Type};
use cutthrough::{Fragment, Process, Shape, Timer};

/// Gives the numbers from 1 on, each with the time, which is 0 where it does not matter.
#[derive(Clone, Debug)]
pub(crate) struct Generate {
    pub(super) count: Option<u64>,
    pub(super) every: Option<Duration>,
}

const GIVEN: usize = 0;

impl Process for Generate {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("generate");
        shape.output(ElementType::new([Type::I64, Type::I64]));
        shape.slot(SlotDecl::i64("given", 0));
        if let Some(every) = self.every {
            let timer = shape.timer();
            shape.host(tick(every, timer));
        }
        shape.state_is_declared();
    }

    fn write_ok(&self, f: &mut Fragment<'_>) {
        let given = f.slot_get(GIVEN);
        if let Some(count) = self.count {
            let count = f.iconst(i64::try_from(count).unwrap_or(i64::MAX));
            let is_more = f.op(Op::Ilt, &[given, count]);
            let (more, ended) = f.br_new(is_more);
            f.switch_to(ended);
            f.finish();
            f.switch_to(more);
        }
        let one = f.iconst(1);
        let number = f.op(Op::Iadd, &[given, one]);
        if self.every.is_none() {
            let zero = f.iconst(0);
            f.slot_set(GIVEN, number);
            f.emit(0, &[number, zero]);
            return f.again();
        }
        let tick = f.call(0, &[]);
        let (_, early) = f.br_new(tick[0]);
        f.slot_set(GIVEN, number);
        f.emit(0, &[number, tick[1]]);
        f.again();
        f.switch_to(early);
        f.end(End::Pending);
    }
}

/// Whether it is time for one more, and the time: `() -> (bool, i64)`.
fn tick(every: Duration, timer: Timer) -> HostFunction {
    let sig = HostSig {
        name: "tick".to_owned(),
        params: Vec::new(),
        results: vec![Type::BOOL, Type::I64],
        rows: Vec::new(),
    };
    let mut next: Option<Duration> = None;
    cutthrough::host::function(sig, move |_args, results, context| {
        let now = context.now();
        if let Some(next) = next
            && now < next
        {
            timer.set(next);
            return Ok(());
        }
        // One that is late is not made up for.
        let due = next.unwrap_or(now);
        next = Some(if now - due < every {
            due + every
        } else {
            now + every
        });
        results.bool(0, true);
        results.i64(1, i64::try_from(now.as_nanos()).unwrap_or(i64::MAX));
        Ok(())
    })
}
