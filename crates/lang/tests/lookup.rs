//! `lookup`: columns of a file beside those of the flow.

mod common;

use common::World;
use expect_test::expect;

fn world() -> World {
    let world = World::stdin("10.0.0.1,7\n10.0.0.9,8\n,9\n10.0.0.1,1\n");
    let world = world.with_file(
        "hosts.csv",
        "team,remote,owner\nweb,10.0.0.1,\"Ann, jr.\"\ndb,7,Bob\n",
    );
    let world = world.with_file("twice.csv", "remote,team\na,1\na,2\n");
    world.with_file("bytes.csv", "remote,bytes\na,1\n")
}

fn run(program: &str) -> String {
    let program = format!("parse csv(columns=\"remote:text?,bytes:int\") | {program}");
    match world().run(&program) {
        Ok(outputs) => outputs["stdout"].clone(),
        Err(message) => message,
    }
}

#[test]
fn rows_are_found_by_their_key() {
    expect![[r#"
        remote,bytes,team,owner
        10.0.0.1,7,web,"Ann, jr."
        10.0.0.9,8,,
        ,9,,
        10.0.0.1,1,web,"Ann, jr."
    "#]]
    .assert_eq(&run("lookup \"hosts.csv\" on remote | write stdout as csv"));
    expect![[r#"
        7	Bob
        8	
        9	
        1	
    "#]]
    .assert_eq(&run(
        "lookup \"hosts.csv\" on remote = bytes | select bytes, owner",
    ));
    expect![[r#"
        web	8	32.0
        	17	68.0
    "#]]
    .assert_eq(&run(
        "lookup \"hosts.csv\" on remote | summarize bytes = sum(bytes) by team
        | set pct = round(100 * share(bytes), 1) | sort team",
    ));
}

#[test]
fn what_cannot_be_looked_up_is_told() {
    let mut shown = String::new();
    for program in [
        "lookup \"hosts.csv\" on host",
        "lookup \"hosts.csv\" on team",
        "lookup \"none.csv\" on remote",
        "lookup \"twice.csv\" on remote",
        "lookup \"bytes.csv\" on remote",
        "lookup \"hosts.csv\" by remote",
        "lookup hosts.csv on remote",
    ] {
        shown += &format!("{program}\n{}\n", run(program));
    }
    expect![[r#"
        lookup "hosts.csv" on host
        Error: there is no column `host`
           ╭─[ test:1:69 ]
           │
         1 │ parse csv(columns="remote:text?,bytes:int") | lookup "hosts.csv" on host
           │                                                                     ┬───
           │                                                                     ╰───── not a column here
           │
           │ Help: there are `remote` and `bytes`
        ───╯

        lookup "hosts.csv" on team
        Error: there is no column `team`
           ╭─[ test:1:69 ]
           │
         1 │ parse csv(columns="remote:text?,bytes:int") | lookup "hosts.csv" on team
           │                                                                     ┬───
           │                                                                     ╰───── not a column here
           │
           │ Help: there are `remote` and `bytes`
        ───╯

        lookup "none.csv" on remote
        Error: none.csv: no such file
           ╭─[ test:1:54 ]
           │
         1 │ parse csv(columns="remote:text?,bytes:int") | lookup "none.csv" on remote
           │                                                      ┬─────────
           │                                                      ╰─────────── to look up in
        ───╯

        lookup "twice.csv" on remote
        Error: twice.csv: line 3 has the key `a` again
           ╭─[ test:1:54 ]
           │
         1 │ parse csv(columns="remote:text?,bytes:int") | lookup "twice.csv" on remote
           │                                                      ┬──────────
           │                                                      ╰──────────── cannot be looked up in
        ───╯

        lookup "bytes.csv" on remote
        Error: there is a column `bytes` already
           ╭─[ test:1:54 ]
           │
         1 │ parse csv(columns="remote:text?,bytes:int") | lookup "bytes.csv" on remote
           │                                                      ┬──────────
           │                                                      ╰──────────── has one of this name too
           │
           │ Help: call it otherwise before: `rename old_bytes = bytes`
        ───╯

        lookup "hosts.csv" by remote
        Error: expected `on`, found `by`
           ╭─[ test:1:66 ]
           │
         1 │ parse csv(columns="remote:text?,bytes:int") | lookup "hosts.csv" by remote
           │                                                                  ┬─
           │                                                                  ╰─── not expected here
           │
           │ Help: say by which column: `lookup "hosts.csv" on remote`
        ───╯

        lookup hosts.csv on remote
        Error: expected a path in quotes, found `hosts`
           ╭─[ test:1:54 ]
           │
         1 │ parse csv(columns="remote:text?,bytes:int") | lookup hosts.csv on remote
           │                                                      ┬────
           │                                                      ╰────── not expected here
           │
           │ Help: write it in quotes: "hosts.csv"
        ───╯

    "#]]
    .assert_eq(&shown);
}
