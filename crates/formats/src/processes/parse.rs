use std::sync::Arc;

use cutthrough::{Fragment, Shape};
use cutthrough_ir::{ElementType, HostFunction, HostSig, Type, Value};
use parking_lot::Mutex;

use super::line_type;
use crate::limits::BAD_ROWS_NOTED_MAX;

/// The numbers of the first lines that were no rows, while the process runs and
/// afterwards. How many there were in all is in the network's report, under the
/// policy [`BadRows::POLICY`].
#[derive(Clone, Debug, Default)]
pub struct BadRows {
    first: Arc<Mutex<Vec<i64>>>,
}

impl BadRows {
    /// The name of the policy by which bad rows are dropped.
    pub const POLICY: &'static str = "bad rows";

    /// The numbers of the first of them, in order, at most [`BAD_ROWS_NOTED_MAX`].
    pub fn first(&self) -> Vec<i64> {
        self.first.lock().clone()
    }

    /// A host function `(number: i64) -> ()` that notes.
    fn noter(&self) -> HostFunction {
        let first = Arc::clone(&self.first);
        let sig = HostSig {
            name: "note bad row".to_owned(),
            params: vec![Type::I64],
            results: Vec::new(),
        };
        cutthrough::host::function(sig, move |args, _results, _context| {
            let mut first = first.lock();
            if first.len() < BAD_ROWS_NOTED_MAX {
                first.push(args.i64(0));
            }
            Ok(())
        })
    }
}

/// A parser of lines: its host function is `(line: bytes) -> (ok: bool, columns...)`.
#[derive(Debug)]
pub(super) struct Parse {
    name: String,
    columns: ElementType,
    host: Option<HostFunction>,
    bad_rows: BadRows,
    has_bad_output: bool,
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
    }

    pub(super) fn read_ok(&self, f: &mut Fragment<'_>, element: &[Value]) {
        let row = f.call(0, &element[..1]);
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
