//! Chains as text.

use super::Network;
use crate::chain;
use crate::error::{Error, ErrorKind};
use crate::plan::Planned;
use crate::root::Root;
use crate::wiring::ProcessId;

/// A chain as text, at each stage of its way to machine code.
#[derive(Clone, Debug)]
pub struct Dump {
    /// The processes in the chain, in the order reached; on a second line, in which form it
    /// is compiled, and what that fell back from.
    pub chain: String,
    /// What a grant does: what is pushed, pulled and dealt, and what has to hold before.
    pub plan: String,
    /// The chain's function.
    pub ir: String,
    /// What the compiler makes of it, or why it does not.
    pub clif: String,
    /// The machine code, with the process that each part came from.
    pub asm: String,
}

impl Network {
    /// The chain of a process that gives (a source, say), at each stage of its way to
    /// machine code, as the wiring is now.
    ///
    /// # Errors
    /// When there is no such process, or the chain is too large to be built.
    pub fn dump(&mut self, process: ProcessId) -> Result<Dump, Error> {
        self.known(process)?;
        let root = Root::Active(process);
        let Planned { plan, .. } = Planned::of(&self.wiring, root);
        let code = chain::build(&plan)
            .map_err(|chain::TooLarge| Error::new(ErrorKind::Limit, "the chain is too large to be built"))?;
        let names: Vec<&str> = plan.members.iter().map(|member| &*member.name).collect();
        let engine = self.specialisations.engine().map(|engine| engine.dump(&code));
        let (strategy, clif, asm) = match engine {
            Some(Ok(dump)) => (format!("; {}\n", dump.strategy), dump.clif, dump.asm),
            Some(Err(why)) => (String::new(), format!("; not compiled: {why}\n"), String::new()),
            None => (
                String::new(),
                "; there is no compiler\n".to_owned(),
                String::new(),
            ),
        };
        Ok(Dump {
            chain: format!("{}\n{strategy}", names.join(" -> ")),
            plan: plan.to_string(),
            ir: cutthrough_ir::text::print_chain(&code),
            clif,
            asm,
        })
    }
}
