//! Random programs: whatever they are, checking, building and running them ends with a result or a message.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::World;
use cutthrough::Options;

const COLUMNS: &str = "i:int?,j:int,x:float?,y:float,s:text?,t:text,b:bool?,c:bool";
const ROWS: &str =
    "7,-2,2.5,-0.5,Hello,\"b,c\",true,false\n,0,,1e300,,,,true\n1,2,nan,-inf,ÄÖ,x,false,true\nbad\n";

/// A type of an expression.
#[derive(Clone, Copy, PartialEq)]
enum Type {
    Int,
    Float,
    Text,
    Bool,
    Time,
    Duration,
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn any_type(&mut self) -> Type {
        [
            Type::Int,
            Type::Float,
            Type::Text,
            Type::Bool,
            Type::Time,
            Type::Duration,
        ][self.below(6)]
    }

    /// An expression, mostly of the type.
    fn expr(&mut self, ty: Type, depth: usize) -> String {
        let ty = if self.below(60) == 0 { self.any_type() } else { ty };
        if depth == 0 || self.below(5) == 0 {
            return self.atom(ty).to_owned();
        }
        match self.below(8) {
            0 => {
                let condition = self.expr(Type::Bool, depth - 1);
                let (a, b) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
                return format!("if({condition}, {a}, {b})");
            }
            1 => {
                let (a, b) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
                return format!("({a} ?? {b})");
            }
            2 => {
                let list = self.list(ty, depth);
                return format!("coalesce({list})");
            }
            _ => {}
        }
        match ty {
            Type::Int | Type::Float => self.number(ty, depth),
            Type::Text => self.text(depth),
            Type::Bool => self.condition(depth),
            Type::Time | Type::Duration => self.temporal(ty, depth),
        }
    }

    fn atom(&mut self, ty: Type) -> &'static str {
        match ty {
            Type::Int => self.one(&["i", "j", "j", "0", "1", "-3", "9223372036854775807", "null"]),
            Type::Float => self.one(&["x", "y", "y", "0.0", "2.5", "-1e300", "1", "i", "1e-9"]),
            Type::Text => self.one(&[
                "s", "t", "t", "\"\"", "\"b\"", "'\\xff'", "\"12\"", "\"äö\"", "null",
            ]),
            Type::Bool => self.one(&["b", "c", "c", "true", "false", "null"]),
            Type::Time => self.one(&["@2026-11-21", "@1970-01-01", "now()", "null"]),
            Type::Duration => self.one(&["5m", "1ns", "-292d", "0s", "null"]),
        }
    }

    /// A few of a type.
    fn list(&mut self, ty: Type, depth: usize) -> String {
        let count = 1 + self.below(3);
        let items: Vec<String> = (0..count).map(|_| self.expr(ty, depth - 1)).collect();
        items.join(", ")
    }

    fn number(&mut self, ty: Type, depth: usize) -> String {
        let other = if self.below(3) == 0 { Type::Float } else { ty };
        let (a, b) = (self.expr(ty, depth - 1), self.expr(other, depth - 1));
        let text = self.expr(Type::Text, depth - 1);
        match self.below(13) {
            0 => format!("({a} + {b})"),
            1 => format!("({a} - {b})"),
            2 => format!("({a} * {b})"),
            3 => format!("({a} {} {b})", self.one(&["/", "//", "%"])),
            4 => format!("(-{a})"),
            5 => format!(
                "{}({a})",
                self.one(&["abs", "round", "floor", "ceil", "int", "float"])
            ),
            6 => format!("round({b}, {})", self.below(17)),
            7 => format!("{}({a}, {b})", self.one(&["min", "max", "bin"])),
            8 => format!("{}({text})", self.one(&["int", "float", "len", "len_bytes"])),
            9 => format!("sqrt({b})"),
            10 => {
                let time = self.expr(Type::Time, depth - 1);
                let zone = self.one(&["", ", \"UTC\"", ", \"Asia/Kolkata\""]);
                let part = self.one(&["hour", "minute", "second", "weekday", "day", "year"]);
                format!("{part}({time}{zone})")
            }
            11 => {
                let (c, d) = (
                    self.expr(Type::Duration, depth - 1),
                    self.expr(Type::Duration, depth - 1),
                );
                format!("({c} {} {d})", self.one(&["/", "//"]))
            }
            _ => format!("int({})", self.expr(Type::Bool, depth - 1)),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        let (a, b) = (self.expr(Type::Text, depth - 1), self.expr(Type::Text, depth - 1));
        let (m, n) = (self.expr(Type::Int, depth - 1), self.expr(Type::Int, depth - 1));
        match self.below(9) {
            0 => format!("({a} + {b})"),
            1 => format!("{}({a})", self.one(&["lower", "upper", "trim"])),
            2 => format!("substr({a}, {m}, {n})"),
            3 => format!("substr({a}, {m})"),
            4 => format!("replace({a}, {b}, {a})"),
            5 => format!("split_part({a}, {b}, {m})"),
            6 => format!(
                "extract({a}, /{}/)",
                self.one(&["l+", "(.)(.)", "^$", "b|(c)", "["])
            ),
            7 => {
                let ty = self.any_type();
                format!("text({})", self.expr(ty, depth - 1))
            }
            _ => {
                let ty = self.any_type();
                format!("concat({}, {a})", self.expr(ty, depth - 1))
            }
        }
    }

    fn temporal(&mut self, ty: Type, depth: usize) -> String {
        let (a, b) = (self.expr(Type::Time, depth - 1), self.expr(Type::Time, depth - 1));
        let (c, d) = (
            self.expr(Type::Duration, depth - 1),
            self.expr(Type::Duration, depth - 1),
        );
        let (n, text) = (
            self.expr(Type::Float, depth - 1),
            self.expr(Type::Text, depth - 1),
        );
        match (ty, self.below(6)) {
            (Type::Time, 0 | 1) => format!("({a} {} {c})", self.one(&["+", "-"])),
            (Type::Time, 2) => format!("bin({a}, {c})"),
            (Type::Time, 3) => format!("trunc({a}, \"{}\")", self.one(&["week", "quarter", "hour"])),
            (Type::Time, 4) => format!("time({text}{})", self.one(&["", ", \"%Y\"", ", \"%F %T\""])),
            (Type::Time, _) => format!("{}({a}, {b})", self.one(&["min", "max"])),
            (_, 0) => format!("({a} - {b})"),
            (_, 1) => format!("({c} {} {d})", self.one(&["+", "-", "%"])),
            (_, 2) => format!("({c} {} {n})", self.one(&["*", "/", "//"])),
            (_, 3) => format!("{}({c})", self.one(&["abs", "-"])),
            (_, 4) => format!("duration({text})"),
            _ => format!("{}({c}, {d})", self.one(&["min", "max", "bin"])),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        let ty = self.any_type();
        let (a, b) = (self.expr(ty, depth - 1), self.expr(ty, depth - 1));
        let (p, q) = (self.expr(Type::Bool, depth - 1), self.expr(Type::Bool, depth - 1));
        match self.below(9) {
            0 => format!("({p} and {q})"),
            1 => format!("({p} or {q})"),
            2 => format!("(not {p})"),
            3 => format!("({a} {} null)", self.one(&["==", "!="])),
            4 => {
                // A list of numbers may mix both kinds.
                let list: Vec<String> = (0..=self.below(3))
                    .map(|_| {
                        let other = match ty {
                            Type::Int | Type::Float if self.below(2) == 0 => Type::Float,
                            ty => ty,
                        };
                        self.expr(other, depth - 1)
                    })
                    .collect();
                format!("({a} {} ({}))", self.one(&["in", "not in"]), list.join(", "))
            }
            5 => {
                let (a, b) = (self.expr(Type::Text, depth - 1), self.expr(Type::Text, depth - 1));
                let op = self.one(&["contains", "startswith", "endswith", "not contains"]);
                format!("({a} {op} {b})")
            }
            6 => format!(
                "({} matches /{}/)",
                self.expr(Type::Text, depth - 1),
                self.one(&["l", "^.$", "\\\\d", "("])
            ),
            _ => format!("({a} {} {b})", self.one(&["==", "!=", "<", "<=", ">", ">="])),
        }
    }

    fn stage(&mut self) -> String {
        let ty = self.any_type();
        let (e, name) = (self.expr(ty, 3), self.one(&["i", "j", "x", "s", "n", "k"]));
        match self.below(12) {
            0 | 1 => format!("where {}", self.expr(Type::Bool, 4)),
            2 | 3 => format!("set {name} = {e}"),
            4 => format!("select i, j, x, y, s, t, b, c, n = {e}"),
            5 => format!("head {}", self.below(4)),
            6 => format!("skip {}", self.below(2)),
            7 => format!("sort {e} {}", self.one(&["", "desc", "asc"])),
            8 => format!("top {} by {e}", 1 + self.below(3)),
            9 => {
                let aggregate = self.one(&["sum", "avg", "min", "max", "count", "countif"]);
                format!(
                    "summarize n = count(), i = {aggregate}({e}) by j, k = {}",
                    self.expr(ty, 2)
                )
            }
            10 => format!("rename k = {name} | drop {}", self.one(&["k", "j", "z"])),
            _ => format!("distinct {name}, z = {e}"),
        }
    }

    fn program(&mut self) -> String {
        let mut program = format!("parse csv(columns=\"{COLUMNS}\")");
        for _ in 0..=self.below(4) {
            program += &format!(" | {}", self.stage());
        }
        program
            + self.one(&[
                "",
                " | count",
                " | write stdout as json",
                " | write stdout as table",
            ])
    }
}

#[test]
fn programs_end_with_a_result_or_a_message() {
    let world = World::stdin(ROWS);
    let mut accepted = 0;
    let count = 3_000;
    for seed in 0..count {
        let program = Random(seed).program();
        let run = || {
            // As native code some of them: to compile takes longer than all else.
            if seed % 40 == 0 {
                return world.run(&program);
            }
            world.run_with(&program, Options::interpreted())
        };
        let outcome = catch_unwind(AssertUnwindSafe(run));
        let Ok(outcome) = outcome else {
            panic!("seed {seed} panics: {program}")
        };
        if let Err(message) = &outcome {
            assert!(
                !message.contains("INVARIANT"),
                "seed {seed}: {program}: {message}"
            );
        }
        accepted += u64::from(outcome.is_ok());
    }
    assert!(accepted > count / 5, "only {accepted} of {count} were run");
}

#[test]
fn a_constant_may_stand_beside_both_kinds_of_numbers() {
    let world = World::stdin("7,2.5\n");
    let run = |condition: &str| {
        let program = format!("parse csv(columns=\"i:int,x:float\") | where {condition} | select i");
        world.run(&program).unwrap()["stdout"].clone()
    };
    assert_eq!(run("5 in (1.5, 2)"), "");
    assert_eq!(run("2 in (1.5, 2)"), "7\n");
    assert_eq!(run("coalesce(5) in (i, 1.5)"), "");
    assert_eq!(run("coalesce(7) in (1.5, i)"), "7\n");
    assert_eq!(run("7 in (x, i, 1)"), "7\n");
    assert_eq!(run("coalesce(coalesce(0, 0), round(x, 8), ceil(i)) != 0"), "");
}
