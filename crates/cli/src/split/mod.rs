//! A run on several threads: each has a part of the inputs and a network of its own, and their states come together.
//!
//! The run's own network has the first part, and is all that others see: it is the program. At the end of its part, the
//! states of the others are merged into it, and it goes on as if it had read everything. Until then it can be taken for
//! a run on one thread that has come so far: whenever something is not as it should be, what the others have done is
//! thrown away, and it reads on ([`Alone::go`]). `docs/decisions/0019-threads.md` says when.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what a run does with its parts |
//! | `cut` | where inputs are cut |
//! | `part` | a part on its thread |

mod cut;
mod part;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cutthrough::{Network, Options};
use cutthrough_lang::{Front, Running};
use parking_lot::Mutex;

use crate::activity::Activity;
use crate::input::Border;
use crate::interrupt::Interrupt;

use cut::Part;
use part::{Done, Progressing};

/// The least that a thread is worth, in bytes.
pub(crate) const PART_BYTES_MIN: u64 = 8 << 20;

/// What the state of a part may take, in bytes: to merge more takes longer than to read its elements again.
const STATE_BYTES_MAX: usize = 16 << 20;

/// The parts of a run, before it begins.
#[derive(Debug)]
pub(crate) struct Parts {
    front: Arc<Front>,
    /// All but the first, which the run's own network has.
    others: Vec<Part>,
    border: Arc<Border>,
}

impl Parts {
    /// The parts for so many threads; none if there is too little to read, or it cannot be cut.
    pub(crate) fn of(mut front: Front, threads: usize, part_bytes: u64) -> Option<Parts> {
        // All of them together are to leave room for what the run's own network keeps.
        let room = crate::memory::stage_bytes_max() / (2 * threads);
        front.set_memory_bytes_max(room.min(STATE_BYTES_MAX));
        // What cannot be looked at is told by who reads it.
        let mut parts = cut::cut(front.inputs(), front.has_header(), threads, part_bytes).ok()?;
        let others = parts.split_off(1.min(parts.len()));
        let first = &others.first()?.pieces[0];
        Some(Parts {
            border: Arc::new(Border::new(first.input, first.start)),
            front: Arc::new(front),
            others,
        })
    }

    /// Where the part of the run's own network ends.
    pub(crate) fn border(&self) -> Arc<Border> {
        Arc::clone(&self.border)
    }

    /// Has the other parts run.
    pub(crate) fn start(
        self,
        options: impl Fn() -> anyhow::Result<Options>,
        time: Duration,
        activity: &Activity,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Split> {
        let alone = Alone {
            border: self.border,
            others: Arc::default(),
            activity: activity.clone(),
        };
        for (number, part) in (2..).zip(self.others) {
            let is_within = part.is_within();
            let header = i64::from(!part.pieces[0].header.is_empty());
            let pieces = part.pieces.len();
            let (progressing, outcome) = (Progressing::default(), Arc::new(Mutex::new(None)));
            activity.add_reader(&progressing.bytes_read);
            let (front, options, interrupt) = (Arc::clone(&self.front), options()?, interrupt.clone());
            let (theirs, result, to_alone) = (progressing.clone(), Arc::clone(&outcome), alone.clone());
            let work = move || {
                let done = part::run(&front, options, time, part, &theirs);
                if let Err(why) = &done {
                    tracing::debug!(number, why, "a part is given up");
                    // What the others do is of no use.
                    to_alone.go();
                }
                *result.lock() = Some(done);
                interrupt.wake();
            };
            std::thread::Builder::new()
                .name(format!("part {number}"))
                .spawn(work)?;
            alone.others.lock().push(Other {
                is_within,
                header,
                pieces,
                progressing,
                outcome,
            });
        }
        tracing::debug!("the inputs are split");
        Ok(Split {
            front: self.front,
            alone,
        })
    }
}

/// A part that another thread has.
#[derive(Debug)]
struct Other {
    /// Whether it begins within an input, the length of the header before it, in lines, and of how many inputs it is.
    is_within: bool,
    header: i64,
    pieces: usize,
    progressing: Progressing,
    outcome: Arc<Mutex<Option<Result<Done, String>>>>,
}

impl std::fmt::Debug for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Done").finish_non_exhaustive()
    }
}

/// A run whose other parts are on other threads.
#[derive(Debug)]
pub(crate) struct Split {
    front: Arc<Front>,
    alone: Alone,
}

/// By which the run's own network comes to be the only one.
#[derive(Clone, Debug)]
pub(crate) struct Alone {
    border: Arc<Border>,
    /// None any more, if they have come together or were thrown away.
    others: Arc<Mutex<Vec<Other>>>,
    activity: Activity,
}

impl Alone {
    /// Throws away what the other threads have done, unless it has come together with the rest: the network reads on
    /// from where it is.
    pub(crate) fn go(&self) {
        let mut others = self.others.lock();
        if !others.is_empty() {
            self.give_up(&mut others);
        }
    }

    fn give_up(&self, others: &mut Vec<Other>) {
        for other in others.drain(..) {
            other.progressing.stop.store(true, Ordering::Release);
        }
        self.activity.forget_readers();
        self.border.open();
    }
}

impl Split {
    /// By which others have the network go on alone.
    pub(crate) fn alone(&self) -> Alone {
        self.alone.clone()
    }

    /// Whether the network waits for other threads, or has not gone on since.
    pub(crate) fn is_waiting(&self) -> bool {
        self.alone.border.is_waiting()
    }

    /// Has the parts come together if the network waits for them and they are done. The network's source has something
    /// to go on with then, which it is told.
    pub(crate) fn come_together(
        &self,
        network: &mut Network,
        running: &mut Running,
        bad_rows_max: Option<u64>,
    ) -> bool {
        let mut others = self.alone.others.lock();
        let is_done = |other: &Other| other.outcome.lock().is_some();
        if !self.alone.border.is_waiting() || !others.iter().all(is_done) {
            return false;
        }
        if others.is_empty() {
            // They have been thrown away.
            self.alone.border.open();
            return true;
        }
        match self.merge(&others, network, running, bad_rows_max) {
            Ok(()) => {
                tracing::debug!("the parts have come together");
                others.clear();
                self.alone.border.end();
            }
            Err(why) => {
                tracing::debug!(why, "the parts do not fit");
                self.alone.give_up(&mut others);
            }
        }
        true
    }

    /// All of it, or nothing.
    fn merge(
        &self,
        others: &[Other],
        network: &mut Network,
        running: &mut Running,
        bad_rows_max: Option<u64>,
    ) -> Result<(), String> {
        let front = &*self.front;
        let done = others.iter().map(|other| other.outcome.lock().take());
        let done: Option<Result<Vec<Done>, String>> = done.collect();
        let mut done = done.expect("INVARIANT: they are done")?;
        let own = front.counts(network, running);
        let bad_rows = own.bad_rows() + done.iter().map(|done| done.counts.bad_rows()).sum::<u64>();
        if bad_rows_max.is_some_and(|most| bad_rows > most) {
            return Err("there are too many bad rows: the first beyond is to be found".to_owned());
        }
        number_lines(front.line(network, running), others, &mut done)?;
        let failed = |error: cutthrough::Error| error.to_string();
        // From behind, so that the run's own network is changed last, and at once.
        let mut behind: Option<Vec<u8>> = None;
        for part in done.iter_mut().rev() {
            if let Some(behind) = &behind {
                front
                    .merge(&mut part.network, &part.running, behind)
                    .map_err(failed)?;
            }
            behind = Some(front.state(&part.network, &part.running).map_err(failed)?);
        }
        let behind = behind.expect("INVARIANT: there are others");
        front.merge(network, running, &behind).map_err(failed)?;
        for part in &done {
            front.count(running, &part.counts);
        }
        Ok(())
    }
}

/// Makes the numbers of bad lines those of the inputs. Fails where a part does not begin with a record.
fn number_lines(line: Option<i64>, others: &[Other], done: &mut [Done]) -> Result<(), String> {
    let mut line = line;
    for (other, part) in others.iter().zip(done) {
        let before = match other.is_within {
            true => line.ok_or("a part begins within a record")? - other.header,
            false => 0,
        };
        for row in part.counts.bad_lines.iter_mut().take(part.bad_of_first) {
            row.number += before;
        }
        let more = if other.pieces == 1 { before } else { 0 };
        line = part.line.map(|line| line + more);
    }
    Ok(())
}
