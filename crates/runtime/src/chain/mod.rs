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
    Block, ChainCode, Exit, FunctionBuilder, FunctionKind, Imm, Op, Origin, Place, RowsDecl, SlotDecl,
    Tables, Target, Terminator, Type, Value,
};

use crate::limits::CHAIN_INSTS_MAX;
use crate::plan::{Begin, Check, Member, MemberPort, Plan};
use crate::program::FunctionInfo;
use crate::root::{EMPTY, ENDED, NOT_READY, STOPPED};
use crate::wiring::{Counter, Status};

/// A chain would have too many instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

/// Builds the chain of a plan.
pub(crate) fn build(plan: &Plan) -> Result<ChainCode, TooLarge> {
    let root = plan.member(0);
    let mut tables = Tables {
        outputs: plan.blocks.iter().map(|block| block.element.clone()).collect(),
        ..Tables::default()
    };
    if let Begin::Delivery(input) = plan.begin {
        tables.inputs.push(root.code.tables().inputs[input].clone());
    }
    let mut bindings = Bindings {
        origins: vec!["the flow".to_owned()],
        origin_of: vec![None; plan.members.len()],
        ..Bindings::default()
    };
    let function = {
        let f = FunctionBuilder::new(FunctionKind::Chain, &mut tables, &[], &[Type::I64]);
        let mut chain = ChainBuilder {
            plan,
            f,
            bindings: &mut bindings,
        };
        chain.root()?;
        chain.f.build()
    };
    tables.edges = bindings.edges.len();
    Ok(ChainCode {
        name: match plan.begin {
            Begin::Give => root.name.to_string(),
            Begin::Delivery(_) => format!("to {}", root.name),
        },
        function,
        tables,
        places: bindings.places,
        rows: bindings.rows,
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
    rows: Vec<u32>,
    hosts: Vec<u32>,
    edges: Vec<Counter>,
    drops: Vec<Counter>,
    origins: Vec<String>,
    /// The origin of each member's instructions.
    origin_of: Vec<Option<Origin>>,
}

struct ChainBuilder<'b> {
    plan: &'b Plan,
    f: FunctionBuilder<'b>,
    bindings: &'b mut Bindings,
}

impl<'b> ChainBuilder<'b> {
    fn root(&mut self) -> Result<(), TooLarge> {
        self.state_what_holds();
        let head = self.f.block(&[]);
        self.f.jump(head, &[]);
        self.f.switch_to(head);
        let stopped = self.exit(STOPPED);
        self.step_or(stopped);
        let not_ready = self.exit(NOT_READY);
        self.check_all(&self.plan.before, Behind::Step, not_ready);
        match self.plan.begin {
            Begin::Give => {
                let ended = self.exit(ENDED);
                self.give(0, head, ended)
            }
            Begin::Delivery(port) => {
                let fields = self.f.tables_ref().inputs[0].fields().to_vec();
                let (some, empty) = (self.f.block(&fields), self.exit(EMPTY));
                self.f.terminate(Terminator::Inbox {
                    some: some.into(),
                    none: empty.into(),
                });
                self.f.switch_to(some);
                let element = self.f.block_params(some);
                self.push(MemberPort { member: 0, port }, &element)?;
                self.f.jump(head, &[]);
                Ok(())
            }
        }
    }

    /// Says what has been found to hold before the chain is entered
    /// ([`Exec::can_begin`](crate::exec::Exec::can_begin)), by setting slots to what
    /// they are: the compiler can then do without much that would look at them.
    fn state_what_holds(&mut self) {
        let status = match self.plan.begin {
            Begin::Give => Status::Holding,
            Begin::Delivery(_) => Status::Idle,
        };
        self.set_status(0, status as i64);
        for check in &self.plan.before {
            let Check::Idle(member) = *check else { continue };
            let code = &self.plan.member(member).code;
            let is_ever_other = code
                .activated()
                .any(|function| function.may_hold || function.may_finish);
            if is_ever_other && member != 0 {
                self.set_status(member, Status::Idle as i64);
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

    /// Goes on only if all checks hold.
    fn check_all(&mut self, checks: &[Check], behind: Behind, otherwise: Block) {
        for &check in checks {
            match check {
                Check::Idle(member) if !self.may_be_busy(member, behind) => {}
                check => self.check(check, otherwise),
            }
        }
    }

    /// Whether a process may be anything but idle where it is checked. It may hold, having
    /// been left so before the chain was entered or by the chain. Behind a step it cannot
    /// be over: that would have made the step fail.
    fn may_be_busy(&self, member: usize, behind: Behind) -> bool {
        let code = &self.plan.member(member).code;
        // A process that holds since its only input has ended is in nobody's way any more.
        let is_shared = code.inputs.len() > 1;
        let holds_at_end =
            |end: &Option<FunctionInfo>| is_shared && end.as_ref().is_some_and(|end| end.may_hold);
        code.inputs
            .iter()
            .any(|input| input.read_ok.may_hold || holds_at_end(&input.end))
            || (behind == Behind::Activation && code.activated().any(|function| function.may_finish))
    }

    /// Goes on only if the check holds.
    fn check(&mut self, check: Check, otherwise: Block) {
        let holds = match check {
            Check::Nobody => self.f.bconst(false),
            Check::Idle(member) => {
                let status = self.status(member);
                let idle = self.f.iconst(Status::Idle as i64);
                self.f.op(Op::Ieq, &[status, idle])
            }
            Check::Ask { reader, need } => {
                let Some(asked) = self.asked(reader) else { return };
                let need = self.f.iconst(i64::try_from(need).unwrap_or(i64::MAX));
                self.f.op(Op::Ige, &[asked, need])
            }
            Check::Room { block, need } => {
                let room = self
                    .f
                    .inst(Op::OutboxRoom, index_imm(block), &[])
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
    fn asked(&mut self, reader: MemberPort) -> Option<Value> {
        let ask = self.plan.input_code(reader).ask.as_ref()?;
        Some(self.inline_expression(reader.member, ask.function()))
    }

    fn status(&mut self, member: usize) -> Value {
        let slot = self.status_slot(member);
        self.f.slot_get(slot)
    }

    fn set_status(&mut self, member: usize, word: i64) {
        let slot = self.status_slot(member);
        let value = self.f.iconst(word);
        self.f.slot_set(slot, value);
    }

    fn status_slot(&mut self, member: usize) -> usize {
        let member = self.plan.member(member);
        let name = || format!("{}.status", member.name);
        self.slot(member.status, || {
            SlotDecl::i64(name(), member.usual_status() as i64)
        })
    }

    fn process_slot(&mut self, member: usize, slot: usize) -> usize {
        let member = self.plan.member(member);
        self.slot(member.places[slot], || {
            let decl = member.code.tables().slots[slot].clone();
            SlotDecl {
                name: format!("{}.{}", member.name, decl.name),
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

    fn rows(&mut self, member: usize, rows: usize) -> u32 {
        let member = self.plan.member(member);
        let number = member.rows[rows];
        let known = self.bindings.rows.iter().position(|&known| known == number);
        let index = known.unwrap_or_else(|| {
            self.bindings.rows.push(number);
            let decl = member.code.tables().rows[rows].clone();
            self.f.tables().rows.push(RowsDecl {
                name: format!("{}.{}", member.name, decl.name),
                ..decl
            });
            self.bindings.rows.len() - 1
        });
        u32::try_from(index).expect("tables are bounded")
    }

    fn host(&mut self, member: usize, host: usize) -> u32 {
        let member = self.plan.member(member);
        let number = member.hosts[host];
        let known = self.bindings.hosts.iter().position(|&known| known == number);
        let index = known.unwrap_or_else(|| {
            self.bindings.hosts.push(number);
            self.f
                .tables()
                .hosts
                .push(member.code.tables().hosts[host].clone());
            self.bindings.hosts.len() - 1
        });
        u32::try_from(index).expect("tables are bounded")
    }

    fn drop_element(&mut self, member: usize, policy: usize) {
        let Member {
            name, code, drops, ..
        } = self.plan.member(member);
        let name = format!("{name}: {}", code.tables().drops[policy]);
        self.count_drop(drops[policy], name);
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
    fn enter(&mut self, member: usize) -> Origin {
        let outer = self.f.origin();
        let Bindings {
            origins, origin_of, ..
        } = self.bindings;
        let origin = *origin_of[member].get_or_insert_with(|| {
            origins.push(self.plan.member(member).name.to_string());
            Origin::from_index(origins.len() - 1)
        });
        self.f.set_origin(origin);
        outer
    }
}

/// What a check stands right behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    /// A step of the budget, which fails when some process is over.
    Step,
    /// The beginning of an activation that asks whether an output is ready.
    Activation,
}

fn index_imm(index: usize) -> Imm {
    Imm::Index(u32::try_from(index).expect("tables are bounded"))
}

fn target(block: Block, args: Vec<Value>) -> Target {
    Target { block, args }
}
