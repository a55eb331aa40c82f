//! Every bound of the language, unit last.

/// The longest program text.
pub const PROGRAM_BYTES_MAX: usize = 1 << 20;

/// Statements of one program.
pub const PROGRAM_STATEMENTS_MAX: usize = 4096;

/// Stages of one pipeline.
pub const PIPELINE_STAGES_MAX: usize = 256;

/// Items of one list of a stage: inputs, assignments, keys, aggregates.
pub const STAGE_ITEMS_MAX: usize = 1024;

/// Stages of all pipelines of a program.
pub const PROGRAM_STAGES_MAX: usize = 2048;

/// Columns of one flow.
pub const SCHEMA_COLUMNS_MAX: usize = 2048;

/// Columns that a `parse` offers to whoever comes to read them; with more, those only that the program needs.
pub const CARRIED_COLUMNS_MAX: usize = 256;

/// Parts (operands, operators, conversions) of all expressions of one stage: bounds the code that is built for it.
pub const STAGE_NODES_MAX: usize = 10_000;

/// What one `summarize` may keep, and one `sort` or `top`, in bytes, unless the plan is told otherwise.
pub const STAGE_MEMORY_BYTES_MAX: usize = 4 << 30;

/// What the output of a tap takes that nobody has read yet, in bytes, unless it is told otherwise; and one row more.
pub const TAP_OUTPUT_BYTES: usize = 1 << 20;

/// What one stage of a tap may keep, in bytes; beyond it the tap fails, and nothing else does.
pub const TAP_STAGE_MEMORY_BYTES_MAX: usize = 256 << 20;

/// How long rows gather before the reader of a tap takes them, in milliseconds.
pub const TAP_GATHER_MS: u64 = 5;

/// How long a tap that nobody reads any more waits, where too many requests do, to ask again to be removed, in
/// milliseconds.
pub const TAP_RETRY_MS: u64 = 10;

/// The share of its output, as a divisor, at which a tap wakes its reader at once.
pub const TAP_WAKE_SHARE: usize = 4;

/// Pairs of pipelines that are compared when a program changes; beyond it they are matched by their order.
pub const CHANGE_PAIRS_MAX: usize = 1 << 14;

/// How much of a stage's text its process is named after, in characters.
pub const PROCESS_NAME_CHARS_MAX: usize = 80;

/// What one expression may make of text, in bytes, for one element.
pub const EXPRESSION_TEXT_BYTES_MAX: usize = 64 << 20;

/// What the texts that the expressions of one stage have made take together, in bytes.
pub const STAGE_TEXT_BYTES_MAX: usize = 256 << 20;

/// What a regular expression may take, and again what it remembers while it is searched for, in bytes.
pub const PATTERN_BYTES_MAX: usize = 4 << 20;

/// Options of one format.
pub const PARSE_OPTIONS_MAX: usize = 64;

/// How deep parentheses, calls and prefix operators nest in one expression.
pub const EXPRESSION_DEPTH_MAX: usize = 200;

/// Operands (names, literals, calls) of one expression.
///
/// INVARIANT: every level of an expression tree is either nesting or a binary operator, which has an operand of its
/// own. So no tree is higher than [`EXPRESSION_HEIGHT_MAX`], and recursion over it is safe.
pub const EXPRESSION_OPERANDS_MAX: usize = 1000;

/// The height of the tallest expression tree: what a recursive walk must bear.
/// Three times the depth, since one nesting may hold `not in` over its operand.
pub const EXPRESSION_HEIGHT_MAX: usize = 3 * EXPRESSION_DEPTH_MAX + EXPRESSION_OPERANDS_MAX;

/// Files that a run knows to have written in earlier programs; the oldest are forgotten, and would be replaced.
pub const WRITTEN_FILES_KNOWN_MAX: usize = 1024;

/// Steps of one path into a value.
pub const PATH_STEPS_MAX: usize = 64;

/// How deep pipelines in parentheses nest.
pub const ELSE_DEPTH_MAX: usize = 16;

/// How much of an input is looked at for the types of its columns, in bytes.
pub const SAMPLE_BYTES_MAX: usize = 256 << 10;

/// The longest name.
pub const NAME_BYTES_MAX: usize = 255;

/// Width of the piece of a source line that a rendered diagnostic shows, in terminal columns.
pub const EXCERPT_COLUMNS_MAX: usize = 100;

/// How much of [`EXCERPT_COLUMNS_MAX`] lies before the place that is marked.
pub const EXCERPT_LEAD_COLUMNS: usize = 40;

/// The longest text under the marked place, in terminal columns. It stands to the right of the mark.
pub const LABEL_COLUMNS_MAX: usize = 80;

/// The longest other line of text (message, help, note) of a rendered diagnostic, in terminal columns.
pub const MESSAGE_COLUMNS_MAX: usize = 180;

/// The longest source name in a rendered diagnostic, in terminal columns.
pub const SOURCE_NAME_COLUMNS_MAX: usize = 100;

/// Notes of a rendered diagnostic; further ones are left out.
pub const DIAGNOSTIC_NOTES_MAX: usize = 3;

/// How much of a name or token a message quotes, in characters.
pub const QUOTED_CHARS_MAX: usize = 40;

const _: () = {
    assert!(PROGRAM_BYTES_MAX < u32::MAX as usize, "spans are u32");
    assert!(EXCERPT_LEAD_COLUMNS < EXCERPT_COLUMNS_MAX);
    assert!(EXPRESSION_TEXT_BYTES_MAX <= STAGE_TEXT_BYTES_MAX);
    assert!(2 * QUOTED_CHARS_MAX < MESSAGE_COLUMNS_MAX);
};
