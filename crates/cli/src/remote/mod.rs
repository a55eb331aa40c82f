//! Networks that run in other OS processes: looking at them, changing them.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the commands, and what they have in common |
//! | `ps.rs` | which networks run |
//! | `top.rs` | one of them, as it runs |
//! | `graph.rs` | its wiring |
//! | `rates.rs` | what two reports say of the time between them |
//! | `grid.rs` | columns of text |
//! | `why.rs` | why it is as fast as it is |
//! | `tap.rs`, `rewire.rs` | what passes a flow point; another program |

mod graph;
mod grid;
mod ps;
mod rates;
mod rewire;
mod tap;
mod top;
mod why;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cutthrough_control::client::{Client, RequestError, find};
use cutthrough_control::message::{DumpRequest, DumpStage, ProblemKind, Request, Response, Welcome};
use cutthrough_control::view::{Call, Snapshot};
use cutthrough_control::{Directory, Error};
use cutthrough_lang::ast::OutputFormat;

use crate::dump::Stage;
use crate::end::End;
use crate::format::output_format;
use crate::terminal::{self, Color};

/// Runs `cutthrough`'s commands about networks that run.
#[derive(Debug, Parser)]
#[command(name = "cutthrough", bin_name = "cutthrough", version)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Colours in messages
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", global = true)]
    pub(crate) color: Color,
}

/// What can be done with networks that run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists the running networks of this user
    Ps,
    /// Shows a running network: what moves, what is native, who waits for whom
    Top(TopArgs),
    /// Prints the wiring of a running network
    Graph(GraphArgs),
    /// Prints a chain of a running network on its way to machine code
    Dump(DumpArgs),
    /// Prints what passes a flow point of a running network
    Tap(TapArgs),
    /// Changes a running network to another program
    Rewire(RewireArgs),
}

/// Which network: its name, the beginning of it, or its OS process's number.
#[derive(Clone, Debug, Args)]
pub(crate) struct Name {
    /// The network's name, the beginning of it, or its OS process's number; see `cutthrough ps`.
    /// Not needed if only one runs
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    pub(crate) network: Name,
    /// Print one table and end, as is done where the output is no terminal
    #[arg(long)]
    pub(crate) once: bool,
    /// Seconds between two looks
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    pub(crate) every: f64,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) network: Name,
    /// Text for people, `dot` for Graphviz, or JSON with everything that is known
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub(crate) format: GraphFormat,
}

/// How a graph is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Text,
    Dot,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct DumpArgs {
    #[command(flatten)]
    pub(crate) network: Name,
    /// The process at the chain's root: its name, the beginning of it, or `#1` for the first
    #[arg(default_value = "#1")]
    pub(crate) chain: String,
    /// Which stages
    #[arg(value_enum, value_delimiter = ',', value_name = "STAGE,...")]
    pub(crate) stages: Vec<Stage>,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Debug, Args)]
pub(crate) struct TapArgs {
    #[command(flatten)]
    pub(crate) network: Name,
    /// The flow point; without it, the flow points are listed
    pub(crate) flow: Option<String>,
    /// What its elements go through, such as `where status >= 500 | head 10`
    #[arg(default_value = "")]
    pub(crate) pipeline: String,
    /// Miss nothing: the flow waits for this tap. Otherwise the tap misses what it cannot take
    #[arg(long)]
    pub(crate) complete: bool,
    /// The format of what is printed
    #[arg(short = 'o', long, value_parser = output_format(), value_name = "FORMAT")]
    pub(crate) format: Option<OutputFormat>,
    /// Tap again and again for so long each, as in `1s`, and show what the last one gave in place of the one before:
    /// an aggregate as a table that lives
    #[arg(long, value_parser = interval, value_name = "DURATION")]
    pub(crate) every: Option<Duration>,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Debug, Args)]
pub(crate) struct RewireArgs {
    #[command(flatten)]
    pub(crate) network: Name,
    /// The file that has the program to change to
    #[arg(required_unless_present_any = ["expression", "name", "edit", "undo"])]
    #[arg(conflicts_with_all = ["expression", "edit", "undo"])]
    pub(crate) file: Option<PathBuf>,
    /// The program to change to, instead of a file
    #[arg(short = 'e', value_name = "PROGRAM")]
    pub(crate) expression: Option<String>,
    /// Edit the program that runs, by `$VISUAL` or `$EDITOR`, and change to what comes of it
    #[arg(long, conflicts_with_all = ["expression", "undo"])]
    pub(crate) edit: bool,
    /// Change back to the program before
    #[arg(long, conflicts_with = "expression")]
    pub(crate) undo: bool,
    /// Only print what would change
    #[arg(long)]
    pub(crate) plan: bool,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// What to do while the network does not come to a request.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Wait {
    /// Wait as long as it takes, should the network be stuck: writing to a reader that takes nothing, say
    #[arg(long)]
    pub(crate) wait: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.1 to 3600".to_owned()),
    }
}

/// `1s`, `500ms`, or a number of seconds.
fn interval(text: &str) -> Result<Duration, String> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let number = number.parse::<f64>().unwrap_or(f64::NAN);
    seconds(&(number * scale).to_string())
        .map(Duration::from_secs_f64)
        .map_err(|message| format!("{message}, as in `1s` or `500ms`"))
}

/// Does what the command says.
pub(crate) fn run(line: &CommandLine) -> End {
    let outcome = match &line.command {
        Command::Ps => ps::ps(),
        Command::Top(args) => top::top(args),
        Command::Graph(args) => graph::graph(args),
        Command::Dump(args) => dump(args),
        Command::Tap(args) => tap::tap(args),
        Command::Rewire(args) => rewire::rewire(args),
    };
    match outcome {
        Ok(end) => end,
        Err(Failure::Wrong(message)) => {
            // The network has rendered it, with the place in the program.
            terminal::say(&message);
            End::Wrong
        }
        Err(Failure::Failed(error)) => {
            terminal::complain_of(line.color, &error);
            End::Failed
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
enum Failure {
    /// The pipeline or program is wrong; the message says it all.
    Wrong(String),
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Failed(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Failed(error.into())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Failure {
        match error {
            RequestError::Refused(problem) if problem.kind == ProblemKind::Wrong => {
                Failure::Wrong(problem.message)
            }
            error => Failure::Failed(error.into()),
        }
    }
}

type Outcome = Result<End, Failure>;

/// Connects to the network that is meant.
fn connect(network: &Name) -> Result<Client, Failure> {
    let directory = Directory::of_user()?;
    let name = find(&directory, &network.name)?;
    Ok(Client::connect(&directory, &name)?)
}

/// How long a request waits for a network that does not come to it, unless it is to wait
/// as long as it takes.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a silent network is doing.
fn silence(silent_ms: u64, call: Option<&Call>) -> String {
    let seconds = |ms: u64| ms as f64 / 1000.0;
    match call {
        Some(call) => format!("{} for {:.1} s", call.what, seconds(call.for_ms)),
        None => format!("inside one step for {:.1} s", seconds(silent_ms)),
    }
}

/// What a network is doing that does not answer; nothing if it does.
fn silence_of(snapshot: &Snapshot) -> Option<String> {
    let call = snapshot
        .activity
        .as_ref()
        .and_then(|activity| activity.call.as_ref());
    snapshot.silent_ms.map(|silent_ms| silence(silent_ms, call))
}

/// A request that the network may come to only later.
struct Patient {
    network: String,
    /// What is done when it comes to it.
    what: &'static str,
    waits: bool,
    /// What the network was doing when it was asked last.
    doing: String,
}

impl Patient {
    fn new(client: &Client, wait: &Wait, what: &'static str) -> Patient {
        Patient {
            network: client.welcome().name.clone(),
            what,
            waits: wait.wait,
            doing: String::new(),
        }
    }

    fn patience(&self) -> Option<Duration> {
        (!self.waits).then_some(PATIENCE)
    }

    /// Tells the user that the request waits.
    fn note(&mut self, interim: &Response) {
        if let Response::Pending(pending) = interim {
            self.doing = silence(pending.silent_ms, pending.call.as_ref());
            let Patient {
                network, what, doing, ..
            } = self;
            terminal::say(&format!(
                "pending: `{network}` is {doing}; {what} when that returns\n"
            ));
        }
    }

    fn request(mut self, client: &mut Client, request: &Request) -> Result<Response, Failure> {
        let outcome = client.request_within(request, self.patience(), |interim| {
            self.note(interim);
            true
        });
        outcome.map_err(|error| match error {
            RequestError::Refused(problem) if problem.kind == ProblemKind::Withdrawn => self.gave_up(),
            error => error.into(),
        })
    }

    fn gave_up(&self) -> Failure {
        let Patient { network, doing, .. } = self;
        Failure::Failed(anyhow::anyhow!(
            "`{network}` is stuck: it was {doing} when it was asked, and that has not returned since; nothing was done (`--wait` waits for it; `cutthrough top {network}` shows it)"
        ))
    }
}

fn dump(args: &DumpArgs) -> Outcome {
    let mut client = connect(&args.network)?;
    let all = [Stage::Chain, Stage::Plan, Stage::Ir, Stage::Clif, Stage::Asm];
    let wanted = |stage: &Stage| args.stages.is_empty() || args.stages.contains(stage);
    let stages = all.into_iter().filter(wanted).map(|stage| match stage {
        Stage::Chain => DumpStage::Chain,
        Stage::Plan => DumpStage::Plan,
        Stage::Ir => DumpStage::Ir,
        Stage::Clif => DumpStage::Clif,
        Stage::Asm => DumpStage::Asm,
    });
    let request = Request::Dump(DumpRequest {
        chain: args.chain.clone(),
        stages: stages.collect(),
    });
    let patient = Patient::new(&client, &args.wait, "the chain is dumped");
    let Response::Dump(dump) = patient.request(&mut client, &request)? else {
        return Err(unexpected());
    };
    let parts = dump.parts.iter();
    let parts = parts.map(|(stage, text)| format!("; {stage} of `{}`\n{}\n", dump.root, text.trim_end()));
    Ok(crate::terminal::print(&parts.collect::<String>())?)
}

/// The lines of what a network runs, as far as they are shown, without what would move a terminal's cursor.
fn program_lines(welcome: &Welcome) -> Vec<String> {
    const LINES_SHOWN: usize = 12;
    let printable = |line: &str| -> String {
        line.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect()
    };
    let mut lines: Vec<String> = welcome.program.trim_end().lines().map(printable).collect();
    if lines.len() > LINES_SHOWN {
        lines.truncate(LINES_SHOWN - 1);
        lines.push("…".to_owned());
    }
    lines
}

fn unexpected() -> Failure {
    Failure::Failed(anyhow::anyhow!("the network has answered something else"))
}
