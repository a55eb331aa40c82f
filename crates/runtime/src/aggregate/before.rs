//! The one order of values ([`crate::kernels::rank`] has it outside of IR), as IR.

use cutthrough_ir::{Kind, Op, Type, Value};

use crate::process::Fragment;

/// Whether a value comes strictly before another of its type, neither of them nullable. NaN
/// comes behind all other doubles, ascending or descending; -0.0 before 0.0.
pub(crate) fn is_before(f: &mut Fragment<'_>, a: Value, b: Value, descending: bool) -> Value {
    let (a, b, before, behind) = match descending {
        false => (a, b, a, b),
        true => (b, a, a, b),
    };
    match f.ty(a).kind {
        Kind::I64 => f.op(Op::Ilt, &[a, b]),
        Kind::Bool => {
            let not = f.op(Op::Not, &[a]);
            f.op(Op::And, &[not, b])
        }
        Kind::Bytes => {
            let (order, zero) = (f.op(Op::Scmp, &[a, b]), f.iconst(0));
            f.op(Op::Ilt, &[order, zero])
        }
        Kind::F64 => {
            let less = f.op(Op::Flt, &[a, b]);
            // Zeroes that are equal have infinities of either sign for reciprocals.
            let equal = f.op(Op::Feq, &[a, b]);
            let one = f.fconst(1.0);
            let (a, b) = (f.op(Op::Fdiv, &[one, a]), f.op(Op::Fdiv, &[one, b]));
            let less_zero = f.op(Op::Flt, &[a, b]);
            let less_zero = f.op(Op::And, &[equal, less_zero]);
            let less = f.op(Op::Or, &[less, less_zero]);
            let is_number = f.op(Op::Feq, &[before, before]);
            let is_nan = f.op(Op::Fne, &[behind, behind]);
            let nan_last = f.op(Op::And, &[is_number, is_nan]);
            f.op(Op::Or, &[less, nan_last])
        }
    }
}

/// The same of a type that may be nullable: what is absent comes last.
pub(crate) fn is_before_nullable(f: &mut Fragment<'_>, a: Value, b: Value, descending: bool) -> Value {
    let ty: Type = f.ty(a);
    if !ty.nullable {
        return is_before(f, a, b, descending);
    }
    let (has_a, has_b) = (f.op(Op::IsSome, &[a]), f.op(Op::IsSome, &[b]));
    let (a, b) = (f.op(Op::Payload, &[a]), f.op(Op::Payload, &[b]));
    let before = is_before(f, a, b, descending);
    let absent = f.op(Op::Not, &[has_b]);
    let before = f.op(Op::Or, &[absent, before]);
    f.op(Op::And, &[has_a, before])
}
