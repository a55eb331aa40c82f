//! The macros of the package `cutthrough`, which exports them.
//!
//! What this crate deliberately does not know: IR, networks. It writes implementations of
//! the traits of `cutthrough`, and says at the place what it cannot make one of.
//!
//! | module | what |
//! |---|---|
//! | `element` | `#[derive(Element)]` |
#![forbid(unsafe_code)]

mod element;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct a type of elements.
///
/// Of `struct Event { kind: u8, user: String }` it makes
///
/// * `EventExpr`, the struct of the fields' expressions, which closures over expressions take
///   and give: `EventExpr { kind: Expr<u8>, user: Expr<String> }`;
/// * `EventView<'_>`, what Rust closures look at, with a method for each field: `kind() -> u8`
///   and `user() -> &str`. A field that is not asked for is not decoded.
///
/// Both are as visible as the struct. Fields are of types that are elements: integers,
/// floats, `bool`, `String`, `Box<str>`, `Bytes`, `Option`s of these, arrays, tuples, and
/// structs that derive `Element`.
#[proc_macro_derive(Element)]
pub fn derive_element(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    element::derive(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
