//! What the suites print: one line for each case and anchor.

use std::time::Duration;

use cutthrough_bench_support::ratio::{Contender, geomean, per_element};
use serde_json::json;

/// How it is to be printed, and whether all has been right so far.
pub(crate) struct Report {
    suite: &'static str,
    is_json: bool,
    all_ok: bool,
    /// By anchor, in the order in which they come first.
    ratios: Vec<(String, Vec<f64>)>,
}

/// One case beside one anchor.
pub(crate) struct Line<'l> {
    pub(crate) name: &'l str,
    pub(crate) anchor: &'l str,
    /// Of one element or row, in nanoseconds.
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// Whether the answers are equal.
    pub(crate) ok: bool,
}

impl Report {
    pub(crate) fn new(suite: &'static str, is_json: bool) -> Report {
        Report {
            suite,
            is_json,
            all_ok: true,
            ratios: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, line: &Line<'_>) {
        let Line {
            name,
            anchor,
            ours,
            theirs,
            ok,
        } = *line;
        let ratio = ours / theirs;
        self.all_ok &= ok;
        match self.ratios.iter_mut().find(|(known, _)| known == anchor) {
            Some((_, ratios)) => ratios.push(ratio),
            None => self.ratios.push((anchor.to_owned(), vec![ratio])),
        }
        if self.is_json {
            let line = json!({
                "suite": self.suite, "name": name, "anchor": anchor, "ours_ns": ours,
                "anchor_ns": theirs, "ratio": ratio, "ok": ok,
            });
            println!("{line}");
        } else {
            let verdict = if ok { "" } else { "  ANSWERS DIFFER" };
            println!("{name:<22} {anchor:<14} {ours:>12.2} {theirs:>14.2} {ratio:>10.3}{verdict}");
        }
    }

    /// The first contender is ours, and beside it all others, by their medians; each is to give
    /// this answer.
    pub(crate) fn contest(&mut self, name: &str, contenders: &[Contender<'_>], elements: u64, answer: i64) {
        let (ours, anchors) = contenders.split_first().expect("ours is the first");
        let nanos = |contender: &Contender<'_>| per_element(contender.median(), elements);
        for anchor in anchors {
            self.line(&Line {
                name,
                anchor: anchor.name,
                ours: nanos(ours),
                theirs: nanos(anchor),
                ok: ours.always_gave(answer) && anchor.always_gave(answer),
            });
        }
    }

    /// An anchor that is not here: said, and left out.
    pub(crate) fn absent(&self, anchor: &str, why: &str) {
        eprintln!("{}: {anchor} is left out: {why}", self.suite);
    }

    /// Whether all answers were equal. Prints what there is to say of all cases together.
    pub(crate) fn finish(self) -> bool {
        if !self.is_json {
            for (anchor, ratios) in self.ratios.iter().filter(|(_, ratios)| ratios.len() > 1) {
                println!("{:<22} {anchor:<14} {:>38.3}", "geometric mean", geomean(ratios));
            }
        }
        self.all_ok
    }
}

/// Nanoseconds.
pub(crate) fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
