//! Which blocks are in loops.

use super::Graph;

/// In how many loops each block lies, about: loops are strongly connected parts, and
/// those within are what remains connected without the part's first block. Deeper than
/// `depth_max` is not looked.
pub fn loop_depths(graph: &Graph, depth_max: u32) -> Vec<u32> {
    let mut depths = vec![0; graph.len()];
    let all: Vec<usize> = (0..graph.len()).collect();
    let mut parts = vec![(all, 0)];
    while let Some((blocks, depth)) = parts.pop() {
        for part in loops_among(graph, &blocks) {
            part.iter().for_each(|&block| depths[block] = depth + 1);
            let first = part.iter().copied().min();
            let rest: Vec<usize> = part.into_iter().filter(|&block| Some(block) != first).collect();
            if !rest.is_empty() && depth < depth_max {
                parts.push((rest, depth + 1));
            }
        }
    }
    depths
}

/// The strongly connected parts of a function, among these blocks, that are loops.
/// (Tarjan's algorithm, with the path in a vector.)
fn loops_among(graph: &Graph, blocks: &[usize]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    const DONE: usize = usize::MAX - 1;
    let mut order = vec![DONE; graph.len()];
    blocks.iter().for_each(|&block| order[block] = UNSEEN);
    let successors = |block: usize| graph.successors(block).collect::<Vec<usize>>();
    let mut low = vec![0; graph.len()];
    let (mut open, mut parts, mut seen) = (Vec::new(), Vec::new(), 0);
    for &start in blocks {
        if order[start] != UNSEEN {
            continue;
        }
        let mut path = Vec::new();
        let mut enter = Some(start);
        loop {
            if let Some(block) = enter.take() {
                (order[block], low[block]) = (seen, seen);
                seen += 1;
                open.push(block);
                path.push((block, successors(block)));
            }
            let Some((block, next)) = path.last_mut() else {
                break;
            };
            let block = *block;
            match next.pop() {
                Some(next) if order[next] == UNSEEN => enter = Some(next),
                Some(next) if order[next] != DONE => low[block] = low[block].min(order[next]),
                Some(_) => {}
                None => {
                    path.pop();
                    if let Some(&(before, _)) = path.last() {
                        low[before] = low[before].min(low[block]);
                    }
                    if low[block] == order[block] {
                        let at = open
                            .iter()
                            .rposition(|&one| one == block)
                            .expect("INVARIANT: it is open");
                        let part = open.split_off(at);
                        part.iter().for_each(|&one| order[one] = DONE);
                        if part.len() > 1 || successors(block).contains(&block) {
                            parts.push(part);
                        }
                    }
                }
            }
        }
    }
    parts
}
