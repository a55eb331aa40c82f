//! Which values of a document are wanted: paths, and the tree that they make.

use std::fmt;

/// A place in a document: keys of objects and indices of arrays, from the outermost on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

/// A step further into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// To the value of this key of an object.
    Key(String),
    /// To the item at this index of an array, which counts from 0.
    Index(usize),
}

impl Path {
    /// The path of a field of the record itself.
    pub fn key(name: impl Into<String>) -> Path {
        Path(vec![Step::Key(name.into())])
    }

    /// Reads a path as [`to_within`](Path::to_within) writes it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_within(text: &str) -> Result<Path, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        while let Some((length, after)) = rest.split_once(':') {
            let (kind, length) = length.split_at_checked(1).ok_or("a step is missing")?;
            let length: usize = length.parse().map_err(|_| "a step has no length".to_owned())?;
            let (step, after) = after.split_at_checked(length).ok_or("a step is cut off")?;
            steps.push(match kind {
                "k" => Step::Key(step.to_owned()),
                _ => Step::Index(step.parse().map_err(|_| "an index is none".to_owned())?),
            });
            rest = after;
        }
        Ok(Path(steps))
    }

    /// The path so that any key can be in it: each step as its kind, its length and itself, `k4:plan`.
    pub fn to_within(&self) -> String {
        let step = |step: &Step| match step {
            Step::Key(key) => format!("k{}:{key}", key.len()),
            Step::Index(index) => {
                let index = index.to_string();
                format!("i{}:{index}", index.len())
            }
        };
        self.0.iter().map(step).collect()
    }

    /// Reads a path, such as `user.plan`, `items[0].sku` or `user["a b"]`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Path, String> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('[') {
                Some(inner) => bracketed(inner)?,
                None => named(rest, steps.is_empty())?,
            };
            steps.push(step);
            rest = after;
        }
        match steps.first() {
            Some(Step::Key(_)) => Ok(Path(steps)),
            Some(Step::Index(_)) => Err(format!(
                "the path `{text}` begins with an index; records are objects"
            )),
            None => Err("a path is missing".to_owned()),
        }
    }
}

/// The step `.name`, and what follows it.
fn named(text: &str, is_first: bool) -> Result<(Step, &str), String> {
    let name = match text.strip_prefix('.') {
        Some(name) if !is_first => name,
        None if is_first => text,
        _ => return Err(format!("a name is missing at `{text}`")),
    };
    let (name, rest) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    if name.is_empty() {
        return Err(format!("a name is missing at `{text}`"));
    }
    Ok((Step::Key(name.to_owned()), rest))
}

/// The step `0]` or `"name"]`, and what follows it.
fn bracketed(text: &str) -> Result<(Step, &str), String> {
    let missing = || format!("a `]` is missing after `[{text}`");
    if let Some(name) = text.strip_prefix('"') {
        let (name, rest) = name.split_once("\"]").ok_or_else(missing)?;
        return Ok((Step::Key(name.to_owned()), rest));
    }
    let (index, rest) = text.split_once(']').ok_or_else(missing)?;
    let index = index
        .parse()
        .map_err(|_| format!("`[{index}]` is neither an index nor a name in quotes"))?;
    Ok((Step::Index(index), rest))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if k == 0 => f.write_str(key)?,
                Step::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, "[\"{key}\"]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The number of a node of [`Wanted`].
pub(super) type NodeId = usize;

/// The paths that are wanted, as a tree; its root is the record.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    nodes: Vec<Node>,
    columns: usize,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// The column that is the value here.
    column: Option<usize>,
    /// The columns of values within this one.
    within: Vec<usize>,
    keys: Vec<(Box<[u8]>, NodeId)>,
    items: Vec<(usize, NodeId)>,
}

impl Wanted {
    pub(super) const ROOT: NodeId = 0;

    /// The tree of these paths, which are columns in their order.
    ///
    /// # Panics
    /// When a path is there twice.
    pub(super) fn new<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Wanted {
        let mut wanted = Wanted {
            nodes: vec![Node::default()],
            columns: 0,
        };
        for (column, path) in paths.into_iter().enumerate() {
            let mut at = Wanted::ROOT;
            for step in &path.0 {
                wanted.nodes[at].within.push(column);
                at = wanted.step(at, step);
            }
            let before = wanted.nodes[at].column.replace(column);
            assert_eq!(before, None, "the path {path} is there once");
            wanted.columns += 1;
        }
        wanted
    }

    fn step(&mut self, at: NodeId, step: &Step) -> NodeId {
        let known = match step {
            Step::Key(key) => self.key(at, key.as_bytes()),
            Step::Index(index) => self.item(at, *index),
        };
        known.unwrap_or_else(|| {
            let new = self.nodes.len();
            match step {
                Step::Key(key) => self.nodes[at].keys.push((key.as_bytes().into(), new)),
                Step::Index(index) => self.nodes[at].items.push((*index, new)),
            }
            self.nodes.push(Node::default());
            new
        })
    }

    /// The node of the value of this key.
    #[inline]
    pub(super) fn key(&self, at: NodeId, key: &[u8]) -> Option<NodeId> {
        let mut keys = self.nodes[at].keys.iter();
        keys.find(|(known, _)| **known == *key).map(|&(_, node)| node)
    }

    /// The node of the item at this index.
    #[inline]
    pub(super) fn item(&self, at: NodeId, index: usize) -> Option<NodeId> {
        let mut items = self.nodes[at].items.iter();
        items.find(|&&(known, _)| known == index).map(|&(_, node)| node)
    }

    /// The column that is the value here, if one is.
    #[inline]
    pub(super) fn column(&self, at: NodeId) -> Option<usize> {
        self.nodes[at].column
    }

    /// The columns of values within this one.
    pub(super) fn within(&self, at: NodeId) -> &[usize] {
        &self.nodes[at].within
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// How many columns there are.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_and_printed() {
        for text in [
            "status",
            "user.plan",
            "items[0].sku",
            "user[\"a b\"].c",
            "a[\"\"]",
            "a[0][1]",
            "été.b",
        ] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
        for keys in [&["a"][..], &["a b", "\"]", "", "é:k1:"]] {
            let mut path = Path(keys.iter().map(|&key| Step::Key(key.to_owned())).collect());
            path.0.push(Step::Index(17));
            assert_eq!(Path::parse_within(&path.to_within()), Ok(path));
        }
        for text in [
            "", "[0]", ".a", "a.", "a..b", "a[", "a[x]", "a[-1]", "a[\"b]", "a[0", "a[0]b",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }
}
