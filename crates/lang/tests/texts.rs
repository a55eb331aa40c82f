//! Functions of addresses, digests, lists and patterns, by hand.

mod common;

use common::World;

/// Checks expressions over a line: each with its value, as JSON writes it.
fn check(line: &str, expected: &[(&str, &str)]) {
    let world = World::stdin(format!("{line}\n"));
    for (expression, value) in expected {
        let program = format!("select r = {expression} | write stdout as json");
        let found = match world.run(&program) {
            Ok(outputs) => outputs["stdout"].clone(),
            Err(message) => panic!("{expression}: {message}"),
        };
        assert_eq!(found, format!("{{\"r\":{value}}}\n"), "{expression} for {line}");
    }
}

#[track_caller]
fn refused(program: &str, message: &str) {
    let error = World::stdin("a\n").run(program).unwrap_err();
    assert!(error.contains(message), "{error}");
}

#[test]
fn parameters_of_addresses() {
    check(
        "https://ann:pw@shop.example.org:8443/a?page=2&q=a%20b+c%2Bd&flag&page=3&%71=x#page=9",
        &[
            ("param(line, \"page\")", "\"2\""),
            ("param(line, \"q\")", "\"a b c+d\""),
            ("param(line, \"flag\")", "\"\""),
            ("param(line, \"none\")", "null"),
            ("param(\"x=1&y\", \"x\")", "\"1\""),
            ("param(\"\", \"x\")", "null"),
            ("url_host(line)", "\"shop.example.org\""),
            ("url_host(\"//[::1]:80/x\")", "\"::1\""),
            ("url_host(\"http:///x\")", "null"),
            ("url_host(\"mailto:ann\")", "null"),
            ("url_decode(\"%C3%A9%2g%+\")", "\"é%2g%+\""),
            ("url_encode(\"é a/b~\")", "\"%C3%A9%20a%2Fb~\""),
            ("url_decode(url_encode(line)) == line", "true"),
        ],
    );
}

#[test]
fn addresses_and_networks() {
    check(
        "10.1.2.3",
        &[
            ("is_ip(line)", "true"),
            ("is_ip(\"10.1.2\")", "false"),
            ("is_ip(\"2001:db8::1\")", "true"),
            ("ip_in(line, \"10.0.0.0/8\")", "true"),
            ("ip_in(line, \"10.1.2.77/24\")", "true"),
            ("ip_in(line, \"10.1.3.0/24\")", "false"),
            ("ip_in(line, \"0.0.0.0/0\")", "true"),
            ("ip_in(line, \"10.1.2.3\")", "true"),
            ("ip_in(line, \"::/0\")", "false"),
            ("ip_in(\"::ffff:10.1.2.3\", \"10.0.0.0/8\")", "true"),
            ("ip_in(\"fe80::1\", \"fe80::/10\")", "true"),
            ("ip_in(\"none\", \"10.0.0.0/8\")", "null"),
            ("ip_net(line, 16)", "\"10.1.0.0/16\""),
            ("ip_net(line, 0)", "\"0.0.0.0/0\""),
            ("ip_net(line, 33)", "null"),
            ("ip_net(\"2001:db8:1:2::9\", 48)", "\"2001:db8:1::/48\""),
            ("ip_net(\"none\", 8)", "null"),
        ],
    );
    refused(
        "where ip_in(line, \"10.0.0.0/33\")",
        "an address of this kind has 32 bits",
    );
    refused("where ip_in(line, \"ten\")", "this is no network");
    refused("where ip_in(line, line)", "takes a constant for the network");
}

#[test]
fn digests_and_base64() {
    check(
        "abc",
        &[
            ("md5(line)", "\"900150983cd24fb0d6963f7d28e17f72\""),
            (
                "sha256(line)",
                "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
            ),
            ("base64_encode(line)", "\"YWJj\""),
            ("base64_encode(\"ab\")", "\"YWI=\""),
            ("base64_decode(\"YWI=\")", "\"ab\""),
            ("base64_decode(\"YWI\")", "null"),
            ("base64_decode(\"?\")", "null"),
        ],
    );
}

#[test]
fn lists_of_pieces() {
    check(
        "a,b,,\"c\" d  e",
        &[
            ("split(line, \",\")", r#"["a","b","","\"c\" d  e"]"#),
            ("split(\"\", \",\")", r#"[""]"#),
            ("len(split(line, \",\"))", "4"),
            ("words(line)", r#"["a,b,,\"c\"","d","e"]"#),
            ("words(\"  \")", "[]"),
            ("extract_all(line, /[a-z]/)", r#"["a","b","c","d","e"]"#),
            ("extract_all(line, /(.),/)", r#"["a","b"]"#),
            ("split(line, \",\") contains \"b\"", "true"),
        ],
    );
}

#[test]
fn what_matches_is_replaced() {
    check(
        "ann@example.org, bob@example.com",
        &[
            (
                r#"replace(line, /@\S+?\.(org|com)/, "[$1]")"#,
                "\"ann[org], bob[com]\"",
            ),
            (
                r#"replace(line, /(?<who>\w+)@/, "${who}$$ ")"#,
                "\"ann$ example.org, bob$ example.com\"",
            ),
            (
                r#"replace(line, /x*/, "-")"#,
                "\"-a-n-n-@-e-a-m-p-l-e-.-o-r-g-,- -b-o-b-@-e-a-m-p-l-e-.-c-o-m-\"",
            ),
            (
                r#"replace(line, "@", "/")"#,
                "\"ann/example.org, bob/example.com\"",
            ),
            ("replace(line, /none/, \"\") == line", "true"),
            (
                r#"replace("ab", /(a)(?<two>b)/, "${2}_$1 $0 $two ${two}s $ $$9 ${")"#,
                r#""b_a ab b bs $ $9 ${""#,
            ),
            // What is not known before the run is not checked.
            (
                r#"replace("ab", /(a)/, if(len(line) > 0, "[$9]", ""))"#,
                r#""[]b""#,
            ),
        ],
    );
    let replace = |to: &str| format!("select r = replace(line, /(a)(?<two>b)?/, \"{to}\")");
    refused(&replace("[$9]"), "the pattern has no group `9`");
    refused(&replace("[$9]"), "its groups are `$1` to `$2`");
    refused(&replace("$$$3"), "no group `3`");
    refused(&replace("$2_$1"), "no group `2_`");
    refused(&replace("$2_$1"), "`${2}_` is the group `2`, then `_`");
    refused(&replace("${none}"), "no group `none`");
    refused(&replace("$twos"), "`${two}s` is the group `two`");
    refused("set a = replace(line, /a/, \"$1\")", "groups are in parentheses");
    refused("where line == /a/", "a pattern is no value");
    refused("set a = /a/", "a pattern is no value");
    refused("where line contains /a/", "a pattern is no value");
}

#[test]
fn chance_is_the_same_for_both_engines_but_not_for_two_places() {
    let numbers: String = (0..1000).map(|n| format!("{n}\n")).collect();
    let outcome = World::stdin(numbers)
        .run("where random() == random() | count")
        .unwrap();
    assert_eq!(outcome["stdout"], "0\n");
}
