//! The `cutthrough` command: text to network, run once, from files to the terminal; and
//! commands about networks that run.
//!
//! # Bird's-eye view
//! ```text
//! args --> program text --lang--> plan --build--> network --run--> exit code
//!                                   \-- Streams: files, stdin, stdout (the plan's `Io`)
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`args`] | the command line |
//! | [`program`], [`format`] | the program's text; formats of output as options |
//! | [`reference`] | help on the language, completions, the man page |
//! | [`job`] | one run, from the program's text to the exit code |
//! | [`live`] | the program while it runs: taps, and changes to another one |
//! | [`control`] | the socket by which others reach this run |
//! | [`streams`] | what the program reads and writes: the [`cutthrough_lang::Io`] of a shell |
//! | [`input`] | several files as one reader, and their beginnings |
//! | [`follow`] | files that are read on as they grow |
//! | [`compress`], [`decompress`] | outputs and inputs that are compressed |
//! | [`output`], [`outputs`] | files and standard streams as writers; all that a run writes |
//! | [`replacement`] | files that are written whole or not at all |
//! | [`files`] | files by name and identity |
//! | [`split`] | a run on several threads, each with a part of the inputs |
//! | [`surroundings`] | what readers and writers have in common, and how the run waits |
//! | [`activity`] | what the run is inside of, and how many bytes have come and gone |
//! | [`interrupt`] | SIGINT, SIGTERM and SIGHUP: once to end the inputs, twice to end at once |
//! | [`end`] | how the tool ends |
//! | [`dump`], [`perf`] | what would be run, as text; what `perf` is told of native code |
//! | [`progress`], [`summary`] | the line that shows how far it has come; what there is to say afterwards |
//! | [`remote`] | networks that run in other OS processes: `ps`, `top`, `graph`, `dump`, `tap`, `rewire` |
//! | [`memory`] | how much one stage may keep |
//! | [`terminal`], [`units`] | what is a terminal, colours, messages; numbers for people |
//!
//! # Exit codes
//! | code | meaning |
//! |---|---|
//! | 0 | done; also when the reader of the standard output went away, as `head` does |
//! | 1 | a failure at run time: a file that is not there, a full disk, a process that failed |
//! | 2 | the command line or the program is wrong; nothing was run |
//! | 130, 143, 129 | stopped by SIGINT, SIGTERM, SIGHUP |
//!
//! Errors are carried by `anyhow` here and nowhere below: nobody calls a command to
//! look into its errors.

#![forbid(unsafe_code)]

mod activity;
mod args;
mod compress;
mod control;
mod decompress;
mod dump;
mod end;
mod files;
mod follow;
mod format;
mod input;
mod interrupt;
mod job;
mod live;
mod memory;
mod output;
mod outputs;
mod perf;
mod program;
mod progress;
mod reference;
mod remote;
mod replacement;
mod split;
mod streams;
mod summary;
mod surroundings;
mod terminal;
mod units;

use std::process::ExitCode;

use args::Asked;
use end::End;
use terminal::Color;

fn main() -> ExitCode {
    let asked = args::parse();
    terminal::log_to_stderr(asked.color());
    let request = match asked {
        Asked::Run(request) => request,
        Asked::Text(text) => return say(&text),
        Asked::Help(text) if terminal::stdout_has_color() => return say(&text.ansi().to_string()),
        Asked::Help(text) => return say(&text.to_string()),
        Asked::Remote(line) => return remote::run(&line).into(),
    };
    match job::run(&request) {
        Ok(end) => end.into(),
        Err(error) => {
            terminal::complain_of(request.options.color, &error);
            End::Failed.into()
        }
    }
}

/// Prints a text about the tool.
fn say(text: &str) -> ExitCode {
    let outcome = terminal::print(text).inspect_err(|error| terminal::complain_of(Color::Auto, error));
    outcome.unwrap_or(End::Failed).into()
}
