//! The pipeline language: text to a network, with one clear message when the text is wrong.
//!
//! # Bird's-eye view
//!
//! ```text
//! source text --lexer--> tokens --parser--> ast::Program --check--> Plan --lower--> processes of a Network
//!                  \________________\__________________________\____> Diagnostic --render--> what the user reads
//! ```
//!
//! [`compile`] goes from text to [`Plan`], and stops at the first error: one message that names the thing, the place
//! and the way out is worth more than that message and its consequences. [`Plan::build`] adds the plan's processes to
//! a network; what they read and write, an [`Io`] supplies.
//!
//! **Architecture invariant:** lexer and parser do not know which formats, functions or columns exist, nor their types.
//! They know the verbs and their grammar. A name is a name until the checker looks it up; `count` is an ordinary call.
//!
//! **Architecture invariant:** what can be wrong with a program is found by `check`. `lower` cannot fail but at bounds
//! of the network and where something cannot be opened.
//!
//! **Architecture invariant:** this crate opens no file. What is read and written are processes that it is given.
//!
//! **Architecture invariant:** whatever the input, nothing here panics or overflows the stack, and the front end works
//! in time linear in its length. [`limits`] holds the bounds that make this so.
//!
//! | module | what it holds |
//! |---|---|
//! | [`span`] | byte ranges of the source |
//! | [`diagnostic`] | one message with its place, and its rendering for a terminal |
//! | [`limits`] | every bound of the language |
//! | `lexer` | text to tokens, lazily; numbers with units, strings with escapes |
//! | [`ast`] | the syntax tree |
//! | `sexpr` | the `Display` of the syntax tree, as s-expressions |
//! | `parser` | tokens to tree: `stage` has the verbs, `expr` the expressions |
//! | [`suggest`] | "did you mean" |
//! | `check` | tree to typed plan: names, types, which columns are carried |
//! | `plan` | the plan, what it is compiled for, and its `Display` |
//! | `lower` | plan to processes: expressions to IR, host functions, names of flow points |
//! | `change` | a running program becomes another one |
//! | `lookup` | tables to look up in |
//! | `named` | functions that are a line of a table |
//! | `known` | what constants stand for, read once |
//! | `pattern` | regular expressions |
//! | `time` | times by calendars, zones and formats |
//! | `tap` | pipelines attached to a flow point of a running network |
//! | `split` | programs on several networks, each with a part of the input |
//! | `running` | a program that runs: which processes and flow points it has become |
//!
//! ```
//! let source = "parse clf | where status = 500";
//! let diagnostic = cutthrough_lang::parse_program(source).unwrap_err();
//! assert_eq!(diagnostic.label, "use `==` to compare");
//! print!("{}", diagnostic.render("the command line", source, true));
//!
//! let program = cutthrough_lang::parse_program("parse clf | where status == 500").unwrap();
//! assert_eq!(program.to_string(), "(| (parse clf) (where (== status 500)))\n");
//!
//! let environment = cutthrough_lang::Environment::default();
//! let plan = cutthrough_lang::compile("the command line", "parse clf | where status == 500 | select path", &environment);
//! assert!(plan.unwrap().to_string().contains("where (== status 500) -> remote: text"));
//! ```
//!
//! The reference for users is `docs/language.md`; what follows is the grammar.
//!
//! # The language
//!
//! ```text
//! program   := statement (newline | ';') statement ...
//! statement := NAME '=' pipeline | pipeline
//! pipeline  := (NAME | stage) ('|' stage)*
//! stage     := read INPUT, ... [follow]   INPUT := "path" | -        first stage only
//!            | lines
//!            | parse FORMAT [(["text" | /pattern/,] key=literal, ...)] [else NAME | else (stage | ...)]
//!            | where EXPR
//!            | set NAME = EXPR, ...
//!            | select ITEM, ...           ITEM := [NAME =] EXPR
//!            | head [N] | tail [N] | skip N
//!            | explode NAME [= EXPR] [as TYPE] | fill NAME, ... | sample N | sample P%
//!            | generate [N] [every DURATION]                         first stage only
//!            | lookup "path" on NAME [= EXPR]
//!            | top N by EXPR [asc|desc]                              descending unless said otherwise
//!            | drop NAME, ... | rename NAME = NAME, ... | distinct [ITEM, ...] | count
//!            | sort EXPR [asc|desc], ...                             ascending unless said otherwise
//!            | summarize ITEM, ... [by ITEM, ...] [every DURATION [of EXPR [late DURATION]]]
//!            | write stdout|stderr|"path" [append] [as json|csv|tsv|text|table]   last stage only
//! ```
//!
//! From the loosest to the tightest, the operators are `or`; `and`; `not`; the comparisons `==` `!=` `<` `<=` `>`
//! `>=` `in (...)` `contains` `startswith` `endswith` `matches` (which do not chain, and of which the last five may be preceded
//! by `not`); `??`; `+` `-`; `*` `/` `//` `%`; unary `-`. All others associate to the left.
//!
//! An operand may be a path: a name and, behind it, `.key`, `[0]` or `["key"]`, as often as need be.
//!
//! A newline ends a statement, except within parentheses, before a line that starts with `|` or with a word that goes on
//! with what is before it (`by`, `else`, `and`, `every` and a number, ...), and after a `|`, a
//! comma, a `=` or an operator. `#` starts a comment.
//!
//! ## Names
//!
//! A name is letters, digits and `_`, not starting with a digit. Sixteen words are reserved everywhere ([`RESERVED`]):
//! a field of such a name is written in backquotes, `` `by` ``, as is one with other characters, `` `weird field` ``.
//! Verbs, formats and functions are not reserved: a field may be called `head` or `count`. Only a flow point of a
//! verb's name needs backquotes, since at the start of a pipeline the verb is meant.

#![forbid(unsafe_code)]

pub mod ast;
mod change;
mod check;
pub mod diagnostic;
mod known;
mod lexer;
pub mod limits;
mod lookup;
mod lower;
mod named;
mod parser;
mod pattern;
mod plan;
mod running;
mod sexpr;
pub mod span;
mod split;
pub mod suggest;
mod tap;
mod time;

pub use change::{Change, OpenChange};
pub use check::{AGGREGATES, FORMATS, FUNCTIONS, Function};
pub use diagnostic::Diagnostic;
pub use lower::{BuildError, Io};
pub use parser::{RESERVED, VERBS, parse_program};
pub use plan::{
    Begin, Beginning, Column, Environment, Expand, Input, Patience, Plan, Target, WholeFile, default_format,
};
pub use running::{Flow, ParsedRows, Parsing, Running, Stage, UnknownFlow};
pub use span::Span;
pub use split::{Counts, Front, LineCounts, NotSplit};
pub use tap::{Tap, TapCounts, TapError, TapOptions, TapPlan, TapPoint, TapPolicy, TapRead, TapReader, tap};

/// Checks a program: what becomes a network, or the first thing that is wrong.
///
/// # Errors
/// The one message, to be [rendered](Diagnostic::render) with the same source.
pub fn compile(source_name: &str, source: &str, environment: &Environment<'_>) -> Result<Plan, Diagnostic> {
    let program = parse_program(source)?;
    check::check(source_name, source, &program, environment).map_err(|diagnostic| *diagnostic)
}
