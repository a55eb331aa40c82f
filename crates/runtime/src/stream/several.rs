//! Stages of several streams.

use super::Stream;
use crate::element::Element;
use crate::process::Process;
use crate::processes::{Merge, Zip};

impl<'w, T: Element, I> Stream<'w, T, I> {
    /// Pairs of elements: the first of both streams, the second of both, and so on, until
    /// either ends.
    #[track_caller]
    pub fn zip<U: Element, J>(self, other: Stream<'w, U, J>) -> Stream<'w, (T, U)> {
        let zip = Zip::new(T::element_type(), U::element_type());
        let inputs = [self.point.into(), other.point.into()];
        self.wire.stage(inputs, zip, |_, _| ())
    }

    /// The elements of both streams, as they come.
    #[track_caller]
    pub fn merge<J>(self, other: Stream<'w, T, J>) -> Stream<'w, T> {
        let merge = Merge::new(T::element_type(), 2);
        let inputs = [self.point.into(), other.point.into()];
        self.wire.stage(inputs, merge, |_, _| ())
    }
    /// Puts a process of one's own behind both streams: this one is its first input, the other its
    /// second.
    #[track_caller]
    pub fn through_both<U: Element, J, B: Element>(
        self,
        other: Stream<'w, U, J>,
        process: impl Process + 'static,
    ) -> Stream<'w, B> {
        let inputs = [self.point.into(), other.point.into()];
        self.wire.stage(inputs, process, |_, _| ())
    }
}
