//! Every bound of this crate.

/// Length of a line, without its end, in bytes; longer ones are skipped.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// What is kept of a line that is too long, in bytes.
pub const LINE_HEAD_BYTES_MAX: usize = 4 << 10;

/// Length of a block that is split into lines, in bytes: ends are kept as `u32`.
pub const BLOCK_BYTES_MAX: usize = u32::MAX as usize;

/// Length of a block whose lines are found all at once, in bytes: spans are two
/// halves of an `i64`, of which the first has a sign.
pub const SPAN_BLOCK_BYTES_MAX: usize = i32::MAX as usize;

/// What the rows of one block may take, in bytes, the block included.
pub const BLOCK_ROWS_BYTES_MAX: usize = 4 << 30;

/// What the pieces of a line that goes on over many blocks may take, in bytes: their words,
/// where each is a byte, included.
pub const CARRY_BYTES_MAX: usize = 32 * LINE_BYTES_MAX;

/// Rows that a table looks at before it settles on the widths of its columns.
pub const TABLE_ROWS_MAX: usize = 10_000;

/// Bytes of cells that a table holds before it settles on widths.
pub const TABLE_BYTES_MAX: usize = 16 << 20;

/// Width of a column of a table, in terminal cells; what is wider shifts its row.
pub const TABLE_COLUMN_WIDTH_MAX: usize = 200;

/// Rendered bytes that a writer gathers before it writes.
pub const WRITE_BUFFER_BYTES: usize = 64 << 10;

/// Bad rows whose numbers are kept.
pub const BAD_ROWS_NOTED_MAX: usize = 5;

const _: () = assert!(LINE_HEAD_BYTES_MAX <= LINE_BYTES_MAX);
const _: () = assert!(LINE_BYTES_MAX < BLOCK_BYTES_MAX);
