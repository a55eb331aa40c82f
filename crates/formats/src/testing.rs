//! Calls host functions with values.

use cutthrough_ir::{ElementBlock, ElementType, HostContext, HostFunction, ResultRoom, Type};
pub(crate) use cutthrough_test_support::{Random, Value};

/// Calls a host function; gives its results or its error.
pub(crate) fn call(
    function: &mut HostFunction,
    args: &[Value],
    context: &HostContext,
) -> Result<Vec<Value>, String> {
    let args = element(&function.sig().params.clone(), args);
    let mut room = ResultRoom::default();
    let results = function.call(args.get(0), &mut room, context)?;
    Ok(results.iter().map(Value::from).collect())
}

/// A block of one element.
pub(crate) fn element(types: &[Type], values: &[Value]) -> ElementBlock {
    let mut block = ElementBlock::new(ElementType::new(types.iter().copied()));
    let values: Vec<_> = values.iter().map(Value::scalar).collect();
    block.push_values(&values);
    block
}
