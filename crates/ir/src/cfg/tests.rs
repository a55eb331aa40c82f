use cutthrough_test_support::Random;

use super::*;

/// A graph of blocks with these successors; edges take no steps.
fn graph(successors: &[Vec<usize>]) -> Graph {
    let (mut starts, mut edges) = (vec![0], Vec::new());
    for targets in successors {
        edges.extend(targets.iter().map(|&to| Edge {
            to: to as u32,
            stepped: false,
        }));
        starts.push(edges.len() as u32);
    }
    Graph { starts, edges }
}

fn random(random: &mut Random) -> Vec<Vec<usize>> {
    let count = 1 + random.below(12);
    (0..count)
        .map(|_| (0..random.below(4)).map(|_| random.below(count)).collect())
        .collect()
}

/// Which blocks are come to from `from`, without going into `without`.
fn reached(successors: &[Vec<usize>], from: usize, without: Option<usize>) -> Vec<bool> {
    let mut seen = vec![false; successors.len()];
    let mut todo: Vec<usize> = Some(from)
        .filter(|&from| Some(from) != without)
        .into_iter()
        .collect();
    while let Some(block) = todo.pop() {
        if !std::mem::replace(&mut seen[block], true) {
            todo.extend(successors[block].iter().filter(|&&next| Some(next) != without));
        }
    }
    seen
}

#[test]
fn a_block_dominates_what_cannot_be_reached_without_it() {
    for seed in 0..5_000 {
        let successors = random(&mut Random::new(seed));
        let dominators = Dominators::new(&graph(&successors));
        let reachable = reached(&successors, 0, None);
        for a in 0..successors.len() {
            assert_eq!(dominators.is_reachable(a), reachable[a], "seed {seed}: b{a}");
            let without = reached(&successors, 0, Some(a));
            for b in (0..successors.len()).filter(|&b| reachable[a] && reachable[b]) {
                assert_eq!(dominators.dominates(a, b), !without[b], "seed {seed}: b{a}, b{b}");
            }
        }
    }
}

#[test]
fn orders_put_blocks_before_their_successors() {
    for seed in 0..5_000 {
        let successors = random(&mut Random::new(seed));
        let graph = graph(&successors);
        let reachable = reached(&successors, 0, None);
        let order = graph.reverse_postorder();
        let places: Vec<Option<usize>> = (0..graph.len())
            .map(|block| order.iter().position(|one| one.index() == block))
            .collect();
        for (block, place) in places.iter().enumerate() {
            assert_eq!(place.is_some(), reachable[block], "seed {seed}: b{block}");
        }
        let is_on_loop = |from: usize, to: usize| reached(&successors, to, None)[from];
        let mut has_loops = false;
        for (from, targets) in successors.iter().enumerate() {
            for &to in targets {
                let closes = is_on_loop(from, to);
                has_loops |= closes;
                assert!(
                    !reachable[from] || closes || places[from] < places[to],
                    "seed {seed}: b{from} to b{to}"
                );
            }
        }
        let topological = graph.topological();
        assert_eq!(topological.is_none(), has_loops, "seed {seed}");
        let mut closing = 0;
        graph.for_each_loop(true, |from, to| {
            closing += 1;
            assert!(
                is_on_loop(from.index(), to.index()),
                "seed {seed}: {from:?} to {to:?}"
            );
        });
        assert_eq!(closing > 0, has_loops, "seed {seed}");
    }
}

#[test]
fn what_reaches_a_goal_and_what_is_reached_are_two_ways_to_say_it() {
    for seed in 0..5_000 {
        let mut rng = Random::new(seed);
        let successors = random(&mut rng);
        let graph = graph(&successors);
        let goal = rng.below(graph.len());
        let reaching = graph.reaching(std::iter::once(goal), |_| true);
        for (block, reaches) in reaching.into_iter().enumerate() {
            let reached = graph.reached_from(std::iter::once(block), |_| true);
            assert_eq!(reaches, reached[goal], "seed {seed}: b{block} to b{goal}");
        }
    }
}

#[test]
fn loops_in_loops_are_deeper() {
    // 0 -> 1 -> 2 -> 3 -> 1, with 2 -> 2 within, and out by 4.
    let graph = graph(&[vec![1], vec![2], vec![2, 3], vec![1, 4], vec![]]);
    assert_eq!(loop_depths(&graph, 6), [0, 1, 2, 1, 0]);
    assert_eq!(loop_depths(&graph, 0), [0, 1, 1, 1, 0]);
}
