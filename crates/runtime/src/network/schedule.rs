//! What the scheduler has to know of the network.
//!
//! INVARIANT: whoever changes the state of a process, by a grant or otherwise, has
//! [`Network::note`] called for it before the next turn; whoever changes the wiring,
//! [`Network::reschedule`].

use std::cmp::Reverse;

use super::Network;
use crate::arrange::Arranged;
use crate::commitment;
use crate::plan::{Check, Planned};
#[cfg(debug_assertions)]
use crate::root::Root;
use crate::scheduler::{Group, Obstacle, Task, Turn};
use crate::wiring::{ProcessId, Status};

impl Network {
    /// Notes that the state of a process may have changed.
    pub(super) fn note(&mut self, process: ProcessId) {
        let holds = self.status(process) == Status::Holding;
        if holds != self.scheduler.knows(process) {
            if holds {
                self.scheduler
                    .holds(Task::Process(process), self.turn_of(process));
            } else {
                self.scheduler.holds_nothing(Task::Process(process));
            }
        }
        self.scheduler.changed(Obstacle::Process(process));
    }

    /// Notes that the wiring has changed. (Who relied on what changed directly is told by
    /// [`Network::invalidate`].)
    pub(super) fn reschedule(&mut self, arranged: &Arranged) {
        for &process in &arranged.moved {
            if self.scheduler.knows(process) {
                self.scheduler
                    .holds(Task::Process(process), self.turn_of(process));
            }
        }
        for &process in &arranged.touched {
            self.scheduler.changed(Obstacle::Process(process));
        }
        for &point in &arranged.points {
            self.scheduler.changed(Obstacle::Point(point));
        }
    }

    fn turn_of(&self, process: ProcessId) -> Turn {
        let arrangement = &self.wiring.arrangement;
        let rank = arrangement.order.rank(process);
        let group = if self.wiring.node(process).inputs.is_empty() {
            Group::Source(rank)
        } else {
            Group::Giver(Reverse(rank))
        };
        Turn {
            is_pulled: arrangement.is_pulled(process),
            group,
        }
    }

    /// How many processes have been tried so far, whether they could run or not: for tests
    /// that count work.
    #[doc(hidden)]
    pub fn processes_tried(&self) -> u64 {
        self.scheduler.tried()
    }

    /// What has to change before this check holds. With nothing, only an edit can help that
    /// changes the plan.
    pub(super) fn obstacles(&self, planned: &Planned, failing: Check) -> Vec<Obstacle> {
        let reach = &planned.reach;
        match failing {
            Check::Nobody => Vec::new(),
            Check::Idle(member) => vec![Obstacle::Process(reach.members[member])],
            Check::Ask { reader, .. } => vec![Obstacle::Process(reach.members[reader.member])],
            Check::Room { block, .. } => {
                let point = reach.dealt[block];
                if self.simplexes.has_block(point) {
                    return vec![Obstacle::Point(point)];
                }
                let refusing = commitment::refusing(&self.wiring, &self.state, point);
                refusing.into_iter().map(Obstacle::Process).collect()
            }
        }
    }

    /// Compares the scheduler with what follows from the state of all processes.
    #[cfg(debug_assertions)]
    pub(super) fn check_schedule(&mut self) {
        use crate::limits::CHECKED_PROCESSES_MAX;
        if self.wiring.nodes.len() > CHECKED_PROCESSES_MAX {
            return;
        }
        let order = self.wiring.arrangement.order.iter();
        let holding: Vec<ProcessId> = order
            .filter(|&process| self.status(process) == Status::Holding)
            .collect();
        for process in self.wiring.nodes.keys() {
            assert_eq!(self.scheduler.knows(process), holding.contains(&process));
        }
        let blocked = self.scheduler.blocked();
        for &task in &blocked {
            let is_blocked = match task {
                Task::Process(process) => self.failing(Root::Active(process)).is_some(),
                Task::Deal(point) => self
                    .wiring
                    .point(point)
                    .readers
                    .clone()
                    .into_iter()
                    .all(|reader| {
                        let taken = commitment::of_input(&self.wiring, &self.state, reader);
                        taken == 0 || self.failing(Root::Delivery(reader)).is_some()
                    }),
            };
            assert!(is_blocked, "{task:?} is blocked by nothing");
        }
        let in_turn: Vec<Task> = self.scheduler.in_turn().collect();
        let deals = self.simplexes.latest_first().map(Task::Deal);
        let processes = self.in_order_of_turns(holding).into_iter().map(Task::Process);
        let mut expected: Vec<Task> = deals.chain(processes).collect();
        expected.retain(|task| !blocked.contains(task));
        assert_eq!(in_turn, expected, "the order of turns");
        let retired = self.wiring.nodes.iter().filter(|(_, node)| node.is_retired);
        assert!(
            retired
                .map(|(process, _)| process)
                .eq(self.retired.iter().copied())
        );
    }

    /// Processes that hold elements, in the order in which they may move.
    #[cfg(debug_assertions)]
    fn in_order_of_turns(&self, holding: Vec<ProcessId>) -> Vec<ProcessId> {
        let arrangement = &self.wiring.arrangement;
        let is_source = |process: &ProcessId| self.wiring.node(*process).inputs.is_empty();
        let (mut sources, givers): (Vec<ProcessId>, Vec<ProcessId>) =
            holding.into_iter().partition(is_source);
        let last = self.scheduler.last_source();
        let is_before = |process: &ProcessId| arrangement.order.rank(*process) <= last;
        let turn = sources.iter().take_while(|process| is_before(process)).count();
        sources.rotate_left(turn);
        let mut in_turn: Vec<ProcessId> = givers.into_iter().rev().chain(sources).collect();
        in_turn.sort_by_key(|&process| arrangement.is_pulled(process));
        in_turn
    }

    /// What keeps a root from running, if something does.
    #[cfg(debug_assertions)]
    fn failing(&mut self, root: Root) -> Option<Check> {
        use cutthrough_ir::Grant;

        let planned = Planned::of(&self.wiring, root);
        let mut outboxes = self.outboxes(&planned);
        let mut grant = Grant {
            state: &mut self.state,
            counts: &mut self.counts.values,
            hosts: &mut self.hosts.functions,
            context: &self.context,
            interrupt: &std::sync::atomic::AtomicBool::new(false),
            budget: 0,
            inbox: None,
            outboxes: &mut outboxes,
        };
        crate::exec::Exec::new(&planned.plan, &mut self.buffers, &mut grant).failing()
    }
}
