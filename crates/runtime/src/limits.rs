//! Every bound of this crate, the unit last in the name.

/// Steps of one grant: how long one source runs before another has its turn.
pub const QUANTUM_STEPS: u64 = 16_384;

/// Steps of an interpreted grant after which it looks whether there is native code by now.
pub const INTERPRETED_STEPS: u64 = 64;

/// How long a network that an executor runs goes on before it comes back to the executor, at
/// the end of a grant.
pub const POLL_MICROS: u64 = 500;

/// Failures that a network on a thread of its own keeps; the first ones.
pub const FAILURES_KEPT_MAX: usize = 64;

/// Steps that the flow gets on between edits from other threads, however many come.
pub const PROTECTED_STEPS: u64 = 256;

/// Elements that a block for a polymorphic flow point has at the most.
pub const BLOCK_ELEMENTS_MAX: u64 = 1_024;

/// Processes in a row. The interpreter's stack is bounded by it.
pub const PATH_PROCESSES_MAX: usize = 256;

/// Policies that a process's program does not have, but earlier ones had, whose counts are kept
/// apart.
pub(crate) const DROPPED_BEFORE_MAX: usize = 64;

/// Bytes of a checkpoint.
pub const CHECKPOINT_BYTES_MAX: usize = 16 << 30;

/// Processes of a network, unless its options say otherwise.
pub const PROCESSES_MAX: usize = 100_000;

/// Flow points of a network, unless its options say otherwise.
pub const POINTS_MAX: usize = 100_000;

/// Processes of a network up to which the scheduler is compared with what follows from the
/// state of all of them, where debug assertions are on.
#[cfg(debug_assertions)]
pub(crate) const CHECKED_PROCESSES_MAX: usize = 64;

/// Requests of other threads that wait for the network's.
pub const REQUESTS_MAX: usize = 4_096;

/// Instructions of a chain; one with more stays interpreted.
pub const CHAIN_INSTS_MAX: usize = 50_000;

/// Steps that a chain is interpreted for before it is specialised.
pub const WARM_STEPS: u64 = 256;

/// Steps of native code that are worth a compilation.
pub const REPAID_STEPS: u64 = 16 * WARM_STEPS;

/// Steps of a chain's code of the quick tier after which that of the full tier is made.
pub const HOT_STEPS: u64 = 4_096;

/// How often they are doubled for each compilation of the full tier that came too late.
pub const HOT_DOUBLINGS_EACH: u32 = 4;

/// Steps of code of the full tier that are worth its compilation.
pub const REPAID_FULL_STEPS: u64 = 1 << 20;

/// Invalidations too early after which a chain's warm-up is no longer doubled.
pub const BACKOFF_DOUBLINGS_MAX: u32 = 3;

/// How long one compilation may take, unless the engine says otherwise. The longest chain
/// takes some tens of milliseconds.
pub const COMPILE_MS_MAX: u64 = 10_000;

/// Compilers that did not come back, after which a network compiles nothing more: each
/// costs a thread.
pub const COMPILERS_ABANDONED_MAX: u64 = 4;

/// Edges of a network whose demand processes watch: all are looked at between grants.
pub const WATCHES_MAX: usize = 256;

/// Last reports of removed processes that a network keeps.
pub const DEPARTED_KEPT_MAX: usize = 64;

/// Invalidations that a network can list; all are counted.
pub const INVALIDATIONS_KEPT_MAX: usize = 64;

/// Chains out of use of which a network keeps the native code, should they come back.
pub const SHELF_CHAINS_MAX: usize = 8;

/// Elements of a slice that are put into columns at once.
pub const LENT_ROWS: usize = 256;

/// Bytes that these may take: what is lent is not copied, and counts nothing.
pub const LENT_ROWS_BYTES_MAX: usize = 64 << 20;

/// Bytes of the elements that come out of a channel at once.
pub const CHANNEL_ROWS_BYTES_MAX: usize = 1 << 30;

/// Elements that go into a channel, or come out of it into a network, at once.
pub const CHANNEL_BATCH: usize = 256;

/// How often a thread that waits looks before it yields; each time it waits twice as long.
pub const SPIN_STEPS: u32 = 7;

/// How often it looks, and yields, before it is parked.
pub const YIELD_STEPS: u32 = 4;

/// Bytes that the groups, or the elements to sort, of one stage of a stream may take, unless
/// it says otherwise.
pub const STAGE_STATE_BYTES_MAX: usize = 1 << 30;

const _: () = assert!(
    BLOCK_ELEMENTS_MAX < QUANTUM_STEPS,
    "a block is delivered within a quantum"
);
const _: () = assert!(
    CHAIN_INSTS_MAX <= cutthrough_ir::limits::FUNCTION_INSTS_MAX,
    "a chain can be verified"
);
