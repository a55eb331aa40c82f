//! Leaves out of a failing plan what does not matter to its failure.

use crate::check::check;
use crate::coverage::Coverage;
use crate::engines::EngineKind;
use crate::plan::{Plan, Step};
use crate::spec::Spec;

/// How often a plan is tried at the most.
const TRIES_MAX: usize = 3000;

/// The plan with as little as still fails in the same way.
pub fn shrink(plan: &Plan, engines: &[EngineKind], failure: &str) -> (Plan, String) {
    let mut best = (plan.clone(), failure.to_owned());
    let mut tries = 0;
    let mut fails = |plan: &Plan, best: &mut (Plan, String)| -> bool {
        tries += 1;
        if tries > TRIES_MAX {
            return false;
        }
        match check(plan, engines, &mut Coverage::default()) {
            Err(failure) if kind(&failure) == kind(&best.1) => {
                *best = (plan.clone(), failure);
                true
            }
            _ => false,
        }
    };
    loop {
        let before = best.0.steps.len();
        let mut length = best.0.steps.len() / 2;
        while length > 0 {
            let mut at = 0;
            while at < best.0.steps.len() {
                let mut shorter = best.0.clone();
                shorter.steps.drain(at..(at + length).min(best.0.steps.len()));
                if !fails(&shorter, &mut best) {
                    at += length;
                }
            }
            length /= 2;
        }
        for index in 0..best.0.steps.len() {
            while let Some(smaller) = smaller(&best.0, index) {
                if !fails(&smaller, &mut best) {
                    break;
                }
            }
        }
        if best.0.steps.len() == before {
            return best;
        }
    }
}

/// What kind of failure: its words without numbers.
fn kind(failure: &str) -> String {
    failure
        .split(|c: char| c.is_ascii_digit())
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The plan with less at one step.
fn smaller(plan: &Plan, index: usize) -> Option<Plan> {
    let mut plan = plan.clone();
    match &mut plan.steps[index] {
        Step::Run { steps } if *steps > 1 => *steps /= 2,
        Step::Process {
            spec: Spec::SliceI(data),
            ..
        } if !data.is_empty() => drop(data.split_off(data.len() / 2)),
        Step::Process {
            spec: Spec::SliceF(data),
            ..
        } if !data.is_empty() => drop(data.split_off(data.len() / 2)),
        Step::Process {
            spec: Spec::Iter { rows, .. } | Spec::Feed { rows, .. },
            ..
        } if !rows.is_empty() => {
            drop(rows.split_off(rows.len() / 2));
        }
        _ => return None,
    }
    Some(plan)
}
