//! Programs at the bounds, built and run, and data that makes stages fail.

mod common;

use std::time::Instant;

use common::World;
use cutthrough::Options;

/// Runs a program that has to be done in a time that nobody minds, on a stack like that of any thread.
fn run(world: &World, source: &str) -> String {
    let begin = Instant::now();
    let outputs = world.run(source).unwrap_or_else(|message| panic!("{message}"));
    assert!(
        begin.elapsed().as_secs() < 20,
        "{:?} for {} bytes of program",
        begin.elapsed(),
        source.len()
    );
    outputs["stdout"].clone()
}

#[test]
fn many_stages() {
    let world = World::stdin("a\nb\n");
    let stages = |count: usize| vec!["where number > 1"; count].join("|");
    assert_eq!(run(&world, &stages(30)), "b\n");
    // Compiling so many filters takes long, in which they run interpreted.
    let outputs = world.run_with(&stages(200), Options::interpreted()).unwrap();
    assert_eq!(outputs["stdout"], "b\n");
    let stages = format!(
        "lines | {} | select number",
        vec!["set number = number + 1"; 200].join("|")
    );
    assert_eq!(run(&world, &stages), "201\n202\n");
}

#[test]
fn many_readers_of_one_flow_point() {
    let world = World::stdin("a\nb\n");
    let mut program = "a = lines\n".to_owned();
    for k in 0..100 {
        program += &format!("a | where number != {k} | write \"out{k}\"\n");
    }
    let outputs = world.run(&program).unwrap();
    assert_eq!(
        (outputs.len(), &*outputs["out1"], &*outputs["out99"]),
        (100, "b\t2\n", "a\t1\nb\t2\n")
    );
}

#[test]
fn many_columns() {
    let world = World::stdin("a\nb\n");
    let set: Vec<String> = (0..1000).map(|k| format!("c{k} = number + {k}")).collect();
    let program = format!("set {} | where c999 == 1001 | select c0, c999", set.join(", "));
    assert_eq!(run(&world, &program), "2\t1001\n");
    let sum: Vec<String> = (0..300).map(|k| format!("c{k} = sum(number + {k})")).collect();
    let program = format!("summarize {} | select c0, c299", sum.join(", "));
    assert_eq!(run(&world, &program), "3\t601\n");
}

#[test]
fn large_expressions() {
    let world = World::stdin("a\nb\n");
    let sum = vec!["number"; 999].join(" + ");
    assert_eq!(run(&world, &format!("select {sum}")), "999\n1998\n");
    let deep = format!("select {}number{}", "abs(-".repeat(99), ")".repeat(99));
    assert_eq!(run(&world, &deep), "1\n2\n");
    let nested = format!("select {}line{}", "lower(".repeat(199), ")".repeat(199));
    assert_eq!(run(&world, &nested), "a\nb\n");
    let list: Vec<String> = (2..900).map(|k| format!("\"{k}\"")).collect();
    assert_eq!(
        run(&world, &format!("where text(number) in ({})", list.join(", "))),
        "b\n"
    );
    let concat = format!("where len(concat({})) > 3", vec!["line"; 900].join(", "));
    assert_eq!(run(&world, &concat), "a\nb\n");
    let choice = format!(
        "select {}0{}",
        "if(number > 1, number, 1 + ".repeat(150),
        ")".repeat(150)
    );
    assert_eq!(run(&world, &choice), "150\n2\n");
}

#[test]
fn texts_are_bounded() {
    let world = World::stdin(format!("{}\n", "x".repeat(1 << 20)));
    let doubled = ["set line = line + line"; 7].join(" | ");
    let error = world.run(&doubled).unwrap_err();
    assert!(
        error.contains("a text would be longer than 67108864 bytes"),
        "{error}"
    );
    let error = world.run("set line = replace(line, \"x\", \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefg\")");
    assert!(error.unwrap_err().contains("a text would be longer"));
    // Each is within the bound, but not all together.
    let items: Vec<String> = (0..40)
        .map(|k| format!("c{k} = replace(line, \"x\", \"12345678\")"))
        .collect();
    let error = world.run(&format!("set {} | select number", items.join(", ")));
    assert_eq!(
        error.unwrap()["stdout"],
        "1\n",
        "what is not needed is not computed"
    );
    let all: Vec<String> = (0..40).map(|k| format!("c{k}")).collect();
    let error = world
        .run(&format!("set {} | select {}", items.join(", "), all.join(", ")))
        .unwrap_err();
    assert!(error.contains("the texts that this stage makes"), "{error}");
}

#[test]
fn failures_name_the_stage() {
    let world = World::stdin("9223372036854775807\n9223372036854775807\n");
    let error = world
        .run("parse csv(columns=\"i:i64\") | summarize sum(i)")
        .unwrap_err();
    assert!(error.contains("summarize sum(i)"), "{error}");
    assert!(error.contains("does not fit"), "{error}");
}

#[test]
fn empty_inputs() {
    let world = World::stdin("");
    assert_eq!(run(&world, "head 1"), "");
    assert_eq!(run(&world, "sort line | top 1 by line"), "");
    assert_eq!(run(&world, "summarize count()"), "0\n");
    assert_eq!(run(&world, "summarize count() by line"), "");
    assert_eq!(run(&World::stdin("\n\n"), "summarize count() by line"), "\t2\n");
    assert_eq!(
        run(
            &World::stdin(b"\0\n\r\n\xff\xfe"),
            "summarize count() by len(line)"
        ),
        "1\t1\n0\t1\n2\t1\n"
    );
}
