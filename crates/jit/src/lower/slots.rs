//! State slots. Those that own no bytes live in registers from entry to exit, where code is
//! to be fast; those of bytes stay in memory, as setting one copies the bytes.

use cranelift_codegen::ir::{InstBuilder, Value as ClifValue, types};
use cranelift_frontend::Variable;

use cutthrough_ir::{Kind, Value};

use super::Lowerer;
use super::residence::Residence;
use super::values::{Parts, part_types};
use crate::context::offset;
use crate::helpers::Helper;
use crate::needs::Needs;

/// The registers of a slot that owns no bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotVars {
    payload: Variable,
    presence: Option<Variable>,
    /// Whether any instruction sets the slot.
    set: bool,
}

impl Lowerer<'_, '_> {
    pub(super) fn load_slots(&mut self, needs: &Needs) {
        let base = self.load_context(offset::STATE_WORDS);
        self.state_words = base;
        if self.residence == Residence::Memory {
            return;
        }
        for &(slot, set) in &needs.slots {
            let ty = self.chain.tables.slots[slot].ty;
            if ty.kind == Kind::Bytes {
                continue;
            }
            let value = self.load_value(ty, base, self.slot_offset(slot));
            let variables: Vec<Variable> = part_types(ty).map(|ty| self.builder.declare_var(ty)).collect();
            for (&variable, part) in variables.iter().zip(value.iter()) {
                self.builder.def_var(variable, part);
            }
            self.slots[slot] = Some(SlotVars {
                payload: variables[0],
                presence: variables.get(1).copied(),
                set,
            });
        }
    }

    pub(super) fn store_slots(&mut self) {
        for slot in 0..self.slots.len() {
            if let Some(SlotVars { set: true, .. }) = self.slots[slot] {
                let value = self.slot_get(slot);
                self.store_value(value, self.state_words, self.slot_offset(slot));
            }
        }
    }

    pub(super) fn slot_get(&mut self, slot: usize) -> Parts {
        let Some(variables) = self.slots[slot] else {
            let ty = self.chain.tables.slots[slot].ty;
            return self.load_value(ty, self.state_words, self.slot_offset(slot));
        };
        let variables = std::iter::once(variables.payload).chain(variables.presence);
        variables.map(|variable| self.builder.use_var(variable)).collect()
    }

    pub(super) fn slot_set(&mut self, slot: usize, value: Value) {
        let value = self.parts(value);
        let Some(variables) = self.slots[slot] else {
            return match self.chain.tables.slots[slot].ty.kind {
                Kind::Bytes => self.keep(slot, value),
                _ => self.store_value(value, self.state_words, self.slot_offset(slot)),
            };
        };
        let variables = std::iter::once(variables.payload).chain(variables.presence);
        for (variable, part) in variables.zip(value.iter()) {
            self.builder.def_var(variable, part);
        }
    }

    /// Sets a slot of one register.
    pub(super) fn slot_define(&mut self, slot: usize, part: ClifValue) {
        let variables = self.slots[slot].expect("INVARIANT: the slot lies in a register");
        self.builder.def_var(variables.payload, part);
    }

    /// Sets a slot of bytes.
    fn keep(&mut self, slot: usize, value: Parts) {
        let index = self.iconst(slot as i64);
        let presence = match value.get(2) {
            Some(&presence) => self.builder.ins().uextend(types::I64, presence),
            None => self.iconst(1),
        };
        self.call_helper(Helper::Keep, &[self.context, index, value[0], value[1], presence]);
    }

    fn slot_offset(&self, slot: usize) -> i32 {
        i32::try_from(self.chain.places[slot].offset() * 8).expect("INVARIANT: checked by Needs")
    }
}
