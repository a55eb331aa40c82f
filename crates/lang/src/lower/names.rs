//! Names of flow points, by which users speak of them: `docs/language.md` says which there are.

use std::collections::{HashMap, HashSet};

use super::blueprint::{Blueprint, Role, StageIndex};
use crate::plan::Plan;
use crate::span::Span;

/// Gives every flow point its name, and the other names that it goes by.
pub(super) fn give(plan: &Plan, blueprint: &mut Blueprint) {
    let stages = numbered(plan);
    let mut taken: HashSet<String> = HashSet::new();
    // The program's own names come first: what is named after a stage gives way.
    for point in &mut blueprint.points {
        if let Role::Flow(flow) = point.role
            && plan.flows[flow].span != Span::default()
        {
            point.name.clone_from(&plan.flows[flow].name);
            taken.insert(point.name.clone());
        }
    }
    let mut inner: HashMap<StageIndex, usize> = HashMap::new();
    for point in &mut blueprint.points {
        let name = match point.role {
            _ if !point.name.is_empty() => continue,
            Role::Flow(flow) => plan.flows[flow].name.clone(),
            Role::Branch(flow, branch) => format!("{}.{}", plan.flows[flow].name, branch + 1),
            Role::End(stage) => stages[&stage].clone(),
            Role::Inner(stage) => {
                let number = inner.entry(stage).or_default();
                *number += 1;
                format!("{}.{number}", stages[&stage])
            }
        };
        point.name = untaken(name, &mut taken);
    }
    for point in &mut blueprint.points {
        let ends = point.ends.iter().map(|stage| stages[stage].clone());
        point.aliases = ends.filter(|name| taken.insert(name.clone())).collect();
    }
}

/// What each stage is called: its verb, and which of that verb in the program it is.
fn numbered(plan: &Plan) -> HashMap<StageIndex, String> {
    let mut stages = Vec::new();
    for (pipeline, planned) in plan.pipelines.iter().enumerate() {
        for (stage, planned) in planned.stages.iter().enumerate() {
            stages.push((planned.span.start, StageIndex { pipeline, stage }, planned));
        }
    }
    stages.sort_by_key(|&(start, index, _)| (start, index));
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut last = None;
    let mut names = HashMap::new();
    for (_, index, stage) in stages {
        // Several plans of one stage count once: the first has its name.
        if last.replace((stage.verb, stage.span)) == Some((stage.verb, stage.span)) {
            continue;
        }
        let number = numbers.entry(stage.verb).or_default();
        *number += 1;
        names.insert(index, format!("{}.{number}", stage.verb));
    }
    names
}

fn untaken(mut name: String, taken: &mut HashSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.push('\'');
    }
    name
}
