//! Every bound of this crate.

/// Instructions and terminators of one function, chains included.
pub const FUNCTION_INSTS_MAX: usize = 200_000;

/// Values of one function: results of instructions and parameters of blocks.
pub const FUNCTION_VALUES_MAX: usize = 1_000_000;

/// Errors that one run of the verifier keeps.
pub const VERIFY_ERRORS_MAX: usize = 100;

/// Scratch memory that host functions may use in one grant, in bytes. As a grant comes
/// out between two activations when it has used [`SCRATCH_BYTES_FULL`], this bounds what
/// one activation, with all that its elements reach, may use.
pub const SCRATCH_BYTES_MAX: usize = 256 << 20;

/// Scratch memory that is enough for one grant, in bytes: it comes out, and frees it.
pub const SCRATCH_BYTES_FULL: usize = 1 << 20;

/// Scratch memory that is kept from grant to grant, in bytes: more is given back.
pub const SCRATCH_BYTES_KEPT: usize = 4 << 20;

/// Rows of a row buffer; they are numbered in 32 bits.
pub const ROWS_MAX: usize = u32::MAX as usize - 1;

/// Bytes of a row buffer that nothing views any more, before it is worth freeing them.
pub const ROWS_TIDY_BYTES_MIN: usize = 64 << 10;

/// Columns of a row buffer.
pub const ROWS_COLUMNS_MAX: usize = 4_096;

/// Length of the text form of a program that the parser takes, in bytes.
pub const TEXT_BYTES_MAX: usize = 4 << 20;

/// Instructions and terminators of a chain that is unfolded; larger ones keep their
/// flags.
pub const UNFOLD_INSTS_MAX: usize = 4_000;

/// How many times larger a chain may become by being unfolded.
pub const UNFOLD_GROWTH_MAX: usize = 4;

/// Instructions of a loop that is copied for batches.
pub const BATCH_INSTS_MAX: usize = 1_000;

/// Steps that are worth being taken at once.
pub const BATCH_STEPS_MIN: i64 = 4;

/// Copies of one block; when there are as many, one more serves for all other flags.
pub const UNFOLD_VERSIONS_MAX: usize = 8;
