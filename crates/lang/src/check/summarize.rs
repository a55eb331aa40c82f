//! Stages that sum up: over groups, and over all elements.

use std::collections::HashSet;

use cutthrough_expr::{ColumnId, LogicalKind, LogicalType, NodeKind, Tree};

use super::Check;
use super::aggregate::{AGGREGATES, Aggregates, Share};
use super::expr::Expressions;
use super::pipeline::PipelineChecker;
use super::types::Schema;
use crate::ast::{Expr, ExprKind, Item, Name, Window};
use crate::diagnostic::Diagnostic;
use crate::plan::{EventTime, Every, GroupColumn, Op};

impl PipelineChecker<'_, '_> {
    /// The time that says which window an element is of, if it is not when it arrives.
    fn event_time(
        &mut self,
        window: &Window,
        before: &mut Vec<(ColumnId, Tree)>,
    ) -> Check<Option<EventTime>> {
        let Some(of) = &window.of else { return Ok(None) };
        let tree = self.value_expecting(of, Some(LogicalKind::Time))?;
        let ty = tree.ty();
        if ty.kind != LogicalKind::Time {
            let message = "windows are of a time";
            let diagnostic = Diagnostic::new(message, of.span, format!("this is {}", ty.name()));
            let help = "as in `every 10s of time`; `time(...)` makes one of text";
            return Err(Box::new(diagnostic.with_help(help)));
        }
        let time = tree.as_column().unwrap_or_else(|| {
            let id = self.checker.columns.add("time", ty);
            before.push((id, tree));
            id
        });
        Ok(Some(EventTime {
            time,
            lateness: window.late,
            is_last: self.checker.columns.add("is_last", LogicalType::BOOL),
        }))
    }

    pub(super) fn summarize(&mut self, items: &[Item], by: &[Item], every: Option<&Window>) -> Check<()> {
        self.columns();
        let mut before = Vec::new();
        let mut schema = Schema::default();
        let every = match every {
            None => None,
            Some(of) => {
                let window = self.checker.columns.add("window", LogicalType::TIME);
                let name = Name {
                    text: "window".to_owned(),
                    span: of.span,
                };
                schema.set(&name, window, LogicalType::TIME)?;
                Some(Every {
                    nanos: of.nanos,
                    window,
                    of: self.event_time(of, &mut before)?,
                })
            }
        };
        let mut keys = Vec::with_capacity(by.len());
        for item in by {
            let tree = self.value(&item.value)?;
            keys.push(self.add_item(&mut schema, item, tree, &mut before)?);
        }
        let mut aggregates = Aggregates {
            input: std::mem::take(&mut self.state.schema),
            uses: Vec::new(),
        };
        let (mut after, mut shares) = (Vec::new(), Vec::new());
        let groups = schema.clone();
        for item in items {
            let uses = aggregates.uses.len();
            let mut expressions = Expressions::new(&groups, &mut self.checker.columns, self.checker.now);
            expressions.aggregates = Some(&mut aggregates);
            expressions.shares = Some(&mut shares);
            let tree = expressions.value(&item.value)?;
            if aggregates.uses.len() == uses {
                let diagnostic = Diagnostic::new(
                    "there is no aggregate in this",
                    item.value.span,
                    "nothing is summed up",
                );
                let usages: Vec<&str> = AGGREGATES.iter().map(|&(usage, _)| usage).collect();
                let help = format!(
                    "keys go behind `by`; the aggregates are {}",
                    super::types::list(&usages)
                );
                return Err(Box::new(diagnostic.with_help(help)));
            }
            if every.is_some() && !shares.is_empty() {
                let message = "`share` is of all elements, of which windows have no last";
                let diagnostic = Diagnostic::new(message, item.span, "cannot stand here");
                return Err(Box::new(
                    diagnostic.with_help("without `every`, it is of all there are in the end"),
                ));
            }
            self.count(&tree)?;
            self.add_item(&mut schema, item, tree, &mut after)?;
        }
        let mut columns = Vec::with_capacity(aggregates.uses.len());
        for one in aggregates.uses {
            let mut inputs = Vec::with_capacity(one.inputs.len());
            for tree in one.inputs {
                self.count(&tree)?;
                inputs.push(tree.as_column().unwrap_or_else(|| {
                    let id = self.checker.columns.add("input", tree.ty());
                    before.push((id, tree));
                    id
                }));
            }
            columns.push(GroupColumn {
                kind: one.kind,
                inputs,
                result: one.result,
            });
        }
        if keys.is_empty() && columns.iter().all(|column| column.inputs.is_empty()) {
            self.carry_something(&aggregates.input, &mut before, &mut columns);
        }
        self.state.schema = schema;
        if !before.is_empty() {
            self.push(Op::Compute(before));
        }
        self.push(Op::Group {
            keys,
            aggregates: columns,
            every,
        });
        let mut of_groups = Vec::new();
        self.total(shares, &mut of_groups);
        if !after.is_empty() {
            self.push(Op::Compute(after));
        }
        Ok(())
    }

    /// `summarize count = count()`
    pub(super) fn count_all(&mut self) -> Check<()> {
        let name = |text: &str| Name {
            text: text.to_owned(),
            span: self.span,
        };
        let item = Item {
            name: Some(name("count")),
            value: Expr {
                kind: ExprKind::Call {
                    function: name("count"),
                    arguments: Vec::new(),
                },
                span: self.span,
            },
            span: self.span,
        };
        self.summarize(&[item], &[], None)
    }

    pub(super) fn distinct(&mut self, items: &[Item]) -> Check<()> {
        self.columns();
        let mut define = Vec::new();
        let mut schema = Schema::default();
        for item in items {
            let tree = self.value(&item.value)?;
            self.add_item(&mut schema, item, tree, &mut define)?;
        }
        if items.is_empty() {
            schema.columns = self.state.schema.visible().cloned().collect();
        }
        if !define.is_empty() {
            self.push(Op::Compute(define));
        }
        let mut keys: Vec<ColumnId> = schema.columns.iter().map(|column| column.id).collect();
        let mut known = HashSet::new();
        keys.retain(|&key| known.insert(key));
        self.state.schema = schema;
        self.push(Op::Distinct(keys));
        Ok(())
    }

    /// Where groups need nothing of the elements, has them count something that is always there: elements have at
    /// least one column.
    fn carry_something(
        &mut self,
        input: &Schema,
        before: &mut Vec<(ColumnId, Tree)>,
        columns: &mut [GroupColumn],
    ) {
        let spare = input
            .spare()
            .filter(|&spare| !self.checker.columns.ty(spare).nullable);
        let carried = spare.unwrap_or_else(|| {
            let mut tree = Tree::default();
            tree.add(NodeKind::Bool(true), LogicalType::BOOL);
            let id = self.checker.columns.add("any", LogicalType::BOOL);
            before.push((id, tree));
            id
        });
        columns[0].inputs = vec![carried];
    }

    /// The same, in which `share` may stand.
    pub(super) fn value_with_shares(&mut self, expr: &Expr) -> Check<(Tree, Vec<Share>)> {
        let mut shares = Vec::new();
        let columns = &mut self.checker.columns;
        let mut expressions = Expressions::new(&self.state.schema, columns, self.checker.now);
        expressions.shares = Some(&mut shares);
        let tree = expressions.value(expr)?;
        self.count(&tree)?;
        Ok((tree, shares))
    }

    /// Adds what sums up over all elements, after what has been defined so far.
    pub(super) fn total(&mut self, shares: Vec<Share>, define: &mut Vec<(ColumnId, Tree)>) {
        if shares.is_empty() {
            return;
        }
        let (mut inputs, mut totals) = (Vec::new(), Vec::new());
        for share in shares {
            inputs.push(share.input.as_column().unwrap_or_else(|| {
                let id = self.checker.columns.add("input", share.input.ty());
                define.push((id, share.input));
                id
            }));
            totals.push(share.total);
        }
        if !define.is_empty() {
            self.push(Op::Compute(std::mem::take(define)));
        }
        self.push(Op::Total { inputs, totals });
    }
}
