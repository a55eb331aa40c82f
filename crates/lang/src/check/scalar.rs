//! The functions of typed expressions that are null where an operand is.

use std::fmt;

use cutthrough::ir::{Kind, Type};

/// A function on present values; `Display` has its name in the language. Where it says [`Checked`](Absence::Checked), its own result may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Not,
    Add(Kind),
    Subtract(Kind),
    Multiply(Kind),
    Negate(Kind),
    Divide(Absence),
    DivideInt(Absence),
    Remainder(Absence),
    Compare(Comparison, Kind),
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Extract,
    Len,
    LenBytes,
    TimeOfText,
    Lower,
    Upper,
    Trim,
    Substr,
    Replace,
    SplitPart,
    Concat,
    IntOfBool,
    IntOfFloat,
    IntOfText,
    FloatOfInt,
    FloatOfText,
    TextOfInt,
    TextOfFloat,
    TextOfBool,
    Abs(Kind),
    Round,
    RoundTo(u8),
    Floor,
    Ceil,
    Sqrt,
    Min(Kind),
    Max(Kind),
    Bin(Kind, Absence),
    Hour,
    Date,
    DateTime,
}

/// Whether a function has to look at an operand before it has a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absence {
    /// The operand is a constant that has one.
    Never,
    /// The result may be absent.
    Checked,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Scalar {
    /// The type of the result where all operands are present.
    pub(crate) fn result(self) -> Type {
        use Scalar as S;
        match self {
            S::Not | S::Compare(..) | S::Contains | S::StartsWith | S::EndsWith | S::Matches => Type::BOOL,
            S::Add(kind) | S::Subtract(kind) | S::Multiply(kind) | S::Negate(kind) => Type::new(kind),
            S::Abs(kind) | S::Min(kind) | S::Max(kind) => Type::new(kind),
            S::Divide(absence) => absence.of(Type::F64),
            S::DivideInt(absence) | S::Remainder(absence) => absence.of(Type::I64),
            S::Bin(kind, absence) => absence.of(Type::new(kind)),
            S::Len | S::LenBytes | S::IntOfBool | S::Hour => Type::I64,
            S::IntOfFloat | S::IntOfText | S::TimeOfText => Type::I64.or_null(),
            S::FloatOfInt | S::Round | S::RoundTo(_) | S::Floor | S::Ceil | S::Sqrt => Type::F64,
            S::FloatOfText => Type::F64.or_null(),
            S::SplitPart | S::Extract => Type::BYTES.or_null(),
            S::Lower | S::Upper | S::Trim | S::Substr | S::Replace | S::Concat => Type::BYTES,
            S::TextOfInt | S::TextOfFloat | S::TextOfBool | S::Date | S::DateTime => Type::BYTES,
        }
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
    pub(crate) fn spelling(self) -> &'static str {
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
            S::Contains => "contains",
            S::StartsWith => "startswith",
            S::EndsWith => "endswith",
            S::Matches => "matches",
            S::Extract => "extract",
            S::TimeOfText => "time",
            S::Len => "len",
            S::LenBytes => "len_bytes",
            S::Lower => "lower",
            S::Upper => "upper",
            S::Trim => "trim",
            S::Substr => "substr",
            S::Replace => "replace",
            S::SplitPart => "split_part",
            S::Concat => "concat",
            S::IntOfBool | S::IntOfFloat | S::IntOfText => "int",
            S::FloatOfInt | S::FloatOfText => "float",
            S::TextOfInt | S::TextOfFloat | S::TextOfBool => "text",
            S::Abs(_) => "abs",
            S::Round => "round",
            S::RoundTo(digits) => return write!(f, "round:{digits}"),
            S::Floor => "floor",
            S::Ceil => "ceil",
            S::Sqrt => "sqrt",
            S::Min(_) => "min",
            S::Max(_) => "max",
            S::Bin(..) => "bin",
            S::Hour => "hour",
            S::Date => "date",
            S::DateTime => "datetime",
        })
    }
}
