//! `#[derive(Element)]`.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | what can be a type of elements |
//! | `structs.rs` | implementations for structs |
//! | `enums.rs` | implementations for enums |

mod enums;
mod structs;

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Error, Field, Fields};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    if let Some(parameter) = input.generics.params.first() {
        let message = "a type of elements has no parameters: `Element` needs to know its fields";
        return Err(Error::new_spanned(parameter, message));
    }
    match &input.data {
        Data::Struct(data) if data.fields.is_empty() => {
            let message = "an element has at least one field";
            Err(Error::new(input.ident.span(), message))
        }
        Data::Struct(data) => Ok(structs::derive(input, &data.fields)),
        Data::Enum(data) if data.variants.is_empty() => {
            let message = "an element has a value, of one variant at least";
            Err(Error::new(input.ident.span(), message))
        }
        Data::Enum(data) => Ok(enums::derive(input, data)),
        Data::Union(data) => {
            let message = "`Element` is derived for structs and enums: what a union is cannot be known";
            Err(Error::new(data.union_token.span, message))
        }
    }
}

/// The fields in order.
fn listed(fields: &Fields) -> Vec<&Field> {
    fields.iter().collect()
}
