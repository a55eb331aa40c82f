//! Asynchronous stages: a future for each element. (Feature `tokio`.)

use std::error::Error as StdError;
use std::time::Duration;

use tokio::runtime::Handle;

use super::Stream;
use super::ids::ThenId;
use crate::element::Element;
use crate::error::{Error, ErrorKind};
use crate::processes::{Failure, Make, Then, ThenSpec};

/// A stage of futures that is being described: end it with [`ordered`](Futures::ordered) or
/// [`unordered`](Futures::unordered).
#[must_use = "the stage is made by `ordered` or `unordered`"]
pub struct Futures<'w, T, B> {
    stream: Stream<'w, T>,
    make: Make<T, B>,
    spec: ThenSpec,
    runtime: Option<Handle>,
}

impl<'w, T: Element, I> Stream<'w, T, I> {
    /// Of each element what a future gives that an async closure makes of it. Futures run on a
    /// tokio runtime: that in which the stream is wired, or [another](Futures::on).
    ///
    /// The element is taken whole: put a `map` in front that leaves what the closure needs.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cutthrough::Network;
    ///
    /// # fn main() -> Result<(), cutthrough::Error> {
    /// # let runtime = tokio::runtime::Runtime::new().unwrap();
    /// # let _guard = runtime.enter();
    /// let mut network = Network::default();
    /// let answers = network.wire(|wire| {
    ///     wire.iter(0..10_u64)
    ///         .then(|x| async move {
    ///             tokio::time::sleep(Duration::from_millis(10 - x)).await;
    ///             x * x
    ///         })
    ///         .concurrency(4)
    ///         .ordered()
    ///         .collect()
    /// })?;
    /// network.spawn().join()?;
    /// assert_eq!(answers.take()[..4], [0, 1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn then<M, F, B>(self, make: M) -> Futures<'w, T, B>
    where
        M: Fn(T) -> F + Send + Sync + 'static,
        F: Future<Output = B> + Send + 'static,
        B: Element,
    {
        self.futures(move |element| {
            let future = make(element);
            Box::pin(async move { Ok(future.await) })
        })
    }

    /// The same of a future that may fail. Then the stage does, unless another attempt is made
    /// ([`retry`](Futures::retry)), or what fails is dropped ([`drop_failed`](Futures::drop_failed)).
    pub fn try_then<M, F, B, E>(self, make: M) -> Futures<'w, T, B>
    where
        M: Fn(T) -> F + Send + Sync + 'static,
        F: Future<Output = Result<B, E>> + Send + 'static,
        B: Element,
        E: StdError + Send + Sync + 'static,
    {
        self.futures(move |element| {
            let future = make(element);
            Box::pin(async move { future.await.map_err(Failure::of) })
        })
    }

    fn futures<B>(
        self,
        begin: impl Fn(T) -> crate::processes::Attempt<B> + Send + Sync + 'static,
    ) -> Futures<'w, T, B> {
        Futures {
            stream: self.wire.stream(self.point),
            make: Make {
                begin: Box::new(begin),
                clone: None,
            },
            spec: ThenSpec::default(),
            runtime: None,
        }
    }
}

impl<'w, T: Element, B: Element> Futures<'w, T, B> {
    /// How many elements are in flight at the most: 64, unless this says otherwise. Where there
    /// are as many, what feeds the stage stands still.
    pub fn concurrency(mut self, futures: usize) -> Self {
        self.spec.concurrency = futures;
        self
    }

    /// An attempt that takes longer than this has failed.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.spec.timeout = Some(timeout);
        self
    }

    /// Makes up to so many further attempts where one fails, panics or takes too long. Before
    /// the first of these it waits so long, before each further one twice as long.
    pub fn retry(mut self, times: u32, wait: Duration) -> Self
    where
        T: Clone,
    {
        self.spec.attempts = times.saturating_add(1);
        self.spec.wait = wait;
        self.make.clone = Some(T::clone);
        self
    }

    /// Drops elements at which all attempts fail, counted as `failed`; otherwise the stage fails.
    pub fn drop_failed(mut self) -> Self {
        self.spec.drops_failed = true;
        self
    }

    /// Drops what is in flight when the stage is cancelled or removed, counted as `cancelled`,
    /// and calls its futures off; otherwise these are waited for, and what they give is given.
    pub fn drop_cancelled(mut self) -> Self {
        self.spec.drops_cancelled = true;
        self
    }

    /// Runs the futures on this runtime.
    pub fn on(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// The results in the order of the elements: one that is there waits for those before it.
    #[track_caller]
    pub fn ordered(self) -> Stream<'w, B, ThenId<T, B>> {
        self.stage(true)
    }

    /// The results as they come.
    #[track_caller]
    pub fn unordered(self) -> Stream<'w, B, ThenId<T, B>> {
        self.stage(false)
    }

    #[track_caller]
    fn stage(self, is_ordered: bool) -> Stream<'w, B, ThenId<T, B>> {
        let runtime = self.runtime.or_else(|| Handle::try_current().ok());
        let Some(runtime) = runtime else {
            let message =
                "futures need a tokio runtime: wire the stream in one, or say which by `on(handle)`";
            return self
                .stream
                .wire
                .refused(Error::new(ErrorKind::NotThere, message), ThenId::of);
        };
        let spec = ThenSpec {
            is_ordered,
            ..self.spec
        };
        self.stream.behind(Then::of(runtime, spec, self.make), ThenId::of)
    }
}

impl<T, B> std::fmt::Debug for Futures<'_, T, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Futures")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
