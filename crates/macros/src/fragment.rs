//! `#[fragment]`: a Rust function of a subset that expressions have as well.
//!
//! It is translated twice, operator by operator: to the same of values, where operators are total
//! as those of expressions are, and to one of expressions.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    BinOp, Block, Error, Expr, ExprCall, ExprIf, ExprMethodCall, FnArg, Ident, ItemFn, Lit, Pat, ReturnType,
    Stmt, Type, UnOp,
};

/// What it is translated to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Values,
    Expressions,
}

/// What every refusal ends with.
const WAY_OUT: &str = "a Rust closure (`map_fn`, `filter_fn`) may do anything";

fn refused<T>(span: Span, what: &str) -> Result<T, Error> {
    let message = format!(
        "a `#[fragment]` has no {what}: it is `let`, `if` with `else`, operators, constants and calls of other fragments; {WAY_OUT}"
    );
    Err(Error::new(span, message))
}

pub(crate) fn fragment(function: &ItemFn) -> Result<TokenStream, Error> {
    let (vis, name, signature) = (&function.vis, &function.sig.ident, &function.sig);
    if let Some(parameter) = signature.generics.params.first() {
        return refused(parameter.span(), "parameters of types or lifetimes");
    }
    for (is_there, what) in [
        (signature.asyncness.map(|token| token.span), "`async`"),
        (signature.unsafety.map(|token| token.span), "`unsafe`"),
        (
            signature.variadic.as_ref().map(Spanned::span),
            "variable number of parameters",
        ),
    ] {
        if let Some(span) = is_there {
            return refused(span, what);
        }
    }
    let mut names = Vec::new();
    let mut types = Vec::new();
    for input in &signature.inputs {
        let (name, ty) = parameter(input)?;
        names.push(name);
        types.push(ty);
    }
    let result = match &signature.output {
        ReturnType::Type(_, ty) => value_type(ty)?,
        ReturnType::Default => return refused(signature.ident.span(), "functions without a result"),
    };
    let values = block(&function.block, &mut names.clone(), To::Values)?;
    let expressions = block(&function.block, &mut names.clone(), To::Expressions)?;
    let attributes = &function.attrs;
    let doc = format!("[`{name}`](fn@{name}) as a function of expressions.");
    Ok(quote! {
        #(#attributes)*
        #[allow(dead_code, reason = "a fragment may be part of loops only")]
        #vis fn #name(#(#names: #types),*) -> #result #values

        #[doc = #doc]
        #vis mod #name {
            #[allow(unused_imports, reason = "the constants and fragments that it uses")]
            use super::*;

            /// The same of expressions.
            #[allow(dead_code, reason = "a fragment may be called only")]
            pub fn expr(
                #(#names: ::cutthrough::expr::Expr<#types>),*
            ) -> ::cutthrough::expr::Expr<#result> #expressions
        }
    })
}

fn parameter(input: &FnArg) -> Result<(Ident, Type), Error> {
    let FnArg::Typed(input) = input else {
        return refused(input.span(), "`self`");
    };
    match &*input.pat {
        Pat::Ident(name) if name.mutability.is_none() && name.by_ref.is_none() => {
            Ok((name.ident.clone(), value_type(&input.ty)?))
        }
        other => refused(other.span(), "patterns or `mut`"),
    }
}

/// A type that a fragment takes or gives.
fn value_type(ty: &Type) -> Result<Type, Error> {
    if let Type::Path(path) = ty
        && ["i64", "f64", "bool"].iter().any(|name| path.path.is_ident(name))
    {
        return Ok(ty.clone());
    }
    let message = format!("a `#[fragment]` takes and gives `i64`, `f64` and `bool`; {WAY_OUT}");
    Err(Error::new(ty.span(), message))
}

fn block(block: &Block, names: &mut Vec<Ident>, to: To) -> Result<TokenStream, Error> {
    let known = names.len();
    let mut lines = Vec::new();
    let Some((last, before)) = block.stmts.split_last() else {
        return refused(block.span(), "empty blocks");
    };
    for statement in before {
        lines.push(binding(statement, names, to)?);
    }
    let Stmt::Expr(result, None) = last else {
        return refused(last.span(), "blocks that end without a value");
    };
    let result = expression(result, names, to)?;
    names.truncate(known);
    Ok(quote! { { #(#lines)* #result } })
}

fn binding(statement: &Stmt, names: &mut Vec<Ident>, to: To) -> Result<TokenStream, Error> {
    let Stmt::Local(local) = statement else {
        return refused(statement.span(), "statements but `let`");
    };
    let (pattern, ty) = match &local.pat {
        Pat::Type(typed) => (&*typed.pat, Some(value_type(&typed.ty)?)),
        pattern => (pattern, None),
    };
    let Pat::Ident(name) = pattern else {
        return refused(pattern.span(), "patterns");
    };
    if let Some(token) = name.mutability {
        return refused(token.span, "`mut`");
    }
    let Some(init) = &local.init else {
        return refused(local.span(), "`let` without a value");
    };
    if let Some((token, _)) = &init.diverge {
        return refused(token.span, "`let` with `else`");
    }
    let value = expression(&init.expr, names, to)?;
    let ty = ty.map(|ty| match to {
        To::Values => quote! { : #ty },
        To::Expressions => quote! { : ::cutthrough::expr::Expr<#ty> },
    });
    let name = &name.ident;
    names.push(name.clone());
    Ok(quote! { let #name #ty = #value; })
}

fn expression(whole: &Expr, names: &mut Vec<Ident>, to: To) -> Result<TokenStream, Error> {
    match whole {
        Expr::Paren(inner) => expression(&inner.expr, names, to),
        Expr::Group(inner) => expression(&inner.expr, names, to),
        Expr::Block(inner) if inner.label.is_none() => block(&inner.block, names, to),
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(_) | Lit::Float(_) | Lit::Bool(_) => {
                Ok(constant(quote! { #literal }, literal.span(), to))
            }
            other => refused(other.span(), "texts"),
        },
        Expr::Path(path) => Ok(match path.path.get_ident() {
            Some(name) if names.contains(name) => quote! { #name },
            _ => constant(quote! { #path }, path.span(), to),
        }),
        Expr::Unary(unary) => {
            let operand = expression(&unary.expr, names, to)?;
            // A literal and its sign are one constant: that of the least integer needs both.
            match (&unary.op, &*unary.expr) {
                (UnOp::Neg(_), Expr::Lit(literal)) => Ok(constant(quote! { -#literal }, unary.span(), to)),
                (UnOp::Neg(_), _) => Ok(call("Arithmetic", "neg", unary.span(), &[operand])),
                (UnOp::Not(_), _) => Ok(call("Logic", "not", unary.span(), &[operand])),
                _ => refused(unary.span(), "references"),
            }
        }
        Expr::Binary(binary) => {
            let Some((of, name)) = operator(&binary.op) else {
                return refused(binary.op.span(), "assignments or shifts");
            };
            let sides = [
                expression(&binary.left, names, to)?,
                expression(&binary.right, names, to)?,
            ];
            Ok(call(of, name, binary.op.span(), &sides))
        }
        Expr::If(choice) => choose(choice, names, to),
        Expr::MethodCall(method) => method_call(method, names, to),
        Expr::Call(called) => fragment_call(called, names, to),
        Expr::Match(other) => refused(other.match_token.span, "`match`"),
        Expr::While(other) => refused(other.while_token.span, "loops"),
        Expr::ForLoop(other) => refused(other.for_token.span, "loops"),
        Expr::Loop(other) => refused(other.loop_token.span, "loops"),
        Expr::Return(other) => refused(other.return_token.span, "`return`"),
        Expr::Cast(other) => refused(other.as_token.span, "`as`"),
        Expr::Macro(other) => refused(other.span(), "macros"),
        Expr::Assign(other) => refused(other.span(), "assignments or shifts"),
        other => refused(other.span(), "such expressions"),
    }
}

fn constant(value: TokenStream, span: Span, to: To) -> TokenStream {
    match to {
        To::Values => value,
        To::Expressions => quote_spanned! {span=> ::cutthrough::expr::lit(#value) },
    }
}

fn call(of: &str, name: &str, span: Span, operands: &[TokenStream]) -> TokenStream {
    let (of, name) = (Ident::new(of, span), Ident::new(name, span));
    quote_spanned! {span=> ::cutthrough::expr::fragment::#of::#name(#(#operands),*) }
}

fn operator(op: &BinOp) -> Option<(&'static str, &'static str)> {
    Some(match op {
        BinOp::Add(_) => ("Arithmetic", "add"),
        BinOp::Sub(_) => ("Arithmetic", "sub"),
        BinOp::Mul(_) => ("Arithmetic", "mul"),
        BinOp::Div(_) => ("Division", "div"),
        BinOp::Rem(_) => ("Division", "rem"),
        BinOp::Eq(_) => ("Arithmetic", "eq"),
        BinOp::Ne(_) => ("Arithmetic", "ne"),
        BinOp::Lt(_) => ("Arithmetic", "lt"),
        BinOp::Le(_) => ("Arithmetic", "le"),
        BinOp::Gt(_) => ("Arithmetic", "gt"),
        BinOp::Ge(_) => ("Arithmetic", "ge"),
        BinOp::And(_) | BinOp::BitAnd(_) => ("Logic", "and"),
        BinOp::Or(_) | BinOp::BitOr(_) => ("Logic", "or"),
        BinOp::BitXor(_) => ("Logic", "xor"),
        _ => return None,
    })
}

fn choose(choice: &ExprIf, names: &mut Vec<Ident>, to: To) -> Result<TokenStream, Error> {
    if let Expr::Let(condition) = &*choice.cond {
        return refused(condition.let_token.span, "`if let`");
    }
    let Some((_, otherwise)) = &choice.else_branch else {
        return refused(choice.if_token.span, "`if` without `else`");
    };
    let condition = expression(&choice.cond, names, to)?;
    let yes = block(&choice.then_branch, names, to)?;
    let no = expression(otherwise, names, to)?;
    Ok(match to {
        To::Values => quote! { if #condition #yes else { #no } },
        To::Expressions => quote_spanned! {choice.span()=>
            ::cutthrough::expr::fragment::choose(#condition, #yes, #no)
        },
    })
}

fn method_call(method: &ExprMethodCall, names: &mut Vec<Ident>, to: To) -> Result<TokenStream, Error> {
    let name = method.method.to_string();
    if !["min", "max", "abs"].contains(&&*name) {
        return refused(method.method.span(), "methods but `min`, `max` and `abs`");
    }
    let mut operands = vec![expression(&method.receiver, names, to)?];
    for argument in &method.args {
        operands.push(expression(argument, names, to)?);
    }
    Ok(call("Arithmetic", &name, method.method.span(), &operands))
}

/// A call of another fragment.
fn fragment_call(called: &ExprCall, names: &mut Vec<Ident>, to: To) -> Result<TokenStream, Error> {
    let Expr::Path(function) = &*called.func else {
        return refused(called.func.span(), "calls but of other fragments");
    };
    let arguments = called.args.iter().map(|argument| expression(argument, names, to));
    let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
    Ok(match to {
        To::Values => quote! { #function(#(#arguments),*) },
        To::Expressions => {
            let expr = format_ident!("expr", span = called.func.span());
            quote! { #function::#expr(#(#arguments),*) }
        }
    })
}
