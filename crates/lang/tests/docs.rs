//! The examples of `docs/language.md` print what it says. `UPDATE_EXPECT=1` writes what they print there.

mod common;

use common::{World, show};
use cutthrough_lang::{AGGREGATES, FORMATS, FUNCTIONS, RESERVED, VERBS};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/language.md");

const LOG: &str = r#"10.0.0.1 - - [21/Nov/2026:01:18:20 +0000] "GET /a?x=1 HTTP/1.1" 200 100 "-" "curl/8"
10.0.0.2 - - [21/Nov/2026:01:18:21 +0000] "GET /b HTTP/1.1" 500 20 "https://example.org/" "Mozilla/5.0"
10.9 is no request
10.0.0.1 - bob [21/Nov/2026:02:18:21 +0000] "POST /a HTTP/1.1" 503 7 "-" "-"
10.0.0.3 - - [21/Nov/2026:02:20:00 +0000] "GET /c HTTP/1.1" 404 0 "-" "curl/8"
"#;

const EVENTS: &str = r#"{"service":"web","status":200,"ms":1.5,"user":{"id":1,"plan":"pro"},"tags":["beta"],"items":[{"sku":"x-1"}, {"sku":"x-2"}]}
{"service":"web","status":502,"ms":31,"user":{"id":2,"plan":"free"},"tags":[],"items":[]}
{"service":"db","status":500,"ms":12,"user":null,"note":"restarted"}
{"service":"web","status":500,"ms":40.5,"user":{"id":1,"plan":"pro"},"tags":["beta","new"]}
"#;

const PLAIN: &str = "2026-11-21 10:00:00 [warn] disk almost full
2026-11-21 10:00:05 [error] disk full
what is this?
2026-11-21 10:01:00 [error] no service
";

fn world() -> World {
    World::default()
        .with_input("access.log", LOG)
        .with_file("people.csv", "name,age\nAnn,30\nBob,\n\"Carl, jr.\",7\n")
        .with_file("events.json", EVENTS)
        .with_file(
            "app.log",
            "level=info msg=started ms=3\nlevel=warn msg=\"took long\" ms=12 http.status=504\n",
        )
        .with_file("plain.log", PLAIN)
        .with_file("links.txt", "https://shop.example.org/search?q=desk%20lamp&page=2\nhttps://example.net/?q=caf%C3%A9+noir#top\n")
        .with_file("stations.txt", "Oslo;1.5\nRome;20.25\nOslo;-3\n")
}

#[test]
fn examples_print_what_they_should() {
    let text = std::fs::read_to_string(PATH).unwrap();
    let mut fresh = String::new();
    let mut rest = text.as_str();
    let mut examples = 0;
    while let Some(start) = rest.find("```flow\n") {
        let program_at = start + "```flow\n".len();
        let program_end = program_at + rest[program_at..].find("```\n").expect("a program ends");
        let program = &rest[program_at..program_end];
        let output_at = program_end + "```\n```output\n".len();
        assert!(
            rest[program_end..].starts_with("```\n```output\n"),
            "no output follows {program}"
        );
        let output_end = output_at + rest[output_at..].find("```\n").expect("an output ends");
        fresh.push_str(&rest[..output_at]);
        let outcome = world().run(program).map(|mut outputs| {
            outputs.retain(|name, _| name == "stdout");
            outputs
        });
        let output = show(&outcome);
        if std::env::var_os("UPDATE_EXPECT").is_none() {
            assert_eq!(
                &rest[output_at..output_end],
                output,
                "UPDATE_EXPECT=1 writes what this prints:\n{program}"
            );
        }
        fresh.push_str(&output);
        rest = &rest[output_end..];
        examples += 1;
    }
    fresh.push_str(rest);
    assert!(examples >= 8, "only {examples} examples were found");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(PATH, &fresh).unwrap();
    }
}

#[test]
fn everything_is_in_the_reference() {
    let text = std::fs::read_to_string(PATH).unwrap();
    for function in FUNCTIONS {
        assert!(
            text.contains(&format!("`{}`", function.usage)),
            "{}",
            function.usage
        );
    }
    for (usage, _) in AGGREGATES {
        assert!(text.contains(&format!("`{usage}`")), "{usage}");
    }
    for format in FORMATS {
        assert!(text.contains(&format!("### {format}\n")), "{format}");
    }
    for (verb, _) in VERBS {
        assert!(
            text.contains(&format!("| `{verb}")) || text.contains(&format!(", `{verb} ")),
            "{verb}"
        );
    }
    for word in RESERVED {
        assert!(text.contains(word), "{word}");
    }
}
