//! The host function that renders rows and writes them.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cutthrough_ir::{Host, HostContext, HostSig, Results, Type, Words};

use super::{Field, Format, Renderer};
use crate::limits::WRITE_BUFFER_BYTES;

/// What is done when everything has been written, and the writer is gone.
pub type Finish = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// Renders rows and writes them: `(op: i64, fields...) -> ()`.
///
/// The first argument says what to do; the fields count for [`WriterHost::ROW`]
/// only. What was neither flushed nor ended is lost when the host is dropped.
///
/// A write that fails fails the call, with `write to NAME: ...`, and every later
/// call. If it failed because the reader went away (a broken pipe), the flag of
/// [`WriterHost::closed`] is set before the call returns: mostly no error to a user.
pub struct WriterHost<W> {
    name: String,
    types: Vec<Type>,
    renderer: Renderer,
    /// None when it is not needed any more.
    writer: Option<W>,
    finish: Option<Finish>,
    buffer: Vec<u8>,
    rows: u64,
    state: State,
    closed: Arc<AtomicBool>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    New,
    Begun,
    Ended,
    Failed(String),
}

impl<W: Write + Send> WriterHost<W> {
    /// Takes a row.
    pub const ROW: i64 = 0;
    /// Writes all that is still held, and ends: no row may follow.
    pub const END: i64 = 1;
    /// Writes what is in the buffer; a table goes on holding rows until the end.
    pub const FLUSH: i64 = 2;

    /// Writes rows of these fields; the name is for messages.
    pub fn new(name: impl Into<String>, writer: W, format: Format, fields: Vec<Field>) -> WriterHost<W> {
        WriterHost {
            name: name.into(),
            types: fields.iter().map(|field| field.ty.words()).collect(),
            renderer: Renderer::new(format, fields),
            writer: Some(writer),
            finish: None,
            buffer: Vec::with_capacity(WRITE_BUFFER_BYTES + WRITE_BUFFER_BYTES / 4),
            rows: 0,
            state: State::New,
            closed: Arc::default(),
        }
    }

    /// Has this done at the end, when all has been written and the writer is dropped.
    pub fn at_end(&mut self, finish: Finish) {
        self.finish = Some(finish);
    }

    /// Goes on with what was written before in the same format: without a header.
    pub fn go_on(&mut self) {
        if self.state == State::New {
            self.state = State::Begun;
        }
    }

    /// Whether nothing is written any more.
    pub fn is_over(&self) -> bool {
        self.writer.is_none()
    }

    /// Writes what is in the buffer, and ends, but not as at the end of the flow: what was
    /// to be done then is not. To be called again is harmless.
    ///
    /// # Errors
    /// When a write fails or has failed.
    pub fn abandon(&mut self) -> Result<(), String> {
        self.finish = None;
        let outcome = if self.state == State::Begun {
            self.settle()
        } else {
            Ok(())
        };
        self.writer = None;
        if self.state != State::Ended && outcome.is_ok() {
            self.state = State::Ended;
        }
        outcome
    }

    /// The signature.
    pub fn sig(&self) -> HostSig {
        HostSig {
            name: format!("write to {}", self.name),
            params: std::iter::once(Type::I64)
                .chain(self.types.iter().copied())
                .collect(),
            ..HostSig::default()
        }
    }

    /// Whether the reader of what is written went away; shared with this host.
    pub fn closed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.closed)
    }

    /// How many rows there were.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many numbers were written as null, as [`Renderer::not_finite`] counts them.
    pub fn not_finite(&self) -> u64 {
        self.renderer.not_finite()
    }

    /// Takes a row of the fields' types.
    ///
    /// # Errors
    /// When a write fails or has failed, or after the end.
    pub fn row(&mut self, row: Words<'_>) -> Result<(), String> {
        self.begin()?;
        if self.state == State::Ended {
            return Err(format!("write to {}: a row came after the end", self.name));
        }
        self.rows += 1;
        self.renderer.row(row, &mut self.buffer);
        if self.buffer.len() >= WRITE_BUFFER_BYTES {
            self.write(false)
        } else {
            Ok(())
        }
    }

    /// Writes what is in the buffer; a table goes on holding rows until the end.
    ///
    /// # Errors
    /// When a write fails or has failed.
    pub fn flush(&mut self) -> Result<(), String> {
        self.begin()?;
        if self.state == State::Ended {
            Ok(())
        } else {
            self.write(true)
        }
    }

    /// Writes all that is held, as no row may come for long: a table with rows is
    /// settled on its widths. Without rows it writes nothing.
    ///
    /// # Errors
    /// When a write fails or has failed.
    pub fn settle(&mut self) -> Result<(), String> {
        if self.state != State::Begun {
            return Ok(());
        }
        self.renderer.settle(&mut self.buffer);
        if self.buffer.is_empty() {
            Ok(())
        } else {
            self.write(true)
        }
    }

    /// Writes all that is held, and ends: no row may follow. To be called again is
    /// harmless.
    ///
    /// # Errors
    /// When a write fails or has failed.
    pub fn end(&mut self) -> Result<(), String> {
        self.begin()?;
        if self.state == State::Ended {
            return Ok(());
        }
        self.renderer.end(&mut self.buffer);
        self.state = State::Ended;
        self.write(true)?;
        // Closed now, and not when the process goes: that may be much later.
        self.writer = None;
        let finish = self.finish.take();
        finish
            .map_or(Ok(()), |finish| finish())
            .map_err(|error| self.failed(&error))
    }

    fn begin(&mut self) -> Result<(), String> {
        match &self.state {
            State::New => {
                self.renderer.begin(&mut self.buffer);
                self.state = State::Begun;
                Ok(())
            }
            State::Begun | State::Ended => Ok(()),
            State::Failed(message) => Err(message.clone()),
        }
    }

    /// What the host function does.
    pub(crate) fn run(&mut self, args: Words<'_>) -> Result<(), String> {
        match args.i64(0) {
            Self::ROW => self.row(args.skip(1)),
            Self::FLUSH => self.flush(),
            Self::END => self.end(),
            op => Err(format!("write to {}: there is no operation {op}", self.name)),
        }
    }

    fn write(&mut self, flush: bool) -> Result<(), String> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let written = writer.write_all(&self.buffer);
        let done = written.and_then(|()| if flush { writer.flush() } else { Ok(()) });
        self.buffer.clear();
        // The end of a table, or one long row, should not hold its memory for good.
        self.buffer.shrink_to(2 * WRITE_BUFFER_BYTES);
        done.map_err(|error| self.failed(&error))
    }

    fn failed(&mut self, error: &io::Error) -> String {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.closed.store(true, Ordering::Release);
        }
        (self.writer, self.finish) = (None, None);
        let message = format!("write to {}: {error}", self.name);
        self.state = State::Failed(message.clone());
        message
    }
}

impl<W: Write + Send> Host for WriterHost<W> {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        _results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        self.run(args)
    }
}

impl<W> fmt::Debug for WriterHost<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterHost")
            .field("name", &self.name)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use cutthrough_ir::HostFunction;

    use super::*;
    use crate::testing::{Value, call};

    /// A writer that others can look into, and that can be told to fail.
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<(Vec<u8>, Option<io::ErrorKind>)>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut inner = self.0.lock().unwrap();
            match inner.1 {
                Some(kind) => Err(kind.into()),
                None => inner.0.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn host(format: Format) -> (HostFunction, Shared, Arc<AtomicBool>) {
        let writer = Shared::default();
        let host = WriterHost::new("out", writer.clone(), format, vec![Field::new("a", Type::BYTES)]);
        let closed = host.closed();
        (HostFunction::new(host.sig(), host), writer, closed)
    }

    fn run(host: &mut HostFunction, op: i64, text: &str) -> Result<(), String> {
        call(host, &[Value::I64(op), text.into()], &HostContext::default())
            .map(|results| assert_eq!(results, []))
    }

    const ROW: i64 = WriterHost::<Shared>::ROW;
    const END: i64 = WriterHost::<Shared>::END;
    const FLUSH: i64 = WriterHost::<Shared>::FLUSH;

    #[test]
    fn rows_are_buffered_until_a_flush_or_the_end() {
        let (mut host, writer, closed) = host(Format::Csv);
        run(&mut host, ROW, "x").unwrap();
        assert_eq!(writer.0.lock().unwrap().0, b"");
        run(&mut host, FLUSH, "").unwrap();
        assert_eq!(writer.0.lock().unwrap().0, b"a\nx\n");
        for _ in 0..WRITE_BUFFER_BYTES / 10 {
            run(&mut host, ROW, "123456789").unwrap();
        }
        assert!(writer.0.lock().unwrap().0.len() < 10);
        run(&mut host, ROW, "123456789").unwrap();
        assert!(writer.0.lock().unwrap().0.len() > WRITE_BUFFER_BYTES);
        run(&mut host, END, "").unwrap();
        run(&mut host, END, "").unwrap();
        assert!(run(&mut host, ROW, "y").unwrap_err().contains("after the end"));
        assert!(!closed.load(Ordering::Acquire));
    }

    #[test]
    fn the_end_alone_writes_what_no_rows_look_like() {
        for (format, expected) in [(Format::Csv, "a\n"), (Format::Table, "a\n"), (Format::Json, "")] {
            let (mut host, writer, _) = host(format);
            run(&mut host, END, "").unwrap();
            assert_eq!(writer.0.lock().unwrap().0, expected.as_bytes());
        }
    }

    #[test]
    fn the_end_is_told_when_all_is_written() {
        let writer = Shared::default();
        let fields = || vec![Field::new("a", Type::BYTES)];
        let new = || WriterHost::new("out", writer.clone(), Format::Csv, fields());
        let (at_end, seen) = (writer.clone(), Arc::new(Mutex::new(String::new())));
        let noted = Arc::clone(&seen);
        let mut host = new();
        host.at_end(Box::new(move || {
            *noted.lock().unwrap() = String::from_utf8(at_end.0.lock().unwrap().0.clone()).unwrap();
            Ok(())
        }));
        assert!(!host.is_over());
        host.end().unwrap();
        assert!(host.is_over());
        assert_eq!(*seen.lock().unwrap(), "a\n");
        // What goes on has no header; what is abandoned is not told.
        let mut host = new();
        host.go_on();
        host.at_end(Box::new(|| panic!("it has not come to its end")));
        host.settle().unwrap();
        host.abandon().unwrap();
        host.end().unwrap();
        assert_eq!(writer.0.lock().unwrap().0, b"a\n");
        // To fail at the end is to fail.
        let mut host = new();
        host.at_end(Box::new(|| Err(io::ErrorKind::StorageFull.into())));
        assert!(host.end().unwrap_err().starts_with("write to out: "));
    }

    #[test]
    fn failures_say_where_and_stay() {
        for (kind, is_closed) in [
            (io::ErrorKind::BrokenPipe, true),
            (io::ErrorKind::StorageFull, false),
        ] {
            let (mut host, writer, closed) = host(Format::Text);
            writer.0.lock().unwrap().1 = Some(kind);
            run(&mut host, ROW, "x").unwrap();
            let error = run(&mut host, FLUSH, "").unwrap_err();
            assert!(error.starts_with("write to out: "), "{error}");
            assert_eq!(closed.load(Ordering::Acquire), is_closed);
            writer.0.lock().unwrap().1 = None;
            assert_eq!(run(&mut host, ROW, "x"), Err(error.clone()));
            assert_eq!(run(&mut host, END, ""), Err(error));
            assert_eq!(writer.0.lock().unwrap().0, b"");
        }
    }
}
