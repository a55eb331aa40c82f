//! The simplexes of flow points: what is negotiated between the writers and the readers of
//! one, in each direction.
//!
//! | | towards the readers | towards the writers |
//! |---|---|---|
//! | responders | `Point::readers` | `Point::writers` |
//! | standing | asks: [`Network::asked_at`] | offers: [`Network::offered_at`] |
//! | one responder | it is pushed to, in the same grant | it is pulled from, if it gives nowhere else |
//! | several | a block is dealt out, each in turn ([`Network::deal`]) | each has its own grants, in turn ([`crate::scheduler`]) |
//!
//! So only the simplex towards several readers has a state of its own: the block on its way,
//! and whose turn it is. The block belongs to the grant that has filled it, which ends when
//! the block has been dealt out: nobody writes to the flow point before.

use std::collections::BTreeMap;

use cutthrough_ir::{ElementBlock, Inbox};
use slotmap::SecondaryMap;

use super::Network;
use crate::commitment;
use crate::demand::Standing;
use crate::fate::Close;
use crate::root::Root;
use crate::scheduler::{Obstacle, Task, Turn};
use crate::wiring::{PointId, Port, Status};

/// The simplex of a flow point towards its readers, where they are several.
#[derive(Debug, Default)]
struct Simplex {
    /// Which reader is the next to be served.
    turn: usize,
    block: Option<Block>,
}

/// A block that is being dealt out.
#[derive(Debug)]
struct Block {
    elements: ElementBlock,
    next: usize,
    /// The block that was filled last is dealt out first.
    number: u64,
}

impl Block {
    fn left(&self) -> u64 {
        (self.elements.len() - self.next) as u64
    }
}

/// The simplexes that have a state.
#[derive(Debug, Default)]
pub(super) struct Simplexes {
    of: SecondaryMap<PointId, Simplex>,
    /// The flow points where a block is being dealt out, by the numbers of the blocks.
    open: BTreeMap<u64, PointId>,
    numbers: u64,
    /// The point of the block that is being delivered from, which is none of those.
    delivering: Option<PointId>,
}

impl Simplexes {
    /// Whether no block is being dealt out.
    pub(super) fn are_done(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether a block is being dealt out at a flow point, or waits for that.
    pub(super) fn has_block(&self, point: PointId) -> bool {
        self.block(point).is_some()
    }

    /// The same, or the block is being delivered from at this time.
    pub(super) fn is_dealing(&self, point: PointId) -> bool {
        self.delivering == Some(point) || self.left(point) > 0
    }

    /// How many elements of a block are on their way to the readers.
    pub(super) fn left(&self, point: PointId) -> u64 {
        self.block(point).map_or(0, Block::left)
    }

    /// Forgets a flow point that is gone.
    pub(super) fn forget(&mut self, point: PointId) {
        self.take(point);
        self.of.remove(point);
    }

    /// The flow points where blocks are being dealt out.
    pub(super) fn dealing(&self) -> impl Iterator<Item = PointId> + '_ {
        self.open.values().copied().chain(self.delivering)
    }

    /// The blocks that are being dealt out, the latest last: where, and from which element on.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (PointId, &ElementBlock, usize)> {
        let blocks = self
            .open
            .values()
            .filter_map(|&point| Some((point, self.block(point)?)));
        blocks.map(|(point, block)| (point, &block.elements, block.next))
    }

    /// Where blocks are being dealt out, the latest first.
    #[cfg(debug_assertions)]
    pub(super) fn latest_first(&self) -> impl Iterator<Item = PointId> + '_ {
        self.open.values().rev().copied()
    }

    fn block(&self, point: PointId) -> Option<&Block> {
        self.of.get(point)?.block.as_ref()
    }

    fn turn(&self, point: PointId) -> usize {
        self.of.get(point).map_or(0, |simplex| simplex.turn)
    }

    /// Begins to deal a block out; its number.
    fn open(&mut self, point: PointId, elements: ElementBlock) -> u64 {
        self.numbers += 1;
        let number = self.numbers;
        self.put(
            point,
            Block {
                elements,
                next: 0,
                number,
            },
        );
        number
    }

    fn put(&mut self, point: PointId, block: Block) {
        self.open.insert(block.number, point);
        let simplex = self.of.entry(point).expect("INVARIANT: the point is there");
        simplex.or_default().block = Some(block);
    }

    fn take(&mut self, point: PointId) -> Option<Block> {
        let block = self.of.get_mut(point)?.block.take()?;
        self.open.remove(&block.number);
        Some(block)
    }
}

impl Network {
    /// What the readers of a flow point ask for together, as far as what lies behind them can
    /// bear.
    pub(super) fn asked_at(&self, point: PointId) -> Standing {
        Standing::of(commitment::of_point(&self.wiring, &self.state, point))
    }

    /// What is on offer at a flow point: a writer that holds does not say how many.
    pub(super) fn offered_at(&self, point: PointId) -> Standing {
        let mut writers = self.wiring.point(point).writers.iter();
        if writers.any(|&writer| self.offered(writer) != Standing::Nothing) {
            return Standing::Any;
        }
        Standing::of(self.simplexes.left(point))
    }

    /// What a writer has on offer.
    pub(super) fn offered(&self, writer: Port) -> Standing {
        match self.status(writer.process) {
            Status::Holding => Standing::Any,
            _ => Standing::Nothing,
        }
    }

    /// Begins to deal out a block that a grant has filled.
    pub(super) fn begin_deal(&mut self, point: PointId, elements: ElementBlock) {
        let number = self.simplexes.open(point, elements);
        self.scheduler.holds(Task::Deal(point), Turn::of_deal(number));
    }

    /// Delivers from the block of a flow point to the first reader that is ready, after the
    /// one that was served last. If none is, that is not tried again before it may have
    /// changed.
    pub(super) fn deal(&mut self, point: PointId, steps: u64) -> Option<u64> {
        let readers = self.wiring.point(point).readers.clone();
        if readers.is_empty() && !self.wiring.point(point).hold_readers {
            let left = self.simplexes.take(point).map_or(0, |block| block.left());
            let lost = self.wiring.point(point).lost as usize;
            self.counts.values[lost] += left;
            self.end_deal(point);
            return Some(0);
        }
        let mut obstacles = vec![Obstacle::Point(point)];
        let turn = self.simplexes.turn(point);
        for k in 0..readers.len() {
            let at = (turn + k) % readers.len();
            let taken = commitment::of_input(&self.wiring, &self.state, readers[at]);
            if taken == 0 {
                continue;
            }
            match self.deliver(point, readers[at], taken, steps) {
                Ok(used) => {
                    self.simplexes.of[point].turn = at + 1;
                    return Some(used);
                }
                Err(blocked_by) => obstacles.extend(blocked_by),
            }
        }
        let refusing = commitment::refusing(&self.wiring, &self.state, point);
        obstacles.extend(refusing.into_iter().map(Obstacle::Process));
        self.scheduler.block(Task::Deal(point), obstacles);
        None
    }

    /// Delivers up to `taken` elements of a block to one reader. The steps used, or what has
    /// to change before it can take any.
    fn deliver(
        &mut self,
        point: PointId,
        reader: Port,
        taken: u64,
        steps: u64,
    ) -> Result<u64, Vec<Obstacle>> {
        let mut block = self.simplexes.take(point).expect("INVARIANT: it is dealt out");
        self.simplexes.delivering = Some(point);
        let begin = block.next;
        let end = begin + block.left().min(taken) as usize;
        let mut used = 0;
        let mut blocked_by = Vec::new();
        // To its end, whatever the budget: the reader has committed to it.
        while block.next < end {
            let before = block.next;
            let mut inbox = Inbox {
                block: &block.elements,
                next: block.next,
                end,
            };
            match self.grant(Root::Delivery(reader), steps, Some(&mut inbox)) {
                Ok(more) => used += more,
                Err(obstacles) => blocked_by = obstacles,
            }
            block.next = inbox.next;
            if block.next == before || self.wiring.node(reader.process).is_retired {
                break;
            }
        }
        self.simplexes.delivering = None;
        let has_moved = block.next > begin;
        if block.left() > 0 {
            self.simplexes.put(point, block);
        } else {
            self.end_deal(point);
        }
        if has_moved { Ok(used) } else { Err(blocked_by) }
    }

    /// Sees to a flow point whose block has been dealt out: what waited for that happens.
    fn end_deal(&mut self, point: PointId) {
        self.scheduler.holds_nothing(Task::Deal(point));
        self.scheduler.changed(Obstacle::Point(point));
        if self.wiring.arrangement.is_kept_dealt(point) {
            self.wiring.point_mut(point);
            self.rearrange().expect("dealing closes no cycle");
        }
        self.end_if_deserted(point, &Close::Ended);
    }
}
