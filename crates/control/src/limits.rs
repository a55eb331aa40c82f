//! Every bound of this crate, the unit last in the name. `docs/control.md` gives the
//! reasons.

/// The body of a frame: what three bytes can say.
pub const FRAME_BYTES_MAX: usize = (1 << 24) - 1;

/// The body of a client's first frame.
pub const GREETING_BYTES_MAX: usize = 4 << 10;

/// The body of a client's further frames. A program of the language has at most 1 MiB;
/// JSON writes a control character in six bytes.
pub const REQUEST_BYTES_MAX: usize = 8 << 20;

/// What is taken from a socket at once.
pub const READ_BYTES: usize = 64 << 10;

/// Connections of one network; the next one is refused.
pub const CONNECTIONS_MAX: usize = 32;

/// How long the server waits when the system has no descriptor for a connection.
pub const ACCEPT_AGAIN_MS: u64 = 200;

/// How long a client may take to greet.
pub const GREETING_MS: u64 = 2_000;

/// How long a frame may take from its first byte to its last.
pub const FRAME_MS: u64 = 5_000;

/// How long a connection lasts without a request.
pub const IDLE_MS: u64 = 60_000;

/// How long output may wait for a client that takes none of it.
pub const STALL_MS: u64 = 10_000;

/// How long a client waits for the network before it is told that it waits.
pub const ANSWER_MS: u64 = 100;

/// A report younger than this is given again, so that clients cannot keep the network
/// busy with reporting.
pub const REPORT_FRESH_MS: u64 = 50;

/// How often a network that moves is asked for a report although no client wants one: so
/// that there is a recent one should it fall silent.
pub const PULSE_MS: u64 = 1_000;

/// How rarely it is looked whether a network that does not move does.
pub const PULSE_MS_MAX: u64 = 64_000;

/// How long the server goes on at its end for its clients. Complete taps have longer: as long as their clients take
/// something.
pub const END_MS: u64 = 1_000;

/// How much longer a client has that goes on taking what it was sent before.
pub const END_TAKING_MS: u64 = 4_000;

/// How long to wait for the lock on the directory.
pub const LOCK_MS: u64 = 200;

/// Output of a tap that waits in a connection; the rest waits in the tap.
pub const TAP_OUTPUT_BYTES: usize = 256 << 10;

/// The name of a network.
pub const NAME_BYTES_MAX: usize = 64;

/// Processes in a report; the others are counted.
pub const REPORT_PROCESSES_MAX: usize = 4_096;

/// Flow points in a report; the others are counted.
pub const REPORT_POINTS_MAX: usize = 4_096;

/// Chains in a report; the others are counted.
pub const REPORT_CHAINS_MAX: usize = 4_096;

/// Edges of one process, and members of one chain, in a report.
pub const REPORT_ITEMS_MAX: usize = 256;

/// How much of a program's text clients are told, in bytes.
pub const PROGRAM_BYTES_MAX: usize = 1 << 20;

/// Text in a report: names, reasons.
pub const REPORT_TEXT_BYTES_MAX: usize = 256;

/// Networks that are listed.
pub const NETWORKS_MAX: usize = 1_024;

/// How long a client waits for a server that accepts but does not answer.
pub const CLIENT_WAIT_MS: u64 = 2_000;

const _: () = {
    assert!(GREETING_BYTES_MAX < REQUEST_BYTES_MAX);
    assert!(REQUEST_BYTES_MAX < FRAME_BYTES_MAX);
    assert!(TAP_OUTPUT_BYTES < FRAME_BYTES_MAX);
    assert!(REPORT_FRESH_MS <= ANSWER_MS);
    assert!(REPORT_FRESH_MS < PULSE_MS && PULSE_MS <= PULSE_MS_MAX);
    assert!(ANSWER_MS < CLIENT_WAIT_MS);
};
