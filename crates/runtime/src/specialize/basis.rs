//! What a chain is built from, to tell one that comes back without building it.
//!
//! [`chain::build`](crate::chain::build) follows the wiring from the root: which process
//! comes next, by which fragments, with which slots, counters and host functions. All that
//! it looks at is here, with processes and flow points numbered in the order in which the
//! root reaches them: two taps with the same pipeline are different processes, but what
//! they make of the chain is the same.
//!
//! INVARIANT: on equal bases, `build` makes equal chains. Wherever debug assertions are on,
//! each chain that is taken for another is built and compared.

use std::sync::Arc;

use cutthrough_ir::{ChainCode, ElementType};

use crate::reach::Reach;
use crate::wiring::{Destination, Node, Port, PullSource, Wiring};

/// A chain that has been built, to be compiled, and what it was built from.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) basis: Basis,
    pub(super) code: ChainCode,
}

/// All of a wiring that the chain of some root is built from.
#[derive(Debug, PartialEq)]
pub(super) struct Basis {
    members: Vec<Member>,
    /// For the outputs and inputs of all members, one after another, where they lead.
    ways: Vec<Way>,
    /// The elements of the dealt points.
    dealt: Vec<ElementType>,
    /// Members in the order of their processes and dealt points in that of their numbers:
    /// checks are made in these orders.
    orders: Vec<usize>,
    has_joins: bool,
}

#[derive(Debug)]
struct Member(Arc<Node>);

/// Where an output or input leads, as far as the chain can go that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To this port of the member of this number.
    Member(usize, usize),
    /// To the dealt point of this number.
    Dealt(usize),
    /// Out of the chain.
    Out,
    /// Nowhere at present.
    Nowhere,
    /// Nowhere any more.
    Closed,
}

impl Basis {
    pub(super) fn of(wiring: &Wiring, reach: &Reach) -> Basis {
        let port = |port: Port| {
            let member = reach.members.iter().position(|&member| member == port.process);
            member.map_or(Way::Out, |member| Way::Member(member, port.port))
        };
        let mut ways = Vec::with_capacity(3 * reach.members.len());
        for &process in &reach.members {
            let node = wiring.node(process);
            ways.extend(
                (0..node.outputs.len()).map(|output| match wiring.destination(process, output) {
                    Destination::Reader(reader) => port(reader),
                    Destination::Dealt(point) => {
                        let dealt = reach.dealt.iter().position(|&dealt| dealt == point);
                        dealt.map_or(Way::Out, Way::Dealt)
                    }
                    Destination::Nowhere => Way::Nowhere,
                    Destination::Lost => Way::Closed,
                }),
            );
            ways.extend(
                (0..node.inputs.len()).map(|input| match wiring.pull_source(process, input) {
                    PullSource::Writer(writer) => port(writer),
                    PullSource::None => Way::Nowhere,
                    PullSource::Ended => Way::Closed,
                }),
            );
        }
        let mut orders: Vec<usize> = (0..reach.members.len()).collect();
        orders.sort_unstable_by_key(|&member| wiring.arrangement.order.rank(reach.members[member]));
        let mut dealt: Vec<usize> = (0..reach.dealt.len()).collect();
        dealt.sort_unstable_by_key(|&dealt| reach.dealt[dealt]);
        orders.extend(dealt);
        let elements = reach
            .dealt
            .iter()
            .map(|&point| wiring.point(point).element.clone());
        let members = reach
            .members
            .iter()
            .map(|&member| Member(wiring.node(member).clone()));
        Basis {
            members: members.collect(),
            ways,
            dealt: elements.collect(),
            orders,
            has_joins: wiring.arrangement.has_joins(),
        }
    }
}

impl PartialEq for Member {
    /// Whether fragments of one do to a network what those of the other do.
    fn eq(&self, other: &Member) -> bool {
        let (one, other) = (&*self.0, &*other.0);
        let inputs = one.inputs.iter().zip(&other.inputs);
        let outputs = one.outputs.iter().zip(&other.outputs);
        one.places == other.places
            && one.status == other.status
            && one.hosts == other.hosts
            && one.drops == other.drops
            && one.inputs.len() == other.inputs.len()
            && one.outputs.len() == other.outputs.len()
            && { inputs }.all(|(one, other)| (one.count, one.late) == (other.count, other.late))
            && { outputs }.all(|(one, other)| (one.count, one.lost) == (other.count, other.lost))
            && one.name == other.name
            && (Arc::ptr_eq(&one.code, &other.code) || one.code.program == other.code.program)
    }
}
