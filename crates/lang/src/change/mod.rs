//! Changing a running program into another one.
//!
//! The new text is checked and drawn as any program, and compared with what runs: what is the same stays, with what it
//! holds and has counted; what only computes something else goes on with another computation; what is new is put in;
//! what is gone gives what it holds and ends. All of it is one rewire: elements before it go the old way, elements
//! after it the new one.
//!
//! | module | what |
//! |---|---|
//! | `mod.rs` | a change: what it is to do, in words |
//! | [`matching`] | which processes of the old program are which of the new one |
//! | [`apply`] | a change as one rewire |

mod apply;
mod matching;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::lower::{Blueprint, NodeIndex, NodeSpec, PointIndex, Spec};
use crate::plan::{Environment, Input, Target};
use crate::running::Running;

pub use apply::OpenChange;

/// What becomes of a process of the new program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is this one of the old, as it is.
    Keep(NodeIndex),
    /// It is this one of the old, with another program.
    Swap(NodeIndex),
    /// It takes the place of this one of the old, which gives what it holds and ends.
    Replace(NodeIndex),
    /// It is put in.
    New,
}

impl Fate {
    /// The process of the old program that stands at the same place.
    fn old(self) -> Option<NodeIndex> {
        match self {
            Fate::Keep(was) | Fate::Swap(was) | Fate::Replace(was) => Some(was),
            Fate::New => None,
        }
    }

    /// The process that goes on.
    fn same(self) -> Option<NodeIndex> {
        match self {
            Fate::Keep(was) | Fate::Swap(was) => Some(was),
            Fate::Replace(_) | Fate::New => None,
        }
    }
}

/// What is to be done so that a running program becomes another one. Its `Display` is a list of that.
#[derive(Clone, Debug)]
pub struct Change {
    source_name: String,
    source: Arc<str>,
    old: Blueprint,
    new: Blueprint,
    /// For each process of the new program.
    fates: Vec<Fate>,
    /// For each flow point of the new program, the one of the old that it is.
    points: Vec<Option<PointIndex>>,
    /// Processes of the new program that go on with a file which an earlier program has written.
    go_on: HashSet<NodeIndex>,
    /// Processes of the new program that replace a file which is there.
    replace: HashSet<NodeIndex>,
    /// For each process of the old program that leaves, whether others that leave still give it elements.
    leaving: Vec<(NodeIndex, bool)>,
    /// The change of the program that it is based on.
    version: u64,
}

impl Running {
    /// Works out how the program becomes another one, changing as little as can be.
    ///
    /// # Errors
    /// When the new text is wrong, or asks for something that cannot be done while the program runs.
    pub fn plan_change(
        &self,
        source_name: &str,
        source: &str,
        environment: &Environment<'_>,
    ) -> Result<Change, Diagnostic> {
        let plan = crate::compile(source_name, source, environment)?;
        let new = Blueprint::of(&plan);
        let old = self.blueprint.clone();
        let fed = self.leaving.feeds.iter().map(|feed| feed.point).collect();
        let fates = matching::fates(&old, &new, &fed);
        check_resources(&old, &new, &fates)?;
        check_splitters(&old, &new, &fates)?;
        let go_on = self.go_on(&new, &fates)?;
        let points = points(&old, &new, &fates);
        let leaving = leaving(&old, &fates, &points, &fed);
        Ok(Change {
            source_name: source_name.to_owned(),
            source: plan.source.clone(),
            old,
            new,
            fates,
            points,
            go_on,
            replace: HashSet::new(),
            leaving,
            version: self.version,
        })
    }

    /// The processes that write a file which an earlier program has written.
    fn go_on(&self, new: &Blueprint, fates: &[Fate]) -> Result<HashSet<NodeIndex>, Diagnostic> {
        let mut go_on = HashSet::new();
        for (index, (node, fate)) in new.nodes.iter().zip(fates).enumerate() {
            let Some(path) = node.spec.written_file().filter(|_| fate.same().is_none()) else {
                continue;
            };
            let mut written = self.written.iter();
            match written.find(|known| known.written_file() == Some(path)) {
                Some(known) if known.writes_like(&node.spec) => go_on.insert(index),
                Some(_) => {
                    let message = "an earlier program of this run has written this file with other columns or another format";
                    let diagnostic = Diagnostic::new(message, node.span, "what it has written would be lost");
                    return Err(diagnostic.with_help("write to another file"));
                }
                None => false,
            };
        }
        Ok(go_on)
    }
}

/// What is read or written cannot be begun again while it is.
fn check_resources(old: &Blueprint, new: &Blueprint, fates: &[Fate]) -> Result<(), Diagnostic> {
    let before: HashSet<&[u8]> = old
        .nodes
        .iter()
        .filter_map(|node| node.spec.written_file())
        .collect();
    let has_stdin = |spec: &Spec| matches!(spec, Spec::Read(inputs) if inputs.contains(&Input::Stdin));
    let had_stdin = old.nodes.iter().any(|node| has_stdin(&node.spec));
    for (node, fate) in new.nodes.iter().zip(fates) {
        if fate.same().is_some() {
            continue;
        }
        if node.spec.written_file().is_some_and(|path| before.contains(path)) {
            let diagnostic = Diagnostic::new(
                "a file that is being written cannot get other columns or another format",
                node.span,
                "this would be written differently from now on",
            );
            return Err(diagnostic.with_help("write to another file"));
        }
        if had_stdin && has_stdin(&node.spec) {
            let message = "the standard input cannot be read from its start again";
            let diagnostic = Diagnostic::new(message, node.span, "is being read");
            return Err(
                diagnostic.with_help("keep the `read -` that the running program has, or leave it out")
            );
        }
    }
    Ok(())
}

/// What splits the blocks of an input cannot begin in the midst of a line.
fn check_splitters(old: &Blueprint, new: &Blueprint, fates: &[Fate]) -> Result<(), Diagnostic> {
    let begins = |is: &NodeIndex| {
        let has_begun = fates[matching::source_of(new, *is)].same().is_some();
        new.nodes[*is].spec.splits() && fates[*is].same().is_none() && has_begun
    };
    let Some(is) = (0..new.nodes.len()).find(begins) else {
        return Ok(());
    };
    let diagnostic = Diagnostic::new(
        "how an input is taken apart cannot change while it is read",
        new.nodes[is].span,
        "this would begin in the midst of a line",
    );
    let is_lines = |node: &NodeSpec| matches!(node.spec, Spec::Lines { .. });
    Err(diagnostic.with_help(match old.nodes.iter().any(is_lines) {
        true => "change what comes after it: what parses lines can be another, as in `lines | parse csv`",
        false => "change what comes after it; only a run that was started with lines, as in `lines | parse csv`, can parse them otherwise",
    }))
}

/// Which branch of an old tee is read by what reads a new flow point.
fn branch_of(
    old: &Blueprint,
    new: &Blueprint,
    fates: &[Fate],
    was: NodeIndex,
    point: PointIndex,
) -> Option<usize> {
    let reader = new.readers(point).next()?;
    let read = old.nodes[fates[reader].old()?].input?;
    old.nodes[was].outputs.iter().position(|&branch| branch == read)
}

/// For each flow point of the new program, the one of the old that it is: that of its name in the program, or else that
/// which its writer wrote to. It has to carry the same columns, so that taps of it go on.
fn points(old: &Blueprint, new: &Blueprint, fates: &[Fate]) -> Vec<Option<PointIndex>> {
    let mut taken = vec![false; old.points.len()];
    let mut kept = vec![None; new.points.len()];
    let mut keep = |index: PointIndex, found: Option<PointIndex>| {
        let fits = |&was: &PointIndex| !taken[was] && old.points[was].carries_same(&new.points[index]);
        if let Some(was) = found.filter(fits) {
            taken[was] = true;
            kept[index] = Some(was);
        }
    };
    let named: HashMap<&str, PointIndex> = old.named().collect();
    for (name, index) in new.named() {
        keep(index, named.get(name).copied());
    }
    let named: HashSet<PointIndex> = named.into_values().collect();
    for (index, point) in new.points.iter().enumerate() {
        let written = point.writer.and_then(|(node, output)| {
            let was = fates[node].old()?;
            let output = match old.nodes[was].spec {
                Spec::Tee(..) => branch_of(old, new, fates, was, index)?,
                _ => output,
            };
            let written = *old.nodes[was].outputs.get(output)?;
            // A name that is there no more may have been changed; one that is there is another flow.
            let is_of_other =
                named.contains(&written) && new.named().any(|(name, _)| name == old.points[written].name);
            (!is_of_other).then_some(written)
        });
        keep(index, written);
    }
    kept
}

/// The processes that leave, each with whether others that leave still give it elements.
fn leaving(
    old: &Blueprint,
    fates: &[Fate],
    points: &[Option<PointIndex>],
    fed: &HashSet<PointIndex>,
) -> Vec<(NodeIndex, bool)> {
    let mut stays = vec![false; old.nodes.len()];
    for was in fates.iter().filter_map(|fate| fate.same()) {
        stays[was] = true;
    }
    let mut keeps_point = vec![false; old.points.len()];
    for &point in points.iter().flatten() {
        keeps_point[point] = true;
    }
    let mut drains = vec![false; old.nodes.len()];
    let mut leaving = Vec::new();
    for (was, node) in old.nodes.iter().enumerate().filter(|&(was, _)| !stays[was]) {
        let is_fed = node.input.is_some_and(|input| {
            let writer = old.points[input].writer;
            !keeps_point[input] && (fed.contains(&input) || writer.is_some_and(|(writer, _)| drains[writer]))
        });
        drains[was] = is_fed || node.may_hold;
        leaving.push((was, is_fed));
    }
    leaving
}

impl Change {
    pub(crate) fn into_program(self) -> (String, Arc<str>, Blueprint) {
        (self.source_name, self.source, self.new)
    }

    /// Looks which files are there that the change would replace, for its `Display`.
    pub fn look_at_files(&mut self, is_there: impl Fn(&[u8]) -> bool) {
        for (index, node) in self.new.nodes.iter().enumerate() {
            let is_begun = self.fates[index].same().is_none() && !self.go_on.contains(&index);
            let replaced = match &node.spec {
                Spec::Write {
                    target: Target::Path(path),
                    append: false,
                    ..
                } => is_begun && is_there(path),
                _ => false,
            };
            if replaced {
                self.replace.insert(index);
            }
        }
    }

    /// What is to be said of the file that a process writes.
    fn file(&self, is: NodeIndex) -> &'static str {
        match (self.go_on.contains(&is), self.replace.contains(&is)) {
            (true, _) => "; goes on with the file",
            (false, true) => "; replaces the file that is there",
            (false, false) => "",
        }
    }

    /// Whether nothing is to be done but to take the new text for the old.
    pub fn is_empty(&self) -> bool {
        self.leaving.is_empty() && self.fates.iter().all(|fate| matches!(fate, Fate::Keep(_)))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut replaced: HashMap<NodeIndex, NodeIndex> = HashMap::new();
        let mut kept = 0;
        for (is, fate) in self.fates.iter().enumerate() {
            let now = &self.new.nodes[is].name;
            match *fate {
                Fate::Keep(_) => kept += 1,
                Fate::Swap(was) => {
                    let before = &self.old.nodes[was].name;
                    if before == now {
                        writeln!(f, "~ {now}: with other columns")?;
                    } else {
                        writeln!(f, "~ {before}: becomes {now}")?;
                    }
                }
                Fate::Replace(was) => {
                    replaced.insert(was, is);
                    let before = &self.old.nodes[was];
                    // It holds nothing that could be given now.
                    if matches!(
                        (&before.spec, &self.new.nodes[is].spec),
                        (Spec::Tee(..), Spec::Tee(..))
                    ) {
                        writeln!(f, "~ {now}: with other readers")?;
                        continue;
                    }
                    write!(f, "! {}: replaced by {now}", before.name)?;
                    writeln!(f, "{}{}", farewell(&before.spec), self.file(is))?;
                }
                Fate::New => {
                    let sign = if self.replace.contains(&is) { '!' } else { '+' };
                    writeln!(f, "{sign} {now}{}", self.file(is))?;
                }
            }
        }
        for (was, _) in &self.leaving {
            if !replaced.contains_key(was) {
                let before = &self.old.nodes[*was];
                writeln!(f, "- {}{}", before.name, farewell(&before.spec))?;
            }
        }
        match kept {
            1 => writeln!(f, "= 1 process stays as it is"),
            _ => writeln!(f, "= {kept} processes stay as they are"),
        }
    }
}

/// What becomes of what a process holds that leaves.
fn farewell(spec: &Spec) -> &'static str {
    match spec {
        Spec::Group(_) | Spec::Windows(_) | Spec::Order(_) | Spec::Total(_) => {
            "; gives what it holds, and ends"
        }
        Spec::Write { .. } => "; writes what it holds, and ends",
        Spec::Read(_) => "; reads no more",
        _ => "",
    }
}

/// The message for a change that another one has come before.
fn stale() -> String {
    "the program has changed meanwhile; plan the change again".to_owned()
}
