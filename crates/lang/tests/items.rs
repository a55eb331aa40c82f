//! Stages that make elements of lists, of what came before, and of nothing.

mod common;

use common::World;

#[track_caller]
fn check(world: &World, program: &str, expected: &str) {
    match world.run(program) {
        Ok(outputs) => assert_eq!(outputs["stdout"], expected, "{program}"),
        Err(message) => panic!("{program}: {message}"),
    }
}

#[track_caller]
fn refused(world: &World, program: &str, message: &str) {
    let error = world.run(program).unwrap_err();
    assert!(error.contains(message), "{error}");
}

fn lists() -> World {
    World::stdin(
        "{\"id\":1,\"of\":[\"a\",\"b\\\"\",\"c,]\"],\"n\":[1,2.5,null,\"x\"]}\n\
         {\"id\":2,\"of\":[],\"n\":[]}\n\
         {\"id\":3,\"of\":null}\n\
         {\"id\":4,\"of\":\"one\",\"n\":7}\n\
         {\"id\":5,\"of\":[{\"k\":[1,2]},[3,[4]]],\"n\":[-1]}\n",
    )
}

#[test]
fn each_item_of_a_list_is_an_element() {
    let world = lists();
    check(
        &world,
        "parse json | explode of | select id, of | write stdout as json",
        "{\"id\":1,\"of\":\"a\"}\n{\"id\":1,\"of\":\"b\\\"\"}\n{\"id\":1,\"of\":\"c,]\"}\n\
         {\"id\":4,\"of\":\"one\"}\n{\"id\":5,\"of\":{\"k\":[1,2]}}\n{\"id\":5,\"of\":[3,[4]]}\n",
    );
    check(
        &world,
        "parse json | explode item = of as text | where item != null | select id, item, n = len(of)",
        "1\ta\t3\n1\tb\"\t3\n1\tc,]\t3\n4\tone\t\n5\t{\"k\":[1,2]}\t2\n5\t[3,[4]]\t2\n",
    );
    // What is of another type is null, and so is null.
    check(
        &world,
        "parse json | explode n as int | select id, n | write stdout as json",
        "{\"id\":1,\"n\":1}\n{\"id\":1,\"n\":null}\n{\"id\":1,\"n\":null}\n{\"id\":1,\"n\":null}\n\
         {\"id\":4,\"n\":7}\n{\"id\":5,\"n\":-1}\n",
    );
    check(
        &world,
        "parse json | explode n as float | summarize sum(n)",
        "9.5\n",
    );
    check(
        &world,
        "parse json | explode of | explode k = of.k as int | select id, k",
        "5\t1\n5\t2\n",
    );
}

#[test]
fn words_and_parts_are_texts() {
    let world = World::stdin("the wind,  the dark\nthe end\n\n");
    check(
        &world,
        "explode word = words(line) | summarize n = count() by word | sort n desc, word",
        "the\t3\ndark\t1\nend\t1\nwind,\t1\n",
    );
    check(
        &world,
        "explode part = split(line, \",\") | where number == 1 | select number, part = trim(part)",
        "1\tthe wind\n1\tthe dark\n",
    );
    check(
        &world,
        "explode at = extract_all(\"2026-11-21 2026-11-22\", /\\S+/) as time | head 2 | select day = day(at)",
        "21\n22\n",
    );
    // All of many, whatever the size of a grant; what is behind them ends early.
    let long = World::stdin(format!("{}\n", "x ".repeat(100_000)));
    check(&long, "explode word = words(line) | count", "100000\n");
    check(&long, "explode word = words(line) | head 3 | count", "3\n");
    refused(&world, "explode line", "`explode` takes a list");
    refused(
        &world,
        "explode word = words(line) as bool",
        "is no type of items",
    );
}

#[test]
fn what_is_missing_is_as_before() {
    let world = World::stdin("city,n,s\nOslo,1,a\n,,\n,2,\nRome,,b\n,3,\n");
    check(
        &world,
        "parse csv | fill city, n",
        "Oslo\t1\ta\nOslo\t1\t\nOslo\t2\t\nRome\t2\tb\nRome\t3\t\n",
    );
    // Before the first there is nothing.
    let late = World::stdin("a,b\n,x\n1,\n,\n");
    check(
        &late,
        "parse csv | fill a, b | write stdout as json",
        "{\"a\":null,\"b\":\"x\"}\n{\"a\":1,\"b\":\"x\"}\n{\"a\":1,\"b\":\"x\"}\n",
    );
    check(
        &world,
        "parse csv | fill city | summarize n = count() by city",
        "Oslo\t3\nRome\t2\n",
    );
    refused(&world, "lines | fill number", "`number` is never null");
    refused(&world, "parse csv | fill town", "there is no column `town`");
}

#[test]
fn so_many_by_chance() {
    let numbers = World::default().with_file("none", "");
    // The engines take other ones, each with a generator of its own.
    let program = "generate 10000 | sample 100 | summarize n = count(), all = dcount(n), ok = countif(n >= 1 and n <= 10000)";
    check(&numbers, program, "100\t100\t100\n");
    check(&numbers, "generate 5 | sample 10 | sort n", "1\n2\n3\n4\n5\n");
    check(
        &numbers,
        "generate 100000 | sample 10% | count | select enough = count > 9000 and count < 11000",
        "true\n",
    );
    check(&numbers, "generate 100 | sample 0% | count", "0\n");
    check(&numbers, "generate 100 | sample 100% | count", "100\n");
    refused(&numbers, "generate 5 | sample 101%", "at most 100 %");
    refused(
        &numbers,
        "generate 5 | sample 1.5",
        "this is no number of elements",
    );
}

#[test]
fn numbers_of_nothing() {
    let world = World::default();
    check(&world, "generate 3", "1\n2\n3\n");
    check(&world, "generate 0 | count", "0\n");
    check(
        &world,
        "generate 1000000 | where n % 2 == 0 | summarize sum(n)",
        "250000500000\n",
    );
    check(
        &world,
        "n = generate 4\nn | where n > 2 | write stdout\nn | count | write \"count\"",
        "3\n4\n",
    );
    refused(&world, "generate", "expected a number of elements, or `every`");
    refused(&world, "lines | generate 3", "`generate` can only come first");
}
