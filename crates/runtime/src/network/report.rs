//! What a network tells of itself: counts, modes, dumps.

use std::fmt;

use cutthrough_ir::{Type, Words};

use super::Network;
use crate::chain;
use crate::error::{Error, ErrorKind};
use crate::process::Account;
use crate::root::{Reach, Root};
use crate::specialize::{Mode, SpecialisationCounts};
use crate::wiring::{Node, PointId, ProcessId, Status};

/// A snapshot of a network.
#[derive(Clone, Debug)]
pub struct Report {
    /// The processes, upstream first.
    pub processes: Vec<ProcessReport>,
    /// The flow points.
    pub points: Vec<PointReport>,
    /// The chains that have run.
    pub chains: Vec<ChainReport>,
    /// What happened to chains so far.
    pub specialisations: SpecialisationCounts,
}

/// What there is to say of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessReport {
    /// Which.
    pub id: ProcessId,
    /// Its name.
    pub name: String,
    /// What it is ready for: `idle`, `holding`, `waiting`, `finished` or `failed`.
    pub status: &'static str,
    /// Its inputs, in order.
    pub inputs: Vec<EdgeReport>,
    /// Its outputs, in order.
    pub outputs: Vec<EdgeReport>,
    /// Elements dropped, by policy.
    pub dropped: Vec<(String, u64)>,
}

/// What there is to say of one input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeReport {
    /// The flow point, unless detached.
    pub point: Option<PointId>,
    /// Elements moved.
    pub moved: u64,
    /// Of these, how many found no reader any more (outputs), or came when the
    /// process was over (inputs).
    pub lost: u64,
}

/// What there is to say of a flow point.
#[derive(Clone, Debug)]
pub struct PointReport {
    /// Which.
    pub id: PointId,
    /// Its name.
    pub name: String,
    /// How many writers it has.
    pub writers: usize,
    /// How many readers it has.
    pub readers: usize,
    /// Whether a write has more than one possible reader, so that elements are dealt
    /// out from blocks.
    pub polymorphic: bool,
    /// Elements of a block on their way to readers.
    pub in_deal: u64,
    /// Elements that were to be dealt out when the last reader left.
    pub lost: u64,
}

/// What there is to say of a chain.
#[derive(Clone, Debug)]
pub struct ChainReport {
    /// The process at its root.
    pub root: ProcessId,
    /// Whether it begins with a delivery to the root rather than in it.
    pub is_delivery: bool,
    /// The names of the processes in it.
    pub members: Vec<String>,
    /// How it is executed.
    pub mode: Mode,
}

/// A chain as text, at each stage of its way to machine code.
#[derive(Clone, Debug)]
pub struct Dump {
    /// The processes in the chain, in the order reached.
    pub chain: String,
    /// The chain's function.
    pub ir: String,
    /// What the compiler makes of it, or why it does not.
    pub clif: String,
    /// The machine code, with the process that each part came from.
    pub asm: String,
}

impl Report {
    pub(super) fn of_process(net: &Network, id: ProcessId) -> ProcessReport {
        let node = net.wiring.node(id);
        let status = match net.status(id) {
            Status::Idle => "idle",
            Status::Holding => "holding",
            Status::Waiting => "waiting",
            Status::Finished => "finished",
            Status::HostFailed | Status::Failed => "failed",
        };
        let inputs = node.inputs.iter().map(|edge| EdgeReport {
            point: edge.point,
            moved: net.counts.get(edge.count),
            lost: net.counts.get(edge.late),
        });
        let outputs = node.outputs.iter().map(|edge| EdgeReport {
            point: edge.point,
            moved: net.counts.get(edge.count),
            lost: net.counts.get(edge.lost),
        });
        let dropped = node.code.tables().drops.iter().zip(&node.drops);
        ProcessReport {
            id,
            name: node.name.clone(),
            status,
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            dropped: dropped
                .map(|(name, &counter)| (name.clone(), net.counts.get(counter)))
                .collect(),
        }
    }
}

impl Network {
    /// A snapshot: counts, modes, who is attached to what.
    pub fn report(&mut self) -> Report {
        let processes = self
            .wiring
            .order
            .iter()
            .map(|&id| Report::of_process(self, id))
            .collect();
        let points = self.wiring.points.iter().map(|(id, point)| PointReport {
            id,
            name: point.name.clone(),
            writers: point.writers.len(),
            readers: point.readers.len(),
            polymorphic: point.dealt,
            in_deal: self.in_deal(id),
            lost: self.counts.get(point.lost),
        });
        let points = points.collect();
        let roots: Vec<(Root, std::rc::Rc<Reach>)> = self.specialisations.roots().collect();
        let chains = roots.into_iter().map(|(root, reach)| {
            let (process, is_delivery) = match root {
                Root::Active(process) => (process, false),
                Root::Delivery(reader) => (reader.process, true),
            };
            let members = reach
                .members
                .iter()
                .map(|&member| self.wiring.node(member).name.clone())
                .collect();
            ChainReport {
                root: process,
                is_delivery,
                members,
                mode: self.specialisations.mode(root),
            }
        });
        let chains = chains.collect();
        Report {
            processes,
            points,
            chains,
            specialisations: self.specialisations.counts,
        }
    }

    /// The values of a process's slots, for tests that compare engines.
    ///
    /// # Errors
    /// When there is no such process.
    #[doc(hidden)]
    pub fn slots(&self, process: ProcessId) -> Result<Vec<(Type, Words<'_>)>, Error> {
        let places = &self.known(process)?.places;
        Ok(places
            .iter()
            .map(|&place| (place.ty(), self.state.get(place)))
            .collect())
    }

    fn in_deal(&self, point: PointId) -> u64 {
        let deals = self.deals.iter().filter(|deal| deal.point == point);
        deals.map(|deal| (deal.block.len() - deal.next) as u64).sum()
    }

    /// The chain of a process that gives (a source, say), at each stage of its way to
    /// machine code, as the wiring is now.
    ///
    /// # Errors
    /// When there is no such process, or the chain is too large to be built.
    pub fn dump(&mut self, process: ProcessId) -> Result<Dump, Error> {
        self.known(process)?;
        let root = Root::Active(process);
        let reach = Reach::of(&self.wiring, root);
        let code = chain::build(&self.wiring, &mut self.memo, root, &reach);
        let code = code
            .map_err(|chain::TooLarge| Error::new(ErrorKind::Limit, "the chain is too large to be built"))?;
        let names: Vec<&str> = reach
            .members
            .iter()
            .map(|&member| self.wiring.node(member).name.as_str())
            .collect();
        let engine = self.specialisations.engine().map(|engine| engine.dump(&code));
        let (clif, asm) = match engine {
            Some(Ok(dump)) => (dump.clif, dump.asm),
            Some(Err(why)) => (format!("; not compiled: {why}\n"), String::new()),
            None => ("; there is no compiler\n".to_owned(), String::new()),
        };
        Ok(Dump {
            chain: names.join(" -> ") + "\n",
            ir: cutthrough_ir::text::print_chain(&code),
            clif,
            asm,
        })
    }

    /// Checks all counts. What went into a flow point came out, is being dealt out, or
    /// was lost where it says so; what came into a process went out, is held, or was
    /// dropped by a named policy, where the process has an
    /// [`Account`](crate::Account) of it.
    ///
    /// # Errors
    /// Where the counts differ, and by how much.
    pub fn check_conservation(&self) -> Result<(), Error> {
        for node in self.wiring.nodes.values() {
            for account in &node.code.accounts {
                self.check_account(node, account)?;
            }
        }
        self.check_points()
    }

    fn check_account(&self, node: &Node, account: &Account) -> Result<(), Error> {
        let sum = |counters: &mut dyn Iterator<Item = u32>| {
            counters.map(|counter| self.counts.get(counter)).sum::<u64>()
        };
        let came = sum(&mut account.inputs.iter().map(|&input| node.inputs[input].count));
        let late = sum(&mut account.inputs.iter().map(|&input| node.inputs[input].late));
        let went = sum(&mut account.outputs.iter().map(|&output| node.outputs[output].count));
        let dropped = sum(&mut account.drops.iter().map(|&policy| node.drops[policy]));
        let held: u64 = account
            .held
            .iter()
            .map(|&slot| self.state.i64(node.places[slot]).cast_unsigned())
            .sum();
        // The element at which the process failed went no further.
        let failed = u64::from(node.failed && came > late);
        let accounted = went + dropped + held + late;
        if came == accounted || came == accounted + failed {
            return Ok(());
        }
        let message = format!(
            "`{}`: {came} elements came in, but {went} went out, {dropped} were dropped, {held} are held and {late} came late",
            node.name
        );
        Err(Error::new(ErrorKind::Failed, message))
    }

    fn check_points(&self) -> Result<(), Error> {
        let mut balance: slotmap::SecondaryMap<PointId, (u64, u64)> = slotmap::SecondaryMap::new();
        for (id, point) in &self.wiring.points {
            let taken =
                self.in_deal(id) + self.counts.get(point.lost) + self.counts.get(point.departed_taken);
            balance.insert(id, (self.counts.get(point.departed_put), taken));
        }
        for node in self.wiring.nodes.values() {
            for edge in &node.outputs {
                if let Some((put, _)) = edge.home.and_then(|point| balance.get_mut(point)) {
                    *put += self.put(edge) - edge.before_home;
                }
            }
            for edge in &node.inputs {
                if let Some((_, taken)) = edge.home.and_then(|point| balance.get_mut(point)) {
                    *taken += self.counts.get(edge.count) - edge.before_home;
                }
            }
        }
        for (id, (put, taken)) in &balance {
            if put != taken {
                let name = &self.wiring.point(id).name;
                let message =
                    format!("flow point `{name}`: {put} elements went in, but {taken} are accounted for");
                return Err(Error::new(ErrorKind::Failed, message));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for process in &self.processes {
            write!(f, "process {} ({})", process.name, process.status)?;
            for (k, edge) in process.inputs.iter().enumerate() {
                write!(f, ", in {k}: {}", edge.moved)?;
            }
            for (k, edge) in process.outputs.iter().enumerate() {
                write!(f, ", out {k}: {}", edge.moved)?;
                if edge.lost > 0 {
                    write!(f, " ({} lost)", edge.lost)?;
                }
            }
            for (policy, count) in process.dropped.iter().filter(|(_, count)| *count > 0) {
                write!(f, ", {count} {policy}")?;
            }
            writeln!(f)?;
        }
        for point in &self.points {
            let how = if point.polymorphic {
                "polymorphic"
            } else {
                "monomorphic"
            };
            writeln!(
                f,
                "point {}: {} writers, {} readers, {how}",
                point.name, point.writers, point.readers
            )?;
        }
        for chain in &self.chains {
            writeln!(f, "chain {}: {:?}", chain.members.join(" -> "), chain.mode)?;
        }
        Ok(())
    }
}
