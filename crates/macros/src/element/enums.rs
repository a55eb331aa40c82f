//! Enums: the number of the variant, then the fields of all variants one after another. Those of
//! other variants than the value's are zero.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DataEnum, DeriveInput, Fields, Ident, Type};

/// The enum, as the parts that the implementations are made of.
struct Enum<'a> {
    input: &'a DeriveInput,
    variants: Vec<Variant<'a>>,
    expr: Ident,
    view: Ident,
}

struct Variant<'a> {
    number: i64,
    name: &'a Ident,
    /// The same as the name of a field.
    field: Ident,
    fields: &'a Fields,
    types: Vec<&'a Type>,
    /// What its fields are bound to.
    bound: Vec<Ident>,
    /// The types of the fields of the variants before.
    before: Vec<&'a Type>,
    expr: Ident,
}

pub(super) fn derive(input: &DeriveInput, data: &DataEnum) -> TokenStream {
    let mut before: Vec<&Type> = Vec::new();
    let mut variants = Vec::new();
    for (number, variant) in (0..).zip(&data.variants) {
        let types: Vec<&Type> = variant.fields.iter().map(|field| &field.ty).collect();
        variants.push(Variant {
            number,
            name: &variant.ident,
            field: snake(&variant.ident),
            fields: &variant.fields,
            bound: (0..types.len()).map(|k| format_ident!("field_{k}")).collect(),
            before: before.clone(),
            expr: format_ident!("{}{}Expr", input.ident, variant.ident),
            types: types.clone(),
        });
        before.extend(types);
    }
    let item = Enum {
        input,
        variants,
        expr: format_ident!("{}Expr", input.ident),
        view: format_ident!("{}View", input.ident),
    };
    [item.expr(), item.view(), item.element(&before)]
        .into_iter()
        .collect()
}

/// The name of a variant as that of a field.
fn snake(variant: &Ident) -> Ident {
    let mut name = String::new();
    for (k, letter) in variant.to_string().trim_start_matches("r#").char_indices() {
        if letter.is_uppercase() && k > 0 {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    match syn::parse_str::<Ident>(&name) {
        Ok(_) => Ident::new(&name, variant.span()),
        Err(_) => Ident::new(&format!("{name}_"), variant.span()),
    }
}

impl Variant<'_> {
    /// The variant of this enum, its fields bound or given.
    fn of(&self, path: &TokenStream, given: &[TokenStream]) -> TokenStream {
        let (name, members) = (self.name, self.fields.members());
        match self.fields {
            Fields::Unit => quote! { #path::#name },
            _ => quote! { #path::#name { #(#members: #given),* } },
        }
    }

    fn bound(&self) -> Vec<TokenStream> {
        self.bound.iter().map(|name| quote! { #name }).collect()
    }

    /// The number of the first of its fields.
    fn first(&self) -> TokenStream {
        let before = &self.before;
        quote! { (1 #(+ <#before as ::cutthrough::Element>::FIELDS)*) }
    }

    /// How many fields it has.
    fn len(&self) -> TokenStream {
        let types = &self.types;
        quote! { (0 #(+ <#types as ::cutthrough::Element>::FIELDS)*) }
    }

    /// The struct of its expressions.
    fn expr(&self, of: &Ident, visibility: &syn::Visibility) -> TokenStream {
        let (expr, types, name) = (&self.expr, &self.types, self.name);
        let doc =
            format!("The expressions of the fields of [`{of}::{name}`], which are zero in other variants.");
        let body = match self.fields {
            Fields::Named(_) => {
                let members = self.fields.members();
                quote! { { #(#[doc = "A field."] pub #members: <#types as ::cutthrough::Element>::Expr,)* } }
            }
            _ => quote! { (#(#[doc = "A field."] pub <#types as ::cutthrough::Element>::Expr),*); },
        };
        let members = self.fields.members();
        quote! {
            #[doc = #doc]
            #[derive(Clone, Copy, Debug)]
            #[allow(dead_code, reason = "not every field is looked at")]
            #visibility struct #expr #body

            impl #expr {
                fn give(self, to: &mut ::std::vec::Vec<::cutthrough::expr::AnyExpr>) {
                    #(::cutthrough::expr::Exprs::give(self.#members, to);)*
                }
            }
        }
    }
}

impl Enum<'_> {
    fn with_fields(&self) -> impl Iterator<Item = &Variant<'_>> {
        self.variants.iter().filter(|variant| !variant.types.is_empty())
    }

    /// The struct of expressions: which variant it is, and a struct for each that has fields.
    fn expr(&self) -> TokenStream {
        let Enum { input, expr, .. } = self;
        let (visibility, name) = (&input.vis, &input.ident);
        let structs = self.with_fields().map(|variant| variant.expr(name, visibility));
        let doc = format!("The expressions of a [`{name}`].");
        let fields: Vec<&Ident> = self.with_fields().map(|variant| &variant.field).collect();
        let exprs = self.with_fields().map(|variant| &variant.expr);
        let docs = self
            .with_fields()
            .map(|variant| format!("The fields of `{}`.", variant.name));
        let is = self.variants.iter().map(|variant| {
            let (method, number) = (format_ident!("is_{}", snake(variant.name)), variant.number);
            let doc = format!("Whether it is a `{}`.", variant.name);
            quote! {
                #[doc = #doc]
                #[allow(dead_code, reason = "not every variant is asked for")]
                #visibility fn #method(self) -> ::cutthrough::expr::Expr<bool> {
                    self.variant.eq(#number)
                }
            }
        });
        quote! {
            #(#structs)*

            #[doc = #doc]
            #[derive(Clone, Copy, Debug)]
            #[allow(dead_code, reason = "not every variant is looked at")]
            #visibility struct #expr {
                /// The number of the variant, from 0 on.
                #visibility variant: ::cutthrough::expr::Expr<i64>,
                #(#[doc = #docs] #visibility #fields: #exprs,)*
            }

            impl #expr {
                #(#is)*
            }

            impl ::cutthrough::expr::Exprs for #expr {
                type Element = #name;

                fn give(self, to: &mut ::std::vec::Vec<::cutthrough::expr::AnyExpr>) {
                    ::cutthrough::expr::Exprs::give(self.variant, to);
                    #(self.#fields.give(to);)*
                }
            }
        }
    }

    /// The enum of views; without fields, the enum itself is one.
    fn view(&self) -> TokenStream {
        let Enum { input, view, .. } = self;
        if self.with_fields().next().is_none() {
            return TokenStream::new();
        }
        let (visibility, name) = (&input.vis, &input.ident);
        let doc = format!("A [`{name}`] as it lies in the flow.");
        let variants = self.variants.iter().map(|variant| {
            let (name, types) = (variant.name, &variant.types);
            let members = variant.fields.members();
            let doc = format!("A `{name}`.");
            let body = match variant.fields {
                Fields::Unit => TokenStream::new(),
                Fields::Named(_) => {
                    quote! { { #(#[doc = "A field."] #members: <#types as ::cutthrough::Element>::View<'a>,)* } }
                }
                Fields::Unnamed(_) => {
                    quote! { (#(<#types as ::cutthrough::Element>::View<'a>),*) }
                }
            };
            quote! { #[doc = #doc] #name #body }
        });
        quote! {
            #[doc = #doc]
            #[allow(dead_code, reason = "not every field is looked at")]
            #visibility enum #view<'a> {
                #(#variants,)*
            }
        }
    }

    /// What is done with each variant, by its number.
    fn by_number(&self, arm: impl Fn(&Variant<'_>) -> TokenStream, none: &TokenStream) -> TokenStream {
        let arms = self.variants.iter().map(|variant| {
            let (number, arm) = (variant.number, arm(variant));
            quote! { #number => #arm }
        });
        quote! {
            match variant {
                #(#arms,)*
                _ => #none,
            }
        }
    }

    /// The implementation of `Element`.
    fn element(&self, types: &[&Type]) -> TokenStream {
        let Enum {
            input, expr, view, ..
        } = self;
        let name = &input.ident;
        let checks = super::structs::checks(types);
        let has_fields = self.with_fields().next().is_some();
        let view = match has_fields {
            true => quote! { #view },
            false => quote! { #name },
        };
        let view_type = match has_fields {
            true => quote! { #view<'a> },
            false => quote! { #name },
        };
        let of_variants = self.with_fields().map(|variant| {
            let (field, expr, types) = (&variant.field, &variant.expr, &variant.types);
            let members = variant.fields.members();
            quote! { #field: #expr { #(#members: <#types as ::cutthrough::Element>::expr(fields)),* } }
        });
        let text = format!(
            "{{variant}} is no variant of {name}, which has {}",
            self.variants.len()
        );
        let looked = self.by_number(|variant| variant.looked(&view), &quote! { ::std::panic!(#text) });
        let error = quote! { ::std::result::Result::Err(::std::format!(#text)) };
        #[expect(
            clippy::redundant_closure_for_method_calls,
            reason = "the method itself is not general enough"
        )]
        let read = self.by_number(|variant| variant.read(), &error);
        let (write, lend) = (
            self.variants.iter().map(Variant::write),
            self.with_fields().map(Variant::lend),
        );
        let numbers = self.variants.iter().map(|variant| {
            let (name, number) = (variant.name, variant.number);
            quote! { Self::#name { .. } => #number }
        });
        quote! {
            #checks

            impl ::cutthrough::Element for #name {
                type Expr = #expr;
                type View<'a> = #view_type;
                const FIELDS: usize = 1 #(+ <#types as ::cutthrough::Element>::FIELDS)*;

                fn fields() -> ::std::vec::Vec<::cutthrough::ir::Type> {
                    #[allow(unused_mut, reason = "there may be no fields")]
                    let mut fields = <i64 as ::cutthrough::Element>::fields();
                    #(fields.extend(<#types as ::cutthrough::Element>::fields());)*
                    fields
                }

                fn expr(fields: &mut ::cutthrough::expr::FieldExprs<'_>) -> #expr {
                    #expr {
                        variant: <i64 as ::cutthrough::Element>::expr(fields),
                        #(#of_variants,)*
                    }
                }

                #[inline]
                fn view(fields: ::cutthrough::Fields<'_>) -> Self::View<'_> {
                    let variant = fields.i64();
                    #looked
                }

                fn read(
                    fields: &mut ::cutthrough::FieldReader<'_>,
                ) -> ::std::result::Result<Self, ::std::string::String> {
                    let variant = fields.i64();
                    #read
                }

                fn write(
                    self,
                    fields: &mut ::cutthrough::FieldWriter<'_, '_>,
                ) -> ::std::result::Result<(), ::std::string::String> {
                    match self {
                        #(#write)*
                    }
                    ::std::result::Result::Ok(())
                }

                fn lend<'x>(
                    items: impl ::std::iter::Iterator<Item = &'x Self>,
                    field: usize,
                    column: &mut ::cutthrough::ir::LentColumn<'_, '_, 'x>,
                ) {
                    if field == 0 {
                        return column.i64s(items.map(|item| match item {
                            #(#numbers,)*
                        }));
                    }
                    #(#lend)*
                    ::std::panic!("there is no field {field}, but {} in all", <Self as ::cutthrough::Element>::FIELDS);
                }
            }
        }
    }
}

impl Variant<'_> {
    /// Its view, of `fields`.
    fn looked(&self, view: &TokenStream) -> TokenStream {
        let first = self.first();
        let given: Vec<TokenStream> = (0..self.types.len())
            .map(|k| {
                let (ty, before) = (self.types[k], &self.types[..k]);
                quote! {
                    <#ty as ::cutthrough::Element>::view(
                        fields.skip(#first #(+ <#before as ::cutthrough::Element>::FIELDS)*)
                    )
                }
            })
            .collect();
        self.of(view, &given)
    }

    /// It, read of `fields` behind the number.
    fn read(&self) -> TokenStream {
        let (first, len, types, bound) = (self.first(), self.len(), &self.types, &self.bound);
        let value = self.of(&quote! { Self }, &self.bound());
        quote! {
            {
                fields.skip(#first - 1);
                #(let #bound = <#types as ::cutthrough::Element>::read(fields)?;)*
                fields.skip(<Self as ::cutthrough::Element>::FIELDS - #first - #len);
                ::std::result::Result::Ok(#value)
            }
        }
    }

    /// Writes it to `fields`.
    fn write(&self) -> TokenStream {
        let (first, len, types, bound) = (self.first(), self.len(), &self.types, &self.bound);
        let (value, number) = (self.of(&quote! { Self }, &self.bound()), self.number);
        quote! {
            #value => {
                fields.i64(#number);
                fields.skip(#first - 1);
                #(<#types as ::cutthrough::Element>::write(#bound, fields)?;)*
                fields.skip(<Self as ::cutthrough::Element>::FIELDS - #first - #len);
            }
        }
    }

    /// Lends its fields, in the rows of values that are of this variant.
    fn lend(&self) -> TokenStream {
        let first = self.first();
        let value = self.of(&quote! { Self }, &self.bound());
        let fields = (0..self.types.len()).map(|k| {
            let (ty, before, bound) = (self.types[k], &self.types[..k], &self.bound[k]);
            let others = self.bound.iter().filter(|other| *other != bound);
            quote! {
                let first = #first #(+ <#before as ::cutthrough::Element>::FIELDS)*;
                if (first..first + <#ty as ::cutthrough::Element>::FIELDS).contains(&field) {
                    for (row, item) in items.enumerate() {
                        #[allow(irrefutable_let_patterns, reason = "there may be one variant only")]
                        if let #value = item {
                            #(let _ = #others;)*
                            let one = ::std::iter::once(#bound);
                            <#ty as ::cutthrough::Element>::lend(one, field - first, &mut column.from_row(row));
                        }
                    }
                    return;
                }
            }
        });
        fields.collect()
    }
}
