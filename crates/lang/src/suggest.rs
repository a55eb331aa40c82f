//! "Did you mean": the closest of the names that exist.

/// Names longer than this have no suggestions; it bounds the work.
const NAME_BYTES_MAX: usize = 64;

/// How many names a suggestion lists.
const SUGGESTIONS_MAX: usize = 3;

/// Those of `candidates` that `name` is probably meant to be, the closest first.
///
/// A candidate is close when at most a third of `name` must be changed (a letter added, dropped, replaced, or two
/// neighbours swapped; case does not count), or when `name` is the start of it.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    if name.len() > NAME_BYTES_MAX {
        return Vec::new();
    }
    let name = name.to_lowercase();
    let distance_max = name.chars().count().div_ceil(3);
    let mut close: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        if candidate.len() > NAME_BYTES_MAX {
            continue;
        }
        let lower = candidate.to_lowercase();
        let is_start = name.len() >= 3 && lower.starts_with(&name);
        let distance = if is_start { 1 } else { edit_distance(&name, &lower) };
        // One that shares nothing with the name is not close, however short both are.
        if distance <= distance_max && distance < lower.chars().count() {
            close.push((distance, candidate));
        }
    }
    close.sort_by_key(|&(distance, _)| distance);
    let best = close.first().map_or(0, |&(distance, _)| distance);
    close.retain(|&(distance, _)| distance == best);
    close
        .into_iter()
        .take(SUGGESTIONS_MAX)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// "did you mean `a` or `b`?", where something is close.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let close = closest(name, candidates);
    (!close.is_empty()).then(|| format!("did you mean {}?", alternatives(&close)))
}

/// "`a`, `b` or `c`".
pub fn alternatives(names: &[&str]) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        let joint = match index {
            0 => "",
            _ if index + 1 == names.len() => " or ",
            _ => ", ",
        };
        text.extend([joint, "`", name, "`"]);
    }
    text
}

/// The verb that does what `word` does in awk, SQL, KQL and their kin.
pub fn verb_elsewhere(word: &str) -> Option<&'static str> {
    let verb = match word.to_lowercase().as_str() {
        "filter" | "grep" | "having" | "if" | "keep" | "match" | "search" => "where",
        "add" | "assign" | "derive" | "eval" | "extend" | "let" | "map" | "mutate" => "set",
        "columns" | "cut" | "fields" | "pick" | "project" => "select",
        "first" | "limit" | "take" => "head",
        "offset" => "skip",
        "aggregate" | "group" | "groupby" | "stats" | "sum" => "summarize",
        "del" | "delete" | "except" | "exclude" | "remove" => "drop",
        "dedup" | "nub" | "uniq" | "unique" => "distinct",
        "length" | "wc" => "count",
        "order" | "orderby" | "arrange" => "sort",
        "cat" | "from" | "load" | "open" | "scan" => "read",
        "echo" | "into" | "output" | "print" | "save" | "store" | "to" => "write",
        "decode" | "unpack" => "parse",
        "split" => "lines",
        _ => return None,
    };
    Some(verb)
}

/// What is written here for an operator of SQL, KQL, jq or awk.
pub fn operator_elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "like" | "ilike" | "has" | "includes" => {
            "to search in a text, there are `contains`, `startswith`, `endswith` and `matches /pattern/`"
        }
        "match" | "regex" | "regexp" | "rlike" | "similar" => {
            "a regular expression is written `matches /pattern/`"
        }
        "between" => "`a between 1 and 2` is written `a >= 1 and a <= 2`",
        "is" => "`is` is written `==`: `== null`, `!= null`, `== \"text\"`",
        "isnull" | "notnull" => "whether a value is there is written `== null` or `!= null`",
        "mod" => "the rest of a division is written `%`",
        "div" => "a division without rest is written `//`",
        "xor" => "one of two conditions is written `a != b`",
        "eq" => "equality is written `==`",
        "ne" => "inequality is written `!=`",
        "lt" => "less is written `<`",
        "gt" => "greater is written `>`",
        "then" | "case" | "when" => "a choice is written `if(condition, then, else)`",
        _ => return None,
    })
}

/// Letters added, dropped, replaced, or swapped with their neighbour (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::VERBS;
    use expect_test::{Expect, expect};

    fn check(name: &str, expected: Expect) {
        let verbs = VERBS.iter().map(|(name, _)| *name);
        expected.assert_eq(&did_you_mean(name, verbs).unwrap_or_default());
    }

    #[test]
    fn finds_the_closest() {
        check("summarise", expect!["did you mean `summarize`?"]);
        check("sumarize", expect!["did you mean `summarize`?"]);
        check("summ", expect!["did you mean `summarize`?"]);
        check("hwere", expect!["did you mean `where`?"]);
        check("SELECT", expect!["did you mean `select`?"]);
        check("se", expect!["did you mean `set`?"]);
        check("sot", expect!["did you mean `set` or `sort`?"]);
        check("", expect![[""]]);
        check("x", expect![[""]]);
        check("frobnicate", expect![[""]]);
        check(&"read".repeat(100), expect![[""]]);
    }

    #[test]
    fn words_of_elsewhere_name_verbs() {
        assert_eq!(verb_elsewhere("Filter"), Some("where"));
        assert_eq!(verb_elsewhere("where"), None);
    }
}
