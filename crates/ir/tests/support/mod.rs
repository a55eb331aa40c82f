//! What the tests of this crate share: random numbers, texts of programs, random
//! functions, and surroundings in which anything may run.

#![allow(dead_code, reason = "each test uses what it needs")]

pub(crate) mod dummy;
pub(crate) mod generate;

use std::path::PathBuf;

use cutthrough_ir::{ChainText, Program, VerifyErrors};
pub(crate) use cutthrough_test_support::Random;

/// A program or a chain, whichever a text is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unit {
    Process(Box<Program>),
    Chain(Box<ChainText>),
}

impl Unit {
    pub(crate) fn parse(text: &str) -> Result<Unit, cutthrough_ir::TextError> {
        let head = text
            .lines()
            .find(|line| !line.trim_start().starts_with(';'))
            .unwrap_or_default();
        if head.trim_start().starts_with("chain") {
            return cutthrough_ir::parse_chain(text).map(|chain| Unit::Chain(Box::new(chain)));
        }
        cutthrough_ir::parse_program(text).map(|program| Unit::Process(Box::new(program)))
    }

    pub(crate) fn print(&self) -> String {
        match self {
            Unit::Process(program) => cutthrough_ir::print_program(program),
            Unit::Chain(chain) => chain.to_string(),
        }
    }

    pub(crate) fn verify(&self) -> Result<(), VerifyErrors> {
        match self {
            Unit::Process(program) => cutthrough_ir::verify_program(program),
            Unit::Chain(chain) => cutthrough_ir::verify_chain(&bind(chain)),
        }
    }

    /// Verifies what passes have made of it.
    pub(crate) fn verify_optimized(&self) -> Result<(), VerifyErrors> {
        match self {
            Unit::Process(_) => self.verify(),
            Unit::Chain(chain) => cutthrough_ir::verify_optimized(&bind(chain)),
        }
    }

    pub(crate) fn tables(&self) -> &cutthrough_ir::Tables {
        match self {
            Unit::Process(program) => &program.tables,
            Unit::Chain(chain) => &chain.tables,
        }
    }

    /// The functions and their roles.
    pub(crate) fn functions(&self) -> Vec<(cutthrough_ir::Role, &cutthrough_ir::Function)> {
        use cutthrough_ir::Role;
        let program = match self {
            Unit::Process(program) => program,
            Unit::Chain(chain) => return vec![(Role::Run, &chain.function)],
        };
        let mut functions = Vec::new();
        for (index, input) in program.inputs.iter().enumerate() {
            functions.push((Role::ReadOk(index), &input.read_ok));
            functions.extend(input.ask.iter().map(|ask| (Role::Ask(index), ask)));
            functions.extend(input.end.iter().map(|end| (Role::End(index), end)));
        }
        functions.extend(program.write_ok.iter().map(|write_ok| (Role::WriteOk, write_ok)));
        functions
    }
}

impl Unit {
    /// The functions, to be changed.
    pub(crate) fn functions_mut(&mut self) -> Vec<&mut cutthrough_ir::Function> {
        let program = match self {
            Unit::Process(program) => program,
            Unit::Chain(chain) => return vec![&mut chain.function],
        };
        let mut functions = Vec::new();
        for input in &mut program.inputs {
            functions.push(&mut input.read_ok);
            functions.extend(&mut input.ask);
            functions.extend(&mut input.end);
        }
        functions.extend(&mut program.write_ok);
        functions
    }
}

/// The chain, bound to a network that has just what it needs.
pub(crate) fn bind(chain: &ChainText) -> cutthrough_ir::ChainCode {
    let ChainText {
        name,
        function,
        tables,
        origins,
    } = chain.clone();
    let mut state = cutthrough_ir::State::default();
    let numbers = |count: usize| (0..count as u32).collect();
    cutthrough_ir::ChainCode {
        places: tables
            .slots
            .iter()
            .map(|slot| state.add(slot.ty, &vec![0; slot.ty.words()]))
            .collect(),
        rows: numbers(tables.rows.len()),
        hosts: numbers(tables.hosts.len()),
        edges: numbers(tables.edges),
        drops: numbers(tables.drops.len()),
        name,
        function,
        tables,
        origins,
    }
}

/// The files of `tests/programs`, by name.
pub(crate) fn program_files() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let entries = std::fs::read_dir(&folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ir"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            (
                path.clone(),
                std::fs::read_to_string(path).expect("it can be read"),
            )
        })
        .collect()
}

/// Whether expectations are to be rewritten, as with `expect_test`.
pub(crate) fn blessing() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}
