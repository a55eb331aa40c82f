//! Structs: named fields, or a tuple of them.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Field, Fields, Ident, Member, Type};

/// The struct, as the parts that the implementations are made of.
struct Struct<'a> {
    input: &'a DeriveInput,
    members: Vec<Member>,
    types: Vec<&'a Type>,
    fields: Vec<&'a Field>,
    is_tuple: bool,
    expr: Ident,
    view: Ident,
}

pub(super) fn derive(input: &DeriveInput, fields: &Fields) -> TokenStream {
    let item = Struct {
        input,
        members: fields.members().collect(),
        types: fields.iter().map(|field| &field.ty).collect(),
        fields: super::listed(fields),
        is_tuple: matches!(fields, Fields::Unnamed(_)),
        expr: format_ident!("{}Expr", input.ident),
        view: format_ident!("{}View", input.ident),
    };
    let view = match item.is_tuple {
        true => item.tuple_view(),
        false => item.view(),
    };
    [item.expr(), view, item.element()].into_iter().collect()
}

impl Struct<'_> {
    /// The struct of expressions.
    fn expr(&self) -> TokenStream {
        let Struct {
            input,
            members,
            types,
            fields,
            expr,
            ..
        } = self;
        let (visibility, name) = (&input.vis, &input.ident);
        let visibilities = fields.iter().map(|field| &field.vis);
        let doc = format!("The expressions of the fields of [`{name}`].");
        let members_here = members.iter().map(|member| match member {
            Member::Named(name) => {
                let doc = format!("The field `{name}`.");
                quote! { #[doc = #doc] }
            }
            Member::Unnamed(number) => {
                let doc = format!("Field {}.", number.index);
                quote! { #[doc = #doc] }
            }
        });
        let given = types
            .iter()
            .map(|ty| quote! { <#ty as ::cutthrough::Element>::Expr });
        let body = match self.is_tuple {
            true => quote! { (#(#members_here #visibilities #given),*); },
            false => quote! { { #(#members_here #visibilities #members: #given,)* } },
        };
        quote! {
            #[doc = #doc]
            #[derive(Clone, Copy, Debug)]
            #visibility struct #expr #body

            impl ::cutthrough::expr::Exprs for #expr {
                type Element = #name;

                fn give(self, to: &mut ::std::vec::Vec<::cutthrough::expr::AnyExpr>) {
                    #(::cutthrough::expr::Exprs::give(self.#members, to);)*
                }
            }
        }
    }

    /// The view of named fields, with a method for each.
    fn view(&self) -> TokenStream {
        let Struct { input, view, .. } = self;
        let (visibility, name) = (&input.vis, &input.ident);
        let doc = format!("A [`{name}`] as it lies in the flow: a field is decoded when it is asked for.");
        let methods = self.fields.iter().enumerate().map(|(k, field)| {
            let Field { vis, ident, ty, .. } = field;
            let doc = format!("The field `{}`.", ident.as_ref().expect("the fields have names"));
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

    /// The view of a tuple: a tuple of views.
    fn tuple_view(&self) -> TokenStream {
        let Struct { input, view, .. } = self;
        let (visibility, name) = (&input.vis, &input.ident);
        let doc = format!("The fields of a [`{name}`] as they lie in the flow.");
        let fields = self.fields.iter().map(|Field { vis, ty, .. }| {
            quote! { #vis <#ty as ::cutthrough::Element>::View<'a> }
        });
        quote! {
            #[doc = #doc]
            #[allow(dead_code, reason = "not every field is looked at")]
            #visibility struct #view<'a>(#(#fields),*);
        }
    }

    /// The view of `fields`.
    fn looked(&self) -> TokenStream {
        let Struct { types, view, .. } = self;
        if !self.is_tuple {
            return quote! { #view { fields } };
        }
        let firsts = (0..types.len()).map(|k| {
            let before = &types[..k];
            quote! { 0 #(+ <#before as ::cutthrough::Element>::FIELDS)* }
        });
        quote! { #view(#(<#types as ::cutthrough::Element>::view(fields.skip(#firsts))),*) }
    }

    /// The implementation of `Element`.
    fn element(&self) -> TokenStream {
        let Struct {
            input,
            members,
            types,
            expr,
            view,
            ..
        } = self;
        let name = &input.ident;
        let (checks, looked) = (checks(types), self.looked());
        quote! {
            #checks

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
                        #(#members: <#types as ::cutthrough::Element>::expr(fields),)*
                    }
                }

                #[inline]
                fn view(fields: ::cutthrough::Fields<'_>) -> #view<'_> {
                    #looked
                }

                fn read(
                    fields: &mut ::cutthrough::FieldReader<'_>,
                ) -> ::std::result::Result<Self, ::std::string::String> {
                    ::std::result::Result::Ok(#name {
                        #(#members: <#types as ::cutthrough::Element>::read(fields)?,)*
                    })
                }

                fn write(
                    self,
                    fields: &mut ::cutthrough::FieldWriter<'_, '_>,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    #(<#types as ::cutthrough::Element>::write(self.#members, fields)?;)*
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
                            let items = items.map(|item| &item.#members);
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

/// What is said of a field's type points at the field.
pub(super) fn checks(types: &[&Type]) -> TokenStream {
    let checks = types.iter().map(|ty| {
        quote_spanned! {ty.span()=>
            const _: fn() = || {
                fn is_element<T: ::cutthrough::Element>() {}
                is_element::<#ty>();
            };
        }
    });
    checks.collect()
}
