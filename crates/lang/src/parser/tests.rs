//! Programs to trees, wrong programs to messages.

use super::*;
use expect_test::{Expect, expect};

fn check(source: &str, expected: Expect) {
    let shown = match parse_program(source) {
        Ok(program) => program.to_string(),
        Err(diagnostic) => diagnostic.render("test", source, false),
    };
    expected.assert_eq(&shown);
}

/// Several wrong programs, one message each, without the drawing.
fn check_errors(sources: &[&str], expected: Expect) {
    let mut shown = String::new();
    for source in sources {
        let diagnostic = parse_program(source).expect_err(source);
        let place = diagnostic.span.text(source);
        shown.push_str(&format!(
            "{}\n    at {place:?}: {}\n",
            diagnostic.message, diagnostic.label
        ));
        for remark in diagnostic.help.iter().chain(&diagnostic.notes) {
            shown.push_str(&format!("    {remark}\n"));
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn words_at_the_beginning_of_a_line_go_on() {
    check(
        "parse clf\n  else bad\n| where status >= 400\n  and bytes > 0\n  or path\n  contains \"x\"\n| summarize count()\n    by path\n  every 10s\n| write stdout\n  as json\n",
        expect![[r#"
            (| (parse clf (else bad)) (where (or (and (>= status 400) (> bytes 0)) (contains path "x"))) (summarize (count) (by path) (every 10000000000)) (write stdout json))
        "#]],
    );
    // A name of a flow point may be `every`.
    check(
        "lines | count\nevery = lines\nevery | count",
        expect![[r#"
            (| (lines) (count))
            (= every (| (lines)))
            (| every (count))
        "#]],
    );
}

#[test]
fn the_design_examples() {
    check(
        "parse clf | where status >= 500 | summarize n = count(), bytes = sum(bytes) by path | top 10 by n",
        expect![[r#"
            (| (parse clf) (where (>= status 500)) (summarize (= n (count)) (= bytes (sum bytes)) (by path)) (top 10 (desc n)))
        "#]],
    );
    check(
        "parse json | where status >= 500 | summarize n = count(), slow = avg(latency_ms) by service",
        expect![[r#"
            (| (parse json) (where (>= status 500)) (summarize (= n (count)) (= slow (avg latency_ms)) (by service)))
        "#]],
    );
    check(
        r#"parse csv(sep=";", columns="station:str,temp:f64") | summarize min(temp), avg(temp), max(temp) by station | sort station"#,
        expect![[r#"
            (| (parse csv :sep ";" :columns "station:str,temp:f64") (summarize (min temp) (avg temp) (max temp) (by station)) (sort (asc station)))
        "#]],
    );
    check(
        r#"
# a program
requests = read "access.log" | parse clf else bad
requests | where status >= 500 | write "errors.json"
requests | summarize n = count() by status
         | write stdout as table   # at the end
bad      | write "bad.txt"
"#,
        expect![[r#"
            (= requests (| (read "access.log") (parse clf (else bad))))
            (| requests (where (>= status 500)) (write "errors.json"))
            (| requests (summarize (= n (count)) (by status)) (write stdout table))
            (| bad (write "bad.txt"))
        "#]],
    );
}

#[test]
fn every_verb() {
    check(
        "read 'a', \"b\" | lines; read - | lines
parse csv (header=true, skip=-1, sep='\\t', age=1h,) else `else`
where x
set a = 1, `by` = a + 1
select a, n = b * 2, upper(c)
head 10 | skip 0
top 3 by a + b; top 3 by a asc | sort a, -b desc, c asc
summarize count(), s = sum(if(a > 1, b, 0)) / 2 by p = path, status
write stdout; a | write stderr as json; b | write 'c' as csv; c | write 'd' as text
lone
`head` | head 1
copy = lone",
        expect![[r#"
            (| (read "a" "b") (lines))
            (| (read -) (lines))
            (| (parse csv :header true :skip -1 :sep "\t" :age 3600000000000ns (else `else`)))
            (| (where x))
            (| (set (= a 1) (= `by` (+ a 1))))
            (| (select a (= n (* b 2)) (upper c)))
            (| (head 10) (skip 0))
            (| (top 3 (desc (+ a b))))
            (| (top 3 (asc a)) (sort (asc a) (desc (- b)) (asc c)))
            (| (summarize (count) (= s (/ (sum (if (> a 1) b 0)) 2)) (by (= p path) status)))
            (| (write stdout))
            (| a (write stderr json))
            (| b (write "c" csv))
            (| c (write "d" text))
            (| lone)
            (| head (head 1))
            (= copy (| lone))
        "#]],
    );
    check("", expect![[""]]);
    check(" # nothing\n;;\n", expect![[""]]);
}

#[test]
fn lines_that_go_on() {
    check(
        "a =\n  read 'x' |\n  # why\n  where b and\n c > -\n d\n | select x,\n y\n\nnext | head 1",
        expect![[r#"
        (= a (| (read "x") (where (and b (> c (- d)))) (select x y)))
        (| next (head 1))
    "#]],
    );
    check(
        "where x in (\n1,\n2,\n)\nwhere (a\n+ b) > 1",
        expect![[r#"
        (| (where (in x 1 2)))
        (| (where (> (+ a b) 1)))
    "#]],
    );
}

#[test]
fn expressions() {
    let all = "where a or b and not c == d + e * -f
where a - b - c // d % e
where a ?? b ?? 0 + 1 > 2
where not not a contains 'x' and b startswith 'y' or c endswith \"z\"
where a in (1, 2.5, 'x', null) and b not in (true) and c not contains 'q'
where -1 < --1 and -x * y == -9223372036854775808
where 250ms + 2h > -1d and size > 64KiB - 0xff and 1e3 > 1_000.5
where if(count > 0, `weird field`, head(top, by_this)) == f()
where (a or b) and (c)
where a // b == 'é\\xff'";
    check(
        all,
        expect![[r#"
        (| (where (or a (and b (not (== c (+ d (* e (- f)))))))))
        (| (where (- (- a b) (% (// c d) e))))
        (| (where (> (?? (?? a b) (+ 0 1)) 2)))
        (| (where (or (and (not (not (contains a "x"))) (startswith b "y")) (endswith c "z"))))
        (| (where (and (and (in a 1 2.5 "x" null) (not (in b true))) (not (contains c "q")))))
        (| (where (and (< -1 (- -1)) (== (* (- x) y) -9223372036854775808))))
        (| (where (and (and (> (+ 250000000ns 7200000000000ns) -86400000000000ns) (> size (- 65536B 255))) (> 1000.0 1000.5))))
        (| (where (== (if (> count 0) `weird field` (head top by_this)) (f))))
        (| (where (and (or a b) c)))
        (| (where (== (// a b) "\xc3\xa9\xff")))
    "#]],
    );
}

#[test]
fn errors_are_drawn() {
    check(
        "requests = read \"a\"\nrequests | where status = 500 | head 3",
        expect![[r#"
            Error: a single `=` does not compare
               ╭─[ test:2:25 ]
               │
             2 │ requests | where status = 500 | head 3
               │                         ┬
               │                         ╰── use `==` to compare
               │
               │ Help: `=` names a result, as in `set a = b` or `n = count()`
            ───╯
        "#]],
    );
    check(
        "parse clf | sumarize n = count()",
        expect![[r#"
        Error: unknown verb `sumarize`
           ╭─[ test:1:13 ]
           │
         1 │ parse clf | sumarize n = count()
           │             ┬───────
           │             ╰───────── not a verb
           │
           │ Help: did you mean `summarize`?
        ───╯
    "#]],
    );
}

#[test]
fn spellings_of_other_languages() {
    check_errors(
        &[
            "where a = 5",
            "where f(a = 5)",
            "where a && b",
            "where a || b",
            "where !a",
            "where a <> b",
            "where a === b",
            "where a =~ 'x'",
            "where a => b",
            "where a & b",
            "where a < b < c",
            "where a == not b",
            "where a, b",
            "where a[x]",
            "where a[-1]",
            "where a[0",
            "where $1 > 2",
            "where a. > 2",
            "where .a > 2",
            "where a.0 > 2",
            "where a == “x”",
            "set a == 1",
            "set a",
            "let := 3",
            "where a in [1]",
            "where a in ()",
            "where (a, b)",
            "where a not b",
        ],
        expect![[r#"
            a single `=` does not compare
                at "=": use `==` to compare
                `=` names a result, as in `set a = b` or `n = count()`
            a single `=` does not compare
                at "=": use `==` to compare
                `=` names a result, as in `set a = b` or `n = count()`
            `&&` is not an operator of this language
                at "&&": use `and`
            `||` is not an operator of this language
                at "||": use `or`
            `!` is not an operator of this language
                at "!": use `not`
            `<>` is not an operator of this language
                at "<>": use `!=`
            `===` is not an operator of this language
                at "===": use `==`
            `=~` is not an operator of this language
                at "=~": use `matches`
            `=>` is not an operator of this language
                at "=>": use `>=`
            `&` is not an operator of this language
                at "&": use `and`
            comparisons do not chain
                at "<": a second comparison
                join them with `and`, as in `a < b and b < c`, or use parentheses
            `not` binds less tightly than the operator before it
                at "not": needs parentheses
                write `(not ...)`
            expected `|` or the end of the statement, found `,`
                at ",": not expected here
                join conditions with `and` or `or`
            expected an index, as in `[0]`, or a key in quotes, found `x`
                at "x": not expected here
            expected an index, as in `[0]`, or a key in quotes, found `-`
                at "-": not expected here
                items are counted from the first
            expected `]`, found the end of the program
                at "": ends too early
            unexpected character `$`
                at "$": means nothing here
                names have no sigil
            expected a key, found `>`
                at ">": not expected here
            unexpected `.`
                at ".": nothing that it belongs to
                a field is named without a point before it: `user`, `user.plan`
            a number is no key
                at "0": an index goes in brackets
                as in `items[0]`
            unexpected character `“`
                at "“": means nothing here
                strings take straight quotes: "..."
            expected `=`, found `==`
                at "==": not expected here
                `==` compares; `set` takes a single `=`
            expected `=`, found the end of the program
                at "": ends too early
                `set` gives a field a value: `set a = ...`
            unknown verb `let`
                at "let": not a verb
                the verb for this is `set`
            unexpected `[`
                at "[": nothing that it belongs to
                a list is written in parentheses: `in (1, 2)`
            the list after `in` is empty
                at ")": nothing would ever be in it
            a list can only follow `in`
                at ",": one expression ends here
            expected `in`, `contains`, `startswith`, `endswith` or `matches`, found `b`
                at "b": not expected here
        "#]],
    );
}

#[test]
fn verbs_and_stages() {
    check_errors(
        &[
            "a | sumarize count()",
            "filter a > 1",
            "status >= 500",
            "requests where a",
            "frobnicate 3",
            "a | frobnicate",
            "a | b | c",
            "a |",
            "a | | b",
            "| where a",
            "a = ",
            "where = read 'x'",
            "by = read 'x'",
            "a = b | write 'x'",
            "write 'x' | head 1",
            "a | read 'x'",
            "where a where b",
            "skip",
            "head -1",
            "head 1.5",
            "head 18446744073709551615",
            "top 10 n",
            "top 10 by a, b",
            "sort by a",
            "summarize by a",
            "summarize count() by",
            "read access.log",
            "read /var/log/syslog | lines",
            "read ~/x",
            "read",
            "read 'x' as json",
            "write",
            "write out.json",
            "write stdout as",
            "write stdout as jsno",
            "write stdout as parquet",
            "parse",
            "parse 'clf'",
            "parse csv(sep=)",
            "parse csv(sep=x)",
            "parse csv(sep=';', sep=',')",
            "parse csv(sep=';' header=true)",
            "parse csv(sep=';'",
            "parse csv else",
            "parse csv else else",
        ],
        expect![[r#"
            unknown verb `sumarize`
                at "sumarize": not a verb
                did you mean `summarize`?
            unknown verb `filter`
                at "filter": not a verb
                the verb for this is `where`
            unknown verb `status`
                at "status": not a verb
                to keep only some elements, write `where ...`
            unknown verb `requests`
                at "requests": not a verb
                if `requests` is a flow point, a `|` is missing after it
            unknown verb `frobnicate`
                at "frobnicate": not a verb
                the verbs are `read`, `lines`, `parse`, `where`, `set`, `select`, `head`, `skip`, `tail`, `drop`, `rename`, `distinct`, `count`, `lookup`, `explode`, `fill`, `sample`, `generate`, `top`, `sort`, `summarize` or `write`
            unknown verb `frobnicate`
                at "frobnicate": not a verb
                if `frobnicate` is a flow point, start a pipeline with it: it cannot be a later stage
            unknown verb `b`
                at "b": not a verb
                if `b` is a flow point, start a pipeline with it: it cannot be a later stage
            expected a verb, found the end of the program
                at "": ends too early
            expected a verb, found `|`
                at "|": not expected here
            expected a verb or a flow point, found `|`
                at "|": not expected here
            expected a verb or a flow point, found the end of the program
                at "": ends too early
            `where` is a verb
                at "where": cannot name a flow point
                choose another name, or put it in backquotes wherever it stands: `where`
            expected the name of a flow point, found `by`
                at "by": not expected here
                to use a reserved word as a name, put it in backquotes: `by`
            `write` leaves no elements to name
                at "write": the flow ends here
                leave out `a =`, or `write` in a statement of its own
            nothing follows `write`
                at "|": the flow ends before this
                to use elements twice, give their flow point a name and start two pipelines from it
            `read` can only come first
                at "read": takes no elements from what is before it
            a `|` is missing before `where`
                at "where": a stage starts here
            expected a number of elements, found the end of the program
                at "": ends too early
            expected a number of elements, found `-`
                at "-": not expected here
                without the `-`: `head 3`, `tail 5`
            expected a number of elements, found `1.5`
                at "1.5": not expected here
            this number is too large
                at "18446744073709551615": does not fit 63 bits
            expected `by`, found `n`
                at "n": not expected here
                say by what: `top 10 by bytes`
            expected `|` or the end of the statement, found `,`
                at ",": not expected here
                `top` takes one key; for several, use `sort a, b desc | head 10`
            `sort` takes its keys without `by`
                at "by": leave this out
                to sort by a field of this name, write it in backquotes
            `summarize` needs an aggregate before `by`
                at "by": nothing before this
                for the groups alone, count them: `summarize count() by ...`
            expected an expression, found the end of the program
                at "": ends too early
            expected a path in quotes, or `-`, found `access`
                at "access": not expected here
                write it in quotes: "access.log"
            expected a path in quotes, or `-`, found `/`
                at "/": not expected here
                write it in quotes: "/var/log/syslog"
            unexpected character `~`
                at "~": means nothing here
                write it in quotes: "~/x"
            expected a path in quotes, or `-`, found the end of the program
                at "": ends too early
            expected `|` or the end of the statement, found `as`
                at "as": not expected here
                to say what the input is, write `| parse FORMAT`
            expected `stdout`, `stderr` or a path in quotes, found the end of the program
                at "": ends too early
            expected `stdout`, `stderr` or a path in quotes, found `out`
                at "out": not expected here
                write it in quotes: "out.json"
            expected a format, found the end of the program
                at "": ends too early
                the formats are `json`, `csv`, `tsv`, `text`, `table` or `template`
            cannot write as `jsno`
                at "jsno": not a format
                did you mean `json`?
            cannot write as `parquet`
                at "parquet": not a format
                the formats are `json`, `csv`, `tsv`, `text`, `table` or `template`
            expected a format, found the end of the program
                at "": ends too early
            expected a format, found `'clf'`
                at "'clf'": not expected here
            expected an expression, found `)`
                at ")": not expected here
            the value of an option is a constant
                at "x": not one
                write it in quotes: "x"
            the option `sep` is given twice
                at "sep": given before
            expected `,` or `)`, found `header`
                at "header": not expected here
                the `(` in line 1, column 10 is still open
            this `(` is never closed
                at "(": no `)` for it
            expected a flow point, or a pipeline in parentheses, found the end of the program
                at "": ends too early
            expected a flow point, or a pipeline in parentheses, found `else`
                at "else": not expected here
                to use a reserved word as a name, put it in backquotes: `else`
        "#]],
    );
}

#[test]
fn expressions_that_are_none() {
    check_errors(
        &[
            "where",
            "where |",
            "where a +",
            "where a + \n",
            "where (a",
            "where (a\nb = c",
            "where f(a",
            "where f(a b)",
            "where a)",
            "where by > 1",
            "where 9223372036854775808",
            "where -9223372036854775809",
            "where a == 'open",
            "where a == 10sec",
            "where a b",
            "where a @ b",
            "where \u{0} > 1",
        ],
        expect![[r#"
            expected an expression, found the end of the program
                at "": ends too early
            expected an expression, found `|`
                at "|": not expected here
            expected an expression, found the end of the program
                at "": ends too early
            expected an expression, found the end of the program
                at "": ends too early
            this `(` is never closed
                at "(": no `)` for it
            expected an operator or `)`, found `b`
                at "b": not expected here
                the `(` in line 1, column 7 is still open
            this `(` is never closed
                at "(": no `)` for it
            expected `,` or `)`, found `b`
                at "b": not expected here
                the `(` in line 1, column 8 is still open
            this `)` closes nothing
                at ")": no `(` for it
            expected an expression, found `by`
                at "by": not expected here
                to use a reserved word as a name, put it in backquotes: `by`
            this number is too large
                at "9223372036854775808": does not fit 64 bits with a sign
                the largest is 9223372036854775807; with a point, `.0`, it is a float
            this number is too large
                at "9223372036854775809": does not fit 64 bits with a sign
                the largest is 9223372036854775807; with a point, `.0`, it is a float
            this string is not closed
                at "'open": starts here
                close it with the quote it began with, on the same line; a line end is written \n
            unknown unit `sec`
                at "sec": not a unit
                durations end in ns us ms s m h d, sizes in B kB MB GB TB KiB MiB GiB TiB
            expected `|` or the end of the statement, found `b`
                at "b": not expected here
            unexpected character `@`
                at "@": means nothing here
                names have no sigil
            unexpected character U+0000
                at "\0": means nothing here
        "#]],
    );
}
