use std::cell::RefCell;
use std::fmt;

use cutthrough_ir::ElementType;

use super::Stream;
use super::ids::SourceId;
use crate::channel::Receiver;
use crate::element::Element;
use crate::error::Error;
use crate::network::{Network, Rewire};
use crate::point::{AnyPoint, FlowPoint, NetworkNumber};
use crate::process::Process;
use crate::processes::{FromChannel, Iter, Lent};
use crate::wiring::{PointId, ProcessId};

impl Network {
    /// Wires streams: all that `wire` says is one rewire, applied as a whole or not at all.
    /// Gives what `wire` gives: handles on what it has wired.
    ///
    /// # Errors
    /// As [`rewire`](Network::rewire): what a stage is refused for, which is a bound or, of
    /// processes of one's own, their types. The stages behind it are not tried.
    pub fn wire<R>(&mut self, wire: impl FnOnce(Wire<'_>) -> R) -> Result<R, Error> {
        let network = self.number();
        self.rewire(|rewire| {
            let wiring = Wiring {
                edits: RefCell::new(Edits {
                    rewire,
                    refused: None,
                }),
                network,
            };
            let result = wire(Wire { wiring: &wiring });
            match wiring.edits.into_inner().refused {
                None => Ok(result),
                Some(error) => Err(error),
            }
        })
    }
}

/// Where streams come from, while a network is being wired ([`Network::wire`]).
#[derive(Clone, Copy)]
pub struct Wire<'w> {
    wiring: &'w dyn Edit,
}

/// A rewire that several streams share.
struct Wiring<'r, 'n> {
    edits: RefCell<Edits<'r, 'n>>,
    network: NetworkNumber,
}

struct Edits<'r, 'n> {
    rewire: &'r mut Rewire<'n>,
    /// The first error; nothing is edited behind it.
    refused: Option<Error>,
}

/// A [`Wiring`] of whatever lifetimes.
trait Edit {
    /// Edits, unless an edit has been refused before.
    fn edit(&self, edit: &mut dyn FnMut(&mut Rewire<'_>) -> Result<(), Error>);

    fn network(&self) -> NetworkNumber;
}

impl Edit for Wiring<'_, '_> {
    fn edit(&self, edit: &mut dyn FnMut(&mut Rewire<'_>) -> Result<(), Error>) {
        let mut edits = self.edits.borrow_mut();
        if edits.refused.is_none() {
            edits.refused = edit(edits.rewire).err();
        }
    }

    fn network(&self) -> NetworkNumber {
        self.network
    }
}

impl<'w> Wire<'w> {
    /// The elements of a slice, which are lent: of each, the fields that are needed are
    /// looked at, and no others. It is a vector, an `Arc` of a slice, a static slice.
    pub fn slice<T, D>(self, items: D) -> Stream<'w, T, SourceId>
    where
        T: Element,
        D: AsRef<[T]> + Send + Sync + 'static,
    {
        self.source(Lent::new(items))
    }

    /// The elements that an iterator gives.
    pub fn iter<T, D>(self, items: D) -> Stream<'w, T, SourceId>
    where
        T: Element,
        D: IntoIterator<Item = T, IntoIter: Send + 'static>,
    {
        self.source(Iter::new(items))
    }

    /// The elements that come by a [channel](crate::channel()), until its sender has gone.
    pub fn receive<T: Element>(self, receiver: Receiver<T>) -> Stream<'w, T, SourceId> {
        self.source(FromChannel::new(receiver))
    }

    /// What a source of one's own gives.
    pub fn source<T: Element>(self, process: impl Process + 'static) -> Stream<'w, T, SourceId> {
        self.stage([], process, SourceId::of)
    }

    /// What flows at a flow point that is there already. Who reads it already shares its
    /// elements. A flow point of another network is refused where a stage is to read it.
    pub fn stream<T: Element>(self, point: FlowPoint<T>) -> Stream<'w, T> {
        Stream {
            wire: self,
            point,
            id: (),
        }
    }

    /// Adds a process that reads these flow points; the stream of its first output.
    pub(super) fn stage<T: Element, I, const N: usize>(
        self,
        inputs: [AnyPoint; N],
        process: impl Process + 'static,
        id: impl FnOnce(ProcessId, NetworkNumber) -> I,
    ) -> Stream<'w, T, I> {
        let (process, [point]) = self.add(inputs, process, [T::element_type()]);
        Stream {
            wire: self,
            point: self.point(point),
            id: id(process, self.network()),
        }
    }

    /// Adds a process that reads these flow points; it, and the new flow points of these
    /// elements that it writes.
    pub(super) fn add<const N: usize, const M: usize>(
        self,
        inputs: [AnyPoint; N],
        process: impl Process + 'static,
        outputs: [ElementType; M],
    ) -> (ProcessId, [PointId; M]) {
        let mut process = Some(process);
        // What stands behind a refused stage is not applied either.
        let mut added = (ProcessId::default(), [PointId::default(); M]);
        self.wiring.edit(&mut |rewire| {
            let process = process.take().expect("INVARIANT: it is edited once");
            added.0 = rewire.add(process)?;
            for (input, &point) in inputs.iter().enumerate() {
                rewire.attach_input(added.0, input, point)?;
            }
            for (output, point) in added.1.iter_mut().enumerate() {
                *point = rewire.output_point(added.0, output, outputs[output].clone())?;
            }
            Ok(())
        });
        added
    }

    pub(super) fn point<T>(self, id: PointId) -> FlowPoint<T> {
        FlowPoint::of(id, self.network())
    }

    pub(super) fn network(self) -> NetworkNumber {
        self.wiring.network()
    }
}

impl fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
