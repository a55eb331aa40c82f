//! Which root runs next, and its grant.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

use cutthrough_ir::{ElementBlock, Grant, Inbox, Outbox};

use super::Network;
use crate::commitment;
use crate::error::Error;
use crate::exec::Exec;
use crate::limits::{BLOCK_ELEMENTS_MAX, INTERPRETED_STEPS, PROTECTED_STEPS};
use crate::plan::Planned;
use crate::root::Root;
use crate::running::Running;
use crate::scheduler::{Obstacle, Task};
use crate::wiring::ProcessId;

/// The interrupt of a grant that is not to be interrupted.
static NEVER: AtomicBool = AtomicBool::new(false);

/// Why a run came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The steps are used up; there is more to do.
    Steps,
    /// Nothing can move until something changes: an edit, a pending process that is woken, a
    /// reader that asks.
    Waiting,
    /// Every process has finished.
    Done,
}

impl Network {
    /// Runs until everything has finished or nothing can move.
    ///
    /// # Errors
    /// When a process fails; what is not affected can be run on. In a request of the network, or
    /// a call of one of its processes, as it is running then.
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
        let _running = Running::begin(self.number)?;
        let mut left = steps;
        self.settle_new();
        self.tell_demand();
        loop {
            let edited = self.serve_requests();
            self.report_failure()?;
            if self.shared.is_stopped() {
                return Ok(Progress::Waiting);
            }
            // However many edits come, the flow gets on between them.
            self.is_protected = edited;
            let most = self.most_steps(left.max(1));
            let used = self.turn(most);
            self.is_protected = false;
            self.tell_demand();
            self.report_failure()?;
            match used {
                None if self.is_done() => return Ok(Progress::Done),
                None if self.shared.has_news() => {}
                None => return Ok(Progress::Waiting),
                Some(used) => left = left.saturating_sub(used),
            }
            if left == 0 {
                return Ok(Progress::Steps);
            }
        }
    }

    /// The steps of the next grant, of so many.
    fn most_steps(&self, steps: u64) -> u64 {
        steps.min(if self.is_protected {
            PROTECTED_STEPS
        } else {
            self.quantum_steps
        })
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
        self.simplexes.are_done() && self.retired.len() == self.wiring.nodes.len()
    }

    /// Has the first task run that can move. The steps used; none when nothing can move.
    fn turn(&mut self, steps: u64) -> Option<u64> {
        #[cfg(debug_assertions)]
        self.check_schedule();
        while let Some(task) = self.scheduler.next() {
            let used = match task {
                Task::Deal(point) => self.deal(point, steps),
                Task::Process(process) => self.try_active(process, steps),
            };
            if used.is_some() {
                return used;
            }
        }
        None
    }

    /// Runs a process that holds elements. If it cannot move, it is not tried again before
    /// that may have changed.
    fn try_active(&mut self, process: ProcessId, steps: u64) -> Option<u64> {
        let turn = self.scheduler.turn(process);
        match self.grant(Root::Active(process), steps, None) {
            Ok(used) => {
                self.scheduler.ran(turn);
                Some(used)
            }
            Err(obstacles) => {
                self.scheduler.block(Task::Process(process), obstacles);
                None
            }
        }
    }

    /// Runs a root for up to this many steps, natively if its chain is compiled. The
    /// steps used, or what has to change before it can move.
    pub(super) fn grant(
        &mut self,
        root: Root,
        steps: u64,
        inbox: Option<&mut Inbox<'_>>,
    ) -> Result<u64, Vec<Obstacle>> {
        let planned = self.specialisations.planned(&self.wiring, root);
        let mut outboxes = self.outboxes(&planned);
        for member in &planned.plan.members {
            for &rows in &*member.rows {
                self.state.rows_mut(rows).tidy();
            }
        }
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
        if let Some(failing) = exec.failing() {
            return Err(self.obstacles(&planned, failing));
        }
        let mut noted = 0;
        let mut can_begin = true;
        loop {
            // What is compiled begins with an activation of the root, as a grant does.
            if can_begin && let Some(code) = self.specialisations.native(root) {
                code.run(exec.grant);
                break;
            }
            if exec.run(INTERPRETED_STEPS).is_some() {
                break;
            }
            // What has been compiled meanwhile need not wait for the grant's end.
            let used = steps - exec.grant.budget;
            self.specialisations.note_steps(root, used - noted);
            noted = used;
            can_begin = exec.failing().is_none();
        }
        let used = steps - grant.budget;
        if let (Some(inbox), Some(delivered)) = (inbox, &grant.inbox) {
            inbox.next = delivered.next;
        }
        self.specialisations.note_steps(root, used - noted);
        self.finish_grant(&planned, outboxes);
        Ok(used)
    }

    /// The blocks for a grant, each with what its readers are committed to.
    pub(super) fn outboxes(&mut self, planned: &Planned) -> Vec<Outbox> {
        let mut outboxes = Vec::with_capacity(planned.reach.dealt.len());
        for (&point, block) in planned.reach.dealt.iter().zip(&planned.plan.blocks) {
            let taken = if self.simplexes.has_block(point) {
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
                self.begin_deal(point, outbox.block);
            }
        }
        self.settle(&planned.reach.members);
        self.context.clear();
    }

    /// Applies what other threads have asked for until now; whether there was an edit.
    fn apply_requests(&mut self) -> bool {
        if !self.shared.has_news() {
            return false;
        }
        self.apply_wakes();
        // Those that come meanwhile have their turn after the next grant.
        let waiting = self.shared.requests();
        for _ in 0..waiting {
            let Some(request) = self.shared.next_request() else {
                break;
            };
            // Rewires put back what they have not committed.
            let outcome = catch_unwind(AssertUnwindSafe(|| request(self)));
            if let Err(payload) = outcome {
                self.failures.push(Error::request_panicked(&*payload));
            }
            self.settle_new();
        }
        waiting > 0
    }

    /// Serves requests before anything runs; whether there was any.
    pub(crate) fn serve_requests(&mut self) -> bool {
        self.settle_new();
        let served = self.apply_requests();
        self.depart();
        if served {
            self.tell_demand();
        }
        served
    }
}
