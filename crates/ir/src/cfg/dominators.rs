//! Which block dominates which.

use super::Graph;

const NONE: u32 = u32::MAX;

/// The tree of dominators, as the interval that each block's subtree takes in an
/// order where dominators come first.
pub struct Dominators {
    first: Vec<u32>,
    size: Vec<u32>,
}

impl Dominators {
    /// In near-linear time.
    pub fn new(graph: &Graph) -> Dominators {
        let order = DepthFirst::new(graph);
        let idom = Tree::new(graph, &order).idoms();
        let count = order.blocks.len();
        let mut subtree = vec![1u32; count];
        for vertex in (1..count).rev() {
            subtree[idom[vertex] as usize] += subtree[vertex];
        }
        // The immediate dominator has a smaller number, so its place is known.
        let mut place = vec![0u32; count];
        let mut free = vec![1u32; count];
        for vertex in 1..count {
            let parent = idom[vertex] as usize;
            place[vertex] = free[parent];
            free[parent] += subtree[vertex];
            free[vertex] = place[vertex] + 1;
        }
        let (mut first, mut size) = (vec![NONE; graph.len()], vec![0; graph.len()]);
        for (vertex, &block) in order.blocks.iter().enumerate() {
            first[block as usize] = place[vertex];
            size[block as usize] = subtree[vertex];
        }
        Dominators { first, size }
    }

    /// Whether there is a way to a block.
    pub fn is_reachable(&self, block: usize) -> bool {
        self.first[block] != NONE
    }

    /// Whether each way to `b`, which can be reached, leads through `a`.
    pub fn dominates(&self, a: usize, b: usize) -> bool {
        let (first, at) = (self.first[a], self.first[b]);
        first <= at && at - first < self.size[a]
    }
}

/// The blocks that can be reached, numbered as a search from the entry finds them.
struct DepthFirst {
    /// The block of each number.
    blocks: Vec<u32>,
    /// The number of each block.
    numbers: Vec<u32>,
    /// The number from which each number was found.
    parents: Vec<u32>,
}

impl DepthFirst {
    fn new(graph: &Graph) -> DepthFirst {
        let mut search = DepthFirst {
            blocks: Vec::new(),
            numbers: vec![NONE; graph.len()],
            parents: Vec::new(),
        };
        search.enter(0, 0);
        let mut stack: Vec<(u32, u32)> = vec![(0, 0)];
        while let Some((block, next)) = stack.last_mut() {
            let from = *block;
            let Some(&edge) = graph.edges(from).get(*next as usize) else {
                stack.pop();
                continue;
            };
            *next += 1;
            if search.numbers[edge.to as usize] == NONE {
                search.enter(edge.to, search.numbers[from as usize]);
                stack.push((edge.to, 0));
            }
        }
        search
    }

    fn enter(&mut self, block: u32, parent: u32) {
        self.numbers[block as usize] = self.blocks.len() as u32;
        self.blocks.push(block);
        self.parents.push(parent);
    }
}

/// The algorithm of Lengauer and Tarjan with path compression, without their
/// balancing. The simpler iteration to a fixed point is quadratic where many blocks
/// of a long function jump to one exit, which is what chains look like.
struct Tree<'a> {
    order: &'a DepthFirst,
    preds: Vec<Vec<u32>>,
    semi: Vec<u32>,
    ancestor: Vec<u32>,
    label: Vec<u32>,
    path: Vec<u32>,
}

impl<'a> Tree<'a> {
    fn new(graph: &Graph, order: &'a DepthFirst) -> Tree<'a> {
        let count = order.blocks.len();
        let mut preds = vec![Vec::new(); count];
        for (vertex, &block) in order.blocks.iter().enumerate() {
            for edge in graph.edges(block) {
                preds[order.numbers[edge.to as usize] as usize].push(vertex as u32);
            }
        }
        let own: Vec<u32> = (0..count as u32).collect();
        Tree {
            order,
            preds,
            semi: own.clone(),
            ancestor: vec![NONE; count],
            label: own,
            path: Vec::new(),
        }
    }

    fn idoms(mut self) -> Vec<u32> {
        let count = self.order.blocks.len();
        let mut idom = vec![0u32; count];
        let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); count];
        for vertex in (1..count).rev() {
            for pred in std::mem::take(&mut self.preds[vertex]) {
                let least = self.eval(pred);
                self.semi[vertex] = self.semi[vertex].min(self.semi[least as usize]);
            }
            buckets[self.semi[vertex] as usize].push(vertex as u32);
            let parent = self.order.parents[vertex];
            self.ancestor[vertex] = parent;
            for waiting in std::mem::take(&mut buckets[parent as usize]) {
                let least = self.eval(waiting);
                let nearer = self.semi[least as usize] < self.semi[waiting as usize];
                idom[waiting as usize] = if nearer { least } else { parent };
            }
        }
        for vertex in 1..count {
            if idom[vertex] != self.semi[vertex] {
                idom[vertex] = idom[idom[vertex] as usize];
            }
        }
        idom
    }

    /// The vertex of the least semidominator on the way from `vertex` to the root of
    /// its tree in the forest so far.
    fn eval(&mut self, vertex: u32) -> u32 {
        if self.ancestor[vertex as usize] == NONE {
            return vertex;
        }
        let mut at = vertex;
        while self.ancestor[self.ancestor[at as usize] as usize] != NONE {
            self.path.push(at);
            at = self.ancestor[at as usize];
        }
        while let Some(below) = self.path.pop() {
            let above = self.ancestor[below as usize] as usize;
            if self.semi[self.label[above] as usize] < self.semi[self.label[below as usize] as usize] {
                self.label[below as usize] = self.label[above];
            }
            self.ancestor[below as usize] = self.ancestor[above];
        }
        self.label[vertex as usize]
    }
}
