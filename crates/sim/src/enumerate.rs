//! Small tricky plans, all of them: every pair of processes in every shape, with every
//! small number of elements. This is independent of [`crate::generate`], so that what
//! that never comes to is tried here.

use cutthrough::processes::BranchPolicy;
use cutthrough_ir::{ElementType, Type};

use crate::plan::{Plan, Step};
use crate::procs::Fault;
use crate::spec::Spec;

/// The shapes, each with two places for processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One behind the other.
    Line,
    /// Each behind a source, both writing to one flow point.
    Writers,
    /// Both reading one flow point.
    Readers,
    /// Behind the two branches of a tee, both writing to one flow point.
    Diamond,
    /// The same, in front of a process that keeps one element.
    BoundedDiamond,
    /// Behind the two branches of a tee, in front of a zip.
    ZippedTee,
    /// Behind the two branches of a tee, merged, and then multiplied.
    MergedTee,
    /// Each behind a source, in front of a zip.
    Zip,
    /// Each behind a source, in front of a process that pulls from the second.
    Pull,
    /// The first behind a tee whose three branches write to one flow point; it writes to
    /// one that two processes read which keep one element; the second is behind one.
    Burst,
    /// The first behind a tee that passes on only what is taken; the second beside it.
    Optional,
    /// Behind a tee that competes for its elements: the first reads one branch, and the
    /// second competes for what goes out by the other, and writes to the first's.
    Rivals,
}

/// All shapes.
pub const SHAPES: [Shape; 12] = [
    Shape::Line,
    Shape::Writers,
    Shape::Readers,
    Shape::Diamond,
    Shape::BoundedDiamond,
    Shape::ZippedTee,
    Shape::MergedTee,
    Shape::Zip,
    Shape::Pull,
    Shape::Burst,
    Shape::Optional,
    Shape::Rivals,
];

fn number() -> ElementType {
    Type::I64.into()
}

/// The processes that take the two places.
pub fn stages() -> Vec<Spec> {
    use BranchPolicy::Drop;
    vec![
        Spec::Pass(number()),
        Spec::FilterFn {
            element: number(),
            every: 1,
        },
        Spec::Take(number(), 0),
        Spec::Take(number(), 1),
        Spec::Take(number(), 2),
        Spec::Skip(number(), 1),
        Spec::FlatMap {
            from: number(),
            to: number(),
            seed: 7,
            most: 2,
        },
        Spec::Buffer(number(), 1),
        Spec::Buffer(number(), 2),
        Spec::Fold {
            element: number(),
            state: vec![Type::I64],
            seed: 3,
        },
        Spec::Order {
            element: number(),
            descending: true,
            limit: None,
        },
        Spec::Tee(number(), vec![Drop]),
        Spec::Faulty {
            element: number(),
            fault: (1, Fault::Handled),
        },
    ]
}

/// Everything that distinguishes a plan from the others.
#[derive(Clone, Debug)]
pub struct Case {
    /// The shape.
    pub shape: Shape,
    /// The indices of the two processes.
    pub stages: (usize, usize),
    /// How many elements each source has.
    pub elements: usize,
    /// The quantum, and the length of the runs.
    pub steps: u64,
}

/// All cases.
pub fn cases() -> Vec<Case> {
    let count = stages().len();
    let mut cases = Vec::new();
    for shape in SHAPES {
        for first in 0..count {
            for second in 0..count {
                for elements in [0, 1, 4] {
                    for steps in [1, 3, 64] {
                        cases.push(Case {
                            shape,
                            stages: (first, second),
                            elements,
                            steps,
                        });
                    }
                }
            }
        }
    }
    cases
}

struct Draft {
    steps: Vec<Step>,
    points: usize,
    processes: usize,
}

impl Draft {
    fn point(&mut self, element: ElementType) -> usize {
        self.steps.push(Step::Point {
            point: self.points,
            element,
        });
        self.points += 1;
        self.points - 1
    }

    fn add(&mut self, spec: Spec, inputs: &[usize], outputs: &[usize]) {
        let process = self.processes;
        self.processes += 1;
        self.steps.push(Step::Process { process, spec });
        for (input, &point) in inputs.iter().enumerate() {
            self.steps.push(Step::AttachInput {
                process,
                input,
                point,
            });
        }
        for (output, &point) in outputs.iter().enumerate() {
            self.steps.push(Step::AttachOutput {
                process,
                output,
                point,
            });
        }
    }

    /// A new point behind a process.
    fn behind(&mut self, spec: Spec, inputs: &[usize]) -> usize {
        let outputs: Vec<usize> = spec
            .outputs()
            .into_iter()
            .map(|element| self.point(element))
            .collect();
        let first = outputs[0];
        self.add(spec, inputs, &outputs);
        first
    }

    fn source(&mut self, elements: usize) -> usize {
        let source = self.processes as i64;
        self.behind(
            Spec::SliceI((0..elements as i64).map(|k| source << 32 | k).collect()),
            &[],
        )
    }

    /// A tee; the points of its branches follow one another.
    fn tee(&mut self, branches: usize, input: usize) -> usize {
        self.behind(Spec::Tee(number(), vec![BranchPolicy::Block; branches]), &[input])
    }

    fn sink(&mut self, point: usize, element: ElementType) {
        self.add(
            Spec::Sink {
                element,
                fault: (0, Fault::None),
            },
            &[point],
            &[],
        );
    }
}

/// The plan of a case.
pub fn plan(case: &Case) -> Plan {
    let stages = stages();
    let (a, b) = (stages[case.stages.0].clone(), stages[case.stages.1].clone());
    let mut draft = Draft {
        steps: Vec::new(),
        points: 0,
        processes: 0,
    };
    let (mut end, mut element) = (None, number());
    let source = draft.source(case.elements);
    match case.shape {
        Shape::Line => {
            let between = draft.behind(a, &[source]);
            end = Some(draft.behind(b, &[between]));
        }
        Shape::Writers => {
            let other = draft.source(case.elements);
            let joined = draft.behind(a, &[source]);
            draft.add(b, &[other], &[joined]);
            end = Some(joined);
        }
        Shape::Readers => {
            for spec in [a, b] {
                let point = draft.behind(spec, &[source]);
                draft.sink(point, number());
            }
        }
        Shape::Diamond | Shape::BoundedDiamond => {
            let branches = draft.tee(2, source);
            let joined = draft.behind(a, &[branches]);
            draft.add(b, &[branches + 1], &[joined]);
            let bounded = case.shape == Shape::BoundedDiamond;
            end = Some(if bounded {
                draft.behind(Spec::Buffer(number(), 1), &[joined])
            } else {
                joined
            });
        }
        Shape::ZippedTee | Shape::MergedTee => {
            let branches = draft.tee(2, source);
            let (left, right) = (draft.behind(a, &[branches]), draft.behind(b, &[branches + 1]));
            if case.shape == Shape::ZippedTee {
                element = ElementType::new([Type::I64, Type::I64]);
                end = Some(draft.behind(Spec::Zip(number(), number()), &[left, right]));
            } else {
                let merged = draft.behind(Spec::Merge(number(), 2), &[left, right]);
                end = Some(draft.behind(
                    Spec::FlatMap {
                        from: number(),
                        to: number(),
                        seed: 7,
                        most: 2,
                    },
                    &[merged],
                ));
            }
        }
        Shape::Zip | Shape::Pull => {
            let other = draft.source(case.elements + 1);
            let inputs = [draft.behind(a, &[source]), draft.behind(b, &[other])];
            if case.shape == Shape::Zip {
                element = ElementType::new([Type::I64, Type::I64]);
                end = Some(draft.behind(Spec::Zip(number(), number()), &inputs));
            } else {
                let types = vec![number(), number()];
                end = Some(draft.behind(
                    Spec::Puller {
                        inputs: types,
                        output: number(),
                        seed: 5,
                    },
                    &inputs,
                ));
            }
        }
        Shape::Burst => {
            let joined = draft.point(number());
            draft.add(
                Spec::Tee(number(), vec![BranchPolicy::Block; 3]),
                &[source],
                &[joined; 3],
            );
            let dealt = draft.behind(a, &[joined]);
            let first = draft.behind(Spec::Buffer(number(), 1), &[dealt]);
            let second = draft.behind(Spec::Buffer(number(), 1), &[dealt]);
            draft.sink(first, number());
            end = Some(draft.behind(b, &[second]));
        }
        Shape::Optional => {
            let (first, second) = (draft.point(number()), draft.point(number()));
            let policies = vec![BranchPolicy::Drop, BranchPolicy::Block];
            draft.add(Spec::Tee(number(), policies), &[source], &[first, second]);
            for (spec, point) in [(a, first), (b, second)] {
                let behind = draft.behind(spec, &[point]);
                draft.sink(behind, number());
            }
        }
        Shape::Rivals => {
            let branches = draft.tee(2, source);
            draft.sink(source, number());
            let first = draft.behind(a, &[branches]);
            draft.add(b, &[branches + 1], &[branches]);
            draft.sink(branches + 1, number());
            end = Some(first);
        }
    }
    if let Some(end) = end {
        draft.sink(end, element);
    }
    for _ in 0..4 {
        draft.steps.push(Step::Run { steps: case.steps });
    }
    Plan {
        seed: 0,
        quantum_steps: case.steps,
        steps: draft.steps,
        tagged: is_tagged(case),
    }
}

/// Whether every process of a case passes elements on unchanged.
fn is_tagged(case: &Case) -> bool {
    use Shape::{BoundedDiamond, Burst, Diamond, Line, Optional, Readers, Rivals, Writers};
    let passes_on = |stage: usize| {
        let changes = ["flat_map", "fold", "order"];
        !changes.contains(&stages()[stage].kind())
    };
    let (first, second) = case.stages;
    let keeps = matches!(
        case.shape,
        Line | Writers | Readers | Diamond | BoundedDiamond | Burst | Optional | Rivals
    );
    keeps && passes_on(first) && passes_on(second)
}
