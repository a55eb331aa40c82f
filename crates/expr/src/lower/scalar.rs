//! Functions of present values to IR.

use cutthrough_ir::{FunctionBuilder, Kind, Op, Type, Value};

use super::data;
use crate::scalar::{Absence, BitOp, Comparison, Part, Scalar};

const SECOND_NANOS: i64 = 1_000_000_000;
const MINUTE_NANOS: i64 = 60 * SECOND_NANOS;
const HOUR_NANOS: i64 = 60 * MINUTE_NANOS;
const DAY_NANOS: i64 = 24 * HOUR_NANOS;

/// The result, and whether it is there, where the function may have none.
///
/// Integers wrap. Functions that make text call the host function of this number.
pub(super) fn lower(
    f: &mut FunctionBuilder<'_>,
    function: Scalar,
    x: &[Value],
    host: Option<usize>,
) -> (Value, Option<Value>) {
    use Scalar as S;
    if let Some(host) = host {
        let result = f.call(host, x)[0];
        return nullable(f, result);
    }
    let payload = match function {
        S::Not => f.op(Op::Not, x),
        S::Add(kind) => f.op(either(kind, Op::Iadd, Op::Fadd), x),
        S::Subtract(kind) => f.op(either(kind, Op::Isub, Op::Fsub), x),
        S::Multiply(kind) => f.op(either(kind, Op::Imul, Op::Fmul), x),
        S::Negate(kind) => f.op(either(kind, Op::Ineg, Op::Fneg), x),
        S::Abs(kind) => f.op(either(kind, Op::Iabs, Op::Fabs), x),
        S::Divide(absence) => return divide(f, Op::Fdiv, x, absence),
        S::DivideInt(absence) => return divide(f, Op::Idiv, x, absence),
        S::Remainder(absence) => return divide(f, Op::Irem, x, absence),
        S::Compare(comparison, kind) => compare(f, comparison, kind, x),
        S::Bits(op) => f.op(bit_op(op), x),
        S::LowBits { bits, has_sign } => low_bits(f, x[0], bits, has_sign),
        S::Contains => {
            let at = f.op(Op::Sfind, x);
            let zero = f.iconst(0);
            f.op(Op::Ige, &[at, zero])
        }
        S::StartsWith => f.op(Op::Sstarts, x),
        S::EndsWith => f.op(Op::Sends, x),
        S::LenBytes => f.op(Op::Slen, x),
        S::IntOfBool => f.op(Op::BToI, x),
        S::IntOfFloat => return int_of_float(f, x[0]),
        S::IntOfText => {
            let result = f.op(Op::SToI, x);
            return nullable(f, result);
        }
        S::FloatOfInt => f.op(Op::IToF, x),
        S::FloatOfText => {
            let result = f.op(Op::SToF, x);
            return nullable(f, result);
        }
        S::TextOfBool => {
            let yes = f.data(data(b"true"));
            let no = f.data(data(b"false"));
            f.op(Op::Select, &[x[0], yes, no])
        }
        S::Round => round(f, x[0]),
        S::RoundTo(digits) => round_to(f, x[0], digits),
        S::Floor => f.op(Op::Ffloor, x),
        S::Ceil => f.op(Op::Fceil, x),
        S::Sqrt => f.op(Op::Fsqrt, x),
        S::Min(kind) => extreme(f, Comparison::Less, kind, x),
        S::Max(kind) => extreme(f, Comparison::Greater, kind, x),
        S::Bin(kind, absence) => return bin(f, kind, x, absence),
        S::Clock(part) => clock(f, part, x[0]),
        S::Lower | S::Upper | S::Trim | S::Replace | S::SplitPart | S::Concat | S::Substr | S::Len => {
            unreachable!("host functions")
        }
        S::TextOfInt | S::TextOfFloat | S::TextOfTime | S::TextOfDuration | S::Matches | S::Extract => {
            unreachable!("host functions")
        }
        S::TimeOfText | S::TimeByFormat | S::DurationOfText => unreachable!("host functions"),
        S::Calendar(_) | S::FormatTime | S::Truncate => unreachable!("host functions"),
        S::JsonAt | S::JsonContainsText | S::JsonContainsNumber | S::JsonLen => {
            unreachable!("host functions")
        }
        S::IntOfJson | S::FloatOfJson | S::TextOfJson => unreachable!("host functions"),
        S::ReplaceMatches | S::Named(_) => unreachable!("host functions"),
    };
    (payload, None)
}

fn either(kind: Kind, int: Op, float: Op) -> Op {
    if kind == Kind::F64 { float } else { int }
}

fn bit_op(op: BitOp) -> Op {
    match op {
        BitOp::And => Op::Iand,
        BitOp::Or => Op::Ior,
        BitOp::Xor => Op::Ixor,
        BitOp::ShiftLeft => Op::Ishl,
        BitOp::ShiftRight => Op::Ishr,
        BitOp::ShiftRightUnsigned => Op::Iushr,
    }
}

fn low_bits(f: &mut FunctionBuilder<'_>, x: Value, bits: u8, has_sign: bool) -> Value {
    if !has_sign {
        let mask = f.iconst((1 << bits) - 1);
        return f.op(Op::Iand, &[x, mask]);
    }
    let above = f.iconst(64 - i64::from(bits));
    let high = f.op(Op::Ishl, &[x, above]);
    f.op(Op::Ishr, &[high, above])
}

/// The parts of a result that may be nullable.
fn nullable(f: &mut FunctionBuilder<'_>, result: Value) -> (Value, Option<Value>) {
    if !f.ty(result).nullable {
        return (result, None);
    }
    let payload = f.op(Op::Payload, &[result]);
    (payload, Some(f.op(Op::IsSome, &[result])))
}

fn divide(f: &mut FunctionBuilder<'_>, op: Op, x: &[Value], absence: Absence) -> (Value, Option<Value>) {
    let quotient = f.op(op, x);
    if absence == Absence::Never {
        return (quotient, None);
    }
    let (zero, differs) = match op {
        Op::Fdiv => (f.fconst(0.0), Op::Fne),
        _ => (f.iconst(0), Op::Ine),
    };
    (quotient, Some(f.op(differs, &[x[1], zero])))
}

fn compare(f: &mut FunctionBuilder<'_>, comparison: Comparison, kind: Kind, x: &[Value]) -> Value {
    use Comparison as C;
    let ints = match comparison {
        C::Equal => Op::Ieq,
        C::NotEqual => Op::Ine,
        C::Less => Op::Ilt,
        C::LessEqual => Op::Ile,
        C::Greater => Op::Igt,
        C::GreaterEqual => Op::Ige,
    };
    match kind {
        Kind::I64 => f.op(ints, x),
        Kind::F64 => f.op(
            match comparison {
                C::Equal => Op::Feq,
                C::NotEqual => Op::Fne,
                C::Less => Op::Flt,
                C::LessEqual => Op::Fle,
                C::Greater => Op::Fgt,
                C::GreaterEqual => Op::Fge,
            },
            x,
        ),
        Kind::Bool => bools(f, comparison, x[0], x[1]),
        Kind::Bytes if comparison == C::Equal => f.op(Op::Seq, x),
        Kind::Bytes if comparison == C::NotEqual => {
            let equal = f.op(Op::Seq, x);
            f.op(Op::Not, &[equal])
        }
        Kind::Bytes => {
            let order = f.op(Op::Scmp, x);
            let zero = f.iconst(0);
            f.op(ints, &[order, zero])
        }
    }
}

/// False comes before true.
fn bools(f: &mut FunctionBuilder<'_>, comparison: Comparison, a: Value, b: Value) -> Value {
    use Comparison as C;
    match comparison {
        C::NotEqual => f.op(Op::Xor, &[a, b]),
        C::Less => {
            let not = f.op(Op::Not, &[a]);
            f.op(Op::And, &[not, b])
        }
        C::Greater => bools(f, C::Less, b, a),
        C::Equal | C::LessEqual | C::GreaterEqual => {
            let opposite = match comparison {
                C::Equal => C::NotEqual,
                C::LessEqual => C::Greater,
                _ => C::Less,
            };
            let opposite = bools(f, opposite, a, b);
            f.op(Op::Not, &[opposite])
        }
    }
}

/// The first unless the second comes before it; NaN only where both are.
fn extreme(f: &mut FunctionBuilder<'_>, comparison: Comparison, kind: Kind, x: &[Value]) -> Value {
    let mut first = compare(f, comparison, kind, x);
    if kind == Kind::F64 {
        let is_nan = f.op(Op::Fne, &[x[1], x[1]]);
        first = f.op(Op::Or, &[first, is_nan]);
    }
    f.op(Op::Select, &[first, x[0], x[1]])
}

/// The whole part, absent for NaN and where it does not fit.
fn int_of_float(f: &mut FunctionBuilder<'_>, x: Value) -> (Value, Option<Value>) {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let (least, most) = (f.fconst(-LIMIT), f.fconst(LIMIT));
    let is_above = f.op(Op::Fge, &[x, least]);
    let is_below = f.op(Op::Flt, &[x, most]);
    let fits = f.op(Op::And, &[is_above, is_below]);
    (f.op(Op::FToI, &[x]), Some(fits))
}

/// The nearest whole number, halves away from zero.
fn round(f: &mut FunctionBuilder<'_>, x: Value) -> Value {
    let whole = f.op(Op::Ftrunc, &[x]);
    // Exact: the two are close, or equal.
    let rest = f.op(Op::Fsub, &[x, whole]);
    let rest = f.op(Op::Fabs, &[rest]);
    let half = f.fconst(0.5);
    let is_away = f.op(Op::Fge, &[rest, half]);
    let zero = f.fconst(0.0);
    let is_negative = f.op(Op::Flt, &[x, zero]);
    let (up, down) = (f.fconst(1.0), f.fconst(-1.0));
    let step = f.op(Op::Select, &[is_negative, down, up]);
    let away = f.op(Op::Fadd, &[whole, step]);
    f.op(Op::Select, &[is_away, away, whole])
}

/// The nearest number of so many decimals, by the exact value of the double; halves away from zero.
///
/// The product with the power of ten is rounded, and may so seem to be a half: 2.675 is a little less, but times 100
/// it is 267.5. What the rounding has left out, which is exact as a double (Dekker 1971), decides these.
fn round_to(f: &mut FunctionBuilder<'_>, x: Value, digits: u8) -> Value {
    // From here on, neighbouring doubles are further from each other than the decimals are.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let power = 10f64.powi(i32::from(digits));
    let scale = f.fconst(power);
    let scaled = f.op(Op::Fmul, &[x, scale]);
    let left_out = left_out(f, x, power, scaled);
    let whole = f.op(Op::Ftrunc, &[scaled]);
    let rest = f.op(Op::Fsub, &[scaled, whole]);
    let rest = f.op(Op::Fabs, &[rest]);
    let (zero, half) = (f.fconst(0.0), f.fconst(0.5));
    let is_negative = f.op(Op::Flt, &[scaled, zero]);
    let (up, down) = (f.fconst(1.0), f.fconst(-1.0));
    let step = f.op(Op::Select, &[is_negative, down, up]);
    let away_from_zero = f.op(Op::Fmul, &[step, left_out]);
    let is_less = f.op(Op::Flt, &[away_from_zero, zero]);
    let is_half = f.op(Op::Feq, &[rest, half]);
    let is_below = f.op(Op::And, &[is_half, is_less]);
    let is_above = f.op(Op::Not, &[is_below]);
    let is_away = f.op(Op::Fge, &[rest, half]);
    let is_away = f.op(Op::And, &[is_away, is_above]);
    // Where doubles are whole, all that is left of a half has been left out.
    let is_half_more = f.op(Op::Fge, &[away_from_zero, half]);
    let is_away = f.op(Op::Or, &[is_away, is_half_more]);
    let away = f.op(Op::Fadd, &[whole, step]);
    let rounded = f.op(Op::Select, &[is_away, away, whole]);
    let rounded = f.op(Op::Fdiv, &[rounded, scale]);
    let size = f.op(Op::Fabs, &[scaled]);
    let most = f.fconst(WHOLE);
    let is_whole = f.op(Op::Fge, &[size, most]);
    f.op(Op::Select, &[is_whole, x, rounded])
}

/// What `product`, the rounded product of two factors, differs from the exact one.
fn left_out(f: &mut FunctionBuilder<'_>, x: Value, factor: f64, product: Value) -> Value {
    // Halves of the digits: products of these are exact.
    const SPLIT: f64 = 134_217_729.0;
    let split = f.fconst(SPLIT);
    let spread = f.op(Op::Fmul, &[x, split]);
    let high = f.op(Op::Fsub, &[spread, x]);
    let high = f.op(Op::Fsub, &[spread, high]);
    let low = f.op(Op::Fsub, &[x, high]);
    let factor_high = SPLIT * factor - (SPLIT * factor - factor);
    let (factor_high, factor_low) = (f.fconst(factor_high), f.fconst(factor - factor_high));
    let highs = f.op(Op::Fmul, &[high, factor_high]);
    let mut sum = f.op(Op::Fsub, &[highs, product]);
    for (a, b) in [(high, factor_low), (low, factor_high), (low, factor_low)] {
        let part = f.op(Op::Fmul, &[a, b]);
        sum = f.op(Op::Fadd, &[sum, part]);
    }
    sum
}

/// The remainder that is not negative, for a positive divisor.
fn floor_modulo(f: &mut FunctionBuilder<'_>, x: Value, size: Value) -> Value {
    let rest = f.op(Op::Irem, &[x, size]);
    let zero = f.iconst(0);
    let is_negative = f.op(Op::Ilt, &[rest, zero]);
    let above = f.op(Op::Iadd, &[rest, size]);
    f.op(Op::Select, &[is_negative, above, rest])
}

/// The hour, the minute or the second of a time, by UTC's clock.
fn clock(f: &mut FunctionBuilder<'_>, part: Part, time: Value) -> Value {
    let (whole, unit) = match part {
        Part::Hour => (DAY_NANOS, HOUR_NANOS),
        Part::Minute => (HOUR_NANOS, MINUTE_NANOS),
        _ => (MINUTE_NANOS, SECOND_NANOS),
    };
    let whole = f.iconst(whole);
    let rest = floor_modulo(f, time, whole);
    let unit = f.iconst(unit);
    f.op(Op::Idiv, &[rest, unit])
}

fn bin(f: &mut FunctionBuilder<'_>, kind: Kind, x: &[Value], absence: Absence) -> (Value, Option<Value>) {
    let (value, size) = (x[0], x[1]);
    let start = if kind == Kind::F64 {
        let count = f.op(Op::Fdiv, &[value, size]);
        let count = f.op(Op::Ffloor, &[count]);
        f.op(Op::Fmul, &[count, size])
    } else {
        let rest = floor_modulo(f, value, size);
        f.op(Op::Isub, &[value, rest])
    };
    if absence == Absence::Never {
        return (start, None);
    }
    let zero = f.zero(Type::new(kind));
    (start, Some(f.op(either(kind, Op::Igt, Op::Fgt), &[size, zero])))
}
