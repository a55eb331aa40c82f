//! Another program for a network that runs.

use anyhow::anyhow;
use cutthrough_control::message::{Request, Response, RewireRequest};

use super::{Failure, Name, Outcome, Patient, RewireArgs, connect, unexpected};
use crate::program::Program;
use crate::terminal;

pub(super) fn rewire(args: &RewireArgs) -> Outcome {
    let (network, program) = match (&args.expression, &args.file) {
        (Some(text), _) => (args.network.clone(), Program::Text(text.clone())),
        (None, Some(file)) => (args.network.clone(), Program::File(file.clone())),
        // The only word is the file: the only network is meant.
        (None, None) => (
            Name { name: String::new() },
            Program::File(args.network.name.clone().into()),
        ),
    };
    let (name, program) = program
        .read()
        .map_err(|message| Failure::Wrong(format!("error: {message}\n")))?;
    let mut client = connect(&network)?;
    let request = Request::Rewire(RewireRequest {
        name,
        program,
        plan_only: args.plan,
    });
    let patient = Patient::new(&client, &args.wait, "the rewire is applied");
    let Response::Rewired(rewired) = patient.request(&mut client, &request)? else {
        return Err(unexpected());
    };
    if rewired.changes.is_empty() {
        terminal::say("nothing changes\n");
    }
    if rewired.applied == args.plan {
        return Err(anyhow!("the network has done something else than it was asked for").into());
    }
    let lines = rewired.changes.iter().map(|change| format!("{change}\n"));
    Ok(crate::terminal::print(&lines.collect::<String>())?)
}
