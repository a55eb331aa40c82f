//! The syntax tree. Every node has the [`Span`] of its text; a parenthesised expression's span holds the parentheses.
//!
//! Trees are printed by their `Display` as s-expressions, for tests and for people who look for a bug.
//! An expression is at most [`crate::limits::EXPRESSION_HEIGHT_MAX`] high: walking it recursively is safe.

use crate::span::Span;

/// How `write` writes.
pub use cutthrough_formats::Format as OutputFormat;
pub use cutthrough_formats::json::Step;

/// A whole program.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// In the order of the text; none for an empty program.
    pub statements: Vec<Statement>,
}

/// One pipeline, and the flow point it defines.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The flow point that the pipeline's end writes to, for `NAME = pipeline`.
    pub target: Option<Name>,
    /// What is on the right.
    pub pipeline: Pipeline,
    /// The place.
    pub span: Span,
}

/// Stages in the order in which elements pass them.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// The flow point the pipeline reads. Without one, the first stage is a `read`, or takes the command line's inputs.
    pub source: Option<Name>,
    /// Never empty when `source` is none. `read` only comes first, `write` only last.
    pub stages: Vec<Stage>,
    /// The place.
    pub span: Span,
}

/// A name as it is meant: backquotes are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// The place, with backquotes.
    pub span: Span,
}

/// One step of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// What it does.
    pub kind: StageKind,
    /// The place of the verb.
    pub verb: Span,
    /// The place of the stage.
    pub span: Span,
}

/// The verbs with what they take.
#[derive(Debug, Clone, PartialEq)]
pub enum StageKind {
    /// `read "a", - follow`
    Read {
        /// At least one.
        inputs: Vec<Input>,
        /// Whether files are read on as they grow: the place of the word.
        follow: Option<Span>,
    },
    /// `lines`
    Lines,
    /// `parse csv (sep=";") else bad`
    Parse {
        /// The format.
        format: Name,
        /// The text or pattern that some formats take: `regex(/.../)`.
        argument: Option<Text>,
        /// Its options; the keys differ.
        options: Vec<ParseOption>,
        /// The flow point that takes what fails to parse.
        otherwise: Option<Name>,
    },
    /// `where status >= 500`
    Where {
        /// What holds of the elements that pass.
        condition: Expr,
    },
    /// `set a = 1, b = a + c`
    Set {
        /// At least one, in order.
        assignments: Vec<Assignment>,
    },
    /// `select a, n = b + 1`
    Select {
        /// At least one.
        items: Vec<Item>,
    },
    /// `head 10`
    Head {
        /// How many elements pass.
        count: Count,
    },
    /// `skip 10`
    Skip {
        /// How many elements do not pass.
        count: Count,
    },
    /// `tail 10`
    Tail {
        /// How many elements pass, the last ones.
        count: Count,
    },
    /// `top 10 by n`
    Top {
        /// How many elements are kept.
        count: Count,
        /// By what, and from which end; descending unless the text says otherwise.
        by: SortKey,
    },
    /// `drop a, b`
    Drop {
        /// At least one.
        names: Vec<Name>,
    },
    /// `rename new = old`
    Rename {
        /// At least one: the new name, and the old one.
        names: Vec<(Name, Name)>,
    },
    /// `distinct a, b`
    Distinct {
        /// Of what; of all columns if there are none.
        items: Vec<Item>,
    },
    /// `count`
    Count,
    /// `explode item = items as text`
    Explode {
        /// What an item is called.
        name: Name,
        /// The list, if it is not the column of that name.
        value: Option<Expr>,
        /// The type of the items, if the text says one.
        ty: Option<Name>,
    },
    /// `fill a, b`
    Fill {
        /// At least one.
        names: Vec<Name>,
    },
    /// `sample 10`, `sample 1%`
    Sample {
        /// How many.
        size: SampleSize,
        /// The place of that.
        span: Span,
    },
    /// `generate 10 every 1s`
    Generate {
        /// How many elements; without, one after another for ever.
        count: Option<Count>,
        /// How much time lies between two, in nanoseconds, with the place.
        every: Option<(i64, Span)>,
    },
    /// `lookup "hosts.csv" on host = remote`
    Lookup {
        /// The file.
        path: Text,
        /// The column of the file that is the key.
        name: Name,
        /// What is looked up, if it is not the column of that name.
        key: Option<Expr>,
    },
    /// `sort a, b desc`
    Sort {
        /// At least one, the most significant first.
        keys: Vec<SortKey>,
    },
    /// `summarize n = count() by path`
    Summarize {
        /// At least one.
        aggregates: Vec<Item>,
        /// The groups; none for one group of everything.
        by: Vec<Item>,
        /// In windows of time.
        every: Option<Window>,
    },
    /// `write stdout as table`
    Write {
        /// Where to.
        target: Target,
        /// `append`: behind what is in the file.
        append: bool,
        /// How, if the text says so.
        format: Option<OutputFormat>,
        /// By which template.
        template: Option<Text>,
    },
}

impl StageKind {
    /// The word that the stage begins with.
    pub fn verb(&self) -> &'static str {
        match self {
            StageKind::Read { .. } => "read",
            StageKind::Lines => "lines",
            StageKind::Parse { .. } => "parse",
            StageKind::Where { .. } => "where",
            StageKind::Set { .. } => "set",
            StageKind::Select { .. } => "select",
            StageKind::Head { .. } => "head",
            StageKind::Skip { .. } => "skip",
            StageKind::Tail { .. } => "tail",
            StageKind::Lookup { .. } => "lookup",
            StageKind::Explode { .. } => "explode",
            StageKind::Fill { .. } => "fill",
            StageKind::Sample { .. } => "sample",
            StageKind::Generate { .. } => "generate",
            StageKind::Top { .. } => "top",
            StageKind::Drop { .. } => "drop",
            StageKind::Rename { .. } => "rename",
            StageKind::Distinct { .. } => "distinct",
            StageKind::Count => "count",
            StageKind::Sort { .. } => "sort",
            StageKind::Summarize { .. } => "summarize",
            StageKind::Write { .. } => "write",
        }
    }
}

/// `every 10s of time late 2s`
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// How long a window is, in nanoseconds.
    pub nanos: i64,
    /// The place of that.
    pub span: Span,
    /// The time of an element; when it arrives, without.
    pub of: Option<Expr>,
    /// By how much elements may come later than the latest before them, in nanoseconds.
    pub late: i64,
}

/// How many elements `sample` takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SampleSize {
    /// So many of all.
    Count(u64),
    /// Each with this probability, from 0 to 1.
    Share(f64),
}

/// What `read` reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    Path(Text),
    /// `-`: the standard input.
    Stdin(Span),
}

/// Where `write` writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file.
    Path(Text),
    /// The standard output.
    Stdout(Span),
    /// The standard error.
    Stderr(Span),
}

/// A string literal where no expression may stand. Bytes, since `\xNN` need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The value, escapes resolved.
    pub bytes: Vec<u8>,
    /// The place, with quotes.
    pub span: Span,
}

/// A number of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many; at most `i64::MAX`.
    pub value: u64,
    /// The place.
    pub span: Span,
}

/// `key=literal` of a format.
#[derive(Debug, Clone, PartialEq)]
pub struct ParseOption {
    /// The name of the option.
    pub key: Name,
    /// Its value.
    pub value: Literal,
    /// The place of the value.
    pub value_span: Span,
}

/// `NAME = EXPR` of `set`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The field.
    pub name: Name,
    /// Its new value.
    pub value: Expr,
}

/// `[NAME =] EXPR` of `select` and `summarize`.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The name of the result, if the text gives one.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
    /// The place.
    pub span: Span,
}

/// `EXPR [asc|desc]` of `sort` and `top`.
#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    /// What is compared.
    pub value: Expr,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// The place.
    pub span: Span,
}

/// Kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant. A minus in front of a number is part of it.
    Literal(Literal),
    /// A field.
    Name(Name),
    /// A value within a field.
    Path {
        /// The field.
        root: Name,
        /// At least one.
        steps: Vec<Step>,
    },
    /// A prefix operator.
    Unary {
        /// Which.
        op: UnaryOp,
        /// On what.
        operand: Box<Expr>,
    },
    /// An infix operator.
    Binary {
        /// Which.
        op: BinaryOp,
        /// On what.
        left: Box<Expr>,
        /// And what.
        right: Box<Expr>,
    },
    /// `value in (a, b)`. `not in` is a [`UnaryOp::Not`] around it.
    In {
        /// What is looked for.
        value: Box<Expr>,
        /// Where; never empty.
        list: Vec<Expr>,
    },
    /// `name(a, b)`: functions, aggregates and `if`.
    Call {
        /// Which.
        function: Name,
        /// On what.
        arguments: Vec<Expr>,
    },
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A whole number.
    Int(i64),
    /// A number; never NaN or infinite.
    Float(f64),
    /// A string; not necessarily UTF-8.
    Text(Vec<u8>),
    /// A regular expression, `/^a+$/`.
    Pattern(Vec<u8>),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
    /// Nanoseconds.
    Duration(i64),
    /// Nanoseconds since 1970.
    Time(i64),
    /// A number of bytes.
    ByteSize(i64),
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `not`
    Not,
}

/// Infix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the spelling, just below, says it")]
pub enum BinaryOp {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Coalesce,
    Add,
    Subtract,
    Multiply,
    Divide,
    DivideInt,
    Remainder,
}

impl BinaryOp {
    /// How the operator is written.
    pub fn spelling(self) -> &'static str {
        match self {
            BinaryOp::Or => "or",
            BinaryOp::And => "and",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::Contains => "contains",
            BinaryOp::StartsWith => "startswith",
            BinaryOp::EndsWith => "endswith",
            BinaryOp::Matches => "matches",
            BinaryOp::Coalesce => "??",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::DivideInt => "//",
            BinaryOp::Remainder => "%",
        }
    }
}

impl UnaryOp {
    /// How the operator is written.
    pub fn spelling(self) -> &'static str {
        match self {
            UnaryOp::Negate => "-",
            UnaryOp::Not => "not",
        }
    }
}
