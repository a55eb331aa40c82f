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

pub use batch::batch;
pub use fold::fold;
pub use simplify::simplify;
pub use unfold::unfold;

use crate::function::Function;

/// All passes, in order.
pub const PASSES: [fn(&Function) -> Function; 5] = [simplify, unfold, batch, simplify, fold];

/// Runs all passes on a function, which must be verified.
pub fn optimize(function: &Function) -> Function {
    let [first, rest @ ..] = PASSES;
    rest.iter()
        .fold(first(function), |function, pass| pass(&function))
}
