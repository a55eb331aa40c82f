//! Random plans.

use cutthrough::processes::BranchPolicy;
use cutthrough_ir::{ElementType, Kind, Type};

use crate::machine;
use crate::plan::{Plan, Step};
use crate::procs::Fault;
use crate::spec::{Spec, is_typed};
use crate::value::{self, Row, Val};
use cutthrough_test_support::Random;

/// How large networks are, if nothing else is said.
pub const SIZE: usize = 8;

/// The most fields that elements have.
const FIELDS_MAX: usize = 8;

/// A random plan.
pub fn plan(seed: u64, size: usize) -> Plan {
    let mut rng = Random::new(seed);
    let mut leaning = Random::new(seed ^ 0xc0de);
    let crowded = leaning.chance(25);
    let tagged = rng.chance(30) || (crowded && leaning.chance(70));
    let menu = value::menu();
    let tags: Vec<ElementType> = menu
        .iter()
        .filter(|element| element.fields()[0] == Type::I64)
        .cloned()
        .collect();
    let from = if tagged { &tags } else { &menu };
    let palette = (0..rng.range(1, if tagged { 1 } else { 4 }))
        .map(|_| rng.pick(from).clone())
        .collect();
    let quantum_steps = *rng.pick(&[1, 2, 3, 7, 64, 16_384]);
    let mut generator = Generator {
        changing: leaning.chance(40),
        restoring: leaning.chance(30),
        inserted: Vec::new(),
        tagged,
        faults: rng.chance(25) || crowded,
        crowded,
        long: rng.chance(4),
        palette,
        points: Vec::new(),
        processes: 0,
        feeds: Vec::new(),
        steps: Vec::new(),
        rng,
    };
    generator.network(size);
    generator.schedule(size);
    Plan {
        seed,
        quantum_steps,
        steps: generator.steps,
        tagged,
    }
}

fn attaches(step: &Step) -> bool {
    matches!(step, Step::AttachInput { .. } | Step::AttachOutput { .. })
}

struct Generator {
    rng: Random,
    tagged: bool,
    faults: bool,
    /// Whether processes are swapped, put in, taken out, cancelled and discarded.
    changing: bool,
    /// Whether time goes by, and other networks go on from checkpoints.
    restoring: bool,
    /// Processes that have been put in, each with the point in front of it.
    inserted: Vec<(usize, usize)>,
    /// Whether readers compete at most points, ways meet again, and some processes leave
    /// before the others: blocks wait to be dealt out while the wiring changes.
    crowded: bool,
    long: bool,
    palette: Vec<ElementType>,
    points: Vec<Point>,
    processes: usize,
    /// Sources that may wait.
    feeds: Vec<usize>,
    steps: Vec<Step>,
}

struct Point {
    element: ElementType,
    readers: usize,
    /// The points that elements here may reach.
    below: Vec<usize>,
}

impl Generator {
    fn network(&mut self, size: usize) {
        for _ in 0..self.rng.range(1, 3) {
            self.source();
        }
        if self.points.is_empty() {
            let element = self.element();
            self.new_point(element);
        }
        for _ in 0..self.rng.below(size + 1) {
            self.stage();
        }
        if self.crowded {
            self.rivals();
        }
        for point in 0..self.points.len() {
            let left = match self.points[point].readers {
                0 => 92,
                _ if self.crowded => 50,
                _ => 12,
            };
            if self.rng.chance(left) {
                self.sink(point);
            } else if self.rng.chance(30) {
                self.steps.push(Step::HoldReaders { point, hold: true });
            }
        }
    }

    fn schedule(&mut self, size: usize) {
        let mut late = Vec::new();
        if self.rng.chance(20) {
            for _ in 0..self.rng.range(1, 3) {
                let places: Vec<usize> = (0..self.steps.len())
                    .filter(|&place| attaches(&self.steps[place]))
                    .collect();
                if !places.is_empty() {
                    late.push(self.steps.remove(*self.rng.pick(&places)));
                }
            }
        }
        for _ in 0..self.rng.below(size + 2) {
            let steps = match self.rng.below(3) {
                0 => 1,
                1 => self.rng.range(1, 7) as u64,
                _ => self.rng.range(1, 60) as u64,
            };
            self.steps.push(Step::Run { steps });
            if self.rng.chance(40) {
                self.edit();
            }
            if self.changing && self.rng.chance(40) {
                self.change();
            }
            if self.restoring && self.rng.chance(50) {
                let ms = self.rng.below(9) as u64;
                let step = if self.rng.chance(50) {
                    Step::Restore
                } else {
                    Step::Time { ms }
                };
                self.steps.push(step);
            }
            if self.rng.chance(50) {
                self.steps.extend(late.pop());
            }
        }
        self.steps.append(&mut late);
    }

    fn edit(&mut self) {
        let point = self.rng.below(self.points.len());
        match self.rng.below(15) {
            12 => {
                let process = self.rng.below(self.processes);
                self.steps.push(Step::Finish { process });
            }
            // Detaches, and attaches somewhere, perhaps where it was.
            13 | 14 => {
                let attached = self.steps.iter().filter(|step| attaches(step)).cloned();
                let attached: Vec<Step> = attached.collect();
                if attached.is_empty() {
                    return;
                }
                let detach = match self.rng.pick(&attached).clone() {
                    Step::AttachInput { process, input, .. } => Step::DetachInput { process, input },
                    Step::AttachOutput { process, output, .. } => Step::DetachOutput { process, output },
                    step => step,
                };
                self.steps.push(detach.clone());
                let attach = match detach {
                    Step::DetachInput { process, input } => Step::AttachInput {
                        process,
                        input,
                        point,
                    },
                    Step::DetachOutput { process, output } => Step::AttachOutput {
                        process,
                        output,
                        point,
                    },
                    step => step,
                };
                if self.rng.chance(70) {
                    self.steps.push(attach);
                }
            }
            0 | 1 => self.sink(point),
            2 => {
                self.stage();
                let last = self.points.len() - 1;
                self.sink(last);
            }
            3 => self.source(),
            4 | 5 => {
                let process = self.rng.below(self.processes);
                self.steps.push(Step::Remove { process });
            }
            6 => {
                let hold = self.rng.chance(50);
                self.steps.push(Step::HoldWriters { point, hold });
            }
            7 => {
                let hold = self.rng.chance(50);
                self.steps.push(Step::HoldReaders { point, hold });
            }
            8 => self.steps.push(Step::RemovePoint { point }),
            _ => {
                if !self.feeds.is_empty() {
                    let process = *self.rng.pick(&self.feeds);
                    self.steps.push(Step::Wake { process });
                }
            }
        }
    }

    /// Changes one process, or puts one in.
    fn change(&mut self) {
        let process = self.rng.below(self.processes);
        match self.rng.below(10) {
            0 => self.steps.push(Step::Cancel { process }),
            1 => self.steps.push(Step::Discard { process }),
            2..5 => {
                let of = |step: &Step| match step {
                    Step::Process { process: of, spec } if *of == process => Some(spec.clone()),
                    _ => None,
                };
                // What an iterator has given is known to it alone: it would begin anew.
                let spec = self.steps.iter().find_map(of);
                if let Some(spec) = spec.filter(|spec| !matches!(spec, Spec::Iter { .. })) {
                    let spec = spec.swapped(&mut self.rng);
                    self.steps.push(Step::Swap { process, spec });
                }
            }
            5..7 if !self.inserted.is_empty() => {
                let at = self.rng.below(self.inserted.len());
                let (process, point) = self.inserted.remove(at);
                self.steps.push(Step::TakeOut { process, point });
            }
            _ => self.insert(),
        }
    }

    /// Puts a process behind an output.
    fn insert(&mut self) {
        let outputs = self.steps.iter().filter_map(|step| match step {
            Step::AttachOutput {
                process,
                output,
                point,
            } => Some((*process, *output, *point)),
            _ => None,
        });
        let outputs: Vec<_> = outputs.collect();
        if outputs.is_empty() {
            return;
        }
        let (from, output, point) = *self.rng.pick(&outputs);
        let element = self.points[point].element.clone();
        let spec = match self.rng.below(5) {
            0 => Spec::Pass(element.clone()),
            1 => Spec::Take(element.clone(), self.rng.below(8) as u64),
            2 => Spec::Buffer(element.clone(), self.rng.range(1, 4)),
            3 => Spec::Window(element.clone(), self.rng.range(1, 9) as u64),
            _ => Spec::Filter {
                element: element.clone(),
                seed: self.rng.next(),
                size: 2,
            },
        };
        let process = self.add(spec);
        let below = [&[self.points.len()][..], &self.points[point].below].concat();
        let between = self.points.len();
        self.points.push(Point {
            element,
            readers: 1,
            below,
        });
        self.inserted.push((process, between));
        self.steps.push(Step::Insert {
            process,
            behind: (from, output),
            point: between,
        });
    }

    fn add(&mut self, spec: Spec) -> usize {
        let process = self.processes;
        self.processes += 1;
        self.steps.push(Step::Process { process, spec });
        process
    }

    fn new_point(&mut self, element: ElementType) -> usize {
        let point = self.points.len();
        self.steps.push(Step::Point {
            point,
            element: element.clone(),
        });
        self.points.push(Point {
            element,
            readers: 0,
            below: vec![point],
        });
        point
    }

    fn element(&mut self) -> ElementType {
        self.rng.pick(&self.palette).clone()
    }

    fn fault(&mut self) -> Fault {
        if !self.faults {
            return Fault::None;
        }
        *self
            .rng
            .pick(&[Fault::None, Fault::Fragment, Fault::Error, Fault::Panic])
    }

    fn source(&mut self) {
        let element = self.element();
        let count = match self.rng.below(4) {
            _ if self.long => self.rng.range(1500, 3000),
            0 => self.rng.below(3),
            1 => self.rng.below(40),
            _ => self.rng.range(3, 12),
        };
        let source = self.processes as i64;
        let mut rng = self.rng.fork();
        let tagged = self.tagged;
        let row = |k: usize| -> Row {
            let mut row: Row = element
                .fields()
                .iter()
                .map(|&ty| value::random(&mut rng, ty))
                .collect();
            if tagged {
                row[0] = Val::I(source << 32 | k as i64);
            }
            row
        };
        let rows: Vec<Row> = (0..count).map(row).collect();
        let spec = match element.fields() {
            [ty] if ty.words() == 1 && ty.kind == Kind::I64 && self.rng.chance(50) => Spec::SliceI(
                rows.iter()
                    .map(|row| if let Val::I(value) = row[0] { value } else { 0 })
                    .collect(),
            ),
            [ty] if ty.words() == 1 && ty.kind == Kind::F64 && self.rng.chance(50) => Spec::SliceF(
                rows.iter()
                    .map(|row| if let Val::F(bits) = row[0] { bits } else { 0 })
                    .collect(),
            ),
            _ if is_typed(&element) && self.rng.chance(30) => Spec::Iter {
                element: element.clone(),
                rows,
            },
            _ => {
                let batch = if self.rng.chance(30) {
                    self.rng.range(1, 4) as i64
                } else {
                    0
                };
                let fault = self.fault();
                let (idle, own) = (self.rng.chance(15), self.rng.chance(50));
                // Waking thousands of times takes long and shows no more.
                let batch = if self.long { batch * 300 } else { batch };
                self.feeds.push(self.processes);
                Spec::Feed {
                    element: element.clone(),
                    rows,
                    batch,
                    idle,
                    fault,
                    own,
                }
            }
        };
        let process = self.add(spec);
        self.outputs(process, &[element], &[]);
    }

    /// Attaches outputs, to new points or to known ones that do not lie above.
    fn outputs(&mut self, process: usize, elements: &[ElementType], inputs: &[usize]) {
        for (output, element) in elements.iter().enumerate() {
            if self.rng.chance(3) {
                continue;
            }
            let closes = self.rng.chance(2);
            let known: Vec<usize> = (0..self.points.len())
                .filter(|&point| self.points[point].element == *element)
                .filter(|&point| {
                    closes
                        || inputs
                            .iter()
                            .all(|input| !self.points[point].below.contains(input))
                })
                .collect();
            let known_percent = if self.crowded { 60 } else { 30 };
            let point = if !known.is_empty() && self.rng.chance(known_percent) {
                *self.rng.pick(&known)
            } else {
                self.new_point(element.clone())
            };
            self.output(process, output, point, inputs);
        }
    }

    fn output(&mut self, process: usize, output: usize, point: usize, inputs: &[usize]) {
        let below = self.points[point].below.clone();
        for above in &mut self.points {
            if inputs.iter().any(|input| above.below.contains(input)) {
                above.below.extend(&below);
            }
        }
        self.steps.push(Step::AttachOutput {
            process,
            output,
            point,
        });
    }

    fn inputs(&mut self, process: usize, points: &[usize]) {
        for (input, &point) in points.iter().enumerate() {
            if self.rng.chance(2) {
                continue;
            }
            self.points[point].readers += 1;
            self.steps.push(Step::AttachInput {
                process,
                input,
                point,
            });
        }
    }

    /// A point to read; better one that nobody reads yet.
    fn input(&mut self, element: Option<&ElementType>) -> usize {
        let fitting = |point: &&Point| element.is_none_or(|element| point.element == *element);
        let points: Vec<usize> = (0..self.points.len())
            .filter(|&point| fitting(&&self.points[point]))
            .collect();
        let free: Vec<usize> = points
            .iter()
            .copied()
            .filter(|&point| self.points[point].readers == 0)
            .collect();
        let free_percent = if self.crowded { 40 } else { 80 };
        if !free.is_empty() && self.rng.chance(free_percent) {
            *self.rng.pick(&free)
        } else {
            *self.rng.pick(&points)
        }
    }

    fn sink(&mut self, point: usize) {
        let element = self.points[point].element.clone();
        let spec = match self.rng.below(4) {
            0 if is_typed(&element) => Spec::Collect(element),
            1 if is_typed(&element) => Spec::ForEach(element),
            _ => {
                let fault = self.fault();
                Spec::Sink {
                    element,
                    fault: (self.rng.below(9), fault),
                }
            }
        };
        let process = self.add(spec);
        self.inputs(process, &[point]);
    }

    fn stage(&mut self) {
        let point = self.input(None);
        let element = self.points[point].element.clone();
        let (spec, others) = if self.tagged || self.rng.chance(45) {
            self.passing(element)
        } else {
            self.changing(element)
        };
        let mut points = vec![point];
        for other in others {
            points.push(self.input(Some(&other)));
        }
        let outputs = spec.outputs();
        if outputs.iter().any(|element| element.fields().len() > FIELDS_MAX) {
            return;
        }
        // Random processes may swap what they are brought.
        let process = self.add(spec);
        self.inputs(process, &points);
        self.outputs(process, &outputs, &points);
    }

    /// A tee, and rivals for what goes out by its last branch. One of them writes to the
    /// first branch; when the reader there leaves, it does too, while elements may be
    /// waiting for both.
    fn rivals(&mut self) {
        let point = self.input(None);
        let element = self.points[point].element.clone();
        let branches = self.rng.range(2, 3);
        let policies = [BranchPolicy::Block, BranchPolicy::Block, BranchPolicy::Sample(2)];
        let policies = (0..branches).map(|_| *self.rng.pick(&policies)).collect();
        let tee = self.add(Spec::Tee(element.clone(), policies));
        self.inputs(tee, &[point]);
        let first = self.points.len();
        for branch in 0..branches {
            let to = self.new_point(element.clone());
            self.output(tee, branch, to, &[point]);
        }
        let last = first + branches - 1;
        let rival = match self.rng.below(3) {
            0 => Spec::Pass(element.clone()),
            1 => Spec::Buffer(element.clone(), self.rng.range(1, 4)),
            _ => Spec::Skip(element.clone(), 1),
        };
        let rival = self.add(rival);
        self.inputs(rival, &[last]);
        self.output(rival, 0, first, &[last]);
        self.sink(last);
        if self.rng.chance(50) {
            let count = self.rng.below(4) as u64;
            let leaves = self.add(Spec::Take(element.clone(), count));
            self.inputs(leaves, &[first]);
            self.outputs(leaves, &[element], &[first]);
        } else {
            let fault = *self.rng.pick(&[Fault::Fragment, Fault::Error, Fault::Panic]);
            let fault = (self.rng.below(4), fault);
            let leaves = self.add(Spec::Sink { element, fault });
            self.inputs(leaves, &[first]);
        }
    }

    /// A process that passes elements on, and the types of its further inputs.
    fn passing(&mut self, element: ElementType) -> (Spec, Vec<ElementType>) {
        let rng = &mut self.rng;
        let seed = rng.next();
        let typed = is_typed(&element);
        let kind = if self.crowded && rng.chance(60) {
            // What hands elements to several, keeps some back, or leaves.
            *rng.pick(&[0, 5, 8, 10, 12, 14, 15])
        } else {
            rng.below(16)
        };
        let spec = match kind {
            0 => Spec::Pass(element),
            1 if typed => Spec::MapFn {
                element,
                panics_at: if self.faults { rng.below(9) } else { 0 },
            },
            2 | 3 => Spec::Filter {
                element,
                seed,
                size: rng.below(5),
            },
            4 if typed => Spec::FilterFn {
                element,
                every: rng.range(1, 3),
            },
            5 => Spec::Take(element, rng.below(8) as u64),
            6 => Spec::Skip(element, rng.below(5) as u64),
            7 => Spec::Route { element, seed },
            8 | 9 => {
                let inputs = rng.range(1, 3);
                let others = vec![element.clone(); inputs - 1];
                return (Spec::Merge(element, inputs), others);
            }
            10 if self.faults => {
                let fault = *rng.pick(&[Fault::Fragment, Fault::Error, Fault::Panic, Fault::Handled]);
                Spec::Faulty {
                    element,
                    fault: (rng.below(9), fault),
                }
            }
            11 => {
                let leave = self.points[self.rng.below(self.points.len())].element.clone();
                let each = self.rng.range(1, 3) as i64;
                return (
                    Spec::Gate {
                        element,
                        leave: leave.clone(),
                        each,
                    },
                    vec![leave],
                );
            }
            12 => Spec::Buffer(element, rng.range(1, 4)),
            13 => Spec::Window(element, rng.range(1, 9) as u64),
            _ => {
                let policies = [
                    BranchPolicy::Block,
                    BranchPolicy::Block,
                    BranchPolicy::Drop,
                    BranchPolicy::Sample(2),
                ];
                let branches: Vec<BranchPolicy> =
                    (0..rng.range(1, 3)).map(|_| *rng.pick(&policies)).collect();
                Spec::Tee(element, branches)
            }
        };
        (spec, Vec::new())
    }

    /// A process that makes other elements, and the types of its further inputs.
    fn changing(&mut self, from: ElementType) -> (Spec, Vec<ElementType>) {
        let to = self.element();
        let other = self.points[self.rng.below(self.points.len())].element.clone();
        let rng = &mut self.rng;
        let seed = rng.next();
        let spec = match rng.below(9) {
            0 | 1 => Spec::Map {
                from,
                to,
                seed,
                size: rng.range(1, 12),
            },
            2 => Spec::FlatMap {
                from,
                to,
                seed,
                most: rng.range(1, 5) as i64,
            },
            3 => return (Spec::Zip(from, other.clone()), vec![other]),
            4 => {
                let state = to.fields().to_vec();
                Spec::Fold {
                    element: from,
                    state,
                    seed,
                }
            }
            5 => {
                let keys = rng.below(from.fields().len() + 1);
                Spec::Group {
                    element: from,
                    keys,
                    seed: seed >> 1,
                }
            }
            6 => {
                let limit = rng.chance(50).then(|| rng.below(6));
                Spec::Order {
                    element: from,
                    descending: rng.chance(50),
                    limit,
                }
            }
            7 => {
                let inputs = vec![from, other.clone()];
                return (
                    Spec::Puller {
                        inputs,
                        output: to,
                        seed,
                    },
                    vec![other],
                );
            }
            _ => {
                let (mut inputs, mut others) = (vec![from], Vec::new());
                if rng.chance(30) {
                    inputs.push(other.clone());
                    others.push(other);
                }
                let outputs: Vec<ElementType> = (0..rng.range(1, 3))
                    .map(|_| rng.pick(&self.palette).clone())
                    .collect();
                let optional = outputs.iter().map(|_| rng.chance(25)).collect();
                let menu = value::menu();
                let slots = (0..rng.below(3))
                    .flat_map(|_| rng.pick(&menu).fields().to_vec())
                    .collect();
                let gives = rng.chance(50);
                // Waking it thousands of times takes long and shows no more.
                let pends = machine::pends(seed) && !self.long;
                let seed = machine::seed(seed, pends);
                return (
                    Spec::Machine {
                        inputs,
                        outputs,
                        optional,
                        slots,
                        gives,
                        seed,
                    },
                    others,
                );
            }
        };
        (spec, Vec::new())
    }
}
