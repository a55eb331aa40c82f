//! What is said to mistakes that people make who come from other tools: `mistakes.md`.

mod common;

use std::path::Path;

use common::TempDir;
use common::page::{Page, shell};

#[test]
fn mistakes_are_told_with_the_way_out() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut page = Page::at(manifest.join("tests/mistakes.md"));
    let home = TempDir::new("mistakes");
    let mut fences = page.fences().into_iter();
    let mut mistakes = 0;
    while let Some(command) = fences.next() {
        let said = fences.next().expect("what is said follows a command");
        // Without colours, and where nothing runs.
        let script = format!(
            "export NO_COLOR=1 XDG_RUNTIME_DIR=\"{}\"\n{}",
            home.path(""),
            command.body
        );
        let outcome = shell(&script, &manifest.join("../../examples/data"));
        assert_eq!(
            outcome.status.code().map(|code| code.to_string()).as_deref(),
            Some(command.info.as_str()),
            "{}: {outcome:?}",
            command.title
        );
        let stderr = String::from_utf8(outcome.stderr).expect("messages are text");
        assert_eq!(outcome.stdout, b"", "{}", command.title);
        // How long it took differs.
        let said_now = match stderr.find(" s, ") {
            Some(end) => stderr[..stderr[..end].rfind(", ").unwrap_or(end)].to_owned() + "\n",
            None => stderr,
        };
        page.expect(&said, &said_now);
        mistakes += 1;
    }
    assert!(mistakes >= 25, "only {mistakes} mistakes were found");
    page.finish();
}
