//! Which columns each element carries.
//!
//! First backwards through every pipeline, readers of a flow before its writer: a stage needs what it reads itself and
//! what is needed after it, except what it defines. What is held (by `sort`, `summarize`) is no more than that.
//!
//! Then forwards: elements that only pass carry all that can be named there, so that whoever comes to look at a flow
//! finds it, and a change of the program changes nothing before it. It costs nothing where nobody looks: a process
//! is told by the wiring what is needed behind it, and does no more ([`crate::lower`]).

use std::collections::BTreeSet;

use cutthrough_expr::{ColumnId, Tree};

use crate::limits;
use crate::plan::{Flow, GroupColumn, Op, PipelinePlan, Plan, StagePlan};

/// What is needed of the elements at one place.
#[derive(Clone, Debug)]
enum Need {
    /// These columns, in any order, among any others.
    Some(BTreeSet<ColumnId>),
    /// These columns, in this order, and no others.
    Exactly(Vec<ColumnId>),
}

impl Need {
    fn set(&self) -> BTreeSet<ColumnId> {
        match self {
            Need::Some(set) => set.clone(),
            Need::Exactly(list) => list.iter().copied().collect(),
        }
    }

    fn list(&self) -> Vec<ColumnId> {
        match self {
            Need::Some(set) => set.iter().copied().collect(),
            Need::Exactly(list) => list.clone(),
        }
    }
}

/// Sets the layouts of all stages and flows, and leaves out what is not needed.
pub(super) fn arrange(plan: &mut Plan) {
    arrange_needed(plan);
    // Pipelines are in an order in which writers come first.
    for pipeline in &mut plan.pipelines {
        let mut carried = match pipeline.from {
            Some(from) => plan.flows[from].layout.clone(),
            None => Vec::new(),
        };
        for stage in &mut pipeline.stages {
            carry(stage, &carried);
            carried.clone_from(&stage.layout);
        }
        if let Some(to) = pipeline.to {
            plan.flows[to].layout = carried;
        }
    }
}

/// Sets the layouts to what is needed.
fn arrange_needed(plan: &mut Plan) {
    let mut needs: Vec<Vec<Need>> = vec![Vec::new(); plan.flows.len()];
    for pipeline in plan.pipelines.iter_mut().rev() {
        let end = pipeline.to.map(|to| flow_need(&mut plan.flows[to], &needs[to]));
        let start = arrange_pipeline(pipeline, end.unwrap_or(Need::Exactly(Vec::new())));
        if let Some(from) = pipeline.from {
            needs[from].push(start);
        }
    }
}

/// What the writer of a flow has to give: all that any reader needs.
fn flow_need(flow: &mut Flow, needs: &[Need]) -> Need {
    let need = match needs {
        [one] => one.clone(),
        several => Need::Some(several.iter().flat_map(Need::set).collect()),
    };
    flow.layout = need.list();
    if flow.layout.is_empty() {
        flow.layout.extend(flow.spare);
    }
    Need::Exactly(flow.layout.clone())
}

/// Gives what the pipeline needs of what it starts with.
fn arrange_pipeline(pipeline: &mut PipelinePlan, end: Need) -> Need {
    let mut need = end;
    for stage in pipeline.stages.iter_mut().rev() {
        if let Need::Some(set) = &mut need
            && set.is_empty()
        {
            set.extend(stage.spare);
        }
        need = arrange_stage(stage, need);
    }
    need
}

/// Sets the stage's layout; gives what it needs itself.
fn arrange_stage(stage: &mut StagePlan, after: Need) -> Need {
    match &mut stage.op {
        Op::Read { block, .. } => {
            stage.layout = vec![*block];
            Need::Exactly(Vec::new())
        }
        Op::Lines {
            block,
            line,
            number,
            file,
            ..
        } => {
            stage.layout = vec![*line, *number];
            stage
                .layout
                .extend(Some(*file).filter(|file| after.set().contains(file)));
            Need::Exactly(vec![*block])
        }
        Op::Parse(parse) => {
            let set = after.set();
            let columns = parse.columns.iter().copied();
            // What is not needed is not parsed: the process is told by the wiring what is.
            let carries_all = parse.columns.len() <= limits::CARRIED_COLUMNS_MAX && !parse.format.is_open();
            stage.layout = columns
                .filter(|column| carries_all || set.contains(column))
                .collect();
            let marks = [parse.marks.number, parse.marks.file];
            stage
                .layout
                .extend(marks.iter().filter(|mark| set.contains(mark)));
            Need::Exactly(parse.input_layout(set.contains(&parse.marks.file)))
        }
        Op::Where(condition) => {
            stage.layout = after.list();
            let mut set = after.set();
            set.extend(condition.columns());
            Need::Some(set)
        }
        Op::Compute(define) => {
            stage.layout = after.list();
            let mut set = after.set();
            for (id, tree) in define.iter().rev() {
                if set.remove(id) {
                    set.extend(tree.columns());
                }
            }
            Need::Some(set)
        }
        Op::Generate { number, time, .. } => {
            stage.layout = vec![*number, *time];
            Need::Exactly(Vec::new())
        }
        Op::Explode { list, item } => {
            let mut set = after.set();
            set.remove(item);
            set.insert(*list);
            stage.layout = set.iter().chain([&*item]).copied().collect();
            Need::Exactly(set.into_iter().collect())
        }
        Op::Fill(columns) => {
            let mut set = after.set();
            columns.retain(|(_, filled)| set.remove(filled));
            set.extend(columns.iter().map(|&(column, _)| column));
            let filled = columns.iter().map(|&(_, filled)| filled);
            stage.layout = set.iter().copied().chain(filled).collect();
            Need::Exactly(set.into_iter().collect())
        }
        Op::Lookup { key, columns, .. } => {
            let mut set = after.set();
            columns.iter().for_each(|column| {
                set.remove(column);
            });
            set.insert(*key);
            stage.layout = set.iter().chain(&*columns).copied().collect();
            Need::Exactly(set.into_iter().collect())
        }
        Op::Total { inputs, totals } => {
            let mut set = after.set();
            totals.iter().for_each(|total| {
                set.remove(total);
            });
            set.extend(inputs.iter());
            stage.layout = set.iter().chain(&*totals).copied().collect();
            Need::Exactly(set.into_iter().collect())
        }
        Op::Head(_) | Op::Skip(_) | Op::Tail(_) => {
            stage.layout = after.list();
            after
        }
        Op::Order { keys, .. } => {
            let mut set = after.set();
            let had = set.len();
            set.extend(keys.iter().map(|&(key, _)| key));
            let need = if set.len() == had { after } else { Need::Some(set) };
            stage.layout = need.list();
            need
        }
        Op::Distinct(keys) => {
            stage.layout.clone_from(keys);
            Need::Exactly(keys.clone())
        }
        Op::Group {
            keys,
            aggregates,
            every,
        } => {
            let set = after.set();
            let needed = |aggregate: &GroupColumn| set.contains(&aggregate.result);
            // Elements have at least one column: without keys, one that is an input.
            if !keys.is_empty() || aggregates.iter().any(|one| needed(one) && !one.inputs.is_empty()) {
                aggregates.retain(needed);
            }
            let results = aggregates.iter().map(|aggregate| aggregate.result);
            let window = every.map(|every| every.window);
            stage.layout = window
                .into_iter()
                .chain(keys.iter().copied())
                .chain(results)
                .collect();
            let inputs = aggregates
                .iter()
                .flat_map(|aggregate| aggregate.inputs.iter().copied());
            let time = every.and_then(|every| every.of).map(|of| of.time);
            Need::Exactly(
                time.into_iter()
                    .chain(keys.iter().copied())
                    .chain(inputs)
                    .collect(),
            )
        }
        Op::Write { columns, .. } => {
            let columns: Vec<ColumnId> = columns.iter().map(|&(_, column)| column).collect();
            Need::Exactly(columns)
        }
    }
}

/// Has the elements after a stage carry all that can be named there, as far as it comes from those before it.
fn carry(stage: &mut StagePlan, before: &[ColumnId]) {
    let define: &[(ColumnId, Tree)] = match &stage.op {
        Op::Where(_) | Op::Head(_) | Op::Skip(_) => &[],
        Op::Compute(define) => define,
        _ => return,
    };
    let mut known: BTreeSet<ColumnId> = before.iter().copied().collect();
    for (id, tree) in define {
        if tree.columns().all(|column| known.contains(&column)) {
            known.insert(*id);
        }
    }
    let needed: BTreeSet<ColumnId> = stage.layout.iter().copied().collect();
    let named = stage.schema.columns.iter().map(|column| column.id);
    let named: BTreeSet<ColumnId> = named.filter(|id| known.contains(id)).collect();
    let all: BTreeSet<ColumnId> = named.union(&needed).copied().collect();
    if all.len() <= limits::CARRIED_COLUMNS_MAX && all != needed {
        let mut layout = Vec::with_capacity(all.len());
        let named = stage.schema.columns.iter().map(|column| column.id);
        for id in named.chain(needed) {
            if all.contains(&id) && !layout.contains(&id) {
                layout.push(id);
            }
        }
        stage.layout = layout;
    }
    if let Op::Compute(define) = &mut stage.op {
        let mut set: BTreeSet<ColumnId> = stage.layout.iter().copied().collect();
        let mut kept = Vec::with_capacity(define.len());
        for (id, tree) in std::mem::take(define).into_iter().rev() {
            if set.remove(&id) {
                set.extend(tree.columns());
                kept.push((id, tree));
            }
        }
        kept.reverse();
        *define = kept;
    }
}
