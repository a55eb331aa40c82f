//! The program of a run, while it runs: it can be tapped and changed by whoever reaches
//! the run's socket.
//!
//! Texts are compiled on the server's thread, from the program as it was seen last; what
//! is left is done by the run's own thread, which alone has the program itself.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use cutthrough::Network;
use cutthrough_control::Waker;
use cutthrough_control::commands::{Apply, Attach, Change, Commands};
use cutthrough_control::message::{FlowColumns, Problem, ProblemKind, RewireRequest, TapRequest};
use cutthrough_lang::{BuildError, Diagnostic, Environment, Input, Running, TapPoint, Target, compile};
use cutthrough_live::taps::{attach, options_of};
use parking_lot::{Mutex, MutexGuard};

use crate::input::{Beginnings, Peeked};
use crate::progress::Progress;
use crate::split::Alone;
use crate::streams::{Opened, Shape, Streams, path_of};
use crate::surroundings::Surroundings;

/// Programs that a run can be taken back to, one after another.
const PROGRAMS_KEPT: usize = 100;

/// The program of a run.
#[derive(Clone)]
pub(crate) struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    /// The program; only the run's thread asks for it.
    running: Mutex<Running>,
    /// The program as others see it.
    seen: Mutex<Arc<Running>>,
    /// The programs before, the last one last: each with what its text is called.
    before: Mutex<Vec<(String, String)>>,
    /// What is read and written.
    opened: Mutex<Opened>,
    inputs: Vec<Input>,
    beginnings: Beginnings,
    shape: Shape,
    surroundings: Surroundings,
    progress: Progress,
    /// By which the network that others see comes to be the only one of the run.
    alone: Option<Alone>,
}

impl Live {
    /// A program that has been built; its inputs and format are those of the command
    /// line, for the programs that come after it.
    pub(crate) fn new(
        running: Running,
        opened: Opened,
        inputs: Vec<Input>,
        beginnings: Beginnings,
        shape: Shape,
        surroundings: Surroundings,
        progress: Progress,
    ) -> Live {
        let shared = Shared {
            seen: Mutex::new(Arc::new(running.clone())),
            running: Mutex::new(running),
            before: Mutex::default(),
            opened: Mutex::new(opened),
            inputs,
            beginnings,
            shape,
            surroundings,
            progress,
            alone: None,
        };
        Live {
            shared: Arc::new(shared),
        }
    }

    /// With other threads that have parts of the input; before anybody else knows of it.
    pub(crate) fn with_others(mut self, alone: Option<Alone>) -> Live {
        let shared = Arc::get_mut(&mut self.shared);
        shared.expect("INVARIANT: nobody else has it yet").alone = alone;
        self
    }

    /// Whether all that is read and written can be beside each other.
    ///
    /// # Errors
    /// When a file would be written twice, or read and written.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.shared.opened.lock().check(&Opened::default())
    }

    /// The program, for the run's thread.
    pub(crate) fn running(&self) -> MutexGuard<'_, Running> {
        self.shared.running.lock()
    }

    /// What a further program is compiled for.
    fn environment<'e>(&self, peeked: &Rc<Peeked>) -> Environment<'e> {
        let peeked = Rc::clone(peeked);
        Environment {
            inputs: self.shared.inputs.clone(),
            beginning: Some(Box::new(move |input, patience| {
                peeked.beginning(path_of(input), patience)
            })),
            expand: Some(Box::new(crate::streams::files_of)),
            whole_file: Some(Box::new(crate::streams::whole_file)),
            ..Environment::default()
        }
    }

    /// Has the network that others see come to be the only one of the run, before it is changed or looked into.
    fn go_alone(&self) {
        if let Some(alone) = &self.shared.alone {
            alone.go();
            self.shared.surroundings.interrupt.wake();
        }
    }

    fn seen(&self) -> Arc<Running> {
        Arc::clone(&self.shared.seen.lock())
    }
}

impl Commands for Live {
    fn tap(&self, request: &TapRequest, waker: &Waker) -> Result<Attach, Problem> {
        let running = self.seen();
        let flow = running.flow(&request.flow);
        let flow = flow.map_err(|error| Problem::new(ProblemKind::NotThere, error.to_string()))?;
        let options = options_of(request)?;
        let (waker, interrupt) = (waker.clone(), self.shared.surroundings.interrupt.clone());
        let wake = Arc::new(move || interrupt.wake());
        self.go_alone();
        attach(&TapPoint::from(flow), request, &options, waker, wake)
    }

    fn flows(&self) -> Vec<FlowColumns> {
        let running = self.seen();
        let flows = running.flows().map(|flow| {
            let columns = flow.columns().into_iter();
            FlowColumns {
                name: flow.name().to_owned(),
                columns: columns
                    .map(|column| (column.name, column.ty.to_string()))
                    .collect(),
            }
        });
        flows.collect()
    }

    fn program(&self) -> String {
        self.seen().source().to_owned()
    }

    fn rewire(&self, request: &RewireRequest) -> Result<Change, Problem> {
        let request = &self.meant(request)?;
        let running = self.seen();
        let peeked = Rc::new(Peeked::of_running(self.shared.beginnings.clone()));
        let environment = self.environment(&peeked);
        let change = running.plan_change(&request.name, &request.program, &environment);
        let mut change = change.map_err(|diagnostic| wrong(&diagnostic, &request.name, &request.program))?;
        change.look_at_files(|path| Path::new(OsStr::from_bytes(path)).is_file());
        let changes: Vec<String> = change.to_string().lines().map(str::to_owned).collect();
        if request.plan_only {
            return Ok(Change { changes, apply: None });
        }
        let Shared {
            shape,
            surroundings,
            progress,
            ..
        } = &*self.shared;
        let streams = Streams::new(
            shape.clone(),
            surroundings.clone(),
            peeked,
            progress.clone(),
            false,
        );
        let mut streams = streams.without_waiting();
        let open = change.open(&running, &mut streams);
        let open = open.map_err(|error| refused(&error, request))?;
        let plan = compile(&request.name, &request.program, &environment);
        let plan = plan.map_err(|diagnostic| wrong(&diagnostic, &request.name, &request.program))?;
        let written = plan.targets().filter_map(|(target, _)| match target {
            Target::Path(path) => Some(PathBuf::from(OsStr::from_bytes(path))),
            Target::Stdout | Target::Stderr => None,
        });
        let written: Vec<PathBuf> = written.collect();
        let read: Vec<PathBuf> = plan.inputs().map(|input| PathBuf::from(path_of(input))).collect();
        let (opened, live, request) = (streams.into_opened(), self.clone(), request.clone());
        let apply: Apply = Box::new(move |network| {
            live.go_alone();
            let outcome = live.apply(network, open, opened, &request);
            live.shared.surroundings.outputs.lock().forget_over();
            outcome?;
            // What is not written any more may be written by a program to come.
            live.shared.opened.lock().retain(&read, &written);
            Ok(())
        });
        Ok(Change {
            changes,
            apply: Some(apply),
        })
    }
}

impl Live {
    /// The request with the program that it means.
    fn meant(&self, request: &RewireRequest) -> Result<RewireRequest, Problem> {
        if !request.undo {
            return Ok(request.clone());
        }
        let before = self.shared.before.lock();
        let Some((name, program)) = before.last() else {
            let message =
                "there is no program before this one: the run has not been rewired, or has been taken back";
            return Err(Problem::new(ProblemKind::Failed, message.to_owned()));
        };
        Ok(RewireRequest {
            name: name.clone(),
            program: program.clone(),
            ..request.clone()
        })
    }

    /// Remembers the program that has been changed to another one, or forgets the one that it was changed back to.
    fn remember(&self, old: &Running, request: &RewireRequest) {
        let mut before = self.shared.before.lock();
        if request.undo {
            before.pop();
        } else if old.source() != request.program {
            if before.len() == PROGRAMS_KEPT {
                before.remove(0);
            }
            before.push((old.source_name().to_owned(), old.source().to_owned()));
        }
    }

    fn apply(
        &self,
        network: &mut Network,
        change: cutthrough_lang::OpenChange,
        opened: Opened,
        request: &RewireRequest,
    ) -> Result<(), Problem> {
        let failed = |message: String| Problem::new(ProblemKind::Failed, message);
        let mut known = self.shared.opened.lock();
        opened.check(&known).map_err(failed)?;
        let mut running = self.running();
        change
            .apply(&mut running, network)
            .map_err(|error| refused(&error, request))?;
        self.remember(&self.seen(), request);
        *self.shared.seen.lock() = Arc::new(running.clone());
        known.add(opened);
        Ok(())
    }
}

fn wrong(diagnostic: &Diagnostic, source_name: &str, source: &str) -> Problem {
    Problem::new(ProblemKind::Wrong, diagnostic.render(source_name, source, false))
}

fn refused(error: &BuildError, request: &RewireRequest) -> Problem {
    if error.has_place() {
        wrong(&error.diagnostic(), &request.name, &request.program)
    } else {
        Problem::new(ProblemKind::Failed, error.to_string())
    }
}
