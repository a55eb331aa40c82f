//! What well-formed IR is.
//!
//! The interpreter and native code are entitled to everything that stands here and
//! check none of it again. An error names the rule by its number in this list.
//!
//! # Tables, programs and chains
//! 1. The words that a state slot begins with are a value of its type: as many as
//!    the type has; a boolean and a presence are 0 or 1, what is absent is all
//!    zero, a NaN is the canonical one. Slots of bytes begin with all zero. The same goes
//!    for the columns of a row buffer, of which there is one at least, and at most
//!    [`ROWS_COLUMNS_MAX`](crate::limits::ROWS_COLUMNS_MAX), the key among them; of rows
//!    at most [`ROWS_MAX`](crate::limits::ROWS_MAX).
//! 2. A program has one [`InputProgram`](crate::InputProgram) for each input in the
//!    tables, one flag `optional` for each output, and counts no edges. A chain has
//!    at most one input, one place of the right type for each slot, one number of its
//!    own for each row buffer, and one number for each host function, counted edge and
//!    drop policy.
//!
//! # Functions
//! 3. A function has at least one block, at most
//!    [`FUNCTION_INSTS_MAX`](crate::limits::FUNCTION_INSTS_MAX) instructions and
//!    terminators and at most
//!    [`FUNCTION_VALUES_MAX`](crate::limits::FUNCTION_VALUES_MAX) values.
//! 4. Its [`Role`] decides its kind and signature. `read_ok` is a fragment whose
//!    parameters are the fields of its input's element; `end` and `write_ok` are
//!    fragments without parameters; `ask` is an expression and `run` a chain, both
//!    without parameters and returning one `i64`. Fragments return nothing.
//! 5. Every index (of a value, a block, an entry of a table) is in its range.
//!
//! # Values
//! 6. Every value of the function is defined once: as a parameter of a block or as
//!    the result of an instruction.
//! 7. The parameters of a block are numbered one after another, those of the
//!    function (its entry block) from `v0`.
//! 8. A definition dominates its uses. In blocks that cannot be reached, of which
//!    there may be some, only the order within the block counts.
//!
//! # Types
//! 9. An instruction carries what the table of operations says. A NaN it carries is
//!    the canonical one, and the type that `null` carries is nullable.
//! 10. Its operands and its result are as many, and of the types, that the table
//!     says; `slot_set`, `rows_set`, `rows_find`, `emit` and `outbox_put` take what the
//!     entry of the tables says that they index; a key is not set.
//! 11. The operands of a terminator have its types: `br` a boolean, `get` bytes and
//!     an integer, `call` the parameters of the host function and row buffers of the
//!     columns that its signature says, each one once, and tables only to read, `push` the
//!     columns of a row buffer that is no table, `entry` the key of one that is, `return`
//!     what the function returns.
//! 12. A target brings its block as many values, of the types, that the block's
//!     parameters say; those that the terminator brings come first.
//! 13. The entry block is not a target.
//!
//! # Flow
//! 14. A function holds only what its kind allows. Fragments: `jump`, `br`, `get`,
//!     `call`, `push`, `entry`, `take` and ends, no operations of chains. Expressions: `jump`,
//!     `br`, `get` and `return`, pure operations, `slot_get`, `rows_len`, `rows_get` and `rows_find`.
//!     Chains: all but ends,
//!     `take`, `emit` and `ready`; `inbox` only where the tables have an input. What
//!     stands in batches (`batch`, `lap`, `refund` and items) is made by
//!     [`passes`](crate::passes) from verified chains, and may stand in no others: that
//!     indices lie inside, and that laps come to an end, is the pass's to see to.
//! 15. Fragments and expressions have no loops. In a chain, every loop goes through
//!     the `go` target of a `step`, so that a chain without budget comes out; or
//!     through a `lap`.
//! 16. In a fragment, an `emit` stands in a block that ends the activation, once for
//!     each output at most, and only pure operations, state slots and other emits
//!     follow it there. An activation that fails emits nothing.
//! 17. `again` and `pending` end only activations of processes that have a `write_ok`.
//! 18. `ready` asks only after optional outputs.
//! 19. On no way through a fragment is a slot of bytes set twice: the value that it had
//!     before is kept until the activation ends, the one before that is not.
//! 20. On no way through a fragment is a host function called twice that gives bytes:
//!     they may lie in memory that the next call uses again.
//! 21. On no way through a fragment is an input taken from twice. In `read_ok`, the
//!     element that it is activated with counts: whoever gave it is not done yet.
//! 22. `end` emits nothing, takes nothing and does not ask whether outputs are ready:
//!     it is activated by the network, not by the flow.
//! 23. On no way through a fragment may rows of a row buffer that has bytes go twice, by
//!     `rows_truncate` or by a host function that changes it: the bytes of those that go
//!     are kept until rows go the next time.
//!
//! Not checked: origins, which only dumps read.
//!
//! Every check takes time linear in the size of the function; dominators take a
//! logarithm more, and rules 19 to 21 and 23 that time for each 64 slots, host functions,
//! inputs and row buffers that stand in several places.

mod error;
mod flow;
mod function;
mod insts;
mod once;
mod program;

use std::fmt;

pub use error::{VerifyError, VerifyErrors};

use crate::chain::ChainCode;
use crate::function::{Function, FunctionKind};
use crate::program::{Program, Tables};
use error::Report;

/// What a function is to a process or to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// What to do with an element of this input.
    ReadOk(usize),
    /// How many elements of this input the process accepts.
    Ask(usize),
    /// What to do at the end of this input.
    End(usize),
    /// How to give one element more.
    WriteOk,
    /// A chain.
    Run,
}

impl Role {
    /// The kind of function that plays this role.
    pub fn kind(self) -> FunctionKind {
        match self {
            Role::ReadOk(_) | Role::End(_) | Role::WriteOk => FunctionKind::Fragment,
            Role::Ask(_) => FunctionKind::Expression,
            Role::Run => FunctionKind::Chain,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Role::ReadOk(input) => write!(f, "read_ok {input}"),
            Role::Ask(input) => write!(f, "ask {input}"),
            Role::End(input) => write!(f, "end {input}"),
            Role::WriteOk => f.write_str("write_ok"),
            Role::Run => f.write_str("run"),
        }
    }
}

/// Verifies one function against the tables it indexes. What only the program
/// knows (whether there is a `write_ok`, which outputs are optional: rules 17 and
/// 18) is left to [`verify_program`].
///
/// # Errors
/// Everything that is wrong, up to a limit.
pub fn verify_function(function: &Function, tables: &Tables, role: Role) -> Result<(), VerifyErrors> {
    let mut report = Report::new(None);
    function::check(function, tables, role, None, &mut report);
    report.finish()
}

/// Verifies a process's program.
///
/// # Errors
/// Everything that is wrong, up to a limit.
pub fn verify_program(program: &Program) -> Result<(), VerifyErrors> {
    let mut report = Report::new(Some(format!("process {:?}", program.name)));
    program::check_program(program, &mut report);
    report.finish()
}

/// Verifies what passes have made of a verified chain.
///
/// # Errors
/// Everything that is wrong, up to a limit.
pub fn verify_optimized(chain: &ChainCode) -> Result<(), VerifyErrors> {
    let mut report = Report::new(Some(format!("chain {:?}, optimized", chain.name)));
    report.optimized = true;
    program::check_chain(chain, &mut report);
    report.finish()
}

/// Verifies a chain with its bindings. Whether the numbers that it is bound to are
/// the network's is for the network to know.
///
/// # Errors
/// Everything that is wrong, up to a limit.
pub fn verify_chain(chain: &ChainCode) -> Result<(), VerifyErrors> {
    let mut report = Report::new(Some(format!("chain {:?}", chain.name)));
    program::check_chain(chain, &mut report);
    report.finish()
}
