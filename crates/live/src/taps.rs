//! Taps of a network that no program text tells of.

use std::sync::Arc;

use cutthrough_control::message::{Problem, ProblemKind, RewireRequest, TapRequest};
use cutthrough_control::{Attach, Change, Commands, Step, Waker};
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{Diagnostic, TapOptions, TapPlan, TapPoint, TapPolicy};

use crate::pumped::{Pump, Wake};

/// Taps of any network, by the names of its flow points. Only the network's thread knows
/// those: it is asked, the pipeline is checked and built on the server's thread, and then
/// attached.
#[derive(Clone)]
pub struct Taps {
    wake: Wake,
}

impl Default for Taps {
    /// For a network that is run all the time, or waits by
    /// [`Network::wait`](cutthrough::Network::wait): the requests of a tap wake it.
    fn default() -> Taps {
        Taps::new(|| {})
    }
}

impl Taps {
    /// For a network that waits for something else than its handle: `wake` is called
    /// from a tap's thread whenever the network is asked something. It must not block.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Taps {
        Taps { wake: Arc::new(wake) }
    }
}

impl Commands for Taps {
    fn tap(&self, request: &TapRequest, waker: &Waker) -> Result<Attach, Problem> {
        let options = options_of(request)?;
        let (request, waker, wake) = (request.clone(), waker.clone(), Arc::clone(&self.wake));
        Ok(Box::new(move |network| {
            let point = TapPoint::named(network, &request.flow);
            let point = point.map_err(|error| Problem::new(ProblemKind::NotThere, error.to_string()))?;
            Ok(Step::Known(Box::new(move || {
                attach(&point, &request, &options, waker, wake)
            })))
        }))
    }

    fn program(&self) -> String {
        String::new()
    }

    fn rewire(&self, _request: &RewireRequest) -> Result<Change, Problem> {
        let message = "this network cannot be changed to another program: it was wired by the program \
                       that runs it, not from a text; change it there, by `Network::rewire`";
        Err(Problem::new(ProblemKind::Unsupported, message))
    }
}

/// Checks and builds a tap, on the server's thread; what attaches it on the network's.
///
/// # Errors
/// When the pipeline is wrong, or the system has no thread for it.
pub fn attach(
    point: &TapPoint,
    request: &TapRequest,
    options: &TapOptions,
    waker: Waker,
    wake: Wake,
) -> Result<Attach, Problem> {
    let plan = TapPlan::compile(point, &request.pipeline, options);
    let plan = plan.map_err(|diagnostic| wrong_pipeline(&diagnostic, request))?;
    let pump = Pump::start(waker, wake)?;
    Ok(Box::new(move |network| {
        Ok(Step::Attached(Box::new(pump.attach(plan, network)?)))
    }))
}

/// How a flow is to be tapped.
///
/// # Errors
/// When there is no such format.
pub fn options_of(request: &TapRequest) -> Result<TapOptions, Problem> {
    Ok(TapOptions {
        policy: if request.complete {
            TapPolicy::Complete
        } else {
            TapPolicy::Lossy
        },
        format: format_of(request.format.as_deref())?,
        ..TapOptions::default()
    })
}

/// What is wrong with a tap's pipeline, with its place.
fn wrong_pipeline(diagnostic: &Diagnostic, request: &TapRequest) -> Problem {
    let text = diagnostic.render("the tap's pipeline", &request.pipeline, false);
    Problem::new(ProblemKind::Wrong, text)
}

fn format_of(name: Option<&str>) -> Result<OutputFormat, Problem> {
    let Some(name) = name else {
        return Ok(OutputFormat::Text);
    };
    OutputFormat::from_name(name).ok_or_else(|| {
        let formats = OutputFormat::ALL.map(OutputFormat::name).join(", ");
        let message = format!("there is no format `{name}`; there are {formats}");
        Problem::new(ProblemKind::Unsupported, message)
    })
}
