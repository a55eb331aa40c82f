//! What values mean: the types of the language, each over a type of words.
//!
//! The IR knows words. That an `int` is nanoseconds since 1970 shows where text becomes a
//! value, and where a value becomes text; and the language sees to it that times are
//! subtracted and not added.

use std::fmt;

use cutthrough_ir::{Kind, Type};

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogicalKind {
    /// 64 bits with sign.
    Int,
    /// A double.
    Float,
    /// True or false.
    Bool,
    /// Bytes, mostly UTF-8.
    Text,
    /// Nanoseconds since 1970 (UTC).
    Time,
    /// Nanoseconds.
    Duration,
    /// Any value of JSON, as its text without blanks.
    Json,
}

use LogicalKind::{Bool, Duration, Float, Int, Json, Text, Time};

impl LogicalKind {
    /// All of them, in the order in which messages list them.
    pub const ALL: [LogicalKind; 7] = [Int, Float, Bool, Text, Time, Duration, Json];

    /// The name in programs.
    pub const fn name(self) -> &'static str {
        match self {
            Int => "int",
            Float => "float",
            Bool => "bool",
            Text => "text",
            Time => "time",
            Duration => "duration",
            Json => "json",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<LogicalKind> {
        LogicalKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it is made of.
    pub const fn words(self) -> Kind {
        match self {
            Int | Time | Duration => Kind::I64,
            Float => Kind::F64,
            Bool => Kind::Bool,
            Text | Json => Kind::Bytes,
        }
    }
}

impl fmt::Display for LogicalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind, and whether a value may be absent. Its `Display` is the name in programs, with `?` where it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogicalType {
    /// What its values mean.
    pub kind: LogicalKind,
    /// Whether they may be null.
    pub nullable: bool,
}

impl LogicalType {
    /// `int`
    pub const INT: LogicalType = LogicalType::new(Int);
    /// `float`
    pub const FLOAT: LogicalType = LogicalType::new(Float);
    /// `bool`
    pub const BOOL: LogicalType = LogicalType::new(Bool);
    /// `text`
    pub const TEXT: LogicalType = LogicalType::new(Text);
    /// `time`
    pub const TIME: LogicalType = LogicalType::new(Time);
    /// `duration`
    pub const DURATION: LogicalType = LogicalType::new(Duration);
    /// `json`
    pub const JSON: LogicalType = LogicalType::new(Json);

    /// A type whose values are always present.
    pub const fn new(kind: LogicalKind) -> LogicalType {
        LogicalType {
            kind,
            nullable: false,
        }
    }

    /// The same, nullable.
    pub const fn or_null(self) -> LogicalType {
        LogicalType {
            nullable: true,
            ..self
        }
    }

    /// The same, not nullable.
    pub const fn present(self) -> LogicalType {
        LogicalType::new(self.kind)
    }

    /// What it is made of.
    pub const fn words(self) -> Type {
        Type {
            kind: self.kind.words(),
            nullable: self.nullable,
        }
    }

    /// The name in programs.
    pub const fn name(self) -> &'static str {
        match (self.kind, self.nullable) {
            (kind, false) => kind.name(),
            (Int, true) => "int?",
            (Float, true) => "float?",
            (Bool, true) => "bool?",
            (Text, true) => "text?",
            (Time, true) => "time?",
            (Duration, true) => "duration?",
            (Json, true) => "json?",
        }
    }
}

/// What words mean of which nothing else is known.
impl From<Type> for LogicalType {
    fn from(ty: Type) -> LogicalType {
        LogicalType {
            kind: match ty.kind {
                Kind::I64 => Int,
                Kind::F64 => Float,
                Kind::Bool => Bool,
                Kind::Bytes => Text,
            },
            nullable: ty.nullable,
        }
    }
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
