//! Prints functions.

use std::fmt::{self, Display, Formatter, Write};

use crate::function::{BlockData, End, Function, Imm, Inst, Item, ItemAt, Origin, Target, Terminator, Value};
use crate::program::Tables;
use crate::text::names::{ENDS, ITEMS, said_type};
use crate::text::print_values::{Double, print_list};
use crate::verify::Role;

pub(super) struct FunctionText<'a> {
    pub(super) function: &'a Function,
    pub(super) tables: &'a Tables,
    pub(super) role: Role,
}

impl Display for FunctionText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {} {{", self.role)?;
        for (index, block) in self.function.blocks.iter().enumerate() {
            self.block(f, index, block)?;
        }
        f.write_str("  }\n")
    }
}

impl FunctionText<'_> {
    fn block(&self, f: &mut Formatter<'_>, index: usize, block: &BlockData) -> fmt::Result {
        write!(f, "  b{index}")?;
        if !block.params.is_empty() {
            print_list(f, ('(', ')'), &block.params, |f, param| {
                write!(f, "v{}: ", param.0)?;
                self.ty(f, *param)
            })?;
        }
        f.write_str(":\n")?;
        for inst in &block.insts {
            f.write_str("    ")?;
            self.inst(f, inst)?;
            origin(f, inst.origin)?;
        }
        f.write_str("    ")?;
        terminator(f, &block.terminator)?;
        origin(f, block.origin)
    }

    fn ty(&self, f: &mut Formatter<'_>, value: Value) -> fmt::Result {
        match self.function.values.get(value.index()) {
            Some(ty) => ty.fmt(f),
            None => f.write_char('?'),
        }
    }

    fn inst(&self, f: &mut Formatter<'_>, inst: &Inst) -> fmt::Result {
        if let Some(result) = inst.result {
            write!(f, "v{}", result.0)?;
            let said = said_type(inst.op, inst.imm, self.tables);
            if said.is_none() || said.as_ref() != self.function.values.get(result.index()) {
                f.write_str(": ")?;
                self.ty(f, result)?;
            }
            f.write_str(" = ")?;
        }
        f.write_str(inst.op.info().name)?;
        match inst.imm {
            Imm::None => {}
            Imm::I64(value) => write!(f, " {value}")?,
            Imm::F64(bits) => write!(f, " {}", Double(bits))?,
            Imm::Bool(value) => write!(f, " {value}")?,
            Imm::Type(ty) => write!(f, " {ty}")?,
            Imm::Index(index) => write!(f, " {index}")?,
            Imm::Column { rows, column } => write!(f, " {rows} {column}")?,
        }
        let mut separator = if inst.imm == Imm::None { " " } else { ", " };
        for arg in &inst.args {
            write!(f, "{separator}v{}", arg.0)?;
            separator = ", ";
        }
        Ok(())
    }
}

fn origin(f: &mut Formatter<'_>, origin: Origin) -> fmt::Result {
    if origin.0 == 0 {
        f.write_char('\n')
    } else {
        writeln!(f, " @{}", origin.0)
    }
}

fn values(f: &mut Formatter<'_>, values: &[Value]) -> fmt::Result {
    print_list(f, ('(', ')'), values, |f, value| write!(f, "v{}", value.0))
}

struct To<'a>(&'a Target);

impl Display for To<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0.block.0)?;
        if self.0.args.is_empty() {
            Ok(())
        } else {
            values(f, &self.0.args)
        }
    }
}

fn terminator(f: &mut Formatter<'_>, terminator: &Terminator) -> fmt::Result {
    match terminator {
        Terminator::Jump(to) => write!(f, "jump {}", To(to)),
        Terminator::Br(condition, yes, no) => write!(f, "br v{}, {}, {}", condition.0, To(yes), To(no)),
        Terminator::Get {
            item,
            view,
            index,
            some,
            none,
        } => {
            let at = ItemAt {
                item: *item,
                view: *view,
                index: *index,
            };
            f.write_str("get ")?;
            item_at(f, at)?;
            write!(f, ", some {}, none {}", To(some), To(none))
        }
        Terminator::Call {
            host,
            args,
            rows,
            ok,
            failed,
        } => {
            write!(f, "call {host} ")?;
            values(f, args)?;
            if !rows.is_empty() {
                f.write_str(" rows ")?;
                print_list(f, ('(', ')'), rows, |f, rows| rows.fmt(f))?;
            }
            write!(f, ", ok {}, failed {}", To(ok), To(failed))
        }
        Terminator::Push {
            rows,
            args,
            ok,
            failed,
        } => {
            write!(f, "push {rows} ")?;
            values(f, args)?;
            write!(f, ", ok {}, failed {}", To(ok), To(failed))
        }
        Terminator::Entry {
            rows,
            args,
            ok,
            failed,
        } => {
            write!(f, "entry {rows} ")?;
            values(f, args)?;
            write!(f, ", ok {}, failed {}", To(ok), To(failed))
        }
        Terminator::Take {
            input,
            some,
            ended,
            pending,
        } => {
            write!(
                f,
                "take {input}, some {}, ended {}, pending {}",
                To(some),
                To(ended),
                To(pending)
            )
        }
        Terminator::End(End::Fail(error)) => write!(f, "fail {error}"),
        Terminator::End(end) => f.write_str(end_name(*end)),
        Terminator::Return(returned) => {
            f.write_str("return")?;
            for (k, value) in returned.iter().enumerate() {
                write!(f, "{}v{}", if k > 0 { ", " } else { " " }, value.0)?;
            }
            Ok(())
        }
        Terminator::Step { go, stop } => write!(f, "step {}, {}", To(go), To(stop)),
        Terminator::Inbox { some, none } => write!(f, "inbox {}, {}", To(some), To(none)),
        Terminator::Batch { items, go, none } => {
            f.write_str("batch ")?;
            print_list(f, ('(', ')'), items, |f, &at| item_at(f, at))?;
            write!(f, ", go {}, none {}", To(go), To(none))
        }
        Terminator::Lap {
            index,
            limit,
            again,
            done,
        } => write!(
            f,
            "lap v{} v{}, again {}, done {}",
            index.0,
            limit.0,
            To(again),
            To(done)
        ),
    }
}

fn item_at(f: &mut Formatter<'_>, at: ItemAt) -> fmt::Result {
    write!(f, "{} v{}[v{}]", item_name(at.item), at.view.0, at.index.0)
}

fn item_name(item: Item) -> &'static str {
    ITEMS
        .iter()
        .find(|(_, known)| *known == item)
        .map_or("?", |(name, _)| name)
}

fn end_name(end: End) -> &'static str {
    ENDS.iter()
        .find(|(_, known)| *known == end)
        .map_or("?", |(name, _)| name)
}
