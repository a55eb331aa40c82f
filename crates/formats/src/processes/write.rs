use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cutthrough::{Fragment, Process, Shape};
use cutthrough_ir::{ElementType, Host, HostContext, HostFunction, HostSig, Results, Type, Value, Words};
use parking_lot::Mutex;

use crate::render::{Field, Format, WriterHost};

type Writer = WriterHost<Box<dyn io::Write + Send>>;

/// Renders elements and writes them.
///
/// When the reader of what is written goes away (a broken pipe), the process
/// finishes, as any reader that leaves, so that what feeds it stops too. Any other
/// error of the writer fails the process.
///
/// What is held is written at the end of the flow. When the flow does not come to
/// its end, and between elements that come slowly, [`Output`] is the handle to have
/// it written.
#[derive(Debug)]
pub struct Write {
    types: Vec<Type>,
    output: Output,
    host: Option<HostFunction>,
}

impl Write {
    /// Writes elements of these fields; the name is for messages.
    pub fn new(
        name: impl Into<String>,
        format: Format,
        fields: Vec<Field>,
        writer: impl io::Write + Send + 'static,
    ) -> Write {
        let types: Vec<Type> = fields.iter().map(|field| field.ty.words()).collect();
        let writer: Box<dyn io::Write + Send> = Box::new(writer);
        let writer = WriterHost::new(name, writer, format, fields);
        let sig = HostSig {
            results: vec![Type::BOOL],
            ..writer.sig()
        };
        let output = Output {
            closed: writer.closed(),
            writer: Arc::new(Mutex::new(writer)),
        };
        let host = HostFunction::new(
            sig,
            WriteHost {
                output: output.clone(),
            },
        );
        Write {
            types,
            output,
            host: Some(host),
        }
    }

    /// Has this done at the end of the flow, when all has been written and the writer is
    /// dropped.
    pub fn at_end(self, finish: impl FnOnce() -> io::Result<()> + Send + 'static) -> Write {
        self.output.writer.lock().at_end(Box::new(finish));
        self
    }

    /// Goes on with what was written before in the same format: without a header.
    pub fn going_on(self) -> Write {
        self.output.writer.lock().go_on();
        self
    }

    /// A handle on what is written.
    pub fn output(&self) -> Output {
        self.output.clone()
    }

    /// Calls the host function; gives whether its reader is gone.
    fn call(f: &mut Fragment<'_>, op: i64, fields: &[Value]) -> Value {
        let op = f.iconst(op);
        f.call(0, &[&[op], fields].concat())[0]
    }
}

impl Process for Write {
    fn declare(&mut self, shape: &mut Shape) {
        shape.name("write");
        shape.input(ElementType::new(self.types.iter().copied()));
        shape.host_once(&mut self.host);
    }

    fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
        let is_closed = Write::call(f, Writer::ROW, element);
        let (_, is_open) = f.br_new(is_closed);
        f.finish();
        f.switch_to(is_open);
        f.done();
    }

    fn end(&self, _of: usize, f: &mut Fragment<'_>) {
        let nothing: Vec<Value> = self.types.iter().map(|&ty| f.zero(ty)).collect();
        Write::call(f, Writer::END, &nothing);
        f.finish();
    }
}

/// What a [`Write`] writes, for who runs the network: from the thread that does, or
/// when it does not run.
#[derive(Clone, Debug)]
pub struct Output {
    writer: Arc<Mutex<Writer>>,
    closed: Arc<AtomicBool>,
}

impl Output {
    /// Writes what is held, as no element may come for long: a table settles on its
    /// widths.
    ///
    /// # Errors
    /// When the write fails; not when the reader has gone away.
    pub fn settle(&self) -> Result<(), String> {
        let outcome = self.writer.lock().settle();
        self.unless_closed(outcome)
    }

    /// Writes what is held, and ends. To do so again is harmless.
    ///
    /// # Errors
    /// As [`settle`](Output::settle).
    pub fn end(&self) -> Result<(), String> {
        let outcome = self.writer.lock().end();
        self.unless_closed(outcome)
    }

    /// Writes what is held, and ends where the flow has not come to its end: what was to
    /// be done at that is not. To do so again is harmless.
    ///
    /// # Errors
    /// As [`settle`](Output::settle).
    pub fn abandon(&self) -> Result<(), String> {
        let outcome = self.writer.lock().abandon();
        self.unless_closed(outcome)
    }

    /// Whether nothing is written any more: at its end, after a failure, or when the
    /// process is gone. Does not wait for a write that takes its time.
    pub fn is_over(&self) -> bool {
        let writer = self.writer.try_lock();
        Arc::strong_count(&self.writer) == 1 || writer.is_some_and(|writer| writer.is_over())
    }

    /// How many elements there were.
    pub fn rows(&self) -> u64 {
        self.writer.lock().rows()
    }

    /// How many numbers were written as null because the format has no words for them: infinite ones and NaN in JSON.
    pub fn not_finite(&self) -> u64 {
        self.writer.lock().not_finite()
    }

    /// Whether the reader has gone away.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn unless_closed(&self, outcome: Result<(), String>) -> Result<(), String> {
        match outcome {
            Err(_) if self.is_closed() => Ok(()),
            // The process that fails is called `write` already.
            outcome => outcome.map_err(|message| message.trim_start_matches("write to ").to_owned()),
        }
    }
}

/// `(op: i64, fields...) -> (closed: bool)`
struct WriteHost {
    output: Output,
}

impl Host for WriteHost {
    fn call<'a>(
        &'a mut self,
        args: Words<'a>,
        results: &mut Results<'a>,
        _context: &'a HostContext,
    ) -> Result<(), String> {
        let outcome = self.output.writer.lock().run(args);
        if outcome.is_err() {
            self.output.unless_closed(outcome)?;
            results.bool(0, true);
        }
        Ok(())
    }
}
