use std::cell::RefCell;
use std::fmt;
use std::panic::Location;

use cutthrough_ir::ElementType;

use super::Stream;
use super::ids::SourceId;
use crate::channel::Receiver;
use crate::element::Element;
use crate::error::{Error, ErrorKind};
use crate::ids::NetworkNumber;
use crate::network::{Network, Rewire};
use crate::point::{AnyPoint, FlowPoint};
use crate::process::Process;
use crate::processes::{FromChannel, Iter, Lent};
use crate::wiring::{PointId, ProcessId};

impl Network {
    /// Wires streams: all that `wire` says is one rewire, applied as a whole or not at all.
    /// Gives what `wire` gives: handles on what it has wired.
    ///
    /// # Errors
    /// What a stage is refused for, with where it is said: a bound or, of processes of one's
    /// own, their types. The stages behind it are not tried. And a stream that no stage reads
    /// ([`ErrorKind::Unread`]): it would stand still, and what feeds it as well.
    pub fn wire<R>(&mut self, wire: impl FnOnce(Wire<'_>) -> R) -> Result<R, Error> {
        let network = self.number();
        self.transact(|rewire| {
            let wiring = Wiring {
                edits: RefCell::new(Edits {
                    rewire,
                    refused: None,
                    unread: Vec::new(),
                }),
                network,
            };
            let result = wire(Wire { wiring: &wiring });
            wiring.edits.into_inner().check()?;
            Ok(result)
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
    /// The streams that have been made and not read, and where they were made.
    unread: Vec<(PointId, Place)>,
}

/// A place in the user's program.
type Place = &'static Location<'static>;

impl<'n> Edits<'_, 'n> {
    /// Makes an edit, unless one has been refused before.
    fn edit<R>(&mut self, place: Place, edit: impl FnOnce(&mut Rewire<'n>) -> Result<R, Error>) -> Option<R> {
        if self.refused.is_some() {
            return None;
        }
        match edit(self.rewire) {
            Ok(edited) => Some(edited),
            Err(error) => {
                self.refused = Some(error.prefixed(format_args!("{place}")));
                None
            }
        }
    }

    /// Whether all that was said can be done.
    fn check(self) -> Result<(), Error> {
        match (self.refused, self.unread.first()) {
            (Some(error), _) => Err(error),
            (None, None) => Ok(()),
            (None, Some((_, place))) => {
                let message = format!(
                    "{place}: nobody reads the stream that is made here: end it with `sink`, `collect` or `send`, or take its `point()` for a reader that comes later"
                );
                Err(Error::new(ErrorKind::Unread, message))
            }
        }
    }
}

/// A [`Wiring`] of whatever lifetimes.
trait Edit {
    /// Makes a stage, unless one has been refused before: a process that reads these flow
    /// points, and the new ones that it writes.
    fn stage(
        &self,
        process: Box<dyn Process>,
        inputs: &[AnyPoint],
        outputs: &[ElementType],
        place: Place,
    ) -> Option<(ProcessId, Vec<PointId>)>;

    /// Says that somebody else sees to it that a stream is read.
    fn leave(&self, point: PointId);

    /// Has whoever writes to a flow point write to a new one instead.
    fn divide(&self, point: AnyPoint, place: Place) -> Option<PointId>;

    /// Has whoever writes to the first write to the second.
    fn rejoin(&self, from: PointId, to: AnyPoint, place: Place);

    /// Refuses a stage.
    #[cfg(feature = "tokio")]
    fn refuse(&self, error: Error, place: Place);

    fn network(&self) -> NetworkNumber;
}

impl Edit for Wiring<'_, '_> {
    fn stage(
        &self,
        process: Box<dyn Process>,
        inputs: &[AnyPoint],
        outputs: &[ElementType],
        place: Place,
    ) -> Option<(ProcessId, Vec<PointId>)> {
        let mut edits = self.edits.borrow_mut();
        let (process, points) = edits.edit(place, |rewire| add(rewire, process, inputs, outputs, place))?;
        let is_read = |point: PointId| inputs.iter().any(|input| input.id == point);
        edits.unread.retain(|&(point, _)| !is_read(point));
        edits.unread.extend(points.iter().map(|&point| (point, place)));
        Some((process, points))
    }

    fn leave(&self, point: PointId) {
        let mut edits = self.edits.borrow_mut();
        edits.unread.retain(|&(unread, _)| unread != point);
    }

    fn divide(&self, point: AnyPoint, place: Place) -> Option<PointId> {
        let mut edits = self.edits.borrow_mut();
        let between = edits.edit(place, |rewire| {
            let point = rewire.own_point(point)?;
            rewire.divide(point, "inserted")
        })?;
        edits.unread.push((between, place));
        Some(between)
    }

    fn rejoin(&self, from: PointId, to: AnyPoint, place: Place) {
        let mut edits = self.edits.borrow_mut();
        let rejoined = edits.edit(place, |rewire| {
            let to = rewire.own_point(to)?;
            rewire.rejoin(from, to)
        });
        if rejoined.is_some() {
            edits.unread.retain(|&(unread, _)| unread != from);
        }
    }

    #[cfg(feature = "tokio")]
    fn refuse(&self, error: Error, place: Place) {
        let mut edits = self.edits.borrow_mut();
        edits
            .refused
            .get_or_insert(error.prefixed(format_args!("{place}")));
    }

    fn network(&self) -> NetworkNumber {
        self.network
    }
}

fn add(
    rewire: &mut Rewire<'_>,
    process: Box<dyn Process>,
    inputs: &[AnyPoint],
    outputs: &[ElementType],
    place: Place,
) -> Result<(ProcessId, Vec<PointId>), Error> {
    let process = rewire.add_at(process, place)?;
    for (input, &point) in inputs.iter().enumerate() {
        rewire.attach_input(process, input, point)?;
    }
    let outputs = outputs.iter().enumerate();
    let points = outputs.map(|(output, element)| rewire.output_point(process, output, element.clone()));
    Ok((process, points.collect::<Result<_, _>>()?))
}

impl<'w> Wire<'w> {
    /// The elements of a slice, which are lent: of each, the fields that are needed are
    /// looked at, and no others. It is a vector, an `Arc` of a slice, a static slice.
    #[track_caller]
    pub fn slice<T, D>(self, items: D) -> Stream<'w, T, SourceId>
    where
        T: Element,
        D: AsRef<[T]> + Send + Sync + 'static,
    {
        self.source(Lent::new(items))
    }

    /// The elements that an iterator gives.
    #[track_caller]
    pub fn iter<T, D>(self, items: D) -> Stream<'w, T, SourceId>
    where
        T: Element,
        D: IntoIterator<Item = T, IntoIter: Send + 'static>,
    {
        self.source(Iter::new(items))
    }

    /// The elements that come by a [channel](crate::channel()), until its sender has gone.
    #[track_caller]
    pub fn receive<T: Element>(self, receiver: Receiver<T>) -> Stream<'w, T, SourceId> {
        self.source(FromChannel::new(receiver))
    }

    /// What a source of one's own gives.
    #[track_caller]
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
    #[track_caller]
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
    #[track_caller]
    pub(super) fn add<const N: usize, const M: usize>(
        self,
        inputs: [AnyPoint; N],
        process: impl Process + 'static,
        outputs: [ElementType; M],
    ) -> (ProcessId, [PointId; M]) {
        let place = Location::caller();
        match self.wiring.stage(Box::new(process), &inputs, &outputs, place) {
            Some((process, points)) => (process, std::array::from_fn(|output| points[output])),
            // What stands behind a refused stage is not applied either.
            None => (ProcessId::default(), [PointId::default(); M]),
        }
    }

    #[track_caller]
    pub(super) fn divide(self, point: AnyPoint) -> PointId {
        self.wiring.divide(point, Location::caller()).unwrap_or_default()
    }

    #[track_caller]
    pub(super) fn rejoin(self, from: PointId, to: AnyPoint) {
        self.wiring.rejoin(from, to, Location::caller());
    }

    /// Says that somebody else sees to it that a stream is read.
    pub(super) fn leave(self, point: PointId) {
        self.wiring.leave(point);
    }

    /// The stream of a stage that is refused.
    #[cfg(feature = "tokio")]
    #[track_caller]
    pub(super) fn refused<T: Element, I>(
        self,
        error: Error,
        id: impl FnOnce(ProcessId, NetworkNumber) -> I,
    ) -> Stream<'w, T, I> {
        self.wiring.refuse(error, Location::caller());
        Stream {
            wire: self,
            point: self.point(PointId::default()),
            id: id(ProcessId::default(), self.network()),
        }
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
