//! Which processes of a running program are which of the new one.
//!
//! Pipelines are matched first, by name or by how much they have in common; within two that belong together, the
//! longest common sequence of processes, in which one that only computes something else counts a little. What is left
//! over is matched wherever it is the same and has the same before it.

use std::collections::{HashMap, HashSet};

use super::Fate;
use crate::limits::CHANGE_PAIRS_MAX;
use crate::lower::{Blueprint, NodeIndex, PipelineSpec, PointIndex, Spec};

/// For each process of the new program, what becomes of which process of the old one.
///
/// `fed` are flow points of the old program to which something still writes that has left it before.
pub(super) fn fates(old: &Blueprint, new: &Blueprint, fed: &HashSet<PointIndex>) -> Vec<Fate> {
    let mut matching = Matching::of(old, new);
    for (was, is) in matching.pipelines() {
        matching.align(was, is);
    }
    matching.leftovers();
    matching.tees();
    matching.sources();
    matching.drain(fed);
    matching.fates
}

struct Matching<'m> {
    old: &'m Blueprint,
    new: &'m Blueprint,
    /// For each process a number that is the same where the process is.
    old_kinds: Vec<u32>,
    new_kinds: Vec<u32>,
    fates: Vec<Fate>,
    /// Whether an old process is matched already.
    taken: Vec<bool>,
}

impl<'m> Matching<'m> {
    fn of(old: &'m Blueprint, new: &'m Blueprint) -> Matching<'m> {
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut number = |blueprint: &Blueprint| {
            let kinds = blueprint.nodes.iter().map(|node| {
                let next = u32::try_from(known.len()).expect("INVARIANT: a program's stages are bounded");
                *known.entry(node.spec.fingerprint()).or_insert(next)
            });
            kinds.collect()
        };
        Matching {
            old,
            new,
            old_kinds: number(old),
            new_kinds: number(new),
            fates: vec![Fate::New; new.nodes.len()],
            taken: vec![false; old.nodes.len()],
        }
    }

    /// Pairs of pipelines that belong together.
    fn pipelines(&self) -> Vec<(usize, usize)> {
        let (old, new) = (&self.old.pipelines, &self.new.pipelines);
        let mut pairs = Vec::new();
        let mut left: Vec<usize> = (0..old.len()).collect();
        let mut open: Vec<usize> = (0..new.len()).collect();
        let mut pair_by = |same: &dyn Fn(usize, usize) -> bool,
                           key: &dyn Fn(bool, usize) -> Option<Vec<u32>>| {
            let mut known: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
            for &was in left.iter().rev() {
                if let Some(key) = key(true, was) {
                    known.entry(key).or_default().push(was);
                }
            }
            open.retain(|&is| {
                let found = key(false, is)
                    .and_then(|key| known.get_mut(&key))
                    .and_then(|found| {
                        let index = found.iter().rposition(|&was| same(was, is))?;
                        Some(found.remove(index))
                    });
                let Some(was) = found else { return true };
                left.retain(|&other| other != was);
                pairs.push((was, is));
                false
            });
        };
        // By name, or by the file that is written, which no other pipeline writes.
        let mut known: HashMap<End<'_>, u32> = HashMap::new();
        let mut ends = |blueprint: &'m Blueprint| -> Vec<Option<u32>> {
            let pipelines = blueprint.pipelines.iter();
            let ends = pipelines.map(|pipeline| {
                let next = u32::try_from(known.len()).expect("INVARIANT: a program's stages are bounded");
                Some(*known.entry(End::of(blueprint, pipeline)?).or_insert(next))
            });
            ends.collect()
        };
        let (old_ends, new_ends) = (ends(self.old), ends(self.new));
        let end = |is_old: bool, index: usize| {
            let end = if is_old { old_ends[index] } else { new_ends[index] };
            end.map(|end| vec![end])
        };
        pair_by(&|_, _| true, &end);
        // By being the same.
        let kinds = |is_old: bool, index: usize| {
            let (pipeline, kinds) = if is_old {
                (&old[index], &self.old_kinds)
            } else {
                (&new[index], &self.new_kinds)
            };
            Some(pipeline.nodes.iter().map(|&node| kinds[node]).collect())
        };
        pair_by(&|was, is| old[was].from == new[is].from, &kinds);
        pairs.extend(self.most_alike(&left, &open));
        pairs
    }

    /// Pairs of what is left, those first that have most in common.
    fn most_alike(&self, left: &[usize], open: &[usize]) -> Vec<(usize, usize)> {
        let (old, new) = (&self.old.pipelines, &self.new.pipelines);
        if left.len() * open.len() > CHANGE_PAIRS_MAX {
            return left.iter().copied().zip(open.iter().copied()).collect();
        }
        let mut alike = Vec::new();
        for (k, &was) in left.iter().enumerate() {
            for (j, &is) in open.iter().enumerate() {
                let common = self.table(&old[was], &new[is])[0];
                if common > 0 {
                    let score = common + u32::from(old[was].from == new[is].from);
                    alike.push((std::cmp::Reverse(score), k.abs_diff(j), was, is));
                }
            }
        }
        alike.sort_unstable();
        let mut pairs: Vec<(usize, usize)> = Vec::new();
        let (mut has_old, mut has_new) = (vec![false; old.len()], vec![false; new.len()]);
        for (_, _, was, is) in alike {
            if !has_old[was] && !has_new[is] {
                (has_old[was], has_new[is]) = (true, true);
                pairs.push((was, is));
            }
        }
        pairs
    }

    /// How much it is worth that an old process becomes a new one.
    fn worth(&self, was: NodeIndex, is: NodeIndex) -> u32 {
        let (old, new) = (&self.old.nodes[was].spec, &self.new.nodes[is].spec);
        if self.old_kinds[was] == self.new_kinds[is] {
            match old {
                Spec::Compute(_) => 8,
                _ => 16,
            }
        } else if old.swaps_for(new) {
            // What has a state is worth keeping.
            match old {
                Spec::Head(..) | Spec::Skip(..) => 12,
                _ => 3,
            }
        } else {
            u32::from(old.is_kind_of(new))
        }
    }

    /// For the ends of two pipelines from each pair of places on, the most that they have in common.
    fn table(&self, old: &PipelineSpec, new: &PipelineSpec) -> Vec<u32> {
        let width = new.nodes.len() + 1;
        let mut table = vec![0; (old.nodes.len() + 1) * width];
        for (k, &was) in old.nodes.iter().enumerate().rev() {
            for (j, &is) in new.nodes.iter().enumerate().rev() {
                let worth = self.worth(was, is);
                let both = if worth > 0 {
                    worth + table[(k + 1) * width + j + 1]
                } else {
                    0
                };
                let skipped = table[(k + 1) * width + j].max(table[k * width + j + 1]);
                table[k * width + j] = both.max(skipped);
            }
        }
        table
    }

    /// Matches the processes of two pipelines.
    fn align(&mut self, was: usize, is: usize) {
        let (old, new) = (&self.old.pipelines[was], &self.new.pipelines[is]);
        let table = self.table(old, new);
        let width = new.nodes.len() + 1;
        let (mut k, mut j) = (0, 0);
        while k < old.nodes.len() && j < new.nodes.len() {
            let here = table[k * width + j];
            let worth = self.worth(old.nodes[k], new.nodes[j]);
            if worth > 0 && here == worth + table[(k + 1) * width + j + 1] {
                self.pair(old.nodes[k], new.nodes[j]);
                (k, j) = (k + 1, j + 1);
            } else if here == table[(k + 1) * width + j] {
                k += 1;
            } else {
                j += 1;
            }
        }
    }

    fn pair(&mut self, was: NodeIndex, is: NodeIndex) {
        let (old, new) = (&self.old.nodes[was].spec, &self.new.nodes[is].spec);
        self.taken[was] = true;
        self.fates[is] = if self.old_kinds[was] == self.new_kinds[is] {
            Fate::Keep(was)
        } else if old.swaps_for(new) {
            Fate::Swap(was)
        } else {
            Fate::Replace(was)
        };
    }

    /// Matches what is the same although it stands in another pipeline, if its elements come from where they came from
    /// before: a pipeline may have been cut in two.
    fn leftovers(&mut self) {
        let mut left: HashMap<u32, Vec<NodeIndex>> = HashMap::new();
        for was in (0..self.old.nodes.len()).rev() {
            if !self.taken[was] && !is_tee(&self.old.nodes[was].spec) {
                left.entry(self.old_kinds[was]).or_default().push(was);
            }
        }
        for is in 0..self.new.nodes.len() {
            if self.fates[is] != Fate::New {
                continue;
            }
            let writer = writer_past_tee(self.new, is);
            let Some(left) = left.get_mut(&self.new_kinds[is]) else {
                continue;
            };
            let comes_from = |was: &NodeIndex| match (writer, writer_past_tee(self.old, *was)) {
                (None, None) => true,
                (Some(is), Some(was)) => self.fates[is].same() == Some(was),
                _ => false,
            };
            if let Some(found) = left.iter().rposition(comes_from) {
                let was = left.remove(found);
                self.pair(was, is);
            }
        }
    }

    /// Matches what gives flows to several readers: by the name of the flow, or by what writes to it.
    fn tees(&mut self) {
        for is in 0..self.new.nodes.len() {
            let Spec::Tee(..) = self.new.nodes[is].spec else {
                continue;
            };
            let flow = self.new.nodes[is].input.expect("INVARIANT: a tee reads a flow");
            let name = &self.new.points[flow].name;
            let named = self
                .old
                .named()
                .find(|(known, _)| known == name)
                .map(|(_, point)| point);
            let written = self.new.writer_of(is).and_then(|(node, output)| {
                let was = self.fates[node].old()?;
                self.old.nodes[was].outputs.get(output).copied()
            });
            let was = [named, written].into_iter().flatten().find_map(|point| {
                self.old
                    .readers(point)
                    .find(|&node| matches!(self.old.nodes[node].spec, Spec::Tee(..)))
            });
            let Some(was) = was else { continue };
            self.taken[was] = true;
            let branches = &self.new.nodes[is].outputs;
            let has_moved = |(k, &point): (usize, &usize)| self.branch_of(was, point) != Some(k);
            let is_same =
                self.old_kinds[was] == self.new_kinds[is] && !branches.iter().enumerate().any(has_moved);
            self.fates[is] = if is_same {
                Fate::Keep(was)
            } else {
                Fate::Replace(was)
            };
        }
    }

    /// Which branch of an old tee is read by what reads a new flow point.
    fn branch_of(&self, was: NodeIndex, point: usize) -> Option<usize> {
        super::branch_of(self.old, self.new, &self.fates, was, point)
    }

    /// What splits blocks goes on only with those that it has begun with.
    fn sources(&mut self) {
        for is in 0..self.new.nodes.len() {
            if self.new.nodes[is].spec.splits()
                && let Some(was) = self.fates[is].old()
                && self.fates[source_of(self.new, is)] != Fate::Keep(source_of(self.old, was))
            {
                self.fates[is] = Fate::Replace(was);
            }
        }
    }

    /// What still gives elements as they were keeps its readers as they were: these are replaced rather than swapped.
    fn drain(&mut self, fed_before: &HashSet<PointIndex>) {
        let mut becomes: Vec<Option<NodeIndex>> = vec![None; self.old.nodes.len()];
        for (is, fate) in self.fates.iter().enumerate() {
            if let Fate::Keep(was) | Fate::Swap(was) = *fate {
                becomes[was] = Some(is);
            }
        }
        let mut drains = vec![false; self.old.nodes.len()];
        for was in 0..self.old.nodes.len() {
            let fed = self.old.writer_of(was).is_some_and(|(writer, _)| drains[writer])
                || self.old.nodes[was]
                    .input
                    .is_some_and(|input| fed_before.contains(&input));
            if let Some(is) = becomes[was] {
                let (before, now) = (self.old.nodes[was].input, self.new.nodes[is].input);
                let element = |blueprint: &Blueprint, point: Option<usize>| {
                    point.map(|point| blueprint.points[point].element.clone())
                };
                let is_swap = self.fates[is] == Fate::Swap(was);
                if !(is_swap && fed && element(self.old, before) != element(self.new, now)) {
                    continue;
                }
                self.fates[is] = Fate::Replace(was);
            }
            drains[was] = fed || self.old.nodes[was].may_hold;
        }
    }
}

/// The `read` whose blocks come to a process.
pub(super) fn source_of(blueprint: &Blueprint, mut node: NodeIndex) -> NodeIndex {
    while let Some((writer, _)) = blueprint.writer_of(node) {
        node = writer;
    }
    node
}

/// What writes the elements that come to a process, though they may be given to others as well.
fn writer_past_tee(blueprint: &Blueprint, node: NodeIndex) -> Option<NodeIndex> {
    let (writer, _) = blueprint.writer_of(node)?;
    if is_tee(&blueprint.nodes[writer].spec) {
        return blueprint.writer_of(writer).map(|(writer, _)| writer);
    }
    Some(writer)
}

fn is_tee(spec: &Spec) -> bool {
    matches!(spec, Spec::Tee(..))
}

/// What a pipeline ends in, if no other of the program ends in the same.
#[derive(PartialEq, Eq, Hash)]
enum End<'b> {
    Name(&'b str),
    File(&'b [u8]),
}

impl End<'_> {
    fn of<'b>(blueprint: &'b Blueprint, pipeline: &'b PipelineSpec) -> Option<End<'b>> {
        if let Some(name) = &pipeline.to {
            return Some(End::Name(name));
        }
        let last = &blueprint.nodes[*pipeline.nodes.last()?];
        last.spec.written_file().map(End::File)
    }
}
