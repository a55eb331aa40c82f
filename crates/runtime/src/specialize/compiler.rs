//! The thread that compiles, and the desk over which it gets its work and hands back
//! what came of it.
//!
//! The desk holds at most one job for each root, the newest: what came before is stale.
//! Nobody waits for the compiler; dropping this end neither.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sync::{Arc, Condvar, Mutex};

use super::table::Ticket;

/// The network's end of the desk: `K` are roots, `J` what is to be compiled, `D` what
/// comes of it.
#[derive(Debug)]
pub(crate) struct Compiler<K, J, D> {
    desk: Arc<Desk<K, J, D>>,
    /// Jobs that have been given and not come back.
    out: usize,
}

/// One compilation.
#[derive(Debug)]
pub(crate) struct Job<K, J> {
    pub(crate) root: K,
    pub(crate) ticket: Ticket,
    pub(crate) work: J,
}

/// What came of one.
#[derive(Debug)]
pub(crate) struct Done<K, D> {
    pub(crate) root: K,
    pub(crate) ticket: Ticket,
    pub(crate) outcome: D,
}

/// A compilation that the thread is at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running<K> {
    pub(crate) root: K,
    pub(crate) ticket: Ticket,
    since: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct Desk<K, J, D> {
    papers: Mutex<Papers<K, J, D>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct Papers<K, J, D> {
    waiting: VecDeque<Job<K, J>>,
    running: Option<Running<K>>,
    done: Vec<Done<K, D>>,
    /// Whether the network's end is gone.
    closed: bool,
}

impl<K: Copy + PartialEq, J, D> Compiler<K, J, D> {
    /// A desk without a thread yet: whoever [works](Desk::work) at it is one.
    pub(crate) fn new() -> Compiler<K, J, D> {
        let papers = Papers {
            waiting: VecDeque::new(),
            running: None,
            done: Vec::new(),
            closed: false,
        };
        let desk = Desk {
            papers: Mutex::new(papers),
            arrived: Condvar::new(),
        };
        Compiler {
            desk: Arc::new(desk),
            out: 0,
        }
    }

    pub(crate) fn desk(&self) -> Arc<Desk<K, J, D>> {
        self.desk.clone()
    }

    /// Gives a job; one that waits for the same root is stale and goes.
    pub(crate) fn give(&mut self, job: Job<K, J>) {
        let mut papers = self.desk.papers.lock();
        let before = papers.waiting.len();
        papers.waiting.retain(|waiting| waiting.root != job.root);
        self.out -= before - papers.waiting.len();
        self.out += 1;
        papers.waiting.push_back(job);
        drop(papers);
        self.desk.arrived.notify_one();
    }

    /// Takes what has come back.
    pub(crate) fn collect(&mut self) -> Vec<Done<K, D>> {
        // PERF: this is asked before every grant; nothing is out as a rule.
        if self.out == 0 {
            return Vec::new();
        }
        let done = std::mem::take(&mut self.desk.papers.lock().done);
        self.out -= done.len();
        done
    }

    /// Whether any job is out.
    pub(crate) fn is_busy(&self) -> bool {
        self.out > 0
    }

    /// The compilation that has been under way for longer than this, if one is.
    pub(crate) fn overdue(&self, patience: Duration) -> Option<Running<K>> {
        let running = self.desk.papers.lock().running?;
        let is_overdue = running.since.is_some_and(|since| since.elapsed() > patience);
        is_overdue.then_some(running)
    }

    /// Gives up the thread, which may never come back; what waits for it moves on.
    pub(crate) fn abandon(self) -> Compiler<K, J, D> {
        let mut fresh = Compiler::new();
        {
            let mut left = self.desk.papers.lock();
            let mut papers = fresh.desk.papers.lock();
            std::mem::swap(&mut papers.waiting, &mut left.waiting);
            std::mem::swap(&mut papers.done, &mut left.done);
            fresh.out = papers.waiting.len() + papers.done.len();
        }
        fresh
    }
}

impl<K, J, D> Drop for Compiler<K, J, D> {
    /// The thread ends when it has done what it is at; nobody waits for that.
    fn drop(&mut self) {
        let mut papers = self.desk.papers.lock();
        papers.closed = true;
        let left = (
            std::mem::take(&mut papers.waiting),
            std::mem::take(&mut papers.done),
        );
        drop(papers);
        drop(left);
        self.desk.arrived.notify_all();
    }
}

impl<K: Copy, J, D> Desk<K, J, D> {
    /// Compiles whatever comes, until the network's end is gone.
    pub(crate) fn work(&self, mut compile: impl FnMut(&J) -> D) {
        while let Some(Job { root, ticket, work }) = self.next() {
            let outcome = compile(&work);
            if !self.put(Done {
                root,
                ticket,
                outcome,
            }) {
                return;
            }
        }
    }

    fn next(&self) -> Option<Job<K, J>> {
        let mut papers = self.papers.lock();
        loop {
            if papers.closed {
                return None;
            }
            if let Some(job) = papers.waiting.pop_front() {
                papers.running = Some(Running {
                    root: job.root,
                    ticket: job.ticket,
                    since: crate::sync::now(),
                });
                return Some(job);
            }
            self.arrived.wait(&mut papers);
        }
    }

    /// Hands back what came of a job; if nobody is there any more, drops it here.
    fn put(&self, done: Done<K, D>) -> bool {
        let mut papers = self.papers.lock();
        papers.running = None;
        if papers.closed {
            drop(papers);
            drop(done);
            return false;
        }
        papers.done.push(done);
        true
    }
}
