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
//! | [`job`] | one run, from the program's text to the exit code |
//! | [`activity`] | what the run is inside of, and how many bytes have come and gone |
//! | [`control`] | the socket by which others reach this run |
//! | [`streams`] | what the program reads and writes: the [`cutthrough_lang::Io`] of a shell |
//! | [`input`] | several files as one reader, and their beginnings |
//! | [`follow`] | files that are read on as they grow |
//! | [`decompress`] | inputs that are compressed |
//! | [`live`] | the program while it runs: taps, and changes to another one |
//! | [`output`] | files and standard streams as writers |
//! | [`dump`] | what would be run, as text |
//! | [`interrupt`] | SIGINT, SIGTERM and SIGHUP: once to end the inputs, twice to end at once |
//! | [`progress`] | the line that shows how far it has come |
//! | [`summary`] | what there is to say afterwards |
//! | [`units`] | numbers for people |
//! | [`reference`] | help on the language, completions, the man page |
//! | [`perf`] | what `perf` is told of native code |
//! | [`remote`] | networks that run in other OS processes: `ps`, `top`, `graph`, `dump`, `tap`, `rewire` |
//! | [`terminal`] | what is a terminal, colours, messages |
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
mod control;
mod decompress;
mod dump;
mod follow;
mod input;
mod interrupt;
mod job;
mod live;
mod output;
mod perf;
mod progress;
mod reference;
mod remote;
mod streams;
mod summary;
mod terminal;
mod units;

use std::process::ExitCode;

use args::Asked;

fn main() -> ExitCode {
    let asked = args::parse();
    terminal::log_to_stderr(asked.color());
    let request = match asked {
        Asked::Run(request) => request,
        Asked::Text(text) => return job::print(&text).map_or(job::End::Failed, |end| end).into(),
        Asked::Remote(line) => return remote::run(&line).into(),
    };
    match job::run(&request) {
        Ok(end) => end.into(),
        Err(error) => {
            terminal::complain_of(request.options.color, &error);
            job::End::Failed.into()
        }
    }
}
