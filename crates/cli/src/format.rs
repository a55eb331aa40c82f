//! The format of output as an option of commands.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use cutthrough_lang::ast::OutputFormat;

/// A format of output, by its name in programs.
pub(crate) fn output_format() -> impl TypedValueParser<Value = OutputFormat> {
    let names = PossibleValuesParser::new(OutputFormat::ALL.map(OutputFormat::name));
    names.map(|name| OutputFormat::from_name(&name).expect("INVARIANT: it is one of these"))
}
