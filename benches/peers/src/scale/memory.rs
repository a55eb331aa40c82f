//! How many bytes an idle process takes.

use cutthrough::{Network, Options};
use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::BoxFuture;

use super::flow::{Flow, Others};
use crate::report::{Line, Report};

/// Bytes that are resident of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Bytes of one of `count`, by what `make` adds to what is resident.
fn each<T>(count: usize, make: impl FnOnce() -> T) -> (f64, T) {
    let before = resident();
    let made = make();
    (resident().saturating_sub(before) as f64 / count as f64, made)
}

/// Both are kept until both are measured, so that neither takes what the other has freed.
pub(super) fn bytes(report: &mut Report, processes: usize) {
    let (ours, flow) = each(processes, || {
        let options = Options {
            processes_max: processes + 2,
            ..Options::native()
        };
        Flow::wire(Network::new(options), processes / 2, Others::Idle).expect("there is room")
    });
    let (theirs, tasks) = each(processes, || (0..processes).map(|_| task()).collect::<Vec<_>>());
    report.line(&Line {
        name: &format!("bytes-{processes}"),
        anchor: "task",
        ours,
        theirs,
        ok: ours > 0.0 && tasks.len() == processes,
    });
    drop(flow);
}

/// What one would write for a process that waits for numbers, sums them up and hands them on.
fn task() -> (mpsc::Sender<i64>, BoxFuture<'static, i64>) {
    let (to, mut from) = mpsc::channel::<i64>(1);
    let wait = async move {
        let mut sum = 0_i64;
        while let Some(number) = from.next().await {
            sum = sum.wrapping_add(number);
        }
        sum
    };
    (to, Box::pin(wait))
}
