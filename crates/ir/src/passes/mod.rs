//! What is done to a chain's function before native code is made from it. Each pass
//! keeps what the function means; the interpreter executes the outcome as well as the
//! input, and tests compare the two.
//!
//! | pass | what |
//! |---|---|
//! | [`simplify`](mod@simplify) | only reachable blocks, in order, without needless jumps and parameters |
//! | [`unfold`](mod@unfold) | flags become positions in the code |
//! | [`batch`](mod@batch) | loops settle how many steps they take before they start |
//! | [`fold`](mod@fold) | what is known is computed; what is the same is computed once |

pub mod batch;
pub mod fold;
pub mod simplify;
pub mod unfold;

pub use batch::{Batched, batch};
pub use fold::fold;
pub use simplify::simplify;
pub use unfold::unfold;

use crate::function::Function;
use crate::program::Tables;

/// One pass over a chain's function; the tables are the chain's.
pub type Pass = fn(&Function, &Tables) -> Function;

/// All passes, in order. What is not done to a function leaves it as it is.
pub const PASSES: [Pass; 5] = [
    |function, _| simplify(function),
    |function, tables| unfold(function, tables).unwrap_or_else(|| function.clone()),
    |function, _| batch(function).function,
    |function, _| simplify(function),
    |function, _| fold(function),
];

/// Runs all passes on a function, which must be verified, with its tables.
pub fn optimize(function: &Function, tables: &Tables) -> Function {
    let [first, rest @ ..] = PASSES;
    rest.iter()
        .fold(first(function, tables), |function, pass| pass(&function, tables))
}
