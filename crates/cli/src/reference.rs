//! What the tool says of itself: functions and stages, completions for shells, the man page.

use std::fmt::Write;

use clap::Command;
use clap_complete::Shell;
use cutthrough_lang::{AGGREGATES, FUNCTIONS, VERBS, suggest};

/// How each stage is written, and what it does. `docs/language.md` says more.
const STAGES: [(&str, &str); 22] = [
    (
        "read \"path\", ... [follow]",
        "reads files, of which there may be a pattern, or with `-` the standard input; first stage only",
    ),
    ("lines", "lines of blocks of bytes: line, number"),
    (
        "parse FORMAT [([\"text\",] option=value, ...)] [else NAME]",
        "columns of text; formats are clf, csv, json, logfmt, regex, syslog, template and tsv",
    ),
    ("where CONDITION", "the elements for which it is true"),
    ("set NAME = EXPR, ...", "gives columns values"),
    ("select [NAME =] EXPR, ...", "these columns, in this order"),
    ("drop NAME, ...", "all columns but these"),
    ("rename NEW = OLD, ...", "columns under other names"),
    (
        "distinct [[NAME =] EXPR, ...]",
        "one element for each combination of values",
    ),
    ("count", "how many elements there are"),
    (
        "lookup \"path\" on NAME [= EXPR]",
        "adds the columns of the row of a file whose column NAME is the key",
    ),
    (
        "explode NAME [= EXPR] [as TYPE]",
        "an element for each item of a list: `explode word = words(line)`",
    ),
    ("fill NAME, ...", "what is missing is as in the element before"),
    (
        "sample N | sample P%",
        "N elements by chance, or each with P percent",
    ),
    (
        "generate [N] [every DURATION]",
        "the numbers from 1 on; first stage only",
    ),
    ("head [N]", "the first N elements, or 10"),
    ("skip N", "all but the first N elements"),
    ("tail [N]", "the last N elements, or 10"),
    (
        "top N by EXPR [asc|desc]",
        "the first N in order, descending unless said otherwise",
    ),
    ("sort EXPR [asc|desc], ...", "in order"),
    (
        "summarize [NAME =] EXPR, ... [by [NAME =] EXPR, ...] [every DURATION [of EXPR [late DURATION]]]",
        "one element for each group",
    ),
    (
        "write stdout|stderr|\"path\" [append] [as json|csv|tsv|text|table|template(\"{a} {b}\")]",
        "writes; last stage only",
    ),
];

/// What `help TOPIC` says; none if nothing is called so.
pub(crate) fn help(topic: &str) -> Option<String> {
    let mut out = String::new();
    // To write to a string does not fail.
    let line = |out: &mut String, usage: &str, what: &str| {
        let _ = writeln!(out, "{usage:<36}  {what}");
    };
    match topic {
        "functions" => {
            FUNCTIONS
                .iter()
                .for_each(|function| line(&mut out, function.usage, function.gives));
            let _ = writeln!(out, "\nAggregates, in `summarize`:");
            AGGREGATES
                .iter()
                .for_each(|(usage, gives)| line(&mut out, usage, gives));
        }
        "stages" => VERBS.iter().for_each(|(verb, _)| {
            let (usage, what) = stage(verb).unwrap_or((verb, ""));
            line(&mut out, usage, what);
        }),
        name => {
            let function = FUNCTIONS.iter().find(|function| function.name == name);
            let function = function.map(|function| (function.usage, function.gives));
            let mut aggregates = AGGREGATES.iter().copied();
            let aggregate = aggregates.find(|(usage, _)| usage.split('(').next() == Some(name));
            let function = function.or(aggregate);
            let (usage, what) = function.or_else(|| stage(name))?;
            line(&mut out, usage, what);
        }
    }
    Some(out)
}

fn stage(verb: &str) -> Option<(&'static str, &'static str)> {
    STAGES
        .into_iter()
        .find(|(usage, _)| usage.split(' ').next() == Some(verb))
}

/// What to say of a topic that is none.
pub(crate) fn no_topic(topic: &str) -> String {
    let names = FUNCTIONS.iter().map(|function| function.name);
    let known = names
        .chain(VERBS.iter().map(|(verb, _)| *verb))
        .chain(["functions", "stages"]);
    let help = suggest::did_you_mean(topic, known);
    let help = help.unwrap_or_else(|| "`help functions` and `help stages` list what there is".to_owned());
    format!("there is no help on `{topic}`; {help}")
}

/// Completions for a shell, as it reads them.
pub(crate) fn completions(shell: Shell, mut commands: Command) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut commands, "cutthrough", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The man page, in roff.
pub(crate) fn man(commands: Command) -> String {
    let mut out = Vec::new();
    // To write to memory does not fail.
    let _ = clap_mangen::Man::new(commands).render(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use cutthrough_lang::FORMATS;

    use super::*;

    #[test]
    fn every_stage_and_function_has_help() {
        for (verb, _) in VERBS {
            assert!(help(verb).is_some_and(|text| text.starts_with(verb)), "{verb}");
        }
        let parse = help("parse").unwrap();
        for format in FORMATS {
            assert!(parse.contains(format), "{format}");
        }
        for function in FUNCTIONS {
            assert!(help(function.name).unwrap().contains(function.gives));
        }
        assert!(help("nonsense").is_none());
    }
}
