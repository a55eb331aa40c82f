//! Builds chains: makes one function of a root fragment and every fragment that it
//! reaches where there is exactly one possible responder.
//!
//! The builder says in IR, once and for all, what [`crate::exec`] does step by step:
//! it follows the same rules in the same order, so that both leave the same. Read the
//! two side by side.
//!
//! | file | what it follows |
//! |---|---|
//! | `mod.rs` | the root's loop, and what a chain is bound to |
//! | `push.rs` | elements handed on, and processes that hold several |
//! | `pull.rs` | elements taken |
//! | `inline.rs` | one fragment's blocks copied into the chain |

mod inline;
mod pull;
mod push;

use rustc_hash::FxHashMap;

use cutthrough_ir::{
    Block, ChainCode, Exit, FunctionBuilder, FunctionKind, Imm, Op, Origin, Place, SlotDecl, Tables, Target,
    Terminator, Type, Value,
};

use crate::cone::Check;
use crate::exec::{Activation, Memo};
use crate::limits::CHAIN_INSTS_MAX;
use crate::program::FunctionInfo;
use crate::reach::Reach;
use crate::root::{EMPTY, ENDED, NOT_READY, Root, STOPPED};
use crate::wiring::{Counter, PointId, Port, ProcessId, Status, Wiring};

/// A chain would have too many instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

/// Builds the chain of a root.
pub(crate) fn build(wiring: &Wiring, root: Root, reach: &Reach) -> Result<ChainCode, TooLarge> {
    // Not that of the interpreter: its cones may be in an order that was right when they
    // were worked out, and a chain is made from the wiring as it is, and nothing else.
    let mut memo = Memo::default();
    let mut tables = Tables::default();
    let outboxes = reach
        .dealt
        .iter()
        .map(|&point| wiring.point(point).element.clone());
    tables.outputs = outboxes.collect();
    if let Root::Delivery(reader) = root {
        tables
            .inputs
            .push(wiring.node(reader.process).code.tables().inputs[reader.port].clone());
    }
    let mut bindings = Bindings {
        origins: vec!["the flow".to_owned()],
        ..Bindings::default()
    };
    let function = {
        let f = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
        let has_joins = wiring.arrangement.has_joins();
        let mut chain = ChainBuilder {
            wiring,
            memo: &mut memo,
            dealt: &reach.dealt,
            f,
            bindings: &mut bindings,
            has_joins,
        };
        chain.root(root)?;
        chain.f.build()
    };
    let name = match root {
        Root::Active(process) => wiring.node(process).name.to_string(),
        Root::Delivery(reader) => format!("to {}", wiring.node(reader.process).name),
    };
    tables.edges = bindings.edges.len();
    Ok(ChainCode {
        name,
        function,
        tables,
        places: bindings.places,
        hosts: bindings.hosts,
        edges: bindings.edges,
        drops: bindings.drops,
        origins: bindings.origins,
    })
}

/// Which of a network's things the chain's tables stand for.
#[derive(Default)]
struct Bindings {
    places: Vec<Place>,
    slots: FxHashMap<usize, usize>,
    hosts: Vec<u32>,
    edges: Vec<Counter>,
    drops: Vec<Counter>,
    origins: Vec<String>,
    origin_of: FxHashMap<ProcessId, Origin>,
}

struct ChainBuilder<'b, 'w> {
    wiring: &'w Wiring,
    memo: &'b mut Memo,
    dealt: &'b [PointId],
    f: FunctionBuilder<'b>,
    bindings: &'b mut Bindings,
    /// Whether some process may be reached twice in one activation.
    has_joins: bool,
}

impl ChainBuilder<'_, '_> {
    fn root(&mut self, root: Root) -> Result<(), TooLarge> {
        self.state_what_holds(root);
        let head = self.f.block(&[]);
        self.f.jump(head, &[]);
        self.f.switch_to(head);
        let stopped = self.exit(STOPPED);
        self.step_or(stopped);
        let not_ready = self.exit(NOT_READY);
        match root {
            Root::Active(process) => {
                let ended = self.exit(ENDED);
                self.check_cone(process, Activation::Write, not_ready);
                self.give(process, head, ended)
            }
            Root::Delivery(reader) => {
                self.check(Check::Idle(reader.process), not_ready);
                self.check(Check::Ask { reader, need: 1 }, not_ready);
                self.check_cone(reader.process, Activation::Read(reader.port), not_ready);
                let fields = self.f.tables_ref().inputs[0].fields().to_vec();
                let (some, empty) = (self.f.block(&fields), self.exit(EMPTY));
                self.f.terminate(Terminator::Inbox {
                    some: some.into(),
                    none: empty.into(),
                });
                self.f.switch_to(some);
                let element = self.f.block_params(some);
                self.push(reader, &element)?;
                self.f.jump(head, &[]);
                Ok(())
            }
        }
    }

    /// Says what has been found to hold before the chain is entered
    /// ([`Exec::is_ready_for`](crate::exec::Exec::is_ready_for)), by setting slots to what
    /// they are: the compiler can then do without much that would look at them.
    fn state_what_holds(&mut self, root: Root) {
        let (process, status, activation) = match root {
            Root::Active(process) => (process, Status::Holding, Activation::Write),
            Root::Delivery(reader) => (reader.process, Status::Idle, Activation::Read(reader.port)),
        };
        self.set_status(process, status as i64);
        let cone = self.memo.cone(self.wiring, process, activation);
        for check in cone.iter() {
            let Check::Idle(process) = *check else { continue };
            let code = &self.wiring.node(process).code;
            let is_ever_other = code
                .activated()
                .any(|function| function.may_hold || function.may_finish);
            if is_ever_other {
                self.set_status(process, Status::Idle as i64);
            }
        }
    }

    /// A block that leaves the chain.
    fn exit(&mut self, exit: Exit) -> Block {
        let (back, block) = (self.f.current(), self.f.block(&[]));
        self.f.switch_to(block);
        let code = self.f.iconst(exit);
        self.f.ret(&[code]);
        self.f.switch_to_any(back);
        block
    }

    /// Uses one step of the budget, or goes to `stop`.
    fn step_or(&mut self, stop: Block) {
        let go = self.f.block(&[]);
        self.f.terminate(Terminator::Step {
            go: go.into(),
            stop: stop.into(),
        });
        self.f.switch_to(go);
    }

    fn check_size(&self) -> Result<(), TooLarge> {
        if self.f.size() > CHAIN_INSTS_MAX {
            Err(TooLarge)
        } else {
            Ok(())
        }
    }

    /// Goes on only if what an activation emits can be taken. Stands right behind a
    /// step, except where it answers `ready`.
    fn check_cone(&mut self, process: ProcessId, activation: Activation, otherwise: Block) {
        let cone = self.memo.cone(self.wiring, process, activation);
        for &check in cone.iter() {
            match check {
                Check::Idle(process) if !self.may_be_busy(process, activation) => {}
                check => self.check(check, otherwise),
            }
        }
    }

    /// Whether a process may be anything but idle where an activation's cone is checked.
    /// It may hold, having been left so before the chain was entered or by the chain.
    /// Behind a step it cannot be over: that would have made the step fail.
    fn may_be_busy(&self, process: ProcessId, activation: Activation) -> bool {
        let code = &self.wiring.node(process).code;
        let is_behind_step = !matches!(activation, Activation::Output(_));
        // What comes to hold at the end of its only input is in no cone any more.
        let is_shared = code.inputs.len() > 1;
        let holds_at_end =
            |end: &Option<FunctionInfo>| is_shared && end.as_ref().is_some_and(|end| end.may_hold);
        code.inputs
            .iter()
            .any(|input| input.read_ok.may_hold || holds_at_end(&input.end))
            || (!is_behind_step && code.activated().any(|function| function.may_finish))
    }

    /// Goes on only if the check holds.
    fn check(&mut self, check: Check, otherwise: Block) {
        let holds = match check {
            Check::Nobody => self.f.bconst(false),
            Check::Idle(process) => {
                let status = self.status(process);
                let idle = self.f.iconst(Status::Idle as i64);
                self.f.op(Op::Ieq, &[status, idle])
            }
            Check::Ask { reader, need } => {
                let Some(asked) = self.asked(reader) else { return };
                let need = self.f.iconst(i64::try_from(need).unwrap_or(i64::MAX));
                self.f.op(Op::Ige, &[asked, need])
            }
            Check::Room { point, need } => {
                let index = self.outbox(point);
                let room = self
                    .f
                    .inst(Op::OutboxRoom, index, &[])
                    .expect("INVARIANT: a room is a result");
                let need = self.f.iconst(i64::try_from(need).unwrap_or(i64::MAX));
                self.f.op(Op::Ige, &[room, need])
            }
        };
        let go = self.f.block(&[]);
        self.f.br(holds, go, otherwise);
        self.f.switch_to(go);
    }

    /// How many elements the process asks for, if it bounds them.
    fn asked(&mut self, reader: Port) -> Option<Value> {
        let code = self.wiring.node(reader.process).code.clone();
        let ask = code.inputs[reader.port].ask.as_ref()?;
        Some(self.inline_expression(reader.process, ask.function()))
    }

    fn outbox(&self, point: PointId) -> Imm {
        let index = self.dealt.iter().position(|&dealt| dealt == point);
        index_imm(index.expect("INVARIANT: the root reaches the point"))
    }

    fn status(&mut self, process: ProcessId) -> Value {
        let slot = self.status_slot(process);
        self.f.slot_get(slot)
    }

    fn set_status(&mut self, process: ProcessId, word: i64) {
        let slot = self.status_slot(process);
        let value = self.f.iconst(word);
        self.f.slot_set(slot, value);
    }

    fn status_slot(&mut self, process: ProcessId) -> usize {
        let node = self.wiring.node(process);
        let (place, name) = (node.status, format!("{}.status", node.name));
        let usual = if node.code.inputs.is_empty() {
            Status::Holding
        } else {
            Status::Idle
        };
        self.slot(place, || SlotDecl::i64(name, usual as i64))
    }

    fn process_slot(&mut self, process: ProcessId, slot: usize) -> usize {
        let node = self.wiring.node(process).clone();
        self.slot(node.places[slot], || {
            let decl = node.code.tables().slots[slot].clone();
            SlotDecl {
                name: format!("{}.{}", node.name, decl.name),
                ..decl
            }
        })
    }

    fn slot(&mut self, place: Place, decl: impl FnOnce() -> SlotDecl) -> usize {
        if let Some(&known) = self.bindings.slots.get(&place.offset()) {
            return known;
        }
        let tables = self.f.tables();
        tables.slots.push(decl());
        let index = tables.slots.len() - 1;
        self.bindings.places.push(place);
        self.bindings.slots.insert(place.offset(), index);
        index
    }

    fn host(&mut self, process: ProcessId, host: usize) -> u32 {
        let node = self.wiring.node(process);
        let number = node.hosts[host];
        let known = self.bindings.hosts.iter().position(|&known| known == number);
        let index = known.unwrap_or_else(|| {
            self.bindings.hosts.push(number);
            self.f.tables().hosts.push(node.code.tables().hosts[host].clone());
            self.bindings.hosts.len() - 1
        });
        u32::try_from(index).expect("tables are bounded")
    }

    fn drop_element(&mut self, process: ProcessId, policy: usize) {
        let node = self.wiring.node(process);
        let name = format!("{}: {}", node.name, node.code.tables().drops[policy]);
        self.count_drop(node.drops[policy], name);
    }

    fn count_drop(&mut self, counter: Counter, name: String) {
        let known = self.bindings.drops.iter().position(|&known| known == counter);
        let index = known.unwrap_or_else(|| {
            self.bindings.drops.push(counter);
            self.f.tables().drops.push(name);
            self.bindings.drops.len() - 1
        });
        self.f.drop(index);
    }

    fn count(&mut self, counter: Counter) {
        let known = self.bindings.edges.iter().position(|&known| known == counter);
        let index = known.unwrap_or_else(|| {
            self.bindings.edges.push(counter);
            self.bindings.edges.len() - 1
        });
        self.f.inst(Op::Count, index_imm(index), &[]);
    }

    /// What follows comes from this process, until the origin that is given back is
    /// set again.
    fn enter(&mut self, process: ProcessId) -> Origin {
        let outer = self.f.origin();
        let next = Origin::from_index(self.bindings.origins.len());
        let origin = *self.bindings.origin_of.entry(process).or_insert(next);
        if origin == next {
            self.bindings
                .origins
                .push(self.wiring.node(process).name.to_string());
        }
        self.f.set_origin(origin);
        outer
    }
}

fn index_imm(index: usize) -> Imm {
    Imm::Index(u32::try_from(index).expect("tables are bounded"))
}

fn target(block: Block, args: Vec<Value>) -> Target {
    Target { block, args }
}
