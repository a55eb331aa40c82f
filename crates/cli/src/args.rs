//! The command line.
//!
//! The first word decides. A pipeline is never one of the reserved words alone, so
//! `run` and the commands to come need no mark of their own; files of such names are
//! ordinary inputs, as those come later.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory, Parser, ValueEnum};
use clap_complete::Shell;
use cutthrough_lang::ast::OutputFormat;
use cutthrough_lang::{VERBS, suggest};

use crate::dump::Stage;
use crate::format::output_format;
use crate::perf::Perf;
use crate::program::Program;
use crate::progress::Wanted;
use crate::reference;
use crate::remote::CommandLine;
use crate::split::PART_BYTES_MIN;
use crate::terminal::Color;

/// First words that are commands about networks that run: none is a pipeline.
const REMOTE: [&str; 6] = ["ps", "top", "graph", "dump", "tap", "rewire"];

/// All commands, for messages.
const COMMANDS: [&str; 12] = [
    "run",
    "check",
    "explain",
    "ps",
    "top",
    "graph",
    "dump",
    "tap",
    "rewire",
    "help",
    "completions",
    "man",
];

const EXAMPLES: &str = "\
Examples:
  cutthrough 'parse clf | where status >= 500 | summarize n = count() by path | top 10 by n' access.log
  tail -f access.log | cutthrough 'parse clf | where status >= 500 | select time, path, status'
  cutthrough -o csv 'parse csv(sep=\";\", columns=\"station:text,temp:float\") | summarize avg(temp) by station' brc.txt
  cutthrough run report.flow access.log        a program from a file; its names are flow points
  cutthrough --dump chain,asm 'parse clf | where status >= 500'
  cutthrough explain 'parse clf | where status >= 500'        says what it does, and the types at each step
  cutthrough check run report.flow             only says what is wrong
  cutthrough help functions                    or stages, or the name of one
  cutthrough completions bash                  or zsh, fish, ...; `cutthrough man` is the man page

While it runs, from another terminal:
  cutthrough ps                                lists what runs
  cutthrough top NAME                          shows what moves, what is native, who waits for whom
  cutthrough graph NAME                        prints the wiring
  cutthrough dump NAME CHAIN chain,asm         prints the code
  cutthrough tap NAME                          lists the flow points with their columns
  cutthrough tap NAME FLOW 'where status >= 500 | head 10'    prints what passes a flow point
  cutthrough rewire NAME FILE.flow             changes it to another program, or with -e to the one given
If only one runs, `top`, `graph`, `dump`, `tap` and `rewire` need no NAME where nothing else is said.
`cutthrough help top` and so on has the options of each.

Without INPUT, the standard input is read, as with `-`. Several inputs are read one after another, as one.

Exit codes: 0 done (also when the reader of the output went away, as `head` does), 1 failed,
2 wrong usage or program,
130, 143, 129 stopped by Ctrl-C, SIGTERM, SIGHUP: what was held has come out. The second of them ends it at once.

Environment: CUTTHROUGH_LOG=debug shows what the runtime does; NO_COLOR turns colours off.";

/// Runs a pipeline over files or the standard input, compiled to native code.
#[derive(Debug, Parser)]
#[command(
    name = "cutthrough",
    version,
    override_usage = "cutthrough [OPTIONS] 'PIPELINE' [INPUT...]\n       cutthrough [OPTIONS] run FILE.flow [INPUT...]",
    after_help = EXAMPLES
)]
pub(crate) struct Line {
    /// The pipeline, or `run` and the file that has the program
    #[arg(value_name = "PIPELINE")]
    program: String,

    /// What to read, instead of the standard input; `-` is the standard input
    #[arg(value_name = "INPUT")]
    inputs: Vec<OsString>,

    #[command(flatten)]
    options: Options,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// To run a program.
    Run(Box<Request>),
    /// A text about the tool itself.
    Text(String),
    /// How it is called, or its version.
    Help(StyledStr),
    /// Something about networks that run.
    Remote(CommandLine),
}

impl Asked {
    /// Whether there are colours in messages.
    pub(crate) fn color(&self) -> Color {
        match self {
            Asked::Run(request) => request.options.color,
            Asked::Remote(line) => line.color,
            Asked::Text(_) | Asked::Help(_) => Color::Auto,
        }
    }
}

/// What holds for all commands.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How it is run: native code, or the interpreter, which gives the same
    #[arg(long, value_enum, default_value_t = Engine::Jit)]
    pub(crate) engine: Engine,

    /// Print what would be run, at these stages, instead of running it
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STAGE,...")]
    pub(crate) dump: Vec<Stage>,

    /// No summary and no progress; errors are still shown, and what was left out of the input
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Show the progress also where the output goes into a pipe
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) progress: bool,

    /// Fail at the first bad row, as with `--max-bad 0`
    #[arg(long, conflicts_with = "max_bad")]
    strict: bool,

    /// Fail when there are more bad rows than this [default: they are left out, counted and reported]
    #[arg(long, value_name = "N")]
    max_bad: Option<u64>,

    /// How many threads share the work, where large files are summarised [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,

    /// The least that a thread is given to read, in bytes
    #[arg(long, value_name = "N", hide = true, default_value_t = PART_BYTES_MIN)]
    pub(crate) part_bytes: u64,

    /// Tell `perf` what the native code is, by /tmp/perf-PID.map or by jit-PID.dump there
    #[arg(long, value_enum, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "map")]
    pub(crate) perf: Option<Perf>,

    /// What the run is called while it runs [default: from the program and its number]
    #[arg(long, conflicts_with = "no_control")]
    pub(crate) name: Option<String>,

    /// Open no socket: `ps`, `top`, `tap` and the like do not reach this run
    #[arg(long)]
    pub(crate) no_control: bool,

    /// Colours in messages
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,

    /// The format of output for which the program names none [default: table
    /// on a terminal, else text: fields with tabs between them]
    #[arg(short = 'o', long, value_parser = output_format(), value_name = "FORMAT")]
    pub(crate) format: Option<OutputFormat>,

    /// What null is written as, but in JSON [default: nothing; on a terminal -]
    #[arg(long, value_name = "TEXT")]
    pub(crate) null: Option<String>,
}

impl Options {
    /// Whether there is to be a progress line.
    pub(crate) fn progress(&self) -> Wanted {
        match (self.quiet, self.progress) {
            (true, _) => Wanted::No,
            (false, true) => Wanted::Yes,
            (false, false) => Wanted::Auto,
        }
    }

    /// How many bad rows there may be.
    pub(crate) fn bad_rows_max(&self) -> Option<u64> {
        if self.strict { Some(0) } else { self.max_bad }
    }
}

/// What runs the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Native code, compiled while the interpreter begins.
    Jit,
    /// The interpreter alone.
    Interpreter,
}

/// What a program is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be run, or dumped.
    Run,
    /// To be checked.
    Check,
    /// To be told in words.
    Explain,
}

/// What the command line asks for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) purpose: Purpose,
    pub(crate) program: Program,
    pub(crate) inputs: Vec<OsString>,
    pub(crate) options: Options,
}

/// Reads the command line. Ends the OS process where it asks for help or is wrong.
pub(crate) fn parse() -> Asked {
    let words: Vec<OsString> = std::env::args_os().collect();
    match asked_of(&words) {
        Ok(asked) => asked,
        // What was asked for has to arrive, whole.
        Err(error) if !error.use_stderr() => Asked::Help(error.render()),
        Err(error) => error.exit(),
    }
}

fn asked_of(words: &[OsString]) -> Result<Asked, clap::Error> {
    let is = |k: usize, what: &[&str]| words.get(k).is_some_and(|word| what.iter().any(|w| word == w));
    if is(1, &REMOTE) || (is(1, &["help"]) && is(2, &REMOTE)) {
        return CommandLine::try_parse_from(words).map(Asked::Remote);
    }
    match words.get(1).and_then(|word| word.to_str()) {
        Some("man") if words.len() == 2 => return Ok(Asked::Text(reference::man(whole()))),
        Some("completions") => return completions(words.get(2)).map(Asked::Text),
        Some("help") if words.len() == 3 && !is(2, &COMMANDS) => return topic(&words[2]).map(Asked::Text),
        _ => {}
    }
    let purpose = match () {
        () if is(1, &["check"]) => Purpose::Check,
        () if is(1, &["explain"]) => Purpose::Explain,
        () => Purpose::Run,
    };
    // What is to be checked is said as what is to be run.
    let skipped = usize::from(purpose != Purpose::Run);
    let line = words.iter().take(1).chain(words.iter().skip(1 + skipped));
    let request = request_of(Line::try_parse_from(line)?)?;
    Ok(Asked::Run(Box::new(Request { purpose, ..request })))
}

/// All commands as one, as completions and the man page need them.
fn whole() -> Command {
    let remote = CommandLine::command();
    let run = Options::augment_args(Command::new("run").about("Runs a program from a file"));
    Line::command()
        .subcommands(remote.get_subcommands().cloned())
        .subcommand(run)
        .subcommand(Command::new("check").about("Checks a program, and says what is wrong"))
        .subcommand(
            Command::new("explain")
                .about("Prints what a program does, with the types at each step, and its chains"),
        )
        .subcommand(Command::new("completions").about("Prints completions for a shell"))
        .subcommand(Command::new("man").about("Prints the man page"))
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
}

fn topic(word: &OsString) -> Result<String, clap::Error> {
    let topic = word.to_string_lossy();
    let text = reference::help(&topic);
    text.ok_or_else(|| Line::command().error(ErrorKind::InvalidSubcommand, reference::no_topic(&topic)))
}

fn completions(shell: Option<&OsString>) -> Result<String, clap::Error> {
    let shell = shell.and_then(|shell| shell.to_str());
    let known = shell.and_then(|shell| Shell::from_str(shell, true).ok());
    known
        .map(|shell| reference::completions(shell, whole()))
        .ok_or_else(|| {
            let shells: Vec<String> = Shell::value_variants().iter().map(Shell::to_string).collect();
            let message = format!("`completions` needs a shell: {}", shells.join(", "));
            Line::command().error(ErrorKind::InvalidValue, message)
        })
}

fn request_of(line: Line) -> Result<Request, clap::Error> {
    let Line {
        program,
        mut inputs,
        options,
    } = line;
    match program.as_str() {
        // As with `--help`: it goes to the standard output, and is no error.
        "help" => {
            Err(Line::try_parse_from(["cutthrough", "--help"])
                .expect_err("INVARIANT: help is told as an error"))
        }
        "run" if inputs.is_empty() => Err(Line::command().error(
            ErrorKind::MissingRequiredArgument,
            "`run` needs the file that has the program",
        )),
        "run" if inputs[0] == "-" => Err(Line::command().error(
            ErrorKind::InvalidValue,
            "`run` takes no program from the standard input, which is an input of the program; name a file, or give the text itself: `cutthrough 'PROGRAM'`",
        )),
        "run" => {
            let file = inputs.remove(0);
            Ok(Request {
                purpose: Purpose::Run,
                program: Program::File(file.into()),
                inputs,
                options,
            })
        }
        word if REMOTE.contains(&word) => {
            let message = format!("`{word}` is a command: it comes first, and its options after it");
            Err(Line::command().error(ErrorKind::InvalidSubcommand, message))
        }
        word if is_name(word) && !verbs().any(|verb| verb.eq_ignore_ascii_case(word)) => {
            Err(unknown_command(word))
        }
        _ => Ok(Request {
            purpose: Purpose::Run,
            program: Program::Text(program),
            inputs,
            options,
        }),
    }
}

/// The words that stages begin with.
fn verbs() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|(verb, _)| *verb)
}

/// Whether a program is one word: no pipeline, if that is no stage.
fn is_name(word: &str) -> bool {
    let mut characters = word.chars();
    characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || matches!(c, '.' | '/'))
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
}

/// What is not known, the nearest, and the way out.
fn unknown_command(word: &str) -> clap::Error {
    let known = COMMANDS.into_iter().chain(verbs());
    let mut message = format!("there is no command and no stage `{word}`");
    if std::path::Path::new(word).is_file() {
        message.push_str(&format!(
            "\n\n  tip: the program comes first: `cutthrough 'PIPELINE' {word}` reads that file; `cutthrough run {word}` runs the program in it"
        ));
    } else if let Some(help) = suggest::did_you_mean(word, known) {
        message.push_str(&format!("\n\n  tip: {help}"));
    }
    message.push_str(&format!(
        "\n\nCommands: {}\nStages: {}",
        COMMANDS.join(", "),
        verbs().collect::<Vec<&str>>().join(", ")
    ));
    Line::command().error(ErrorKind::InvalidSubcommand, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &[&str]) -> Result<Asked, ErrorKind> {
        let words = std::iter::once(&"cutthrough").chain(line).map(OsString::from);
        asked_of(&words.collect::<Vec<OsString>>()).map_err(|error| error.kind())
    }

    fn parse(line: &[&str]) -> Result<Request, ErrorKind> {
        match asked(line)? {
            Asked::Run(request) => Ok(*request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_commands_are_well_formed() {
        whole().debug_assert();
    }

    fn check(line: &[&str], program: &Program, inputs: &[&str]) {
        let request = parse(line).unwrap();
        assert_eq!(request.program, *program);
        assert_eq!(request.inputs, inputs);
    }

    #[test]
    fn the_first_word_decides() {
        let text = Program::Text("head 3".to_owned());
        check(&["head 3"], &text, &[]);
        check(&["head 3", "run", "-"], &text, &["run", "-"]);
        check(&["-q", "head 3", "a", "-o", "csv", "b"], &text, &["a", "b"]);
        let file = Program::File("a.flow".into());
        check(&["run", "a.flow"], &file, &[]);
        check(&["--color=never", "run", "-q", "a.flow", "run"], &file, &["run"]);
    }

    #[test]
    fn mistakes_are_refused() {
        assert_eq!(parse(&[]).unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(parse(&["run"]).unwrap_err(), ErrorKind::MissingRequiredArgument);
        assert_eq!(
            parse(&["-q", "top", "x"]).unwrap_err(),
            ErrorKind::InvalidSubcommand
        );
        assert_eq!(
            parse(&["top", "x", "--every", "0"]).unwrap_err(),
            ErrorKind::ValueValidation
        );
        assert_eq!(
            parse(&["--name", "a", "--no-control", "lines"]).unwrap_err(),
            ErrorKind::ArgumentConflict
        );
        assert_eq!(
            parse(&["--engine", "steam", "head 3"]).unwrap_err(),
            ErrorKind::InvalidValue
        );
        assert_eq!(
            parse(&["--dump", "ir,x", "head 3"]).unwrap_err(),
            ErrorKind::InvalidValue
        );
        assert_eq!(parse(&["help"]).unwrap_err(), ErrorKind::DisplayHelp);
        assert_eq!(parse(&["help", "tap"]).unwrap_err(), ErrorKind::DisplayHelp);
    }

    #[test]
    fn commands_come_first() {
        for line in [
            &["ps"][..],
            &["top", "n", "--once"],
            &["graph", "n", "--format", "dot"],
            &["dump", "n", "read", "ir,asm"],
            &["dump", "n"],
            &["tap", "n", "f"],
            &["tap", "n", "f", "head 3", "--complete", "-o", "json"],
            &["rewire", "n", "a.flow", "--plan", "--color", "never"],
        ] {
            assert!(matches!(asked(line), Ok(Asked::Remote(_))), "{line:?}");
        }
        CommandLine::command().debug_assert();
        assert_eq!(parse(&["--perf", "lines"]).unwrap().options.perf, Some(Perf::Map));
        assert_eq!(
            parse(&["--perf=jitdump", "lines"]).unwrap().options.perf,
            Some(Perf::Jitdump)
        );
        // Inputs may be called so.
        check(&["head 3", "ps"], &Program::Text("head 3".to_owned()), &["ps"]);
    }

    #[test]
    fn stages_are_listed() {
        assert_eq!(
            parse(&["--dump", "ir,asm", "lines"]).unwrap().options.dump,
            [Stage::Ir, Stage::Asm]
        );
        Line::command().debug_assert();
    }
}
