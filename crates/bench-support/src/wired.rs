//! A network that is ready to run, and its one result.

use cutthrough::processes::{Collect, Collected};
use cutthrough::{Error, FlowPoint, Mode, Network, NotNative, Options, ProcessId, Progress, Report, Tier};

/// The steps of one turn of warming up, and those after which a chain has asked for better code.
const WARM_STEPS: u64 = 1_500;
const ASKED_STEPS: u64 = 6_000;

/// A pipeline in a network.
#[derive(Debug)]
pub struct Wired {
    /// The network, with nothing else in it.
    pub network: Network,
    /// The source that drives the pipeline.
    pub root: ProcessId,
    result: Collected<i64>,
}

impl Wired {
    /// Has `wire` build a pipeline that gives one number.
    ///
    /// # Errors
    /// As adding and attaching.
    pub fn new(
        mut network: Network,
        wire: impl FnOnce(&mut Network) -> Result<(ProcessId, FlowPoint<i64>), Error>,
    ) -> Result<Wired, Error> {
        let (root, last) = wire(&mut network)?;
        let collect = Collect::new();
        let result = collect.collected();
        network.sink(last, collect)?;
        Ok(Wired {
            network,
            root,
            result,
        })
    }

    /// Runs to the end; the result.
    ///
    /// # Panics
    /// When the network does not come to its end, or gives another number of results.
    pub fn finish(&mut self) -> i64 {
        let progress = self.network.run().expect("no process of the suite fails");
        assert_eq!(progress, Progress::Done);
        self.result()
    }

    /// The result, after the end.
    ///
    /// # Panics
    /// When there is another number of results.
    pub fn result(&self) -> i64 {
        match self.result.take()[..] {
            [result] => result,
            ref results => panic!("{} results", results.len()),
        }
    }

    /// How the root's chain is executed now.
    pub fn mode(&mut self) -> Mode {
        let root = self.root;
        let chains = self.network.report().chains;
        chains
            .into_iter()
            .find(|chain| chain.root == root)
            .map_or(Mode::Interpreted(NotNative::NotRun), |chain| chain.mode)
    }

    /// Wires a network whose grants are not cut short, and runs it until it is warm.
    ///
    /// # Panics
    /// As [`warm_up`](Wired::warm_up).
    pub fn warm(wire: impl FnOnce(Network) -> Wired) -> Wired {
        let options = Options {
            quantum_steps: u64::MAX,
            ..Options::default()
        };
        let mut wired = wire(Network::new(options));
        wired.warm_up();
        wired
    }

    /// Runs a little, until the root's chain has its best native code. What remains then runs without
    /// a compiler in the way (a network that compiles when warm leaves the last, short
    /// chain to the interpreter).
    ///
    /// # Panics
    /// When that never comes.
    pub fn warm_up(&mut self) {
        let (mut is_native, mut steps) = (false, 0);
        for number in 0..1_000 {
            match self.mode() {
                Mode::Native(Tier::Full, _) => return,
                Mode::Native(Tier::Quick, _) if !is_native => (is_native, steps) = (true, 0),
                _ => {}
            }
            // While it waits for the compiler, what is to be measured is not to be used up; but code that
            // has come too late is asked for later.
            let is_asking = steps < ASKED_STEPS || number % 32 == 0;
            let turn = if is_asking { WARM_STEPS } else { 1 };
            steps += turn;
            let progress = self
                .network
                .run_steps(turn)
                .expect("no process of the suite fails");
            assert_eq!(progress, Progress::Steps, "too few elements to warm up on");
            std::thread::sleep(std::time::Duration::from_micros(500));
        }
        panic!("{:?} after a second", self.mode());
    }

    /// Everything of the pipeline, without what collects its result.
    pub fn members(report: &Report) -> Vec<String> {
        let names = report.processes.iter().map(|process| process.name.clone());
        names.filter(|name| name != "collect").collect()
    }
}
