//! The table of operations: each one's name, operands, results and effect, once.
//!
//! The printer, the parser, the verifier and the builder read the table; the
//! interpreter and the lowering match on [`Op`], which the table generates, so
//! that the compiler rejects either if an operation is missing there.

use std::fmt;

use crate::types::Type;

/// The type of one operand or result in an operation's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Exactly this type.
    Is(Type),
    /// Any type without absence; all `T` of one instruction are the same.
    T,
    /// The nullable form of `T`.
    OptT,
    /// Any type whatever; all `Any` of one instruction are the same.
    Any,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Is(ty) => ty.fmt(f),
            Pattern::T => f.write_str("T"),
            Pattern::OptT => f.write_str("T?"),
            Pattern::Any => f.write_str("A"),
        }
    }
}

/// What an instruction carries besides its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImmKind {
    /// Nothing.
    None,
    /// An integer constant.
    I64,
    /// A double, by its bits.
    F64,
    /// A boolean constant.
    Bool,
    /// A type: the result's.
    Type,
    /// An index into the data table.
    Data,
    /// An index into the table of state slots.
    Slot,
    /// An index into the table of row buffers.
    Rows,
    /// A row buffer and one of its columns.
    Column,
    /// An index into the table of outputs.
    Output,
    /// An index into the table of named drop policies.
    Drop,
    /// An index into a chain's table of counted edges.
    Edge,
    /// An index into a chain's table of outboxes.
    Outbox,
}

/// What an operation does besides computing its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it may be computed twice, or not at all.
    Pure,
    /// It reads or writes a state slot or a row buffer.
    State,
    /// It takes part in the flow.
    Flow,
}

macro_rules! pattern {
    (I) => {
        Pattern::Is(Type::I64)
    };
    (F) => {
        Pattern::Is(Type::F64)
    };
    (B) => {
        Pattern::Is(Type::BOOL)
    };
    (S) => {
        Pattern::Is(Type::BYTES)
    };
    (OI) => {
        Pattern::Is(Type::I64.or_null())
    };
    (OF) => {
        Pattern::Is(Type::F64.or_null())
    };
    (T) => {
        Pattern::T
    };
    (OT) => {
        Pattern::OptT
    };
    (A) => {
        Pattern::Any
    };
}

macro_rules! operations {
    ($($variant:ident $name:literal ($($param:ident)*) -> ($($result:ident)*) $imm:ident $effect:ident $doc:literal)*) => {
        /// An operation; [`Op::info`] is its row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Op { $(#[doc = $doc] $variant,)* }

        impl Op {
            /// Every operation, in the order of the table.
            pub const ALL: &'static [Op] = &[$(Op::$variant),*];

            /// The operation's row of the table.
            pub fn info(self) -> &'static OpInfo {
                &TABLE[self as usize]
            }
        }

        static TABLE: &[OpInfo] = &[$(OpInfo {
            name: $name,
            params: &[$(pattern!($param)),*],
            results: &[$(pattern!($result)),*],
            imm: ImmKind::$imm,
            effect: Effect::$effect,
        }),*];
    };
}

/// One row of the table of operations.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The name in the text form.
    pub name: &'static str,
    /// The operands. [`Op::Emit`], [`Op::OutboxPut`], [`Op::SlotSet`],
    /// [`Op::RowsSet`] and [`Op::RowsFind`] take what their table entry says instead.
    pub params: &'static [Pattern],
    /// The results.
    pub results: &'static [Pattern],
    /// What it carries besides operands.
    pub imm: ImmKind,
    /// What it does besides computing.
    pub effect: Effect,
}

impl Op {
    /// The operation of this name in the text form.
    pub fn from_name(name: &str) -> Option<Op> {
        Op::ALL.iter().copied().find(|op| op.info().name == name)
    }
}

operations! {
    Iconst   "iconst"    () -> (I)      I64    Pure  "An integer constant."
    Fconst   "fconst"    () -> (F)      F64    Pure  "A double constant."
    Bconst   "bconst"    () -> (B)      Bool   Pure  "A boolean constant."
    Sconst   "sconst"    () -> (S)      Data   Pure  "A view of constant data."
    Null     "null"      () -> (OT)     Type   Pure  "The absent value of a nullable type."

    Iadd     "iadd"      (I I) -> (I)   None   Pure  "Sum, wrapping."
    Isub     "isub"      (I I) -> (I)   None   Pure  "Difference, wrapping."
    Imul     "imul"      (I I) -> (I)   None   Pure  "Product, wrapping."
    Idiv     "idiv"      (I I) -> (I)   None   Pure  "Quotient towards zero; by zero it is 0, and the least integer by -1 wraps."
    Irem     "irem"      (I I) -> (I)   None   Pure  "Remainder with the sign of the dividend; by zero and by -1 it is 0."
    Ineg     "ineg"      (I) -> (I)     None   Pure  "Negation, wrapping."
    Iabs     "iabs"      (I) -> (I)     None   Pure  "Magnitude, wrapping."
    Imin     "imin"      (I I) -> (I)   None   Pure  "The lesser, signed."
    Imax     "imax"      (I I) -> (I)   None   Pure  "The greater, signed."
    Iand     "iand"      (I I) -> (I)   None   Pure  "Bitwise and."
    Ior      "ior"       (I I) -> (I)   None   Pure  "Bitwise or."
    Ixor     "ixor"      (I I) -> (I)   None   Pure  "Bitwise exclusive or."
    Inot     "inot"      (I) -> (I)     None   Pure  "Bitwise complement."
    Ishl     "ishl"      (I I) -> (I)   None   Pure  "Shift left by the amount modulo 64."
    Ishr     "ishr"      (I I) -> (I)   None   Pure  "Arithmetic shift right by the amount modulo 64."
    Iushr    "iushr"     (I I) -> (I)   None   Pure  "Logical shift right by the amount modulo 64."
    Ieq      "ieq"       (I I) -> (B)   None   Pure  "Equal."
    Ine      "ine"       (I I) -> (B)   None   Pure  "Not equal."
    Ilt      "ilt"       (I I) -> (B)   None   Pure  "Less, signed."
    Ile      "ile"       (I I) -> (B)   None   Pure  "Less or equal, signed."
    Igt      "igt"       (I I) -> (B)   None   Pure  "Greater, signed."
    Ige      "ige"       (I I) -> (B)   None   Pure  "Greater or equal, signed."

    Fadd     "fadd"      (F F) -> (F)   None   Pure  "Sum."
    Fsub     "fsub"      (F F) -> (F)   None   Pure  "Difference."
    Fmul     "fmul"      (F F) -> (F)   None   Pure  "Product."
    Fdiv     "fdiv"      (F F) -> (F)   None   Pure  "Quotient; by zero it is an infinity or NaN, as IEEE 754 has it."
    Fneg     "fneg"      (F) -> (F)     None   Pure  "Negation."
    Fabs     "fabs"      (F) -> (F)     None   Pure  "Magnitude."
    Fsqrt    "fsqrt"     (F) -> (F)     None   Pure  "Square root; NaN below zero."
    Ffloor   "ffloor"    (F) -> (F)     None   Pure  "The greatest whole number not above."
    Fceil    "fceil"     (F) -> (F)     None   Pure  "The least whole number not below."
    Ftrunc   "ftrunc"    (F) -> (F)     None   Pure  "The whole part."
    Feq      "feq"       (F F) -> (B)   None   Pure  "Equal; false for NaN."
    Fne      "fne"       (F F) -> (B)   None   Pure  "Not equal; true for NaN."
    Flt      "flt"       (F F) -> (B)   None   Pure  "Less; false for NaN."
    Fle      "fle"       (F F) -> (B)   None   Pure  "Less or equal; false for NaN."
    Fgt      "fgt"       (F F) -> (B)   None   Pure  "Greater; false for NaN."
    Fge      "fge"       (F F) -> (B)   None   Pure  "Greater or equal; false for NaN."

    And      "and"       (B B) -> (B)   None   Pure  "Both."
    Or       "or"        (B B) -> (B)   None   Pure  "Either."
    Xor      "xor"       (B B) -> (B)   None   Pure  "One, not both."
    Not      "not"       (B) -> (B)     None   Pure  "The opposite."

    IToF     "itof"      (I) -> (F)     None   Pure  "The nearest double."
    FToI     "ftoi"      (F) -> (I)     None   Pure  "The whole part, at the nearest end of the range where it lies outside; 0 for NaN."
    BToI     "btoi"      (B) -> (I)     None   Pure  "1 for true, 0 for false."
    Select   "select"    (B A A) -> (A) None   Pure  "The second operand where the first is true, else the third."

    Some     "some"      (T) -> (OT)    None   Pure  "A present value of the nullable type."
    IsSome   "is_some"   (OT) -> (B)    None   Pure  "Whether a value is present."
    Payload  "payload"   (OT) -> (T)    None   Pure  "The value; zero (0, false, no bytes) where absent."

    Slen     "slen"      (S) -> (I)     None   Pure  "The length in bytes."
    Seq      "seq"       (S S) -> (B)   None   Pure  "The same bytes."
    Scmp     "scmp"      (S S) -> (I)   None   Pure  "Order of the bytes: -1, 0 or 1."
    Sslice   "sslice"    (S I I) -> (S) None   Pure  "The bytes from the second operand up to the third, both first clamped to 0..length; none where they cross."
    Sbyte    "sbyte"     (S I) -> (I)   None   Pure  "The byte at an index; -1 outside."
    Sfind    "sfind"     (S S) -> (I)   None   Pure  "Where the second first begins in the first; -1 if nowhere."
    Sstarts  "sstarts"   (S S) -> (B)   None   Pure  "Whether the first begins with the second."
    Sends    "sends"     (S S) -> (B)   None   Pure  "Whether the first ends with the second."
    SToI     "stoi"      (S) -> (OI)    None   Pure  "The decimal integer that the whole text spells, but for blanks around it; absent where it spells none or one out of range."
    WToF     "wtof"      (I I) -> (F)   None   Pure  "The double nearest to the 128-bit integer whose low and high words these are."
    SToF     "stof"      (S) -> (OF)    None   Pure  "The decimal number that the whole text spells, or `inf` or `nan`, but for blanks around it; absent where it spells none."

    SlotGet  "slot_get"  () -> (A)      Slot   State "The value of a state slot."
    SlotSet  "slot_set"  (A) -> ()      Slot   State "Sets a state slot; a slot of bytes copies them."
    RowsLen  "rows_len"  () -> (I)      Rows   State "How many rows a row buffer has."
    RowsGet  "rows_get"  (I) -> (A)     Column State "The value of a column in the row of this number; zero (absent, no bytes) where there is no such row."
    RowsSet  "rows_set"  (I A) -> ()    Column State "Sets a column in the row of this number, if there is one; bytes are copied."
    RowsTruncate "rows_truncate" (I) -> () Rows State "Keeps the first so many rows; the others are gone."
    RowsFind "rows_find" () -> (I)      Rows   State "The number of the row of a table that has this key; -1 if none has."
    Emit     "emit"      () -> ()       Output Flow  "Hands an element to an output once the activation has ended."
    Ready    "ready"     () -> (B)      Output Flow  "Whether an optional output accepts an element now."
    Needs    "needs"     () -> (I)      Output Flow  "Fragments only: which fields of an output are used behind it: bit k for the fields k, k + 64 and so on; all where that is not known."
    Drop     "drop"      () -> ()       Drop   Flow  "Counts one element as dropped by a named policy."

    Halt     "halt"      () -> ()       None   Flow  "Chains only: uses up the budget, so that every loop comes out."
    Count    "count"     () -> ()       Edge   Flow  "Chains only: counts one element on an edge."
    OutboxPut "outbox_put" () -> ()     Outbox Flow  "Chains only: adds an element to the block for a polymorphic flow point."
    OutboxRoom "outbox_room" () -> (I)  Outbox Flow  "Chains only: how many elements the block still takes."

    ItemU8   "item_u8"   (S I) -> (I)   None   Flow  "Batches only: the byte at an index, which is settled to lie inside."
    ItemI64  "item_i64"  (S I) -> (I)   None   Flow  "Batches only: the integer at an index, which is settled to lie inside."
    ItemF64  "item_f64"  (S I) -> (F)   None   Flow  "Batches only: the double at an index, which is settled to lie inside."
    Refund   "refund"    (I) -> ()      None   Flow  "Batches only: gives back steps that the batch has taken and that are not used."
}
