//! The run's socket: by it `ps`, `top`, `tap` and the like reach this run.

use std::sync::Arc;
use std::time::Duration;

use cutthrough::Network;
use cutthrough_control::limits::NAME_BYTES_MAX;
use cutthrough_control::{ErrorKind, Options, Server};

use crate::args::Request;
use crate::interrupt::Interrupt;
use crate::live::Live;
use crate::program::Program;
use crate::surroundings::Surroundings;
use crate::terminal;

/// How often the network looks for requests while clients take what is theirs.
const LOOKS_EVERY: Duration = Duration::from_millis(1);

/// Opens the network to others, unless that is not wanted or not possible. Who has asked for
/// it by name is told of that.
///
/// # Errors
/// When the name that was asked for is none, or in use.
pub(crate) fn serve(
    request: &Request,
    source: &str,
    network: &mut Network,
    live: &Live,
    surroundings: &Surroundings,
) -> Result<Option<Server>, cutthrough_control::Error> {
    let options = &request.options;
    if options.no_control {
        return Ok(None);
    }
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| default_name(&request.program));
    let (interrupt, activity) = (surroundings.interrupt.clone(), surroundings.activity.clone());
    let served = Options::new(&name)
        .program(source)
        .wake(move || interrupt.wake())
        .activity(move || activity.told())
        .commands(Arc::new(live.clone()))
        .serve(network);
    match served {
        Ok(server) => Ok(Some(server)),
        Err(error) if matches!(error.kind(), ErrorKind::Name | ErrorKind::NameInUse) => Err(error),
        // Whatever else is wrong, the run is worth more than being seen.
        Err(error) => {
            tracing::warn!(%error, "this run cannot be reached");
            if let Some(name) = &options.name {
                terminal::say(&format!(
                    "warning: this run cannot be reached as `{name}`, and goes on without its socket: {error}\n"
                ));
            }
            Ok(None)
        }
    }
}

/// Closes the network to others. It answers until its clients have what is theirs: as long as
/// they take something, where taps are complete, unless the user asks to stop.
pub(crate) fn end(server: Option<Server>, network: &mut Network, interrupt: &Interrupt) {
    let Some(mut server) = server else { return };
    server.begin_end();
    while server.has_clients() {
        if interrupt.is_requested() {
            server.hurry_end();
        }
        // What has failed before is reported by who runs it.
        let _ = network.run_steps(u64::MAX);
        std::thread::sleep(LOOKS_EVERY);
    }
}

/// What a run is called unless it is told: by its program's file or its first word, with
/// the number of the OS process.
fn default_name(program: &Program) -> String {
    let stem = match program {
        Program::File(path) => path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        Program::Text(text) => text.split_whitespace().next().unwrap_or_default().to_owned(),
    };
    let plain = stem.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_');
    let plain: String = plain.take(NAME_BYTES_MAX / 2).collect();
    let plain = if plain.is_empty() { "run" } else { plain.as_str() };
    format!("{plain}-{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_program_gives_a_name() {
        let long = "x".repeat(1000);
        for (text, begins) in [
            ("parse clf | head 1", "parse-"),
            ("", "run-"),
            ("ä=read", "read-"),
            (long.as_str(), "xxxx"),
        ] {
            let name = default_name(&Program::Text(text.to_owned()));
            cutthrough_control::directory::check_name(&name).unwrap();
            assert!(name.starts_with(begins), "{name}");
        }
        let name = default_name(&Program::File("/a/report.v2.flow".into()));
        assert!(name.starts_with("reportv2-"), "{name}");
    }
}
