//! The messages of programs that are wrong.

use std::fmt::Write;

use expect_test::{Expect, expect};

use super::tests::{brief, environment};
use crate::compile;
use crate::plan::Environment;

/// The message of every one of these programs.
fn check_errors(sources: &[&str], expected: Expect) {
    let mut text = String::new();
    for source in sources {
        let message = match compile("test", source, &environment()) {
            Ok(plan) => format!("is accepted!\n{plan}"),
            Err(diagnostic) => brief(source, &diagnostic),
        };
        writeln!(text, "{source}\n    {message}").unwrap();
    }
    expected.assert_eq(&text);
}

#[test]
fn columns_and_functions_that_are_not_there() {
    check_errors(
        &[
            "parse clf | where stauts >= 500",
            "parse clf | where foo == 1",
            "where status >= 500",
            "parse clf | select path | where status > 1",
            "parse clf | summarize count() by path | select bytes",
            "parse clf | summarize n = count() + bytes by path",
            "parse clf | summarize path by path",
            "parse clf | summarize sum(count())",
            "parse clf | where count() > 5",
            "parse clf | set x = min(bytes)",
            "parse clf | summarize sum(path), sum(status == 1)",
            "parse clf | summarize sum()",
            "parse clf | summarize count(1, 2)",
            "parse clf | select lenght(path)",
            "parse clf | select length(path)",
            "parse clf | select frobnicate(path)",
            "parse clf | select len()",
            "parse clf | select substr(path)",
            "parse clf | select if(status, 1, 2)",
            "parse clf | select a = path, a = status",
            "parse clf | select path, path",
            "parse clf | summarize path = count() by path",
            "parse clf | select path | parse clf",
            "lines | lines",
            "parse clf | lines",
        ],
        expect![[r#"
            parse clf | where stauts >= 500
                [stauts] there is no column `stauts` / not a column here / did you mean `status`?
            parse clf | where foo == 1
                [foo] there is no column `foo` / not a column here / there are `remote`, `ident`, `user`, `time`, `method`, `path`, `query`, `protocol`, `request`, `status`, `bytes`, `referer` and `agent`
            where status >= 500
                [status] there is no column `status` / not a column here / there are `line` and `number` / lines have no other columns before `parse clf` or `parse csv`
            parse clf | select path | where status > 1
                [status] there is no column `status` / not a column here / there is `path`
            parse clf | summarize count() by path | select bytes
                [bytes] there is no column `bytes` / not a column here / there are `path` and `count`
            parse clf | summarize n = count() + bytes by path
                [bytes] `bytes` differs within a group / neither aggregated nor a key / take it into an aggregate, as in `max(bytes)`, or group by it: `by bytes` / a text stands in quotes: "bytes"
            parse clf | summarize path by path
                [path] there is no aggregate in this / nothing is summed up / keys go behind `by`; the aggregates are `argmax(x, by)`, `argmin(x, by)`, `avg(x)`, `collect(x)`, `count()`, `countif(x)`, `dcount(x)`, `first(x)`, `last(x)`, `max(x)`, `median(x)`, `min(x)`, `percentile(x, p)`, `share(x)`, `stddev(x)`, `sum(x)` and `variance(x)`
            parse clf | summarize sum(count())
                [count()] `count` is an aggregate / cannot stand here / aggregates stand in `summarize`, and not in each other
            parse clf | where count() > 5
                [count()] `count` is an aggregate / cannot stand here / aggregates stand in `summarize`, and not in each other
            parse clf | set x = min(bytes)
                [min(bytes)] `min` is an aggregate / cannot stand here / aggregates stand in `summarize`, not in each other; of several values, `min(a, b)`
            parse clf | summarize sum(path), sum(status == 1)
                [path] `sum` takes numbers or durations / this is text? / `int(...)` or `float(...)` makes a number of text
            parse clf | summarize sum()
                [sum()] `sum` takes one argument / here are 0 / it is called as `sum(x)`
            parse clf | summarize count(1, 2)
                [count(1, 2)] `count` takes at most one argument / here are 2 / it is called as `count()`
            parse clf | select lenght(path)
                [lenght] there is no function `lenght` / not a function / there are `abs`, `ago`, `base64_decode`, `base64_encode`, `bin`, `ceil`, `coalesce`, `concat`, `date`, `day`, `duration` and `extract` and more
            parse clf | select length(path)
                [length] there is no function `length` / not a function / the function for this is `len`
            parse clf | select frobnicate(path)
                [frobnicate] there is no function `frobnicate` / not a function / there are `abs`, `ago`, `base64_decode`, `base64_encode`, `bin`, `ceil`, `coalesce`, `concat`, `date`, `day`, `duration` and `extract` and more
            parse clf | select len()
                [len()] `len` takes one argument / here are 0 / it is called as `len(text)`
            parse clf | select substr(path)
                [substr(path)] `substr` takes 2 or 3 arguments / here is 1 / it is called as `substr(text, start[, length])`
            parse clf | select if(status, 1, 2)
                [status] the first argument of `if` takes a condition / this is int / compare it with something, as in `... == 1`
            parse clf | select a = path, a = status
                [a = status] two columns are called `a` / the name is taken / give it another: `name = ...`
            parse clf | select path, path
                [path] two columns are called `path` / the name is taken / give it another: `name = ...`
            parse clf | summarize path = count() by path
                [path = count()] two columns are called `path` / the name is taken / give it another: `name = ...`
            parse clf | select path | parse clf
                [clf] there is no `line` to parse here / parses the column `line` / `parse` comes after `read` or `lines`; a column `line` of type text will do as well
            lines | lines
                [lines] there are no blocks of bytes to split here / lines of what? / `lines` comes right after `read`, or first
            parse clf | lines
                [lines] there are no blocks of bytes to split here / lines of what? / `lines` comes right after `read`, or first
        "#]],
    );
}

#[test]
fn types_that_do_not_fit() {
    check_errors(
        &[
            "parse clf | where status",
            "parse clf | where path",
            "parse clf | where null",
            "parse clf | where status == \"500\"",
            "parse clf | where path > 1.5",
            "parse clf | where not status",
            "parse clf | where status and true",
            "parse clf | where true < false",
            "parse clf | where status contains 5",
            "parse clf | where path startswith 5",
            "parse clf | select status + path",
            "parse clf | select path + 1",
            "parse clf | select path - path",
            "parse clf | select -path",
            "parse clf | select 7 // 2.0",
            "parse clf | select status / 0",
            "parse clf | select status % 0",
            "parse clf | select bin(status, 0)",
            "parse clf | select bin(status, \"1h\")",
            "parse clf | select x = null",
            "parse clf | select null + 1",
            "parse clf | where null == null",
            "parse clf | where status in (null)",
            "parse clf | where status in (\"a\", 1)",
            "parse clf | select if(true, 1, \"a\")",
            "parse clf | select if(true, null, null)",
            "parse clf | select query ?? 1",
            "parse clf | select lower(status)",
            "parse clf | select round(path)",
            "parse clf | select round(1.5, status)",
            "parse clf | select hour(1.5)",
            "parse clf | select split_part(path, \"/\", \"1\")",
            "parse clf | select sqrt(null)",
        ],
        expect![[r#"
            parse clf | where status
                [status] `where` needs a condition: something that is true or false / this is int / compare it, as in `... != 0`
            parse clf | where path
                [path] `where` needs a condition: something that is true or false / this is text? / compare it, as in `... != ""` or `... != null`
            parse clf | where null
                [null] `where` needs a condition: something that is true or false / this is null
            parse clf | where status == "500"
                ["500"] `==` of int and text / this is text, what is before it int / `int(...)` makes a number of text, `text(...)` text of a number
            parse clf | where path > 1.5
                [1.5] `>` of text? and float / this is float, what is before it text? / `float(...)` makes a number of text, `text(...)` text of a number
            parse clf | where not status
                [status] `not` takes a condition / this is int / compare it with something, as in `... == 1`
            parse clf | where status and true
                [status] `and` takes a condition / this is int / compare it with something, as in `... == 1`
            parse clf | where true < false
                [true] `<` takes numbers or texts / this is bool
            parse clf | where status contains 5
                [status] `contains` takes text / this is int / `text(...)` makes text of it
            parse clf | where path startswith 5
                [5] `startswith` takes text / this is int / `text(...)` makes text of it
            parse clf | select status + path
                [path] `+` of int and text? / this is text?, what is before it int / `int(...)` makes a number of text, `text(...)` text of a number
            parse clf | select path + 1
                [1] `+` of text? and int / this is int, what is before it text? / `int(...)` makes a number of text, `text(...)` text of a number
            parse clf | select path - path
                [path] `-` takes numbers / this is text? / `int(...)` or `float(...)` makes a number of it
            parse clf | select -path
                [path] `-` takes a number / this is text? / `int(...)` or `float(...)` makes a number of it
            parse clf | select 7 // 2.0
                [2.0] `//` takes whole numbers (int) / this is float / `int(...)` makes one of it
            parse clf | select status / 0
                [0] `/` by zero / the result is always null
            parse clf | select status % 0
                [0] `%` by zero / the result is always null
            parse clf | select bin(status, 0)
                [0] `bin` needs a size above zero / the result is always null
            parse clf | select bin(status, "1h")
                ["1h"] `bin` takes numbers / this is text / `int(...)` or `float(...)` makes a number of it
            parse clf | select x = null
                [null] `null` has no type here / of which type? / `null` can be compared with `==` and `!=`, and be one side of `if(...)`
            parse clf | select null + 1
                [null] `null` has no type here / of which type? / `null` can be compared with `==` and `!=`, and be one side of `if(...)`
            parse clf | where null == null
                [null == null] `null` is compared with itself / always the same
            parse clf | where status in (null)
                [null] a list cannot hold `null` / equals nothing / test for it with `... == null or ...`
            parse clf | where status in ("a", 1)
                ["a"] `==` of int and text / this is text, what is before it int / `int(...)` makes a number of text, `text(...)` text of a number
            parse clf | select if(true, 1, "a")
                ["a"] `if` of int and text / this is text, what is before it int / `int(...)` makes a number of text, `text(...)` text of a number
            parse clf | select if(true, null, null)
                [null] `null` has no type here / of which type? / `null` can be compared with `==` and `!=`, and be one side of `if(...)`
            parse clf | select query ?? 1
                [1] `??` of text? and int / this is int, what is before it text? / `int(...)` makes a number of text, `text(...)` text of a number
            parse clf | select lower(status)
                [status] `lower` takes text / this is int / `text(...)` makes text of it
            parse clf | select round(path)
                [path] `round` takes numbers / this is text? / `int(...)` or `float(...)` makes a number of it
            parse clf | select round(1.5, status)
                [status] `round` takes a constant from 0 to 15 for the digits / not such a number
            parse clf | select hour(1.5)
                [1.5] `hour` takes a time / this is float / of seconds since 1970, `@1970-01-01 + n * 1s` makes one
            parse clf | select split_part(path, "/", "1")
                ["1"] `split_part` takes whole numbers (int) / this is text / `int(...)` makes one of it
            parse clf | select sqrt(null)
                [null] `null` has no type here / of which type? / `null` can be compared with `==` and `!=`, and be one side of `if(...)`
        "#]],
    );
}

#[test]
fn words_of_other_languages() {
    check_errors(
        &[
            "parse clf | where time >= \"2026-11-21T02:00\"",
            "parse clf | where time >= @yesterday",
            "parse clf | summarize percentile(bytes, 95)",
            "parse clf | summarize p = median(bytes)",
            "parse clf | summarize mean(bytes)",
            "parse clf | summarize dcount(remote)",
            "parse clf | summarize first(remote)",
            "parse clf | select bytes as b",
            "parse clf | summarize count() as n by path",
            "parse clf | summarize count(), by path",
            "parse clf | where path like \"%a%\"",
            "parse clf | where (path LIKE \"a\")",
            "parse clf | where bytes between 1 and 2",
            "parse clf | where path is null",
            "parse clf | where path == null AND bytes > 1",
            "parse clf | where path ~ \"a\"",
            "parse clf | where path matches remote",
            "parse clf | where path matches /(/",
            "parse clf | where path matches /a",
            "parse clf | select extract(path, /a/, 1)",
            "parse clf | drop pth",
            "parse clf | drop remote, ident, user, time, method, path, query, protocol, request, status, bytes, referer, agent",
            "parse clf | rename path = query",
            "parse clf | rename path",
            "parse clf | distinct by path",
            "parse clf | count by path",
            "parse clf | count()",
            "parse clf | exclude path",
            "parse clf | uniq path",
            "parse clf | summarize countif(bytes)",
        ],
        expect![[r#"
            parse clf | where time >= "2026-11-21T02:00"
                ["2026-11-21T02:00"] `>=` of time and text / this is text, what is before it time / a time is written `@2026-11-21T02:00`, without quotes; `time(...)` makes one of text
            parse clf | where time >= @yesterday
                [@yesterday] this is no time / cannot be read / a time is written `@2026-11-21` or `@2026-11-21T02:00:00+01:00`; without an offset it is UTC
            parse clf | summarize percentile(bytes, 95)
                is accepted!
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              group percentile:0.95(bytes) -> percentile: float?
              write stdout (percentile_bytes_95)

            parse clf | summarize p = median(bytes)
                is accepted!
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              group percentile:0.5(bytes) -> median: float?
              write stdout (p)

            parse clf | summarize mean(bytes)
                [mean] there is no aggregate `mean` / not an aggregate / the aggregate for this is `avg`
            parse clf | summarize dcount(remote)
                is accepted!
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              group dcount(remote) -> dcount: int
              write stdout (dcount_remote)

            parse clf | summarize first(remote)
                is accepted!
            read -
              to inputs
            from inputs
              parse clf -> remote: text, ident: text?, user: text?, time: time, method: text?, path: text?, query: text?, protocol: text?, request: text, status: int, bytes: int, referer: text?, agent: text?
              group first(remote) -> first: text?
              write stdout (first_remote)

            parse clf | select bytes as b
                [as] expected `|` or the end of the statement, found `as` / not expected here / a name goes before what it names: `name = ...`
            parse clf | summarize count() as n by path
                [as] expected `|` or the end of the statement, found `as` / not expected here / a name goes before what it names: `name = ...`
            parse clf | summarize count(), by path
                [,] there is a comma before `by` / leave this out / as in `summarize count(), sum(bytes) by path`
            parse clf | where path like "%a%"
                [like] expected `|` or the end of the statement, found `like` / not expected here / to search in a text, there are `contains`, `startswith`, `endswith` and `matches /pattern/`
            parse clf | where (path LIKE "a")
                [LIKE] expected an operator or `)`, found `LIKE` / not expected here / to search in a text, there are `contains`, `startswith`, `endswith` and `matches /pattern/` / the `(` in line 1, column 19 is still open
            parse clf | where bytes between 1 and 2
                [between] expected `|` or the end of the statement, found `between` / not expected here / `a between 1 and 2` is written `a >= 1 and a <= 2`
            parse clf | where path is null
                [is] expected `|` or the end of the statement, found `is` / not expected here / `is` is written `==`: `== null`, `!= null`, `== "text"`
            parse clf | where path == null AND bytes > 1
                [AND] expected `|` or the end of the statement, found `AND` / not expected here / words are written in lower case: `and`
            parse clf | where path ~ "a"
                [~] unexpected character `~` / means nothing here / to search in a text, use `contains`, or `matches /pattern/`
            parse clf | where path matches remote
                [remote] `matches` takes a constant for the pattern / not a constant / for other texts, there is `contains`
            parse clf | where path matches /(/
                [/(/] this pattern cannot be read / unclosed group
            parse clf | where path matches /a
                [/] this pattern is not closed / starts here / close it with a `/` on the same line; a slash within it is written `\/`
            parse clf | select extract(path, /a/, 1)
                [1] `extract` takes the number of a group from 0 to 0 here / not such a number / 0 is all that matches; groups are in parentheses in the pattern
            parse clf | drop pth
                [pth] there is no column `pth` / not a column here / did you mean `path`?
            parse clf | drop remote, ident, user, time, method, path, query, protocol, request, status, bytes, referer, agent
                [drop remote, ident, user, time, method, path, query, protocol, request, status, bytes, referer, agent] this drops every column / nothing is left / to drop elements, there are `where` and `head`
            parse clf | rename path = query
                [path] there is a column `path` already / the name is taken / drop it first: `drop path | rename path = ...`
            parse clf | rename path
                [] expected `=`, found the end of the program / ends too early / the new name goes first: `rename full_name = name`
            parse clf | distinct by path
                [by] `distinct` takes its columns without `by` / leave this out / as in `distinct path, status`
            parse clf | count by path
                [by] expected `|` or the end of the statement, found `by` / not expected here / to count in groups: `summarize count() by ...`
            parse clf | count()
                [(] expected `|` or the end of the statement, found `(` / not expected here / the stage is `count` alone; the aggregate goes with `summarize count()`
            parse clf | exclude path
                [exclude] unknown verb `exclude` / not a verb / the verb for this is `drop`
            parse clf | uniq path
                [uniq] unknown verb `uniq` / not a verb / the verb for this is `distinct`
            parse clf | summarize countif(bytes)
                [bytes] `countif` takes a condition / this is int / compare it with something, as in `... == 1`
        "#]],
    );
}

#[test]
fn flow_points_that_do_not_fit() {
    check_errors(
        &[
            "",
            "# nothing",
            "a = read \"x\" | parse clf",
            "a | write stdout",
            "requests = parse clf; reqests | write stdout",
            "a = parse clf; b | write stdout",
            "a = parse clf\na = lines\na | write stdout",
            "a = parse clf; a = a | head 1; a | write stdout",
            "a = b; b = a; a | write stdout",
            "a = a | head 1; a | write stdout",
            "x = y | parse clf else y; x | write stdout",
            "parse clf else bad | select x",
            "head 1; head 2",
            "read - | head 1 | write \"a\"; read -",
            "read - | head 1 | write \"a\"; head 1",
            "head 1 | write \"a\"; skip 1 | write \"a\"",
        ],
        expect![[r#"

                [] the program is empty / nothing to do / a pipeline is, say, `parse clf | where status >= 500`
            # nothing
                [] the program is empty / nothing to do / a pipeline is, say, `parse clf | where status >= 500`
            a = read "x" | parse clf
                [a] nothing reads `a` / what goes here is lost / `a | write stdout` writes it; or leave out the name
            a | write stdout
                [a] there is no flow point `a` / nothing writes this / define it: `a = read "..." | ...`
            requests = parse clf; reqests | write stdout
                [reqests] there is no flow point `reqests` / nothing writes this / did you mean `requests`?
            a = parse clf; b | write stdout
                [b] there is no flow point `b` / nothing writes this / the flow points are `a`
            a = parse clf
            a = lines
            a | write stdout
                [a] `a` is written twice / written before / choose another name; the first is in line 1, column 1
            a = parse clf; a = a | head 1; a | write stdout
                [a] `a` is written twice / written before / a name stands for one flow and is not changed: choose another
            a = b; b = a; a | write stdout
                [b] `b` would be made of itself / this flow comes from here / flows cannot go round in a circle
            a = a | head 1; a | write stdout
                [a] `a` would be made of itself / this flow comes from here / flows cannot go round in a circle
            x = y | parse clf else y; x | write stdout
                [y] `y` would be made of itself / this flow comes from here / flows cannot go round in a circle
            parse clf else bad | select x
                [x] there is no column `x` / not a column here / there are `remote`, `ident`, `user`, `time`, `method`, `path`, `query`, `protocol`, `request`, `status`, `bytes`, `referer` and `agent`
            head 1; head 2
                [] this pipeline goes nowhere / its end / end it with `| write ...`, or give it a name; only the last pipeline without a name is written by itself
            read - | head 1 | write "a"; read -
                [-] the standard input is read twice / read before / give it a name, `input = read -`, and start both pipelines with that
            read - | head 1 | write "a"; head 1
                [-] the standard input is read twice / read before / give it a name, `input = read -`, and start both pipelines with that
            head 1 | write "a"; skip 1 | write "a"
                ["a"] this file is written twice / written before / write to another file
        "#]],
    );
}

#[test]
fn formats_that_do_not_fit() {
    check_errors(
        &[
            "parse jsn",
            "parse cvs",
            "parse tsv(sep=\",\")",
            "parse clf(\"x\")",
            "parse regex",
            "parse regex(/a(b)/)",
            "parse regex(/a(?<b>/)",
            "parse template(\"{a}{b}\")",
            "parse template(\"{a} {b}\", columns=\"c:int\")",
            "parse json(columns=\"[0]:int\")",
            "parse json(columns=\"a:number\")",
            "parse json(sep=\";\")",
            "parse logfmt | where level < 3 | select level + level",
            "parse json | summarize count() by a | select b",
            "parse clf | select path.a",
            "parse nginx",
            "parse clf(sep=\";\")",
            "parse csv(separator=\";\")",
            "parse csv(sep=\"ab\")",
            "parse csv(sep=1)",
            "parse csv(header=1)",
            "parse csv(columns=1)",
            "parse csv(columns=\"a:int\")",
            "parse csv(columns=\"a,a\")",
            "parse csv(columns=\"\\xff\")",
            "parse csv(header=false)",
            "where len(line) > 3 | parse csv",
            "read \"missing\" | parse csv",
            "read \"empty\" | parse csv",
            "read \"blank\" | parse csv",
            "read \"twice\" | parse csv",
        ],
        expect![[r#"
            parse jsn
                [jsn] there is no format `jsn` / not a format that is parsed / did you mean `json`?
            parse cvs
                [cvs] there is no format `cvs` / not a format that is parsed / did you mean `csv`?
            parse tsv(sep=",")
                [sep] `tsv` has no option `sep` / not an option / there are `columns` and `header`
            parse clf("x")
                ["x"] `clf` takes no text of its own / not an option / options have names: `parse csv(sep=";")`
            parse regex
                [regex] `regex` needs a pattern / of which form? / as in `parse regex(/^(?<day>\S+) (?<level>\w+) (?<msg>.*)$/)`
            parse regex(/a(b)/)
                [/a(b)/] this pattern has no named groups / gives no columns / as in `parse regex(/^(?<day>\S+) (?<level>\w+) (?<msg>.*)$/)`
            parse regex(/a(?<b>/)
                [/a(?<b>/] this pattern cannot be read / unclosed group
            parse template("{a}{b}")
                ["{a}{b}"] this template cannot be read / nothing stands between `{a}` and `{b}`: where would the first one end? / as in `parse template("{time} [{level}] {msg}")`
            parse template("{a} {b}", columns="c:int")
                ["c:int"] columns: there is no `c` / not a name there / there are `a` and `b`
            parse json(columns="[0]:int")
                ["[0]:int"] columns: the path `[0]` begins with an index; records are objects / cannot be read / a path is, say, `user.plan` or `items[0].sku`
            parse json(columns="a:number")
                ["a:number"] columns: `a` has the unknown type `number`; there are int, float, bool, text, time, duration, json, with `?` where it may be null / cannot be read / columns are `name:type`, with commas between: `station:text,temp:float?`; types are int, float, bool, text, time and duration
            parse json(sep=";")
                [sep] `json` has no option `sep` / not an option / there are `columns`
            parse logfmt | where level < 3 | select level + level
                is accepted!
            read -
              to inputs
            from inputs
              parse logfmt -> level: float?
              where (< level 3.0) -> level: float?
              compute level+level = (+ level level) -> level+level: float?
              write stdout (level+level)

            parse json | summarize count() by a | select b
                [b] there is no column `b` / not a column here / there are `a` and `count`
            parse clf | select path.a
                [path.a] `path` has no fields / `path` is text? / a column of such a name is written in backquotes: `` `path.a` ``
            parse nginx
                [nginx] there is no format `nginx` / not a format that is parsed / web servers' logs are `clf`
            parse clf(sep=";")
                [sep] `clf` has no option `sep` / not an option / it has none
            parse csv(separator=";")
                [separator] `csv` has no option `separator` / not an option / there are `columns`, `header` and `sep`
            parse csv(sep="ab")
                ["ab"] the option `sep` takes one byte, as in `sep=";"` or `sep="\t"` / not this
            parse csv(sep=1)
                [1] the option `sep` takes one byte, as in `sep=";"` / not this
            parse csv(header=1)
                [1] the option `header` takes `true` or `false` / not this
            parse csv(columns=1)
                [1] the option `columns` takes a text, as in `columns="name:text,age:int"` / not this
            parse csv(columns="a:int")
                is accepted!
            read -
              to inputs
            from inputs
              parse csv -> a: int
              write stdout (a)

            parse csv(columns="a,a")
                ["a,a"] columns: `a` is there twice / cannot be read / columns are `name:type`, with commas between: `station:text,temp:float?`; types are int, float, bool, text, time and duration
            parse csv(columns="\xff")
                ["\xff"] the names of columns are UTF-8 / cannot be read
            parse csv(header=false)
                [csv] without a header, the columns have to be said / of which columns? / for example `parse csv(columns="station:text,temp:float")`
            where len(line) > 3 | parse csv
                [csv] there is no header to be read here / not the lines of an input / put `parse csv` right after `read`, or say the columns: `parse csv(columns="a:text,b:int")`
            read "missing" | parse csv
                [csv] the header cannot be read / needs the input's first line / missing: no such file
            read "empty" | parse csv
                [csv] `empty` is empty: it has no header / has no columns / for example `parse csv(columns="station:text,temp:float")`
            read "blank" | parse csv
                [csv] `blank` has no header: its first line is empty / has no columns / for example `parse csv(columns="station:text,temp:float")`
            read "twice" | parse csv
                [csv] the header of `twice` has `a` twice / which of them is meant? / for example `parse csv(columns="station:text,temp:float")`
        "#]],
    );
    let blind = compile("test", "parse csv", &Environment::default()).unwrap_err();
    expect![[r#"[csv] the columns have to be said here / the header cannot be read / for example `parse csv(columns="station:text,temp:float")`"#]].assert_eq(&brief("parse csv", &blind));
}

#[test]
fn durations_of_stages_are_above_zero() {
    check_errors(
        &[
            "generate 3 every 0s",
            "generate every -1s",
            "generate every 1",
            "summarize count() every 0s",
            "summarize count() every -1s of @2026-01-01",
        ],
        expect![[r#"
            generate 3 every 0s
                [0s] expected a duration above zero, found `0s` / not expected here / for example `every 10s`
            generate every -1s
                [-] expected a duration above zero, found `-` / not expected here / for example `every 10s`
            generate every 1
                [1] expected a duration, found `1` / not expected here / a duration has a unit, as in `every 10s`
            summarize count() every 0s
                [0s] expected a duration above zero, found `0s` / not expected here / for example `every 10s`
            summarize count() every -1s of @2026-01-01
                [-] expected a duration above zero, found `-` / not expected here / for example `every 10s`
        "#]],
    );
}

#[test]
fn a_message_is_shown_with_its_place() {
    let source = "parse clf\n| where stauts >= 500\n| summarize n = count()";
    let diagnostic = compile("the command line", source, &environment()).unwrap_err();
    expect![[r#"
        Error: there is no column `stauts`
           ╭─[ the command line:2:9 ]
           │
         2 │ | where stauts >= 500
           │         ┬─────
           │         ╰─────── not a column here
           │
           │ Help: did you mean `status`?
        ───╯
    "#]]
    .assert_eq(&diagnostic.render("the command line", source, false));
}
