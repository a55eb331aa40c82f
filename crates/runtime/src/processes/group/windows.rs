//! Groups of windows: given when theirs is over, and begun anew.

use std::time::Duration;

use cutthrough_ir::{HostFunction, HostSig, Op, Type, Value};

use super::{ENDED, FIRST, GROUPS, Group, NEXT, NO_WINDOW, WINDOW, Windowing, begins_with};
use crate::process::Fragment;
use crate::wake::Timer;

impl Group {
    pub(super) fn is_windowed(&self) -> bool {
        self.spec.windowing != Windowing::None
    }

    /// After an element: its window may be over.
    pub(super) fn go_on(f: &mut Fragment<'_>, is_last: Option<Value>) {
        let Some(is_last) = is_last else { return f.done() };
        let (_, more) = f.br_new(is_last);
        f.again();
        f.switch_to(more);
        f.done();
    }

    /// Begins a window, with the first element in it.
    pub(super) fn begin_window(&self, f: &mut Fragment<'_>) {
        let (window, none) = (f.slot_get(WINDOW), f.iconst(NO_WINDOW));
        let is_first = f.op(Op::Ieq, &[window, none]);
        let (_, later) = f.br_new(is_first);
        let join = f.block(&[]);
        let begin = f.call(self.gathers().count(), &[])[0];
        f.slot_set(WINDOW, begin);
        f.jump(join, &[]);
        f.switch_to(later);
        f.jump(join, &[]);
        f.switch_to(join);
    }

    /// Forgets all groups, which have been given: ends, or waits for the next window.
    pub(super) fn end_window(&self, f: &mut Fragment<'_>) {
        let (zero, none) = (f.iconst(0), f.iconst(NO_WINDOW));
        f.slot_set(NEXT, zero);
        f.slot_set(WINDOW, none);
        if self.spec.keys.is_empty() {
            for (k, column) in self.columns().iter().enumerate() {
                let value = begins_with(f, column);
                f.slot_set(FIRST + k, value);
            }
        } else {
            f.rows_truncate(GROUPS, zero);
        }
        for number in 0..self.gathers().count() {
            f.rows_truncate(self.values_of(number), zero);
        }
        let ended = f.slot_get(ENDED);
        let (_, goes_on) = f.br_new(ended);
        f.finish();
        f.switch_to(goes_on);
        f.done();
    }

    /// Gives the groups of a window that is over, one after another.
    pub(super) fn give_window(&self, f: &mut Fragment<'_>) {
        let (row, zero) = (f.slot_get(NEXT), f.iconst(0));
        let is_first = f.op(Op::Ieq, &[row, zero]);
        let (_, later) = f.br_new(is_first);
        let give = f.block(&[]);
        self.gather_all(f);
        f.jump(give, &[]);
        f.switch_to(later);
        f.jump(give, &[]);
        f.switch_to(give);
        let (window, none) = (f.slot_get(WINDOW), f.iconst(NO_WINDOW));
        let len = match self.spec.keys.is_empty() {
            true => f.iconst(1),
            false => f.rows_len(GROUPS),
        };
        let is_row = f.op(Op::Ilt, &[row, len]);
        let has_begun = f.op(Op::Ine, &[window, none]);
        let is_row = f.op(Op::And, &[is_row, has_begun]);
        let (_, given) = f.br_new(is_row);
        self.give_group(f, row, &[window]);
        f.again();
        f.switch_to(given);
        self.end_window(f);
    }
}

/// Says when the window begins that it is in now, and has the process woken at its end: `() -> i64`.
pub(super) fn begins(every: Duration, timer: Timer) -> HostFunction {
    let sig = HostSig {
        name: "window".to_owned(),
        params: Vec::new(),
        results: vec![Type::I64],
        rows: Vec::new(),
    };
    crate::host::function(sig, move |_args, results, context| {
        let (now, every) = (context.now().as_nanos(), every.as_nanos().max(1));
        let begin = now - now % every;
        let nanos = |nanos: u128| u64::try_from(nanos).unwrap_or(u64::MAX);
        timer.set(Duration::from_nanos(nanos(begin + every)));
        results.i64(0, i64::try_from(begin).unwrap_or(i64::MAX));
        Ok(())
    })
}
