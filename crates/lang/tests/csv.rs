//! Separated values, as programs read them.

mod common;

use common::{World, check};
use expect_test::expect;

#[test]
fn csv() {
    let world = World::default()
        .with_input("a.csv", "name,age\nAnn,30\nBob,\n\"C, D\",7\n")
        .with_input("b.csv", "name,age\nEve,5\nshort\n");
    check(
        &world,
        "parse csv | select age, name",
        expect![[r#"
            --- bad rows of parse csv (1:1)
            1 of 5, first [3]
            --- stdout
            30	Ann
            	Bob
            7	C, D
            5	Eve
        "#]],
    );
    check(
        &world,
        "parse csv | where int(age) > 6 | write stdout as csv",
        expect![[r#"
            --- bad rows of parse csv (1:1)
            1 of 5, first [3]
            --- stdout
            name,age
            Ann,30
            "C, D",7
        "#]],
    );
    check(
        &world,
        "parse csv(columns=\"age:i64?\", header=true) | summarize sum(age), count(age), count()",
        expect![[r#"
        --- bad rows of parse csv(columns="age:i64?", header=true) (1:1)
        1 of 5, first [3]
        --- stdout
        42	3	4
    "#]],
    );
    check(
        &world,
        "parse csv(columns=\"n,a\") else bad | write \"good\"; bad | select number",
        expect![[r#"
            --- good
            name	age
            Ann	30
            Bob	
            C, D	7
            name	age
            Eve	5
            --- stdout
            3
        "#]],
    );
    check(
        &world,
        "x = read \"a.csv\" | parse csv; x | summarize count() | write \"n\"; x | select name",
        expect![[r#"
        --- n
        3
        --- stdout
        Ann
        Bob
        C, D
    "#]],
    );
    let brc = World::stdin("Oslo;1.5\nRome;20.25\nOslo;-3\n");
    check(
        &brc,
        "parse csv(sep=\";\", columns=\"station:str,temp:f64\") | summarize min(temp), avg(temp), max(temp) by station | sort station | write stdout as csv",
        expect![[r#"
            station,min_temp,avg_temp,max_temp
            Oslo,-3.0,-0.75,1.5
            Rome,20.25,20.25,20.25
        "#]],
    );
    check(
        &World::stdin("a\tb\n1\t2\n"),
        "parse csv(sep=\"\\t\") | write stdout as json",
        expect![[r#"
        {"a":1,"b":2}
    "#]],
    );
    let wide: Vec<String> = (0..1000).map(|k| format!("c{k}")).collect();
    let values: Vec<String> = (0..1000).map(|k| k.to_string()).collect();
    let world = World::stdin(format!("{}\n{}\n", wide.join(","), values.join(",")));
    check(
        &world,
        "parse csv | where c999 == 999 | select c500, n = int(c3) + int(c998)",
        expect![[r#"
        500	1001
    "#]],
    );
    assert_eq!(
        world.run("parse csv").unwrap()["stdout"],
        values.join("\t") + "\n"
    );
}

#[test]
fn headers_of_csv_may_differ() {
    let world = World::default()
        .with_input("a.csv", "name,age\nAnn,30\nname,age\n")
        .with_input("b.csv", "\u{feff}age, name ,more\r\n5,Eve,x\r\n6,Fay\r\n")
        .with_input("empty.csv", "")
        .with_input("c.csv", "\"name\",\"a\"\"b\",\"age\"\n\"G, H\",1,7");
    let expected = expect![[r#"
        --- bad rows of parse csv (1:1)
        1 of 5, first [3]
        --- stdout
        Ann	30
        name	age
        Eve	5
        G, H	7
    "#]];
    check(&world, "parse csv", expected);
    let typed = "parse csv(columns=\"age:i64?,name\", header=true) else bad | where age > 0 \
        | write stdout as csv; bad | write \"bad\"";
    let expected = expect![[r#"
        --- bad
        name,age	3
        6,Fay	3
        --- stdout
        age,name
        30,Ann
        5,Eve
        7,"G, H"
    "#]];
    check(&world, typed, expected);
    let lacks = world.with_input("d.csv", "nome,age\nx,1\n");
    let expected = expect![[r#"
        Error: the header of `d.csv` has no column `name`
           ╭─[ test:1:7 ]
           │
         1 │ parse csv
           │       ┬──
           │       ╰──── columns go by their names, in every input
           │
           │ Help: its columns are `nome` and `age`
        ───╯
    "#]];
    check(&lacks, "parse csv", expected);
}

/// Inputs whose headers cannot be looked into before they are read.
#[test]
fn a_header_that_lacks_a_column_fails_the_run() {
    let world = World::default()
        .with_input("a.csv", "name,age\nAnn,30\n")
        .with_late_input("b.csv", "age,nome\n5,Eve\n");
    let error = world.run("parse csv").unwrap_err();
    assert!(
        error.contains("the header `age,nome` has no column `name`"),
        "{error}"
    );
}

#[test]
fn types_of_separated_values_come_of_a_sample() {
    let world = World::stdin(
        "id,zip,price,on,at,name\n1,01234,2.50,true,2026-11-21T01:18:20Z,\n2,00001,3,false,,x\n",
    );
    check(
        &world,
        "parse csv | write stdout as json",
        expect![[r#"
        {"id":1,"zip":"01234","price":2.5,"on":true,"at":"2026-11-21T01:18:20Z","name":""}
        {"id":2,"zip":"00001","price":3.0,"on":false,"at":null,"name":"x"}
    "#]],
    );
    check(
        &world,
        "parse csv | where id > 1 and price >= 3 | select name, zip",
        expect![[r#"
            x	00001
        "#]],
    );
    let world = World::stdin("a\tb\n1\tx,y\n");
    check(
        &world,
        "parse tsv | write stdout as json",
        expect![[r#"
        {"a":1,"b":"x,y"}
    "#]],
    );
}

#[test]
fn records_of_csv_may_be_of_several_lines() {
    let notes = "\u{feff}\"name\",\"no\nte\"\r\nAnn,\"one, \"\"two\"\"\r\n\r\nthree\"\nBob,\"stray\nCarl,c\n\"Dan\",d\"d\n";
    let world = World::default().with_input("notes.csv", notes);
    check(
        &world,
        "parse csv else bad | write stdout as json; bad | write \"bad.json\"",
        expect![[r#"
            --- bad.json
            {"line":"Bob,\"stray","number":6}
            --- stdout
            {"name":"Ann","no\nte":"one, \"two\"\r\n\r\nthree"}
            {"name":"Carl","no\nte":"c"}
            {"name":"Dan","no\nte":"d\"d"}
        "#]],
    );
    // What is written is read as it was.
    let written = world.run("parse csv | write stdout as csv").unwrap();
    let again = World::default().with_input("again.csv", &written["stdout"]);
    assert_eq!(
        again.run("parse csv | write stdout as csv").unwrap()["stdout"],
        written["stdout"]
    );
    // Behind `lines`, each line is one.
    check(
        &world,
        "lines | skip 1 | parse csv(columns=\"name,note\") else bad | count | write stdout; bad | write \"bad\"",
        expect![[r#"
            --- bad
            te"	2
            Ann,"one, ""two""	3
            	4
            three"	5
            Bob,"stray	6
            --- stdout
            2
        "#]],
    );
}

#[test]
fn the_mark_of_an_input_is_no_text() {
    let world = World::default()
        .with_input("a", "\u{feff}1,2\n")
        .with_input("b", "\u{feff}\u{feff}{\"a\":3}\n");
    let world = |program| world.run(program).unwrap()["stdout"].clone();
    assert_eq!(
        world("parse csv(columns=\"a:int,b\") else bad | select a | write stdout; bad | write \"bad\""),
        "1\n"
    );
    assert_eq!(
        world("parse json else bad | select a | write stdout; bad | write \"bad\""),
        "3\n"
    );
    assert_eq!(world("where line startswith \"1\""), "1,2\n");
}
