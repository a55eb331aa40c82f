//! Host functions from closures.

use cutthrough_ir::{HostContext, HostFunction, HostSig, Results, RowsArg, Words};

/// A host function of a closure; the bounds give the closure the lifetimes it needs.
pub fn function<F>(sig: HostSig, call: F) -> HostFunction
where
    F: for<'a> FnMut(Words<'a>, &mut Results<'a>, &'a HostContext) -> Result<(), String> + Send + 'static,
{
    HostFunction::new(sig, call)
}

/// A kernel of a closure, as [`function`].
pub fn kernel<F>(sig: HostSig, call: F) -> HostFunction
where
    F: for<'a> FnMut(Words<'a>, &mut [RowsArg<'_>], &mut Results<'a>, &'a HostContext) -> Result<(), String>
        + Send
        + 'static,
{
    HostFunction::kernel(sig, call)
}
