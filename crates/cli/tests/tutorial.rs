//! The commands of `docs/tutorial.md`, one after another, print what stands there.

mod common;

use std::path::Path;

use common::TempDir;
use common::page::{Page, shell};

#[test]
fn commands_print_what_they_should() {
    let mut page = Page::of_docs("tutorial.md");
    let dir = TempDir::new("tutorial");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    for entry in std::fs::read_dir(data).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), dir.path(entry.file_name().to_str().unwrap())).unwrap();
    }
    let mut fences = page.fences().into_iter().peekable();
    let mut commands = 0;
    while let Some(command) = fences.next() {
        assert_eq!(command.language, "sh", "{}", command.title);
        let output = fences.next_if(|fence| fence.language == "output");
        let mut script = format!(
            "export XDG_RUNTIME_DIR=\"$PWD\"\n{{ {}\n}}",
            command.body.trim_end()
        );
        // What is started in the background goes on, and would keep the output open.
        script += match output {
            Some(_) => " 2>&1",
            None => " > /dev/null 2>&1",
        };
        let outcome = shell(&script, Path::new(&dir.path("")));
        let printed = String::from_utf8(outcome.stdout).unwrap();
        assert!(outcome.status.success(), "{}: {printed}", command.body);
        if let Some(output) = output {
            page.expect(&output, &printed);
        }
        commands += 1;
    }
    assert!(commands >= 12, "only {commands} commands were found");
    page.finish();
}
