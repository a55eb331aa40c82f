//! No two files of these crates import one another, directly or by way of others: each can be
//! read with what it uses, and without what uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each module of a crate imports from the others, by their paths.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_files_import_one_another() {
    for name in ["ir", "jit", "runtime", "control", "cli"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("crates")
            .join(name)
            .join("src");
        let imports = imports_of(&root);
        assert!(
            imports.len() > 10,
            "{name}: only {} files were found",
            imports.len()
        );
        assert_eq!(circle_in(&imports), None, "{name}: these import one another");
    }
}

#[test]
fn a_circle_is_found() {
    let imports = [("a", "b"), ("b", "c"), ("c", "b"), ("d", "a")];
    let imports = imports.map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])));
    let circle = circle_in(&Imports::from(imports));
    assert_eq!(circle, Some(vec!["b".to_owned(), "c".to_owned()]));
}

fn imports_of(root: &Path) -> Imports {
    let mut files = Vec::new();
    collect(root, &mut files);
    let texts: BTreeMap<String, String> = files
        .iter()
        .map(|file| (module_of(root, file), fs::read_to_string(file).unwrap()))
        .collect();
    let resolve = |from: &str, path: &str| {
        let mut path = path;
        loop {
            if texts.contains_key(path) {
                return (path != from).then(|| path.to_owned());
            }
            path = path.rsplit_once("::").map_or("", |(parent, _)| parent);
        }
    };
    let of = |(module, text): (&String, &String)| {
        let paths = uses(text).into_iter().filter_map(|path| absolute(module, &path));
        (
            module.clone(),
            paths.filter_map(|path| resolve(module, &path)).collect(),
        )
    };
    texts.iter().map(of).collect()
}

/// All files of the crate but those of its unit tests.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if stem.ends_with("tests") || stem == "testing" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn module_of(root: &Path, file: &Path) -> String {
    let path = file.strip_prefix(root).unwrap().with_extension("");
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    match parts[..] {
        ["lib"] => String::new(),
        [ref parents @ .., "mod"] => parents.join("::"),
        ref parts => parts.join("::"),
    }
}

/// The paths of all `use` declarations at the top of a file.
fn uses(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: Vec<&str> = lines.take_while(|line| *line != "#[cfg(test)]").collect();
    let code = code.join("\n");
    let mut paths = Vec::new();
    for declaration in code.split(';') {
        let declaration = declaration.trim_start();
        let start = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "];
        let Some(path) = start.iter().find_map(|start| declaration.strip_prefix(start)) else {
            continue;
        };
        spread("", &path.replace(char::is_whitespace, ""), &mut paths);
    }
    paths
}

/// Spreads `a::{b, c::{d, e}}` into its paths.
fn spread(before: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((path, group)) = tree.split_once('{') else {
        paths.push(format!("{before}{tree}"));
        return;
    };
    let (before, group) = (format!("{before}{path}"), group.strip_suffix('}').unwrap());
    let (mut depth, mut start) = (0, 0);
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spread(&before, &group[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    spread(&before, &group[start..], paths);
}

/// A path from the root of the crate; none for other crates.
fn absolute(module: &str, path: &str) -> Option<String> {
    if let Some(path) = path.strip_prefix("crate::") {
        return Some(path.to_owned());
    }
    let (mut module, mut path) = (module, path);
    if !path.starts_with("super::") {
        return path
            .strip_prefix("self::")
            .map(|path| format!("{module}::{path}"));
    }
    while let Some(rest) = path.strip_prefix("super::") {
        module = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        path = rest;
    }
    Some(format!("{module}::{path}").trim_start_matches("::").to_owned())
}

/// Modules that import one another: what is left when everything that imports nothing that
/// is left, or is imported by nothing that is left, has been taken away.
fn circle_in(imports: &Imports) -> Option<Vec<String>> {
    let mut left: BTreeSet<&String> = imports.keys().collect();
    loop {
        let imported: BTreeSet<&String> = left.iter().flat_map(|module| &imports[*module]).collect();
        let stays = |module: &&String| {
            imported.contains(module) && imports[*module].iter().any(|other| left.contains(other))
        };
        let next: BTreeSet<&String> = left.iter().copied().filter(stays).collect();
        if next.len() == left.len() {
            break;
        }
        left = next;
    }
    (!left.is_empty()).then(|| left.into_iter().cloned().collect())
}
