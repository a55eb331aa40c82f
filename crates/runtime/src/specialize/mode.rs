//! How a chain is executed, and why it is not native where it is not.

use std::fmt;

use crate::engine::Tier;

/// When chains are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compile {
    /// Never: everything is interpreted.
    Never,
    /// Before they first run, on the thread that runs the network, which trusts the
    /// compiler to come back.
    AtOnce,
    /// In the background, once they have been interpreted for a while: quickly at first, and
    /// fully when they stay hot.
    WhenWarm,
}

/// How a chain is executed at present.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// By the interpreter; why.
    Interpreted(NotNative),
    /// By native code of this tier and this size in bytes.
    Native(Tier, usize),
}

/// Why a chain is interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum NotNative {
    /// It has not run, or not since the wiring changed.
    NotRun,
    /// The network has no compiler.
    NoEngine,
    /// The network does not compile ([`Compile::Never`]).
    Off,
    /// It is compiled when it has run for `due_steps`.
    Warming {
        /// Steps run so far.
        steps: u64,
        /// Steps after which it is compiled.
        due_steps: u64,
    },
    /// As warming, but for longer: the wiring changed repeatedly before native code had
    /// been worth its compilation.
    BackingOff {
        /// Steps run so far.
        steps: u64,
        /// Steps after which it is compiled.
        due_steps: u64,
        /// How often the warm-up has been doubled.
        doublings: u32,
    },
    /// The compiler has been given it.
    Compiling {
        /// So long ago, in milliseconds.
        ms: u64,
    },
    /// It was to be compiled and was not; this stays until the wiring changes.
    Refused(Refusal),
}

/// Why a chain that was to be compiled was not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Refusal {
    /// It has more instructions than [`CHAIN_INSTS_MAX`](crate::limits::CHAIN_INSTS_MAX).
    TooLarge,
    /// The compiler refused it or failed on it, and said this.
    Compiler(String),
    /// The compiler panicked, with this message.
    Panicked(String),
    /// The compiler did not come back within this time, in milliseconds, and was given up.
    Hung {
        /// How long it was waited for.
        ms: u64,
    },
    /// The compiler has been given up too often, or there is no thread for it.
    NoCompiler(String),
}

impl Mode {
    /// Whether it is native code.
    pub fn is_native(&self) -> bool {
        matches!(self, Mode::Native(..))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Native(tier, bytes) => write!(f, "native ({tier}), {bytes} bytes"),
            Mode::Interpreted(why) => write!(f, "interpreted, {why}"),
        }
    }
}

impl fmt::Display for NotNative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotNative::NotRun => f.write_str("it has not run"),
            NotNative::NoEngine => f.write_str("there is no compiler"),
            NotNative::Off => f.write_str("compiling is off"),
            NotNative::Warming { steps, due_steps } | NotNative::BackingOff { steps, due_steps, .. }
                if steps >= due_steps =>
            {
                write!(f, "warm after {steps} steps, to be compiled when it runs next")
            }
            NotNative::Warming { steps, due_steps } => write!(f, "warming up: {steps} of {due_steps} steps"),
            NotNative::BackingOff {
                steps,
                due_steps,
                doublings,
            } => write!(
                f,
                "compiled again after {due_steps} steps, of which {steps} are done (more with each rewiring; {doublings} of them)"
            ),
            NotNative::Compiling { ms } => write!(f, "compiling for {ms} ms"),
            NotNative::Refused(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::TooLarge => write!(
                f,
                "the chain has more than {} instructions",
                crate::limits::CHAIN_INSTS_MAX
            ),
            Refusal::Compiler(message) => write!(f, "the compiler said: {message}"),
            Refusal::Panicked(message) => write!(f, "the compiler panicked: {message}"),
            Refusal::Hung { ms } => write!(f, "the compiler did not come back within {ms} ms"),
            Refusal::NoCompiler(why) => f.write_str(why),
        }
    }
}
