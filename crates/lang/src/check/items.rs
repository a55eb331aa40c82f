//! Stages that make elements: of lists, of what came before, of nothing; and `sample`, which takes some of them.

use cutthrough_expr::{ColumnId, Comparison, LogicalKind, LogicalType, NodeKind, Scalar, Tree};

use super::Check;
use super::pipeline::{FlowState, PipelineChecker};
use super::types::{Schema, SchemaColumn};
use crate::ast::{Expr, ExprKind, Name, SampleSize};
use crate::diagnostic::{Diagnostic, quoted};
use crate::named;
use crate::plan::Op;
use crate::suggest;

/// The types that an item can be taken for.
const ITEM_TYPES: [&str; 6] = ["int", "float", "text", "time", "duration", "json"];

impl PipelineChecker<'_, '_> {
    pub(super) fn explode(&mut self, name: &Name, value: Option<&Expr>, ty: Option<&Name>) -> Check<()> {
        self.columns();
        if let Some(ty) = ty
            && !ITEM_TYPES.contains(&ty.text.as_str())
        {
            let diagnostic = Diagnostic::new(
                format!("{} is no type of items", quoted(&ty.text)),
                ty.span,
                "not such a type",
            );
            let types = suggest::alternatives(&ITEM_TYPES);
            return Err(Box::new(diagnostic.with_help(format!("items are {types}"))));
        }
        let column = Expr {
            kind: ExprKind::Name(name.clone()),
            span: name.span,
        };
        let value = value.unwrap_or(&column);
        let tree = self.value(value)?;
        if tree.ty().kind != LogicalKind::Json {
            let message = "`explode` takes a list";
            let diagnostic = Diagnostic::new(message, value.span, format!("this is {}", tree.ty().name()));
            let help =
                "`split(text, \",\")` and `words(text)` make lists of texts; fields of JSON may be some";
            return Err(Box::new(diagnostic.with_help(help)));
        }
        let of_texts = makes_texts(value);
        let list = self.computed(tree, "list");
        let item = self
            .checker
            .columns
            .add(name.text.as_str(), LogicalType::JSON.or_null());
        self.state.schema.set(name, item, LogicalType::JSON.or_null())?;
        self.push(Op::Explode { list, item });
        match ty.map(|ty| ty.text.as_str()) {
            Some("json") => Ok(()),
            None if !of_texts => Ok(()),
            Some(ty @ ("time" | "duration")) => self.convert(name, &[ty, "text"]),
            Some(ty) => self.convert(name, &[ty]),
            None => self.convert(name, &["text"]),
        }
    }

    /// Makes a column what these functions make of it, the last one first.
    fn convert(&mut self, name: &Name, functions: &[&str]) -> Check<()> {
        let column = Expr {
            kind: ExprKind::Name(name.clone()),
            span: name.span,
        };
        let call = |argument: Expr, function: &&str| Expr {
            kind: ExprKind::Call {
                function: Name {
                    text: (*function).to_owned(),
                    span: name.span,
                },
                arguments: vec![argument],
            },
            span: name.span,
        };
        let tree = self.value(&functions.iter().rev().fold(column, call))?;
        let ty = tree.ty();
        let id = self.checker.columns.add(name.text.as_str(), ty);
        self.state.schema.set(name, id, ty)?;
        self.push(Op::Compute(vec![(id, tree)]));
        Ok(())
    }

    /// The column of a value, which is computed first if it is none.
    fn computed(&mut self, tree: Tree, name: &str) -> ColumnId {
        tree.as_column().unwrap_or_else(|| {
            let id = self.checker.columns.add(name, tree.ty());
            self.push(Op::Compute(vec![(id, tree)]));
            id
        })
    }

    pub(super) fn fill(&mut self, names: &[Name]) -> Check<()> {
        self.columns();
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            let (id, ty) = self.column(name)?;
            if !ty.nullable && ty.kind != LogicalKind::Text {
                let message = format!("{} is never null", quoted(&name.text));
                let diagnostic = Diagnostic::new(message, name.span, format!("this is {}", ty.name()));
                return Err(Box::new(
                    diagnostic.with_help("leave it out: there is nothing to fill"),
                ));
            }
            let mut tree = Tree::default();
            tree.add(NodeKind::Column(id), ty);
            let filled = self.checker.columns.add(name.text.as_str(), ty);
            self.checker.columns.follow(filled, &tree);
            self.state.schema.set(name, filled, ty)?;
            columns.push((id, filled));
        }
        self.push(Op::Fill(columns));
        Ok(())
    }

    pub(super) fn sample_stage(&mut self, size: SampleSize) {
        self.columns();
        let random = named::find("random").expect("INVARIANT: it is in the table");
        let mut tree = Tree::default();
        let number = tree.add(
            NodeKind::Strict(Scalar::Named(random.scalar()), Vec::new()),
            LogicalType::FLOAT,
        );
        match size {
            SampleSize::Share(share) => {
                let share = tree.add(NodeKind::Float(share), LogicalType::FLOAT);
                let less = Scalar::Compare(Comparison::Less, LogicalKind::Float.words());
                tree.add(NodeKind::Strict(less, vec![number, share]), LogicalType::BOOL);
                self.push(Op::Where(tree));
            }
            SampleSize::Count(count) => {
                let key = self.computed(tree, "chance");
                self.push(Op::Order {
                    keys: vec![(key, false)],
                    limit: Some(count),
                });
            }
        }
    }

    /// Elements of nothing: their number, and when they came.
    pub(super) fn generate(&mut self, count: Option<u64>, every: Option<i64>) {
        let number = self.checker.columns.add("n", LogicalType::INT);
        let time = self.checker.columns.add("time", LogicalType::TIME);
        let column = |name: &str, id, ty, hidden| SchemaColumn {
            name: name.into(),
            id,
            ty,
            hidden,
        };
        self.state = FlowState {
            schema: Schema {
                columns: vec![
                    column("n", number, LogicalType::INT, false),
                    column("time", time, LogicalType::TIME, every.is_none()),
                ],
                ..Schema::default()
            },
            ..FlowState::default()
        };
        self.push(Op::Generate {
            count,
            every,
            number,
            time,
        });
    }
}

/// Whether a value is a list of texts, as its function says.
fn makes_texts(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Call { function, .. } => {
            matches!(function.text.as_str(), "split" | "words" | "extract_all")
        }
        _ => false,
    }
}
