//! Every bound of this crate, except those of code memory, which are there.

/// How many steps a chain takes between two looks at budget and interrupt. It
/// bounds how long a rewire waits for a running loop.
pub const STRIP_STEPS: u64 = 512;

/// The same of a chain that calls nothing: its steps take some nanoseconds each.
pub const STRIP_STEPS_WITHOUT_CALLS: u64 = 4_096;

/// Instructions and terminators of one chain. Cranelift takes about a
/// microsecond for each, so this is the longest that one compilation may keep a
/// core busy: some tens of milliseconds.
pub const CHAIN_INSTS_MAX: usize = 20_000;

/// Basic blocks of one chain.
pub const CHAIN_BLOCKS_MAX: usize = 5_000;

/// Blocks of a chain whose counters are derived from one another; in larger ones each
/// has a register.
pub const ACCOUNTS_BLOCKS_MAX: usize = 500;

/// Loops within one another whose counts are told apart; deeper ones count as one.
pub const ACCOUNTS_DEPTH_MAX: u32 = 6;

/// State slots that one chain may name; each that lies in a register is a value
/// that lives through all of the function.
pub const CHAIN_SLOTS_MAX: usize = 1_000;

/// Basic blocks of a lap that is run in lanes, without branches.
pub const VECTOR_BLOCKS_MAX: usize = 64;

/// Operations of such a lap; one copy of each is made for each register of lanes.
pub const VECTOR_OPS_MAX: usize = 200;

/// Words of arguments, and of results, of one host call; they lie on the stack.
pub const CALL_WORDS_MAX: usize = 512;

/// Words of a key that code looks for itself; rows of longer ones are found by a call.
pub const SEARCH_WORDS_MAX: usize = 4;

/// Words of state that one network may have: offsets into it are immediates of
/// 32 bits.
pub const STATE_WORDS_MAX: usize = (i32::MAX as usize) / 8;

/// Elements that an outbox gets room for before a chain begins to fill it; more
/// is made when they come.
pub const OUTBOX_ELEMENTS_FIRST: usize = 1_024;

/// Host functions, and outboxes, whose addresses are put on the stack for a
/// grant; with more of them they are put into a `Vec`.
pub const VIEWS_INLINE: usize = 8;

const _: () = assert!(STRIP_STEPS > 0 && STRIP_STEPS < STRIP_STEPS_WITHOUT_CALLS);
const _: () = assert!(CHAIN_INSTS_MAX <= cutthrough_ir::limits::FUNCTION_INSTS_MAX);
