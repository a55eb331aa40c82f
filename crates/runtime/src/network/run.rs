//! Which root runs next, and its grant.

use std::sync::atomic::{AtomicBool, Ordering};

use cutthrough_ir::{ElementBlock, Grant, Inbox, Outbox};

use super::{Deal, Network};
use crate::commitment;
use crate::error::Error;
use crate::exec::Exec;
use crate::fate::Close;
use crate::limits::{BLOCK_ELEMENTS_MAX, PROTECTED_STEPS};
use crate::plan::Planned;
use crate::root::Root;
use crate::wiring::{Port, ProcessId, Status};

/// The interrupt of a grant that is not to be interrupted.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Why a run came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The steps are used up; there is more to do.
    Steps,
    /// Nothing can move until something changes: an edit, a source that is woken, a
    /// reader that asks.
    Waiting,
    /// Every process has finished.
    Done,
}

impl Network {
    /// Runs until everything has finished or nothing can move.
    ///
    /// # Errors
    /// When a process fails; what is not affected can be run on.
    pub fn run(&mut self) -> Result<Progress, Error> {
        loop {
            match self.run_steps(u64::MAX)? {
                Progress::Steps => {}
                progress => return Ok(progress),
            }
        }
    }

    /// Runs for about this many steps: at least one grant, and none begins when they
    /// are used up. A step is one activation of a root, or of a process that holds
    /// several elements to give.
    ///
    /// # Errors
    /// As [`run`](Network::run).
    pub fn run_steps(&mut self, steps: u64) -> Result<Progress, Error> {
        let mut left = steps;
        self.settle_new();
        self.tell_demand();
        loop {
            let edited = self.apply_requests();
            self.depart();
            if edited {
                self.tell_demand();
            }
            if self.shared.is_stopped() {
                return Ok(Progress::Waiting);
            }
            // However many edits come, the flow gets on between them.
            self.is_protected = edited;
            let most = if edited {
                PROTECTED_STEPS
            } else {
                self.quantum_steps
            };
            let used = self.turn(left.clamp(1, most));
            self.is_protected = false;
            self.tell_demand();
            self.report_failure()?;
            match used {
                None if self.is_done() => return Ok(Progress::Done),
                None if self.shared.has_requests() => {}
                None => return Ok(Progress::Waiting),
                Some(used) => left = left.saturating_sub(used),
            }
            if left == 0 {
                return Ok(Progress::Steps);
            }
        }
    }

    /// Runs one root, and what has to be dealt out because of it, until it holds no
    /// more, cannot move, or these steps are used up.
    pub(crate) fn drive(&mut self, process: ProcessId, steps: u64) -> Result<(), Error> {
        let mut left = steps;
        while left > 0 {
            let used = match self.deal(left) {
                Some(used) => Some(used.max(1)),
                None if self.status(process) == Status::Holding => {
                    self.grant(Root::Active(process), left, None)
                }
                None => None,
            };
            let Some(used) = used else { break };
            left = left.saturating_sub(used);
        }
        while self.deal(self.quantum_steps).is_some() {}
        self.tell_demand();
        self.report_failure()
    }

    /// Runs what lies above a process until nothing there can move.
    pub(crate) fn drive_towards(&mut self, process: ProcessId) -> Result<(), Error> {
        self.settle_new();
        loop {
            let above = self.wiring.ancestors(process);
            let moved = match self.deal(self.quantum_steps) {
                Some(_) => true,
                None => {
                    let candidates = self
                        .candidates()
                        .into_iter()
                        .filter(|candidate| above.contains(candidate));
                    let candidates: Vec<ProcessId> = candidates.collect();
                    candidates
                        .into_iter()
                        .any(|root| self.grant(Root::Active(root), self.quantum_steps, None).is_some())
                }
            };
            self.tell_demand();
            self.report_failure()?;
            if !moved {
                return Ok(());
            }
        }
    }

    fn report_failure(&mut self) -> Result<(), Error> {
        // The others are reported by the runs that follow.
        if self.failures.is_empty() {
            Ok(())
        } else {
            Err(self.failures.remove(0))
        }
    }

    fn is_done(&self) -> bool {
        self.deals.is_empty() && self.wiring.nodes.values().all(|node| node.is_retired)
    }

    /// Runs the first root that can move: what is being dealt out, then what holds
    /// elements, downstream first, then the sources in turn; last, what another
    /// process would rather pull from. The steps used; none when nothing can move.
    fn turn(&mut self, steps: u64) -> Option<u64> {
        if let Some(used) = self.deal(steps) {
            return Some(used);
        }
        for process in self.candidates() {
            if let Some(used) = self.grant(Root::Active(process), steps, None) {
                if self.is_source(process) {
                    self.last_source = Some(process);
                }
                return Some(used);
            }
        }
        None
    }

    /// The processes that hold elements, in the order in which they may move.
    fn candidates(&self) -> Vec<ProcessId> {
        let arrangement = &self.wiring.arrangement;
        let holding = arrangement
            .order
            .iter()
            .filter(|&process| self.status(process) == Status::Holding);
        let (mut sources, givers): (Vec<ProcessId>, Vec<ProcessId>) =
            holding.partition(|&process| self.is_source(process));
        let last = sources
            .iter()
            .position(|&source| Some(source) == self.last_source);
        let turn = last.map_or(0, |last| (last + 1) % sources.len());
        sources.rotate_left(turn);
        let mut candidates: Vec<ProcessId> = givers.into_iter().rev().chain(sources).collect();
        candidates.sort_by_key(|&process| arrangement.is_pulled(process));
        candidates
    }

    fn is_source(&self, process: ProcessId) -> bool {
        self.wiring.node(process).inputs.is_empty()
    }

    /// Delivers from the most recent block that a reader is ready for.
    fn deal(&mut self, steps: u64) -> Option<u64> {
        for index in (0..self.deals.len()).rev() {
            let point = self.deals[index].point;
            let readers = self.wiring.point(point).readers.clone();
            if readers.is_empty() && self.wiring.point(point).hold_readers {
                continue;
            }
            if readers.is_empty() {
                let deal = self.deals.remove(index);
                let lost = self.wiring.point(point).lost as usize;
                self.counts.values[lost] += (deal.block.len() - deal.next) as u64;
                self.end_if_deserted(point, &Close::Ended);
                return Some(0);
            }
            let turn = self.turns.get(point).copied().unwrap_or(0);
            for k in 0..readers.len() {
                let at = (turn + k) % readers.len();
                let taken = commitment::of_input(&self.wiring, &self.state, readers[at]);
                if taken == 0 {
                    continue;
                }
                if let Some(used) = self.deliver(index, readers[at], taken, steps) {
                    self.turns.insert(point, at + 1);
                    return Some(used);
                }
            }
        }
        None
    }

    /// Delivers up to `taken` elements of a block to one reader.
    fn deliver(&mut self, index: usize, reader: Port, taken: u64, steps: u64) -> Option<u64> {
        let mut deal = self.deals.remove(index);
        self.delivering = Some(deal.point);
        let left = (deal.block.len() - deal.next) as u64;
        let end = deal.next + left.min(taken) as usize;
        let mut used = 0;
        let mut has_moved = false;
        // To its end, whatever the budget: the reader has committed to it.
        while deal.next < end {
            let before = deal.next;
            let mut inbox = Inbox {
                block: &deal.block,
                next: deal.next,
                end,
            };
            used += self
                .grant(Root::Delivery(reader), steps, Some(&mut inbox))
                .unwrap_or(0);
            deal.next = inbox.next;
            has_moved |= deal.next > before;
            if deal.next == before || self.wiring.node(reader.process).is_retired {
                break;
            }
        }
        let point = deal.point;
        self.delivering = None;
        if deal.next < deal.block.len() {
            let index = index.min(self.deals.len());
            self.deals.insert(index, deal);
        } else {
            self.end_if_deserted(point, &Close::Ended);
        }
        has_moved.then_some(used)
    }

    /// Runs a root for up to this many steps, natively if its chain is compiled; the
    /// steps used, or none if it cannot move.
    fn grant(&mut self, root: Root, steps: u64, inbox: Option<&mut Inbox<'_>>) -> Option<u64> {
        let planned = self.specialisations.planned(&self.wiring, root);
        let mut outboxes = self.outboxes(&planned);
        let shared = self.shared.clone();
        let mut grant = Grant {
            state: &mut self.state,
            counts: &mut self.counts.values,
            hosts: &mut self.hosts.functions,
            context: &self.context,
            interrupt: if self.is_protected {
                &NEVER
            } else {
                &shared.interrupt
            },
            budget: steps,
            inbox: inbox.as_deref().copied(),
            outboxes: &mut outboxes,
        };
        let mut exec = Exec::new(&planned.plan, &mut self.buffers, &mut grant);
        if !exec.can_begin() {
            return None;
        }
        match self.specialisations.native(root) {
            Some(code) => code.run(exec.grant),
            None => exec.run(),
        };
        let used = steps - grant.budget;
        if let (Some(inbox), Some(delivered)) = (inbox, &grant.inbox) {
            inbox.next = delivered.next;
        }
        self.specialisations.note_steps(root, used);
        self.finish_grant(&planned, outboxes);
        Some(used)
    }

    /// The blocks for a grant, each with what its readers are committed to.
    fn outboxes(&mut self, planned: &Planned) -> Vec<Outbox> {
        let mut outboxes = Vec::with_capacity(planned.reach.dealt.len());
        for (&point, block) in planned.reach.dealt.iter().zip(&planned.plan.blocks) {
            let is_open = self.deals.iter().any(|deal| deal.point == point);
            let taken = if is_open {
                0
            } else {
                commitment::of_point(&self.wiring, &self.state, point)
            };
            // One activation may bring several, which go into one block or nowhere: the
            // block is dealt out until it is empty before anybody writes here again.
            let at_least = if taken == 0 { 0 } else { block.room };
            let capacity = taken.min(BLOCK_ELEMENTS_MAX).max(at_least) as usize;
            outboxes.push(Outbox {
                block: ElementBlock::new(block.element.clone()),
                capacity,
            });
        }
        outboxes
    }

    fn finish_grant(&mut self, planned: &Planned, outboxes: Vec<Outbox>) {
        for (&point, outbox) in planned.reach.dealt.iter().zip(outboxes) {
            if !outbox.block.is_empty() {
                self.deals.push(Deal {
                    point,
                    block: outbox.block,
                    next: 0,
                });
            }
        }
        self.settle(&planned.reach.members);
        self.context.clear();
    }

    /// Applies what other threads have asked for until now; whether there was anything.
    fn apply_requests(&mut self) -> bool {
        self.shared
            .interrupt
            .store(self.shared.is_stopped(), Ordering::Relaxed);
        // Those that come meanwhile have their turn after the next grant.
        let waiting = self.shared.requests();
        for _ in 0..waiting {
            let Some(request) = self.shared.next_request() else {
                break;
            };
            request(self);
            self.settle_new();
        }
        waiting > 0
    }
}
