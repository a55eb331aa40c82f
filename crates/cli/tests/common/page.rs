//! Pages of the documentation whose commands are run: fenced blocks under headings.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A page, and what of it is printed otherwise than it says.
pub(crate) struct Page {
    path: PathBuf,
    text: String,
    /// What stands in place of a piece of the text, in its order.
    fresh: Vec<(Range<usize>, String)>,
}

/// A fenced block: `sh unordered`, say, and what stands within.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    /// The last heading before it.
    pub(crate) title: String,
    pub(crate) language: String,
    pub(crate) info: String,
    pub(crate) body: String,
    at: Range<usize>,
}

impl Page {
    /// A page of the folder `docs`.
    pub(crate) fn of_docs(name: &str) -> Page {
        Page::at(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../docs")
                .join(name),
        )
    }

    pub(crate) fn at(path: PathBuf) -> Page {
        let text = std::fs::read_to_string(&path).expect("the page is there");
        Page {
            path,
            text,
            fresh: Vec::new(),
        }
    }

    pub(crate) fn fences(&self) -> Vec<Fence> {
        let mut fences: Vec<Fence> = Vec::new();
        let (mut title, mut open, mut at) = (String::new(), None, 0);
        for line in self.text.split_inclusive('\n') {
            let end = at + line.len();
            match (open.take(), line.trim_end()) {
                (Some(fence), "```") => {
                    let mut fence: Fence = fence;
                    fence.at.end = at;
                    fence.body = self.text[fence.at.clone()].to_owned();
                    fences.push(fence);
                }
                (Some(fence), _) => open = Some(fence),
                (None, heading) if heading.starts_with('#') => title = heading.to_owned(),
                (None, text) => {
                    if let Some(words) = text.strip_prefix("```") {
                        let (language, info) = words.split_once(' ').unwrap_or((words, ""));
                        open = Some(Fence {
                            title: title.clone(),
                            language: language.to_owned(),
                            info: info.to_owned(),
                            body: String::new(),
                            at: end..end,
                        });
                    }
                }
            }
            at = end;
        }
        fences
    }

    /// Compares what a block says with what was printed; `UPDATE_EXPECT=1` writes that there instead.
    #[track_caller]
    pub(crate) fn expect(&mut self, fence: &Fence, printed: &str) {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            self.fresh.push((fence.at.clone(), printed.to_owned()));
        } else {
            assert_eq!(
                fence.body, printed,
                "{}: UPDATE_EXPECT=1 writes what is printed",
                fence.title
            );
        }
    }

    /// Writes the page where it has changed.
    pub(crate) fn finish(self) {
        let mut text = self.text;
        for (range, fresh) in self.fresh.iter().rev() {
            text.replace_range(range.clone(), fresh);
        }
        if !self.fresh.is_empty() {
            std::fs::write(self.path, text).expect("the page can be written");
        }
    }
}

/// Runs a command as a shell would, with the tool in the path.
pub(crate) fn shell(script: &str, folder: &Path) -> Output {
    let tool = Path::new(env!("CARGO_BIN_EXE_cutthrough"));
    let tools = tool.parent().expect("it is in a folder");
    let path = format!(
        "{}:{}",
        tools.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell")
}
