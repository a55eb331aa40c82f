//! Random programs that are changed at random into others while they run, and tapped: what comes out is what a plain
//! calculation says, in which each element goes the way of the program that there was when it came.
//!
//! A failure prints its seed; `LIVE_SEED=123` runs that one alone and
//! `LIVE_TRACE=1` shows what it does; `LIVE_COUNT=10000` runs that many.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use common::{Live, World, graph};
use cutthrough::{Options, ProcessReport, Progress};
use cutthrough_lang::{Tap, TapOptions, TapPoint, TapPolicy, TapRead, TapReader, tap};

#[test]
fn what_comes_out_is_what_a_plain_calculation_says() {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let (first, count) = match variable("LIVE_SEED") {
        Some(seed) => (seed, 1),
        None => (1, variable("LIVE_COUNT").unwrap_or(100)),
    };
    let mut totals = Totals::default();
    for seed in first..first + count {
        let outcome = std::panic::catch_unwind(|| run(seed));
        match outcome {
            Ok(of_one) => totals.add(&of_one),
            Err(_) => panic!("LIVE_SEED={seed} cargo test -p cutthrough-lang --test live"),
        }
    }
    println!("{totals:?}");
    if count >= 100 {
        let Totals {
            changes,
            ended,
            taps,
            fresh,
            tapped,
        } = totals;
        assert!(
            changes > 5 * count && taps > count && fresh > count && tapped > 100 * count,
            "{totals:?}"
        );
        assert!(ended > 0, "pipelines end before the input does: {totals:?}");
    }
}

/// What the runs have covered.
#[derive(Debug, Default)]
struct Totals {
    changes: u64,
    /// Changes refused as what they touch has ended.
    ended: u64,
    taps: u64,
    /// Comparisons with the network of a program that was built anew.
    fresh: u64,
    /// Rows seen by taps.
    tapped: u64,
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.changes += other.changes;
        self.ended += other.ended;
        self.taps += other.taps;
        self.fresh += other.fresh;
        self.tapped += other.tapped;
    }
}

const ROWS: usize = 3_000;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    n: i64,
    k: i64,
    v: i64,
}

fn input() -> Vec<Row> {
    let row = |n: i64| Row {
        n,
        k: (n * n + 3 * n) % 7,
        v: n % 11 - 5,
    };
    (0..ROWS as i64).map(row).collect()
}

#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// Of a column, the remainder by a number is not some other.
    Where(char, i64, i64),
    Set(i64, i64),
    Head(u64),
    Skip(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Rows(&'static str),
    Summary,
    Sorted,
}

/// A named flow, and what is written of it.
#[derive(Clone, Debug)]
struct Pipeline {
    /// Which it is, whatever it is called.
    id: usize,
    name: String,
    /// The pipeline that it reads, or all rows.
    from: Option<usize>,
    stages: Vec<(usize, Stage)>,
    ending: Ending,
}

#[derive(Clone, Debug, Default)]
struct Model {
    pipelines: Vec<Pipeline>,
    ids: usize,
    /// For each `head` and `skip`, by its id, how many have passed or been skipped.
    counted: BTreeMap<usize, u64>,
    /// What is written, by pipeline, and groups by key.
    written: BTreeMap<usize, Vec<Row>>,
    groups: BTreeMap<usize, Vec<(i64, i64, i64)>>,
    endings: BTreeMap<usize, Ending>,
    /// What each flow has given, for taps.
    given: BTreeMap<usize, Vec<Row>>,
}

impl Model {
    fn text(&self) -> String {
        let mut text = "rows = parse csv(columns=\"n:i64,k:i64,v:i64\")\n".to_owned();
        for pipeline in &self.pipelines {
            let from = pipeline.from.map_or("rows", |from| &self.by_id(from).name);
            write!(text, "{} = {from}", pipeline.name).unwrap();
            for (_, stage) in &pipeline.stages {
                match stage {
                    Stage::Where(column, by, not) => write!(text, " | where {column} % {by} != {not}"),
                    Stage::Set(times, plus) => write!(text, " | set v = v * {times} + k + {plus}"),
                    Stage::Head(count) => write!(text, " | head {count}"),
                    Stage::Skip(count) => write!(text, " | skip {count}"),
                }
                .unwrap();
            }
            let ending = match pipeline.ending {
                Ending::Rows(columns) => format!("select {columns}"),
                Ending::Summary => "summarize c = count(), s = sum(v) by k".to_owned(),
                Ending::Sorted => "sort n desc | select n, v".to_owned(),
            };
            write!(
                text,
                "\n{} | {ending} | write \"f{}\"\n",
                pipeline.name, pipeline.id
            )
            .unwrap();
        }
        text
    }

    fn by_id(&self, id: usize) -> &Pipeline {
        self.pipelines.iter().find(|pipeline| pipeline.id == id).unwrap()
    }

    /// Has an element go through.
    fn element(&mut self, row: Row) {
        let mut given: BTreeMap<usize, Option<Row>> = BTreeMap::new();
        for pipeline in &self.pipelines {
            let from = pipeline.from.map_or(Some(row), |from| given[&from]);
            let out = from.and_then(|row| pass(&pipeline.stages, row, &mut self.counted));
            given.insert(pipeline.id, out);
            let Some(row) = out else { continue };
            self.given.entry(pipeline.id).or_default().push(row);
            if pipeline.ending == Ending::Summary {
                let groups = self.groups.entry(pipeline.id).or_default();
                match groups.iter_mut().find(|group| group.0 == row.k) {
                    Some(group) => (group.1, group.2) = (group.1 + 1, group.2 + row.v),
                    None => groups.push((row.k, 1, row.v)),
                }
            } else {
                self.written.entry(pipeline.id).or_default().push(row);
            }
        }
    }

    /// What the file of a pipeline holds in the end.
    fn file(&self, id: usize) -> String {
        let rows = self.written.get(&id).into_iter().flatten();
        let mut text = String::new();
        for row in rows {
            match self.endings[&id] {
                Ending::Rows("n") => writeln!(text, "{}", row.n),
                Ending::Rows("v, k, n") => writeln!(text, "{}\t{}\t{}", row.v, row.k, row.n),
                _ => writeln!(text, "{}\t{}", row.n, row.v),
            }
            .unwrap();
        }
        for (k, count, sum) in self.groups.get(&id).into_iter().flatten() {
            writeln!(text, "{k}\t{count}\t{sum}").unwrap();
        }
        text
    }
}

fn pass(stages: &[(usize, Stage)], mut row: Row, counted: &mut BTreeMap<usize, u64>) -> Option<Row> {
    for (id, stage) in stages {
        match *stage {
            Stage::Where(column, by, not) => {
                let value = match column {
                    'n' => row.n,
                    'k' => row.k,
                    _ => row.v,
                };
                if value % by == not {
                    return None;
                }
            }
            Stage::Set(times, plus) => row.v = row.v * times + row.k + plus,
            Stage::Head(count) => {
                let passed = counted.entry(*id).or_default();
                if *passed == count {
                    return None;
                }
                *passed += 1;
            }
            Stage::Skip(count) => {
                let skipped = counted.entry(*id).or_default();
                if *skipped < count {
                    *skipped += 1;
                    return None;
                }
            }
        }
    }
    Some(row)
}

/// Random edits.
impl Model {
    fn id(&mut self) -> usize {
        self.ids += 1;
        self.ids
    }

    fn stage(&mut self, random: &mut Random) -> (usize, Stage) {
        let id = self.id();
        let stage = match random.below(6) {
            0 | 1 => Stage::Where(['n', 'k', 'v'][random.below(3)], 2 + random.below(9) as i64, 0),
            2 | 3 => Stage::Set(1 - 2 * random.below(2) as i64, random.below(50) as i64),
            4 => Stage::Skip(5 + id as u64),
            // Numbers that tell one from another.
            _ if random.below(3) > 0 => Stage::Head(100_000 + id as u64),
            _ => Stage::Head(200 + 7 * id as u64),
        };
        (id, stage)
    }

    fn add_pipeline(&mut self, random: &mut Random) {
        let id = self.id();
        let sources = self.pipelines.len() + 1;
        let from = random
            .below(sources)
            .checked_sub(1)
            .map(|index| self.pipelines[index].id);
        let stages = (0..random.below(4)).map(|_| self.stage(random)).collect();
        let ending = match random.below(6) {
            0 => Ending::Summary,
            1 => Ending::Sorted,
            2 => Ending::Rows("n"),
            3 => Ending::Rows("v, k, n"),
            _ => Ending::Rows("n, v"),
        };
        self.endings.insert(id, ending);
        self.pipelines.push(Pipeline {
            id,
            name: format!("p{id}"),
            from,
            stages,
            ending,
        });
    }

    /// Adds a pipeline, removes one or gives one another name, and nothing else: a pipeline that goes while another
    /// comes may be taken for the same, and what has another name and another end is another flow.
    fn edit_pipelines(&mut self, random: &mut Random) {
        let index = random.below(self.pipelines.len());
        let pipelines = self.pipelines.len();
        let is_read =
            (0..pipelines).any(|other| self.pipelines[other].from == Some(self.pipelines[index].id));
        match random.below(3) {
            0 if pipelines < 5 => self.add_pipeline(random),
            1 if pipelines > 1 && !is_read => drop(self.pipelines.remove(index)),
            _ => self.pipelines[index].name = format!("q{}", self.id()),
        }
    }

    fn edit_stage(&mut self, random: &mut Random) {
        let stage = self.stage(random);
        let index = random.below(self.pipelines.len());
        let pipeline = &mut self.pipelines[index];
        let place = random.below(pipeline.stages.len() + 1);
        match random.below(7) {
            0 | 1 if place < pipeline.stages.len() => drop(pipeline.stages.remove(place)),
            2..=4 if place < pipeline.stages.len() => match &mut pipeline.stages[place].1 {
                Stage::Where(_, by, _) => *by = 2 + random.below(9) as i64,
                Stage::Set(_, plus) => *plus += 1,
                _ => pipeline.stages[place] = stage,
            },
            _ if pipeline.stages.len() < 8 => pipeline.stages.insert(place, stage),
            _ => {}
        }
    }
}

/// A tap, and what it is to see.
struct Tapped {
    tap: Tap,
    reader: TapReader,
    pipeline: usize,
    /// How much the flow had given before.
    from: usize,
    columns: Vec<String>,
}

struct Run {
    live: Live,
    world: World,
    model: Model,
    rows: Vec<Row>,
    /// How many elements the model has had.
    came: usize,
    tapped: Vec<Tapped>,
    totals: Totals,
}

fn run(seed: u64) -> Totals {
    let mut random = Random(seed);
    let rows = input();
    let line = |row: &Row| format!("{},{},{}\n", row.n, row.k, row.v);
    let world = World::stdin(rows.iter().map(line).collect::<String>());
    let mut model = Model::default();
    for _ in 0..1 + random.below(3) {
        model.add_pipeline(&mut random);
    }
    let options = match random.below(2) {
        0 => Options::interpreted(),
        _ => Options::native(),
    };
    let options = Options {
        quantum_steps: 1 + random.below(300) as u64,
        ..options
    };
    let live = world.start(&model.text(), options).unwrap();
    let mut run = Run {
        live,
        world,
        model,
        rows,
        came: 0,
        tapped: Vec::new(),
        totals: Totals::default(),
    };
    while run.live.network.run_steps(1 + random.below(400) as u64).unwrap() == Progress::Steps {
        run.catch_up();
        match random.below(10) {
            0..=2 => run.tap(&mut random),
            3 => run.detach(&mut random),
            _ => run.change(&mut random),
        }
        run.live.network.check_conservation().unwrap();
    }
    run.finish()
}

impl Run {
    /// Has the model take the elements that have come.
    fn catch_up(&mut self) {
        let parse = self.live.running.parses[0].process;
        // When all pipelines have ended, the parser is over as well, and what the model would do with more is nothing.
        if let Ok(report) = self.live.network.process_report(parse) {
            let came = usize::try_from(report.outputs[0].moved).unwrap();
            for at in self.came..came {
                self.model.element(self.rows[at]);
            }
            self.came = came;
        }
    }

    fn change(&mut self, random: &mut Random) {
        let mut edited = self.model.clone();
        match random.below(10) {
            0..=2 => edited.edit_pipelines(random),
            _ => (0..1 + random.below(2)).for_each(|_| edited.edit_stage(random)),
        }
        let before = self.live.running.source().to_owned();
        let flows = |live: &Live| -> BTreeMap<String, Vec<String>> {
            let columns = |flow: cutthrough_lang::Flow<'_>| {
                flow.columns().into_iter().map(|column| column.name).collect()
            };
            live.running
                .flows()
                .map(|flow| (flow.name().to_owned(), columns(flow)))
                .collect()
        };
        if std::env::var_os("LIVE_TRACE").is_some() {
            eprintln!("at {}:\n{}", self.came, edited.text());
        }
        match self.live.change(&self.world, &edited.text()) {
            Ok(done) if std::env::var_os("LIVE_TRACE").is_some() => eprintln!("{done}"),
            Ok(_) => {}
            Err(why) if why.contains("has ended already") => {
                assert_eq!(self.live.running.source(), before);
                self.totals.ended += 1;
                return;
            }
            Err(why) => panic!("{before}\n{}\n{why}", edited.text()),
        }
        self.totals.changes += 1;
        let renamed: BTreeMap<usize, String> = edited
            .pipelines
            .iter()
            .map(|one| (one.id, one.name.clone()))
            .collect();
        self.model = edited;
        self.compare_with_fresh();
        // A tap ends where its flow goes, or comes to carry something else.
        let now = flows(&self.live);
        self.live.network.run_steps(1).unwrap();
        let mut kept = Vec::new();
        for tapped in std::mem::take(&mut self.tapped) {
            let stays = renamed.get(&tapped.pipeline).and_then(|name| now.get(name)) == Some(&tapped.columns);
            let upstream_is_over = tapped.tap.is_gone() && stays;
            if stays && !upstream_is_over {
                kept.push(tapped);
            } else {
                // The step since the change may have given the flow an element more.
                self.check_tap(tapped, 1);
            }
        }
        self.tapped = kept;
        self.catch_up();
    }

    /// The network is the same as one that is built anew, as far as nothing in it has ended.
    fn compare_with_fresh(&mut self) {
        self.live.running.settle(&mut self.live.network);
        let report = self.live.network.report();
        let is_over = report.processes.iter().any(ProcessReport::is_over);
        let stages = self.live.running.stages().count();
        if is_over || report.processes.len() != stages || !self.tapped.is_empty() {
            return;
        }
        let mut fresh = self
            .world
            .start(self.live.running.source(), Options::interpreted())
            .unwrap();
        assert_eq!(
            graph(&mut self.live.network),
            graph(&mut fresh.network),
            "{}",
            self.live.running.source()
        );
        self.totals.fresh += 1;
    }

    fn tap(&mut self, random: &mut Random) {
        let index = random.below(self.model.pipelines.len());
        let pipeline = &self.model.pipelines[index];
        let flow = self.live.running.flow(&pipeline.name).unwrap();
        let columns = flow.columns().into_iter().map(|column| column.name).collect();
        let options = TapOptions {
            policy: TapPolicy::Complete,
            ..TapOptions::default()
        };
        let carries_n = flow.columns().iter().any(|column| column.name == "n");
        if !carries_n {
            return;
        }
        let point = TapPoint::from(flow);
        // A pipeline that has ended has no writer any more.
        let Ok((tap, reader)) = tap(&mut self.live.network, &point, "select n", &options) else {
            return;
        };
        self.totals.taps += 1;
        self.tapped.push(Tapped {
            tap,
            reader,
            pipeline: pipeline.id,
            from: self.model.given.get(&pipeline.id).map_or(0, Vec::len),
            columns,
        });
    }

    fn detach(&mut self, random: &mut Random) {
        if self.tapped.is_empty() {
            return;
        }
        let tapped = self.tapped.swap_remove(random.below(self.tapped.len()));
        tapped.tap.detach(&mut self.live.network);
        assert!(tapped.tap.is_gone());
        self.check_tap(tapped, 0);
    }

    /// Whether a tap has seen what its flow has given, up to so many elements more or less at the end.
    fn check_tap(&mut self, mut tapped: Tapped, slack: usize) {
        let (mut seen, mut bytes) = (Vec::new(), Vec::new());
        loop {
            match tapped.reader.read(&mut bytes, Duration::ZERO) {
                TapRead::Bytes => seen.extend_from_slice(&bytes),
                TapRead::End => break,
                other => panic!("{other:?} of a tap of {}", tapped.pipeline),
            }
        }
        let seen: Vec<i64> = String::from_utf8(seen)
            .unwrap()
            .lines()
            .map(|line| line.parse().unwrap())
            .collect();
        let given = self
            .model
            .given
            .get(&tapped.pipeline)
            .map_or(&[][..], |given| &given[tapped.from..]);
        let given: Vec<i64> = given.iter().map(|row| row.n).collect();
        let differs = (0..seen.len().min(given.len())).find(|&at| seen[at] != given[at]);
        if let Some(at) = differs {
            panic!(
                "tap of {}: {} instead of {} at {at}",
                tapped.pipeline, seen[at], given[at]
            );
        }
        let (saw, gave) = (seen.len(), given.len());
        assert!(
            saw.abs_diff(gave) <= slack,
            "tap of {}: {saw} instead of {gave}",
            tapped.pipeline
        );
        let counts = tapped.tap.counts(&self.live.network);
        assert_eq!(counts.missed, 0);
        assert_eq!(counts.emitted, seen.len() as u64);
        self.totals.tapped += seen.len() as u64;
    }

    fn finish(mut self) -> Totals {
        assert_eq!(self.live.network.run().unwrap(), Progress::Done);
        self.catch_up();
        self.live.running.settle(&mut self.live.network);
        self.live.network.check_conservation().unwrap();
        for tapped in std::mem::take(&mut self.tapped) {
            self.check_tap(tapped, 0);
        }
        let outputs = self.live.outputs();
        for (&id, &ending) in &self.model.endings {
            let Some(seen) = outputs.get(&format!("f{id}")) else {
                continue;
            };
            let expected = self.model.file(id);
            let differs = seen
                .lines()
                .zip(expected.lines())
                .position(|(seen, expected)| seen != expected);
            let lines = (seen.lines().count(), expected.lines().count());
            let source = self.live.running.source();
            if ending == Ending::Sorted {
                let sorted = |text: &str| {
                    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                    lines.sort_unstable();
                    lines
                };
                assert!(
                    sorted(seen) == sorted(&expected),
                    "f{id}: {lines:?} lines\n{source}"
                );
            } else {
                assert!(
                    *seen == expected,
                    "f{id}: {lines:?} lines, first other is {differs:?}\n{source}"
                );
            }
        }
        self.totals
    }
}

/// Splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
