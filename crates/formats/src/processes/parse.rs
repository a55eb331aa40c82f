use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cutthrough::{Fragment, Shape};
use cutthrough_ir::{ElementType, HostFunction, HostSig, Op, SlotDecl, Type, Value};
use parking_lot::Mutex;

use super::line_type;
use crate::limits::BAD_ROWS_NOTED_MAX;

/// The numbers of the first lines that were no rows, while the process runs and
/// afterwards. How many there were in all is in the network's report, under the
/// policy [`BadRows::POLICY`].
#[derive(Clone, Debug, Default)]
pub struct BadRows {
    first: Arc<Mutex<Vec<i64>>>,
    bound: Option<BadRowsBound>,
}

/// How many bad rows there may be, of all processes that share it.
#[derive(Clone, Debug)]
pub struct BadRowsBound {
    most: u64,
    count: Arc<AtomicU64>,
}

impl BadRowsBound {
    /// At most so many.
    pub fn new(most: u64) -> BadRowsBound {
        BadRowsBound {
            most,
            count: Arc::default(),
        }
    }

    /// Counts one more, the line of this number.
    fn add(&self, number: i64) -> Result<(), String> {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        match self.most {
            most if before < most => Ok(()),
            0 => Err(format!("line {number} does not parse")),
            most => Err(format!(
                "line {number} does not parse, nor did {most} before it, which is the most allowed"
            )),
        }
    }
}

impl BadRows {
    /// The name of the policy by which bad rows are dropped.
    pub const POLICY: &'static str = "bad rows";

    /// The numbers of the first of them, in order, at most [`BAD_ROWS_NOTED_MAX`].
    pub fn first(&self) -> Vec<i64> {
        self.first.lock().clone()
    }

    /// Fails the process at the first bad row beyond the bound.
    #[must_use]
    pub fn with_bound(self, bound: BadRowsBound) -> BadRows {
        BadRows {
            bound: Some(bound),
            ..self
        }
    }

    /// A host function `(number: i64) -> ()` that notes.
    fn noter(&self) -> HostFunction {
        let BadRows { first, bound } = self.clone();
        let sig = HostSig {
            name: "note bad row".to_owned(),
            params: vec![Type::I64],
            results: Vec::new(),
            rows: Vec::new(),
        };
        cutthrough::host::function(sig, move |args, _results, _context| {
            let mut first = first.lock();
            if first.len() < BAD_ROWS_NOTED_MAX {
                first.push(args.i64(0));
            }
            bound.as_ref().map_or(Ok(()), |bound| bound.add(args.i64(0)))
        })
    }
}

/// The name of the policy by which header lines are dropped.
pub const HEADERS_POLICY: &str = "headers";

/// The slots of a parser of inputs with headers: the header of the present input, and how many there have been.
const HEADER: usize = 0;
const VERSION: usize = 1;

/// A parser of lines: its host function is `(line: bytes) -> (ok: bool, columns...)`. If inputs have headers, it is
/// told the present one: `(line: bytes, version: i64, header: bytes) -> (ok: bool, columns...)`.
#[derive(Debug)]
pub(super) struct Parse {
    name: String,
    columns: ElementType,
    host: Option<HostFunction>,
    bad_rows: BadRows,
    has_bad_output: bool,
    has_header: bool,
}

impl Parse {
    pub(super) fn new(host: HostFunction) -> Parse {
        let sig = host.sig();
        Parse {
            name: sig.name.clone(),
            columns: ElementType::new(sig.results[1..].iter().copied()),
            host: Some(host),
            bad_rows: BadRows::default(),
            has_bad_output: false,
            has_header: false,
        }
    }

    pub(super) fn with_header(self) -> Parse {
        Parse {
            has_header: true,
            ..self
        }
    }

    pub(super) fn with_bad_output(self) -> Parse {
        Parse {
            has_bad_output: true,
            ..self
        }
    }

    pub(super) fn with_bad_rows(self, bad_rows: BadRows) -> Parse {
        Parse { bad_rows, ..self }
    }

    pub(super) fn bad_rows(&self) -> BadRows {
        self.bad_rows.clone()
    }

    pub(super) fn declare(&mut self, shape: &mut Shape) {
        shape.name(self.name.as_str());
        shape.input(line_type());
        shape.output(self.columns.clone());
        shape.host_once(&mut self.host);
        if self.has_bad_output {
            shape.output(line_type());
        } else {
            shape.host(self.bad_rows.noter());
            shape.drop_policy(BadRows::POLICY);
        }
        if self.has_header {
            shape.drop_policy(HEADERS_POLICY);
            shape.slot(SlotDecl::zero("header", Type::BYTES));
            shape.slot(SlotDecl::i64("headers", 0));
        }
    }

    pub(super) fn read_ok(&self, f: &mut Fragment<'_>, element: &[Value]) {
        let row = if self.has_header {
            self.skip_header(f, element);
            let (version, header) = (f.slot_get(VERSION), f.slot_get(HEADER));
            f.call(0, &[element[0], version, header])
        } else {
            f.call(0, &element[..1])
        };
        let (_, bad) = f.br_new(row[0]);
        f.emit(0, &row[1..]);
        f.done();
        f.switch_to(bad);
        if self.has_bad_output {
            f.emit(1, element);
        } else {
            f.call(1, &element[1..]);
            f.drop(0);
        }
        f.done();
    }

    /// Keeps a header, and goes on where the line is none.
    fn skip_header(&self, f: &mut Fragment<'_>, element: &[Value]) {
        let one = f.iconst(1);
        let is_header = f.op(Op::Ieq, &[element[1], one]);
        let (_, row) = f.br_new(is_header);
        f.slot_set(HEADER, element[0]);
        let version = f.slot_get(VERSION);
        let version = f.op(Op::Iadd, &[version, one]);
        f.slot_set(VERSION, version);
        f.drop(usize::from(!self.has_bad_output));
        f.done();
        f.switch_to(row);
    }
}

/// Makes a process of a type that has a [`Parse`] in its field `0`.
macro_rules! parser_process {
    ($name:ident) => {
        impl $name {
            /// Adds output 1, of lines and their numbers, for the lines that are no rows.
            #[must_use]
            pub fn with_bad_output(self) -> Self {
                $name(self.0.with_bad_output())
            }

            /// Notes lines that are no rows where another process has noted some before.
            #[must_use]
            pub fn with_bad_rows(self, bad_rows: BadRows) -> Self {
                $name(self.0.with_bad_rows(bad_rows))
            }

            /// Which lines were no rows, unless they go to an output.
            pub fn bad_rows(&self) -> BadRows {
                self.0.bad_rows()
            }
        }

        impl Process for $name {
            fn declare(&mut self, shape: &mut Shape) {
                self.0.declare(shape);
            }

            fn read_ok(&self, _from: usize, f: &mut Fragment<'_>, element: &[Value]) {
                self.0.read_ok(f, element);
            }
        }
    };
}
pub(super) use parser_process;
