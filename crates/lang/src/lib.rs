//! The pipeline language: text to syntax tree, with one clear message when the text is wrong.
//!
//! # Bird's-eye view
//!
//! ```text
//! source text --lexer--> tokens --parser--> ast::Program
//!                  \________________\____> Diagnostic --render--> what the user reads
//! ```
//!
//! Everything starts at [`parse_program`]. It stops at the first error: one message that names the thing, the place
//! and the way out is worth more than that message and its consequences.
//!
//! **Architecture invariant:** this layer does not know which formats, functions or fields exist, nor their types.
//! It knows the verbs and their grammar. A name is a name until the checker looks it up; `count` is an ordinary call.
//!
//! **Architecture invariant:** whatever the input, the front end neither panics nor overflows the stack, and works in
//! time linear in its length. [`limits`] holds the bounds that make this so.
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
//!
//! ```
//! let source = "parse clf | where status = 500";
//! let diagnostic = cutthrough_lang::parse_program(source).unwrap_err();
//! assert_eq!(diagnostic.label, "use `==` to compare");
//! print!("{}", diagnostic.render("the command line", source, true));
//!
//! let program = cutthrough_lang::parse_program("parse clf | where status == 500").unwrap();
//! assert_eq!(program.to_string(), "(| (parse clf) (where (== status 500)))\n");
//! ```
//!
//! # The language
//!
//! ```text
//! program   := statement (newline | ';') statement ...
//! statement := NAME '=' pipeline | pipeline
//! pipeline  := (NAME | stage) ('|' stage)*
//! stage     := read INPUT, ...            INPUT := "path" | -        first stage only
//!            | lines
//!            | parse FORMAT [(key=literal, ...)] [else NAME]
//!            | where EXPR
//!            | set NAME = EXPR, ...
//!            | select ITEM, ...           ITEM := [NAME =] EXPR
//!            | head N | skip N
//!            | top N by EXPR [asc|desc]                              descending unless said otherwise
//!            | sort EXPR [asc|desc], ...                             ascending unless said otherwise
//!            | summarize ITEM, ... [by ITEM, ...]
//!            | write stdout|stderr|"path" [as json|csv|text|table]   last stage only
//! ```
//!
//! From the loosest to the tightest, the operators are `or`; `and`; `not`; the comparisons `==` `!=` `<` `<=` `>`
//! `>=` `in (...)` `contains` `startswith` `endswith` (which do not chain, and of which the last four may be preceded
//! by `not`); `??`; `+` `-`; `*` `/` `//` `%`; unary `-`. All others associate to the left.
//!
//! A newline ends a statement, except within parentheses, before a line that starts with `|`, and after a `|`, a
//! comma, a `=` or an operator. `#` starts a comment.
//!
//! ## Names
//!
//! A name is letters, digits and `_`, not starting with a digit. Fifteen words are reserved everywhere ([`RESERVED`]):
//! a field of such a name is written in backquotes, `` `by` ``, as is one with other characters, `` `weird field` ``.
//! Verbs, formats and functions are not reserved: a field may be called `head` or `count`. Only a flow point of a
//! verb's name needs backquotes, since at the start of a pipeline the verb is meant.

#![forbid(unsafe_code)]

pub mod ast;
pub mod diagnostic;
mod lexer;
pub mod limits;
mod parser;
mod sexpr;
pub mod span;
pub mod suggest;

pub use diagnostic::Diagnostic;
pub use parser::{RESERVED, VERBS, parse_program};
pub use span::Span;
