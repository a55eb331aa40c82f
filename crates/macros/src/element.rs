//! `#[derive(Element)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, FieldsNamed, Ident, Type};

/// The struct, as the parts that the implementations are made of.
struct Struct<'a> {
    input: &'a DeriveInput,
    names: Vec<&'a Ident>,
    types: Vec<&'a Type>,
    fields: Vec<&'a Field>,
    expr: Ident,
    view: Ident,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let named = named_fields(input)?;
    let fields: Vec<&Field> = named.named.iter().collect();
    let item = Struct {
        input,
        names: fields.iter().filter_map(|field| field.ident.as_ref()).collect(),
        types: fields.iter().map(|field| &field.ty).collect(),
        fields,
        expr: format_ident!("{}Expr", input.ident),
        view: format_ident!("{}View", input.ident),
    };
    let parts = [item.expr(), item.view(), item.element()];
    Ok(parts.into_iter().collect())
}

/// The fields of a struct that can be a type of elements.
fn named_fields(input: &DeriveInput) -> Result<&FieldsNamed, Error> {
    if let Some(parameter) = input.generics.params.first() {
        let message = "a type of elements has no parameters: `Element` needs to know its fields";
        return Err(Error::new(parameter.span(), message));
    }
    let data = match &input.data {
        Data::Struct(data) => data,
        Data::Enum(data) => {
            let message = "`Element` is derived for structs: an element always has the same fields; \
                           make it a struct with a field for the kind, and `Option`s";
            return Err(Error::new(data.enum_token.span, message));
        }
        Data::Union(data) => {
            let message = "`Element` is derived for structs: what a union is cannot be known";
            return Err(Error::new(data.union_token.span, message));
        }
    };
    match &data.fields {
        Fields::Named(named) if !named.named.is_empty() => Ok(named),
        Fields::Named(_) | Fields::Unit => {
            let message = "an element has at least one field";
            Err(Error::new(input.ident.span(), message))
        }
        Fields::Unnamed(fields) => {
            let message = "fields of an element have names, by which closures take them; \
                           a tuple is a type of elements by itself";
            Err(Error::new(fields.span(), message))
        }
    }
}

impl Struct<'_> {
    /// The struct of expressions.
    fn expr(&self) -> TokenStream {
        let Struct {
            input,
            names,
            types,
            fields,
            expr,
            ..
        } = self;
        let (visibility, name) = (&input.vis, &input.ident);
        let visibilities = fields.iter().map(|field| &field.vis);
        let doc = format!("The expressions of the fields of [`{name}`].");
        let docs = names.iter().map(|name| format!("The field `{name}`."));
        quote! {
            #[doc = #doc]
            #[derive(Clone, Copy, Debug)]
            #visibility struct #expr {
                #(#[doc = #docs] #visibilities #names: <#types as ::cutthrough::Element>::Expr,)*
            }

            impl ::cutthrough::expr::Exprs for #expr {
                type Element = #name;

                fn give(self, to: &mut ::std::vec::Vec<::cutthrough::expr::AnyExpr>) {
                    #(::cutthrough::expr::Exprs::give(self.#names, to);)*
                }
            }
        }
    }

    /// The view, with a method for each field.
    fn view(&self) -> TokenStream {
        let Struct {
            input, names, view, ..
        } = self;
        let (visibility, name) = (&input.vis, &input.ident);
        let doc = format!("A [`{name}`] as it lies in the flow: a field is decoded when it is asked for.");
        let docs = names.iter().map(|name| format!("The field `{name}`."));
        let methods = self.fields.iter().zip(docs).enumerate().map(|(k, (field, doc))| {
            let Field { vis, ident, ty, .. } = field;
            let before = &self.types[..k];
            quote! {
                #[doc = #doc]
                #[inline]
                #[allow(dead_code, reason = "not every field is looked at")]
                #vis fn #ident(&self) -> <#ty as ::cutthrough::Element>::View<'a> {
                    const FIRST: usize = 0 #(+ <#before as ::cutthrough::Element>::FIELDS)*;
                    <#ty as ::cutthrough::Element>::view(self.fields.skip(FIRST))
                }
            }
        });
        quote! {
            #[doc = #doc]
            #[derive(Clone, Copy, Debug)]
            #visibility struct #view<'a> {
                fields: ::cutthrough::Fields<'a>,
            }

            impl<'a> #view<'a> {
                #(#methods)*
            }
        }
    }

    /// The implementation of `Element`.
    fn element(&self) -> TokenStream {
        let Struct {
            input,
            names,
            types,
            expr,
            view,
            ..
        } = self;
        let name = &input.ident;
        // What is said of a field's type points at the field.
        let checks = types.iter().map(|ty| {
            quote_spanned! {ty.span()=>
                const _: fn() = || {
                    fn is_element<T: ::cutthrough::Element>() {}
                    is_element::<#ty>();
                };
            }
        });
        quote! {
            #(#checks)*

            impl ::cutthrough::Element for #name {
                type Expr = #expr;
                type View<'a> = #view<'a>;
                const FIELDS: usize = 0 #(+ <#types as ::cutthrough::Element>::FIELDS)*;

                fn fields() -> ::std::vec::Vec<::cutthrough::ir::Type> {
                    let mut fields = ::std::vec::Vec::new();
                    #(fields.extend(<#types as ::cutthrough::Element>::fields());)*
                    fields
                }

                fn expr(fields: &mut ::cutthrough::expr::FieldExprs<'_>) -> #expr {
                    #expr {
                        #(#names: <#types as ::cutthrough::Element>::expr(fields),)*
                    }
                }

                #[inline]
                fn view(fields: ::cutthrough::Fields<'_>) -> #view<'_> {
                    #view { fields }
                }

                fn read(
                    fields: &mut ::cutthrough::FieldReader<'_>,
                ) -> ::std::result::Result<Self, ::std::string::String> {
                    ::std::result::Result::Ok(#name {
                        #(#names: <#types as ::cutthrough::Element>::read(fields)?,)*
                    })
                }

                fn write(
                    self,
                    fields: &mut ::cutthrough::FieldWriter<'_, '_>,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    #(<#types as ::cutthrough::Element>::write(self.#names, fields)?;)*
                    ::std::result::Result::Ok(())
                }

                fn lend<'x>(
                    items: impl ::std::iter::Iterator<Item = &'x Self>,
                    field: usize,
                    column: &mut ::cutthrough::ir::LentColumn<'_, '_, 'x>,
                ) {
                    let first = 0;
                    #(
                        let after = first + <#types as ::cutthrough::Element>::FIELDS;
                        if field < after {
                            let items = items.map(|item| &item.#names);
                            return <#types as ::cutthrough::Element>::lend(items, field - first, column);
                        }
                        let first = after;
                    )*
                    ::std::panic!("there is no field {field}, but {first} in all");
                }
            }
        }
    }
}
