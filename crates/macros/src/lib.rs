//! The macros of the package `cutthrough`, which exports them.
//!
//! What this crate deliberately does not know: IR, networks. It writes implementations of
//! the traits of `cutthrough`, and says at the place what it cannot make one of.
//!
//! | module | what |
//! |---|---|
//! | `element` | `#[derive(Element)]` |
//! | `fragment` | `#[fragment]` |
#![forbid(unsafe_code)]

mod element;
mod fragment;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemFn, parse_macro_input};

/// Makes a struct or an enum a type of elements.
///
/// Of `struct Event { kind: u8, user: String }` it makes
///
/// * `EventExpr`, the struct of the fields' expressions, which closures over expressions take
///   and give: `EventExpr { kind: Expr<u8>, user: Expr<String> }`;
/// * `EventView<'_>`, what Rust closures look at, with a method for each field: `kind() -> u8`
///   and `user() -> &str`. A field that is not asked for is not decoded.
///
/// Of a tuple struct, `Price(f64)`, both are tuple structs: `PriceExpr(Expr<f64>)`. Of an enum, the
/// view is an enum of views, which closures match (without fields, the enum itself); the
/// expressions are `is_` and the name of each variant, and a struct of its fields:
/// `order.is_buy()`, `order.buy.price`. An expression gives another variant by its number,
/// `variant`.
///
/// Both are as visible as the type. Fields are of types that are elements: integers,
/// floats, `bool`, `String`, `Box<str>`, `Bytes`, `SystemTime`, `Duration`, `Option`s of these,
/// arrays, tuples, and structs and enums that derive `Element`.
#[proc_macro_derive(Element)]
pub fn derive_element(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    element::derive(&input)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

/// Makes a Rust function a fragment: it can be called as before, and `name::expr` is the same of
/// expressions, which becomes part of the native loop.
///
/// It takes and gives `i64`, `f64` and `bool`, and consists of `let`, `if` with `else`,
/// `+ - * / %`, comparisons of numbers, `& | ^ ! && ||`, `min`, `max`, `abs`, constants, and calls of
/// other fragments. Anything else is an error at its place.
///
/// Both forms mean the same: integers wrap, and what is divided by zero is zero. (`/` and `%` are of
/// integers only.) The function stands in a module, not within another function.
#[proc_macro_attribute]
pub fn fragment(attribute: TokenStream, item: TokenStream) -> TokenStream {
    if !attribute.is_empty() {
        let error = syn::Error::new(proc_macro2::Span::call_site(), "`#[fragment]` takes nothing");
        return error.to_compile_error().into();
    }
    let function = parse_macro_input!(item as ItemFn);
    fragment::fragment(&function)
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}
