//! Columns of which the sample has no value: they are what the program takes them for.

mod common;

use common::World;

/// What a program writes to the standard output.
#[track_caller]
fn check(world: &World, program: &str, expected: &str) {
    match world.run(program) {
        Ok(outputs) => assert_eq!(outputs["stdout"], expected, "{program}"),
        Err(message) => panic!("{program}: {message}"),
    }
}

/// Programs that need types of `n`, `at`, `took`, `ok` and `name`.
const TYPED: [&str; 22] = [
    "where n > 3",
    "where 3 < n and n < 9",
    "where n in (1, 2.5)",
    "where n + 1 == 2 or -n < 0",
    "where n % 2 == 0 and n // 3 != 1",
    "where n > abs(n)",
    "where round(n, 2) > 1.5",
    "where ok and not ok",
    "where at >= @2026-11-21T02:00 and took < 5m",
    "where hour(at) == 3",
    "where name startswith \"a\" or upper(name) == \"B\"",
    "set m = n | where m > 3",
    "set m = n, k = m * 2 | where k > 3",
    "sort n | where n > 3",
    "rename m = n | where m > 3",
    "fill n | where n > 3",
    "summarize sum(n), avg(n), percentile(n, 95) by name",
    "summarize m = max(n) by name | where m > 3",
    "summarize a = argmax(n, at), l = last(at) by name | where a > 3 and l > @2026-01-01",
    "summarize count() by b = bin(at, 1h)",
    "summarize count() every 1h of at",
    "where substr(name, n) == \"a\"",
];

#[test]
fn programs_with_types_take_inputs_without_values() {
    let worlds = [
        ("csv", World::stdin("n,at,took,ok,name\n")),
        ("csv", World::stdin("n,at,took,ok,name\n,,,,\n")),
        ("tsv", World::stdin("n\tat\ttook\tok\tname\n")),
        ("json", World::stdin("")),
        (
            "json",
            World::stdin("{\"n\":null,\"at\":null,\"took\":null,\"ok\":null,\"name\":null}\n"),
        ),
        ("logfmt", World::stdin("")),
        ("logfmt", World::stdin("n= at= took= ok= name=\n")),
        (
            "regex(/^(?<n>\\d*) (?<at>\\S*) (?<took>\\S*) (?<ok>\\S*) (?<name>\\S*)$/)",
            World::stdin(""),
        ),
        ("template(\"{n} {at} {took} {ok} {name}\")", World::stdin("")),
    ];
    for (format, world) in &worlds {
        for program in TYPED {
            let program = format!("parse {format} | {program}");
            if let Err(message) = world.run(&program) {
                panic!("{program}: {message}");
            }
        }
        check(world, &format!("parse {format} | where n > 3 | select n"), "");
    }
}

#[test]
fn what_is_expected_is_what_later_values_have_to_be() {
    // The sample ends long before there is a value.
    let empty = ",x\n".repeat(200_000);
    let world = World::stdin(format!("n,name\n{empty}7,y\n2,z\nw,bad\n"));
    check(&world, "parse csv | where n > 3", "7.0\ty\n");
    check(&world, "parse csv | where n % 2 == 0 | select n", "2\n");
    // Nothing is expected: any text will do.
    check(&world, "parse csv | where name == \"bad\"", "w\tbad\n");
    let empty = "{\"n\":null}\n".repeat(50_000);
    let world = World::stdin(format!("{empty}{{\"n\":7}}\n{{\"n\":[1]}}\n"));
    check(&world, "parse json | where n > 3", "7.0\n");
    check(&world, "parse json | where n != null", "7\n[1]\n");
}

#[test]
fn the_first_expectation_is_the_one() {
    let world = World::stdin("n,m\n");
    let error = world.run("parse csv | where n > 3 and n == \"a\"").unwrap_err();
    assert!(error.contains("`==` of float? and text"), "{error}");
    // What is expected of one column in one program says nothing of another.
    check(&world, "parse csv | where n > 3 and m == \"a\"", "");
    // A column that has values is what they are.
    let world = World::stdin("n,m\nx,\n");
    let error = world.run("parse csv | where n > 3").unwrap_err();
    assert!(error.contains("`>` of text and int"), "{error}");
}

#[test]
fn fields_that_come_after_the_sample() {
    let early = "{\"service\":\"web\"}\n".repeat(20_000);
    let world = World::stdin(format!(
        "{early}{{\"service\":\"db\",\"error\":{{\"code\":42}}}}\n"
    ));
    let program = "parse json | where error.code == 42 | select service, error.code";
    check(&world, program, "db\t42.0\n");
    let plan = world.compile(program).unwrap();
    let warnings: Vec<&str> = plan
        .warnings()
        .iter()
        .map(|warning| warning.message.as_str())
        .collect();
    assert_eq!(
        warnings,
        ["there is no `error.code` in the records that begin the input"]
    );
    let declared = "parse json(columns=\"error.code:int?\") | where error.code == 42 | select error.code";
    assert!(world.compile(declared).unwrap().warnings().is_empty());
    check(&world, declared, "42\n");
    // A slip is still an error.
    let error = world.run("parse json | where servce == \"db\"").unwrap_err();
    assert!(error.contains("`service`"), "{error}");
}
