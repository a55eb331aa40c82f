//! Runs a plan on several engines and says what is wrong, if anything is.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::coverage::Coverage;
use crate::engines::{self, EngineKind};
use crate::oracle;
use crate::plan::{Plan, Step};
use crate::run::{Event, Trace, run, take_panic};

/// What is wrong with a plan, in one line.
pub type Failure = String;

/// Checks a plan on these engines.
///
/// # Errors
/// What is wrong.
pub fn check(plan: &Plan, others: &[EngineKind], coverage: &mut Coverage) -> Result<(), Failure> {
    let caught = catch_unwind(AssertUnwindSafe(|| check_uncaught(plan, others, coverage)));
    caught.unwrap_or_else(|_| Err(format!("the simulator panicked: {}", take_panic())))
}

fn check_uncaught(plan: &Plan, others: &[EngineKind], coverage: &mut Coverage) -> Result<(), Failure> {
    let expected = run(plan, EngineKind::Interpreted);
    coverage.plan(plan, &expected);
    sound(&expected).map_err(|failure| format!("interpreted: {failure}"))?;
    oracle::check(plan, &expected).map_err(|failure| format!("interpreted: {failure}"))?;
    if plan.seed.is_multiple_of(3)
        && let Some(mixed) = oracle::determined(plan, &expected)
    {
        let whole = run(&plan.in_one_go(), EngineKind::Interpreted);
        coverage.reach(if mixed.is_empty() {
            "run in one go"
        } else {
            "run in one go, merged"
        });
        if plan.steps.iter().any(|step| matches!(step, Step::Restore)) {
            coverage.reach("restored, and run in one go");
        }
        oracle::same_in_one_go(&expected, &whole, &mixed)
            .map_err(|failure| format!("interpreted: {failure}"))?;
    }
    for &engine in others {
        let found = run(plan, engine);
        coverage.engine(engine, &found);
        if let Some(difference) = difference(&expected, &found) {
            return Err(format!("{engine:?} differs: {difference}"));
        }
        if let Some(malformed) = engines::take_malformed().first() {
            return Err(format!("a chain is not well formed: {malformed}"));
        }
    }
    Ok(())
}

/// Whether nothing went wrong that must not on any engine.
fn sound(trace: &Trace) -> Result<(), Failure> {
    for (index, event) in trace.events.iter().enumerate() {
        match event {
            Event::Panic(message) => return Err(format!("panic: {message}")),
            Event::Unbalanced(message) => return Err(format!("event {index}: {message}")),
            Event::Edit(step, Err(message)) if message.starts_with("process ") => {
                return Err(format!("step {step}: {message}"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn difference(expected: &Trace, found: &Trace) -> Option<String> {
    for (index, (a, b)) in expected.events.iter().zip(&found.events).enumerate() {
        if a != b {
            return Some(format!("event {index}: {}", explain(a, b)));
        }
    }
    if expected.events.len() != found.events.len() {
        let extra = found
            .events
            .get(expected.events.len())
            .or(expected.events.get(found.events.len()));
        return Some(format!(
            "{} events, not {}: {extra:?}",
            found.events.len(),
            expected.events.len()
        ));
    }
    for (sink, rows) in &expected.sinks {
        let others = &found.sinks[sink];
        if rows != others {
            let at = rows.iter().zip(others).position(|(a, b)| a != b);
            return Some(format!("sink {sink}, element {at:?}: {rows:?}, but {others:?}"));
        }
    }
    None
}

fn explain(a: &Event, b: &Event) -> String {
    let (Event::Run(outcome, seen), Event::Run(other_outcome, other)) = (a, b) else {
        return format!("{a:?}, but {b:?}");
    };
    if outcome != other_outcome {
        return format!("{outcome:?}, but {other_outcome:?}");
    }
    for (number, process) in &seen.processes {
        let found = other.processes.get(number);
        if found != Some(process) {
            return format!("process {number}: {process:?}, but {found:?}");
        }
    }
    for (number, point) in &seen.points {
        let found = other.points.get(number);
        if found != Some(point) {
            return format!("point {number}: {point:?}, but {found:?}");
        }
    }
    format!("{seen:?}, but {other:?}")
}
