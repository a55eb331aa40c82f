//! The proof that no instruction that may trap is ever compiled.
//!
//! The check walks the CLIF that the lowering has built, before Cranelift changes
//! it (its rewrites preserve meaning), and accepts an instruction only if it
//! 1. has an opcode that cannot trap, and, if it touches memory, says so in its
//!    flags (`notrap`; that the address is good is the lowering's to see to), or
//! 2. is a signed division or remainder whose divisor is visibly neither 0 nor -1:
//!    a constant, or `select((b + 1) <u 2, 1, b)`.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode, Value, ValueDef};

use crate::error::{CompileError, CompileErrorKind};

/// Rejects a function that contains an instruction which may trap.
pub(crate) fn check(function: &Function) -> Result<(), CompileError> {
    for block in function.layout.blocks() {
        for inst in function.layout.block_insts(block) {
            if may_trap(function, inst) {
                let text = function.dfg.display_inst(inst);
                let message = format!("`{text}` may trap; please report this as an error of cutthrough-jit");
                return Err(CompileError::new(CompileErrorKind::MayTrap, message));
            }
        }
    }
    Ok(())
}

fn may_trap(function: &Function, inst: Inst) -> bool {
    let data = &function.dfg.insts[inst];
    let opcode = data.opcode();
    if let (Opcode::Sdiv | Opcode::Srem, InstructionData::Binary { args, .. }) = (opcode, data) {
        return !(is_safe_constant(function, args[1]) || is_guarded(function, args[1]));
    }
    // `bitcast` has memory flags too, for the order of bytes.
    let touches_memory = opcode.can_load() || opcode.can_store();
    let says_notrap = data
        .memflags()
        .is_some_and(|flags| function.dfg.mem_flags[flags].notrap());
    let is_call = opcode.is_call();
    opcode.can_trap() || touches_memory && !is_call && !says_notrap
}

fn is_safe_constant(function: &Function, divisor: Value) -> bool {
    constant(function, divisor).is_some_and(|divisor| !matches!(divisor, 0 | -1))
}

/// Whether a divisor is `select((b + 1) <u 2, 1, b)`: 1 in place of 0 and -1.
fn is_guarded(function: &Function, divisor: Value) -> bool {
    let is_one = |value| constant(function, value) == Some(1);
    let Some(InstructionData::Ternary {
        opcode: Opcode::Select,
        args: [unsafe_divisor, one, b],
    }) = definition(function, divisor)
    else {
        return false;
    };
    let Some(InstructionData::IntCompare {
        cond: IntCC::UnsignedLessThan,
        args: [sum, two],
        ..
    }) = definition(function, *unsafe_divisor)
    else {
        return false;
    };
    let Some(InstructionData::Binary {
        opcode: Opcode::Iadd,
        args: [addend, step],
    }) = definition(function, *sum)
    else {
        return false;
    };
    is_one(*one) && constant(function, *two) == Some(2) && addend == b && is_one(*step)
}

/// The integer that a value is, if it is a constant.
pub(crate) fn constant(function: &Function, value: Value) -> Option<i64> {
    match definition(function, value)? {
        InstructionData::UnaryImm {
            opcode: Opcode::Iconst,
            imm,
        } => Some(imm.bits()),
        _ => None,
    }
}

/// The instruction that a value is the result of, if it is one.
pub(crate) fn definition(function: &Function, value: Value) -> Option<&InstructionData> {
    match function.dfg.value_def(value) {
        ValueDef::Result(inst, _) => Some(&function.dfg.insts[inst]),
        ValueDef::Param(..) | ValueDef::Union(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use cranelift_codegen::cursor::{Cursor, FuncCursor};
    use cranelift_codegen::ir::{InstBuilder, MemFlagsData, TrapCode, types};

    use super::*;

    fn check_of(build: impl FnOnce(&mut FuncCursor<'_>, Value)) -> bool {
        let mut function = Function::new();
        let block = function.dfg.make_block();
        let param = function.dfg.append_block_param(block, types::I64);
        let mut cursor = FuncCursor::new(&mut function);
        cursor.insert_block(block);
        build(&mut cursor, param);
        check(&function).is_ok()
    }

    #[test]
    fn what_may_trap_is_rejected() {
        let load = |flags| {
            check_of(move |c, x| {
                c.ins().load(types::I64, flags, x, 0);
            })
        };
        assert!(!load(MemFlagsData::new()));
        assert!(load(MemFlagsData::trusted()));
        assert!(!check_of(|c, x| {
            c.ins().store(MemFlagsData::new(), x, x, 0);
        }));
        assert!(!check_of(|c, x| {
            c.ins().udiv(x, x);
        }));
        assert!(!check_of(|c, _| {
            c.ins().trap(TrapCode::unwrap_user(1));
        }));
        assert!(!check_of(|c, x| {
            let x = c.ins().bitcast(types::F64, MemFlagsData::new(), x);
            c.ins().fcvt_to_sint(types::I64, x);
        }));
    }

    #[test]
    fn divisions_need_a_safe_divisor() {
        let by_constant = |divisor| {
            check_of(move |c, x| {
                let divisor = c.ins().iconst(types::I64, divisor);
                c.ins().sdiv(x, divisor);
            })
        };
        assert_eq!(
            [0, -1, 1, 7, i64::MIN].map(by_constant),
            [false, false, true, true, true]
        );
        // `select((x + step) <u bound, replacement, x)`.
        let guarded = |step, condition, bound, replacement| {
            check_of(move |c, x| {
                let constant = |c: &mut FuncCursor<'_>, value| c.ins().iconst(types::I64, value);
                let (step, bound) = (constant(c, step), constant(c, bound));
                let replacement = constant(c, replacement);
                let sum = c.ins().iadd(x, step);
                let is_unsafe = c.ins().icmp(condition, sum, bound);
                let divisor = c.ins().select(is_unsafe, replacement, x);
                c.ins().srem(x, divisor);
            })
        };
        assert!(guarded(1, IntCC::UnsignedLessThan, 2, 1));
        assert!(!guarded(0, IntCC::UnsignedLessThan, 2, 1));
        assert!(!guarded(1, IntCC::SignedLessThan, 2, 1));
        assert!(!guarded(1, IntCC::UnsignedLessThan, 1, 1));
        assert!(!guarded(1, IntCC::UnsignedLessThan, 2, 0));
    }
}
