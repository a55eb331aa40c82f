//! The functions of typed expressions that are null where an operand is.

use std::fmt;

use cutthrough_ir::{Kind, Type};

use crate::types::LogicalType;

/// A function on present values; `Display` has its name in the language. Where it says [`Checked`](Absence::Checked), its own result may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// The opposite.
    Not,
    /// The sum.
    Add(Kind),
    /// The difference.
    Subtract(Kind),
    /// The product.
    Multiply(Kind),
    /// The negation.
    Negate(Kind),
    /// The quotient of doubles; null where the divisor is 0.
    Divide(Absence),
    /// The quotient of integers, towards 0; null where the divisor is 0.
    DivideInt(Absence),
    /// The remainder, with the sign of the dividend; null where the divisor is 0.
    Remainder(Absence),
    /// Whether two values compare so.
    Compare(Comparison, Kind),
    /// An operation on the bits of integers.
    Bits(BitOp),
    /// The low bits of an integer, as a number with or without a sign.
    LowBits {
        /// How many; at least 1, at most 63.
        bits: u8,
        /// Whether the highest of them is the sign.
        has_sign: bool,
    },
    /// Whether a text contains another.
    Contains,
    /// Whether a text begins with another.
    StartsWith,
    /// Whether a text ends with another.
    EndsWith,
    /// Whether a text matches a pattern.
    Matches,
    /// A group of what matches a pattern first; null where there is none.
    Extract,
    /// The length of a text in characters.
    Len,
    /// The length of a text in bytes.
    LenBytes,
    /// The time that a text spells by ISO 8601; null where it spells none.
    TimeOfText,
    /// The time that a text spells by a format, in a zone; null where it spells none.
    TimeByFormat,
    /// The duration that a text spells; null where it spells none.
    DurationOfText,
    /// The text in lower case.
    Lower,
    /// The text in upper case.
    Upper,
    /// The text without blanks around it.
    Trim,
    /// A part of the text, by first character and length.
    Substr,
    /// The text with another in place of each occurrence.
    Replace,
    /// A piece of the text between separators; null where there are not so many.
    SplitPart,
    /// Texts one after another.
    Concat,
    /// 1 for true, 0 for false.
    IntOfBool,
    /// The whole part; null where it does not fit.
    IntOfFloat,
    /// The integer that a text spells; null where it spells none.
    IntOfText,
    /// The nearest double.
    FloatOfInt,
    /// The number that a text spells; null where it spells none.
    FloatOfText,
    /// The decimal digits.
    TextOfInt,
    /// The shortest decimal number that is read as the same double.
    TextOfFloat,
    /// `true` or `false`.
    TextOfBool,
    /// By ISO 8601.
    TextOfTime,
    /// By ISO 8601.
    TextOfDuration,
    /// The magnitude.
    Abs(Kind),
    /// The nearest whole number, halves away from 0.
    Round,
    /// The nearest number of so many decimals.
    RoundTo(u8),
    /// The greatest whole number not above.
    Floor,
    /// The least whole number not below.
    Ceil,
    /// The square root; NaN below 0.
    Sqrt,
    /// The lesser; NaN only where both are.
    Min(Kind),
    /// The greater; NaN only where both are.
    Max(Kind),
    /// The greatest multiple of the second that is not above the first; null where the second is not positive.
    Bin(Kind, Absence),
    /// The hour, the minute or the second of a time, by UTC's clock.
    Clock(Part),
    /// A part of a time, in a zone.
    Calendar(Part),
    /// A time by a format, in a zone.
    FormatTime,
    /// When a unit of the calendar began, in a zone; null for a time that cannot be told.
    Truncate,
    /// What lies at a path within a JSON value; null where nothing does.
    JsonAt,
    /// Whether a JSON array has an item that is this text, or a JSON string contains it.
    JsonContainsText,
    /// Whether a JSON array has an item that is this number.
    JsonContainsNumber,
    /// How many items a JSON array has, or members an object; null for anything else.
    JsonLen,
    /// The integer that a JSON value is; null where it is none.
    IntOfJson,
    /// The number that a JSON value is; null where it is none.
    FloatOfJson,
    /// A JSON string without quotes and escapes, and any other value as it is written.
    TextOfJson,
    /// The text with another in place of each match of a pattern.
    ReplaceMatches,
    /// What the language that has it computes.
    Named(Named),
}

/// A function of which nothing is known here but what it is called and gives: the language that stands on these
/// expressions computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name in the language.
    pub name: &'static str,
    /// What it gives where all operands are present.
    pub result: LogicalType,
}

/// What a calendar or a clock tells of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// As it is written.
    Year,
    /// From 1.
    Month,
    /// Of the month, from 1.
    Day,
    /// From 1 for Monday to 7.
    Weekday,
    /// From 0 to 23.
    Hour,
    /// From 0 to 59.
    Minute,
    /// From 0 to 59.
    Second,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 7] = [
        Part::Year,
        Part::Month,
        Part::Day,
        Part::Weekday,
        Part::Hour,
        Part::Minute,
        Part::Second,
    ];

    /// The name of its function.
    pub fn name(self) -> &'static str {
        match self {
            Part::Year => "year",
            Part::Month => "month",
            Part::Day => "day",
            Part::Weekday => "weekday",
            Part::Hour => "hour",
            Part::Minute => "minute",
            Part::Second => "second",
        }
    }

    /// The part whose function has this name.
    pub fn from_name(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name() == name)
    }
}

/// Whether a function has to look at an operand before it has a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The operand is a constant that has one.
    Never,
    /// The result may be absent.
    Checked,
}

/// An operation on the bits of two integers; an amount to shift by is modulo 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOp {
    /// Those in both.
    And,
    /// Those in either.
    Or,
    /// Those in one, not both.
    Xor,
    /// Towards the high end.
    ShiftLeft,
    /// Towards the low end; the sign stays.
    ShiftRight,
    /// Towards the low end; zeros come in.
    ShiftRightUnsigned,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

impl Scalar {
    /// Whether it is a host function that computes it. Whoever lowers an expression gives
    /// its process one for each such node, in the order of the nodes.
    pub fn is_host(self) -> bool {
        use Scalar as S;
        let is_of_text = matches!(self, S::Len | S::Matches | S::Extract | S::TimeOfText);
        let is_to_text = matches!(self, S::TextOfInt | S::TextOfFloat | S::FormatTime);
        is_of_text
            || matches!(
                self,
                S::TimeByFormat | S::DurationOfText | S::Calendar(_) | S::Truncate
            )
            || matches!(self, S::TextOfTime | S::TextOfDuration)
            || is_to_text
            || matches!(self, S::Lower | S::Upper | S::Trim | S::Substr)
            || matches!(self, S::Replace | S::SplitPart | S::Concat)
            || matches!(self, S::ReplaceMatches | S::Named(_))
            || self.is_of_json()
    }

    fn is_of_json(self) -> bool {
        use Scalar as S;
        matches!(
            self,
            S::JsonAt | S::JsonContainsText | S::JsonContainsNumber | S::JsonLen
        ) || matches!(self, S::IntOfJson | S::FloatOfJson | S::TextOfJson)
    }

    /// The type of the result where all operands are present.
    pub fn result(self) -> LogicalType {
        use Scalar as S;
        let words = match self {
            S::Not | S::Compare(..) | S::Contains | S::StartsWith | S::EndsWith | S::Matches => Type::BOOL,
            S::Add(kind) | S::Subtract(kind) | S::Multiply(kind) | S::Negate(kind) => Type::new(kind),
            S::Abs(kind) | S::Min(kind) | S::Max(kind) => Type::new(kind),
            S::Bits(_) | S::LowBits { .. } => Type::I64,
            S::Divide(absence) => absence.of(Type::F64),
            S::DivideInt(absence) | S::Remainder(absence) => absence.of(Type::I64),
            S::Bin(kind, absence) => absence.of(Type::new(kind)),
            S::Len | S::LenBytes | S::IntOfBool | S::Clock(_) | S::Calendar(_) => Type::I64,
            S::TimeOfText | S::TimeByFormat | S::Truncate => return LogicalType::TIME.or_null(),
            S::DurationOfText => return LogicalType::DURATION.or_null(),
            S::Named(named) => return named.result,
            S::JsonAt => return LogicalType::JSON.or_null(),
            S::JsonContainsText | S::JsonContainsNumber => Type::BOOL,
            S::JsonLen | S::IntOfJson => Type::I64.or_null(),
            S::FloatOfJson => Type::F64.or_null(),
            S::TextOfJson => Type::BYTES,
            S::IntOfFloat | S::IntOfText => Type::I64.or_null(),
            S::FloatOfInt | S::Round | S::RoundTo(_) | S::Floor | S::Ceil | S::Sqrt => Type::F64,
            S::FloatOfText => Type::F64.or_null(),
            S::SplitPart | S::Extract => Type::BYTES.or_null(),
            S::Lower | S::Upper | S::Trim | S::Substr | S::Replace | S::Concat => Type::BYTES,
            S::ReplaceMatches => Type::BYTES,
            S::TextOfInt | S::TextOfFloat | S::TextOfBool => Type::BYTES,
            S::TextOfTime | S::TextOfDuration | S::FormatTime => Type::BYTES,
        };
        words.into()
    }
}

impl Absence {
    fn of(self, ty: Type) -> Type {
        if self == Absence::Checked {
            ty.or_null()
        } else {
            ty
        }
    }
}

impl Comparison {
    /// How it is written.
    pub fn spelling(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
        }
    }
}

impl BitOp {
    fn spelling(self) -> &'static str {
        match self {
            BitOp::And => "bit_and",
            BitOp::Or => "bit_or",
            BitOp::Xor => "bit_xor",
            BitOp::ShiftLeft => "<<",
            BitOp::ShiftRight => ">>",
            BitOp::ShiftRightUnsigned => ">>>",
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Scalar as S;
        f.write_str(match self {
            S::Not => "not",
            S::Add(_) => "+",
            S::Subtract(_) | S::Negate(_) => "-",
            S::Multiply(_) => "*",
            S::Divide(_) => "/",
            S::DivideInt(_) => "//",
            S::Remainder(_) => "%",
            S::Compare(comparison, _) => comparison.spelling(),
            S::Bits(op) => op.spelling(),
            S::LowBits { bits, has_sign } => {
                return write!(f, "{}{bits}", if *has_sign { "i" } else { "u" });
            }
            S::Contains => "contains",
            S::StartsWith => "startswith",
            S::EndsWith => "endswith",
            S::Matches => "matches",
            S::Extract => "extract",
            S::TimeOfText | S::TimeByFormat => "time",
            S::DurationOfText => "duration",
            S::Len => "len",
            S::LenBytes => "len_bytes",
            S::Lower => "lower",
            S::Upper => "upper",
            S::Trim => "trim",
            S::Substr => "substr",
            S::Replace | S::ReplaceMatches => "replace",
            S::Named(named) => named.name,
            S::SplitPart => "split_part",
            S::Concat => "concat",
            S::IntOfBool | S::IntOfFloat | S::IntOfText => "int",
            S::FloatOfInt | S::FloatOfText => "float",
            S::TextOfInt | S::TextOfFloat | S::TextOfBool | S::TextOfTime | S::TextOfDuration => "text",
            S::Abs(_) => "abs",
            S::Round => "round",
            S::RoundTo(digits) => return write!(f, "round:{digits}"),
            S::Floor => "floor",
            S::Ceil => "ceil",
            S::Sqrt => "sqrt",
            S::Min(_) => "min",
            S::Max(_) => "max",
            S::Bin(..) => "bin",
            S::Clock(part) | S::Calendar(part) => part.name(),
            S::FormatTime => "format_time",
            S::Truncate => "trunc",
            S::JsonAt => "at",
            S::JsonContainsText | S::JsonContainsNumber => "contains",
            S::JsonLen => "len",
            S::IntOfJson => "int",
            S::FloatOfJson => "float",
            S::TextOfJson => "text",
        })
    }
}
