//! The verbs: what each takes.

use super::{Parse, Parser, ends_stage};
use crate::ast::{
    Assignment, Count, ExprKind, Input, Item, Name, OutputFormat, ParseOption, Pipeline, SampleSize, SortKey,
    Stage, StageKind, Statement, Target, Text, Window,
};
use crate::diagnostic::{Diagnostic, quoted};
use crate::lexer::TokenKind;
use crate::limits;
use crate::span::Span;
use crate::suggest;

/// A word that starts a stage. The grammar at the top of the crate describes what each takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Read,
    Lines,
    Parse,
    Where,
    Set,
    Select,
    Head,
    Skip,
    Tail,
    Drop,
    Rename,
    Distinct,
    Count,
    Lookup,
    Explode,
    Fill,
    Sample,
    Generate,
    Top,
    Sort,
    Summarize,
    Write,
}

/// What `head` and `tail` give that do not say how many.
const HEAD_ELEMENTS: u64 = 10;

/// Every verb with its spelling, in the order in which messages list them.
pub const VERBS: [(&str, Verb); 22] = [
    ("read", Verb::Read),
    ("lines", Verb::Lines),
    ("parse", Verb::Parse),
    ("where", Verb::Where),
    ("set", Verb::Set),
    ("select", Verb::Select),
    ("head", Verb::Head),
    ("skip", Verb::Skip),
    ("tail", Verb::Tail),
    ("drop", Verb::Drop),
    ("rename", Verb::Rename),
    ("distinct", Verb::Distinct),
    ("count", Verb::Count),
    ("lookup", Verb::Lookup),
    ("explode", Verb::Explode),
    ("fill", Verb::Fill),
    ("sample", Verb::Sample),
    ("generate", Verb::Generate),
    ("top", Verb::Top),
    ("sort", Verb::Sort),
    ("summarize", Verb::Summarize),
    ("write", Verb::Write),
];

impl Verb {
    /// How the verb is written.
    pub fn name(self) -> &'static str {
        VERBS[self as usize].0
    }
}

const _: () = {
    let mut index = 0;
    while index < VERBS.len() {
        assert!(VERBS[index].1 as usize == index, "VERBS is in the order of Verb");
        index += 1;
    }
};

pub(super) fn verb_named(word: &str) -> Option<Verb> {
    VERBS
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, verb)| *verb)
}

impl Parser<'_> {
    pub(super) fn stage(&mut self) -> Parse<Stage> {
        let Some(verb) = self.current_verb() else {
            let is_word = self.at(&TokenKind::Name) && !self.at_reserved();
            return Err(if is_word {
                self.unknown_verb()?
            } else {
                self.unexpected("a verb")
            });
        };
        let verb_span = self.bump()?.span;
        let kind = match verb {
            Verb::Read => {
                let inputs = self.list(Self::input)?;
                let follow = self.at_word("follow").then_some(self.current.span);
                if follow.is_some() {
                    self.bump()?;
                }
                StageKind::Read { inputs, follow }
            }
            Verb::Lines => StageKind::Lines,
            Verb::Parse => self.parse_stage()?,
            Verb::Where => StageKind::Where {
                condition: self.expression()?,
            },
            Verb::Set => StageKind::Set {
                assignments: self.list(Self::assignment)?,
            },
            Verb::Select => StageKind::Select {
                items: self.list(Self::item)?,
            },
            Verb::Head if ends_stage(&self.current.kind) => StageKind::Head {
                count: Count {
                    value: HEAD_ELEMENTS,
                    span: verb_span,
                },
            },
            Verb::Head => StageKind::Head { count: self.count()? },
            Verb::Skip => StageKind::Skip { count: self.count()? },
            Verb::Tail if ends_stage(&self.current.kind) => StageKind::Tail {
                count: Count {
                    value: HEAD_ELEMENTS,
                    span: verb_span,
                },
            },
            Verb::Tail => StageKind::Tail { count: self.count()? },
            Verb::Drop => StageKind::Drop {
                names: self.list(|parser| parser.name("the name of a column"))?,
            },
            Verb::Rename => StageKind::Rename {
                names: self.list(Self::renaming)?,
            },
            Verb::Distinct if ends_stage(&self.current.kind) => StageKind::Distinct { items: Vec::new() },
            Verb::Distinct if self.at_word("by") => {
                return Err(self
                    .error_here("`distinct` takes its columns without `by`", "leave this out")
                    .with_help("as in `distinct path, status`"));
            }
            Verb::Distinct => StageKind::Distinct {
                items: self.list(Self::item)?,
            },
            Verb::Count => StageKind::Count,
            Verb::Lookup => self.lookup_stage()?,
            Verb::Explode => self.explode_stage()?,
            Verb::Fill => StageKind::Fill {
                names: self.list(|parser| parser.name("the name of a column"))?,
            },
            Verb::Sample => self.sample_stage()?,
            Verb::Generate => self.generate_stage()?,
            Verb::Top => self.top_stage()?,
            Verb::Sort => self.sort_stage()?,
            Verb::Summarize => self.summarize_stage()?,
            Verb::Write => self.write_stage()?,
        };
        let ends_within = self.within > 0 && self.at(&TokenKind::CloseParen);
        if !ends_stage(&self.current.kind) && !ends_within {
            return Err(self.after_stage(verb));
        }
        Ok(Stage {
            kind,
            verb: verb_span,
            span: self.span_from(verb_span),
        })
    }

    fn input(&mut self) -> Parse<Input> {
        if self.at(&TokenKind::Minus) {
            return Ok(Input::Stdin(self.bump()?.span));
        }
        if let TokenKind::Text(_) = self.current.kind {
            return self.string().map(Input::Path);
        }
        Err(self.not_a_path("a path in quotes, or `-`"))
    }

    fn write_stage(&mut self) -> Parse<StageKind> {
        let target = if self.at_word("stdout") {
            Target::Stdout(self.bump()?.span)
        } else if self.at_word("stderr") {
            Target::Stderr(self.bump()?.span)
        } else if let TokenKind::Text(_) = self.current.kind {
            Target::Path(self.string()?)
        } else {
            return Err(self.not_a_path("`stdout`, `stderr` or a path in quotes"));
        };
        let append = self.at_word("append").then_some(self.current.span);
        if let Some(span) = append {
            self.bump()?;
            if !matches!(target, Target::Path(_)) {
                let diagnostic = Diagnostic::new("only a file can be appended to", span, "this is no file");
                return Err(diagnostic.with_help("leave out `append`"));
            }
        }
        let append = append.is_some();
        let (mut format, mut template) = (None, None);
        if self.eat_word("as")? {
            if self.at_word("template") {
                template = Some(self.template()?);
            } else {
                format = Some(self.output_format()?);
            }
        }
        Ok(StageKind::Write {
            target,
            append,
            format,
            template,
        })
    }

    /// `template("{a} {b}")`
    fn template(&mut self) -> Parse<Text> {
        const HELP: &str = "as in `write stdout as template(\"{time} {path}\")`";
        self.bump()?;
        let open = self.current.span;
        if !self.at(&TokenKind::OpenParen) {
            return Err(self.unexpected("`(`").with_help(HELP));
        }
        self.bump()?;
        let TokenKind::Text(_) = self.current.kind else {
            return Err(self.unexpected("a template in quotes").with_help(HELP));
        };
        let template = self.string()?;
        self.close_paren(open, "`)`")?;
        Ok(template)
    }

    fn output_format(&mut self) -> Parse<OutputFormat> {
        let word = self.text(self.current.span);
        let found = OutputFormat::ALL
            .into_iter()
            .find(|format| self.at_word(format.name()));
        if let Some(format) = found {
            self.bump()?;
            return Ok(format);
        }
        let formats = OutputFormat::ALL.into_iter().map(OutputFormat::name);
        let names: Vec<&str> = formats.chain(["template"]).collect();
        let formats = suggest::alternatives(&names);
        if !self.at_name() {
            return Err(self
                .unexpected("a format")
                .with_help(format!("the formats are {formats}")));
        }
        let help = suggest::did_you_mean(word, names.iter().copied())
            .unwrap_or(format!("the formats are {formats}"));
        Err(self
            .error_here(format!("cannot write as {}", quoted(word)), "not a format")
            .with_help(help))
    }

    fn string(&mut self) -> Parse<Text> {
        let token = self.bump()?;
        match token.kind {
            TokenKind::Text(bytes) | TokenKind::Pattern(bytes) => Ok(Text {
                bytes,
                span: token.span,
            }),
            _ => unreachable!("the caller has seen a string"),
        }
    }

    fn parse_stage(&mut self) -> Parse<StageKind> {
        let format = self.name("a format")?;
        let mut options: Vec<ParseOption> = Vec::new();
        let mut argument = None;
        let open = self.current.span;
        if self.at(&TokenKind::OpenParen) {
            self.bump()?;
            if matches!(self.current.kind, TokenKind::Text(_) | TokenKind::Pattern(_)) {
                argument = Some(self.string()?);
                if self.at(&TokenKind::Comma) {
                    self.bump()?;
                }
            }
            while !self.at(&TokenKind::CloseParen) {
                let option = self.parse_option(&options)?;
                options.push(option);
                if !self.at(&TokenKind::Comma) {
                    break;
                }
                if options.len() == limits::PARSE_OPTIONS_MAX {
                    let message = format!("a format takes at most {} options", limits::PARSE_OPTIONS_MAX);
                    return Err(self.error_here(message, "one too many"));
                }
                self.bump()?;
            }
            self.close_paren(open, "`,` or `)`")?;
        }
        let otherwise = if self.eat_word("else")? {
            Some(self.otherwise()?)
        } else {
            None
        };
        Ok(StageKind::Parse {
            format,
            argument,
            options,
            otherwise,
        })
    }

    /// What takes the lines that do not parse: a name, or a pipeline in parentheses, which then reads a name of its own.
    fn otherwise(&mut self) -> Parse<Name> {
        if !self.at(&TokenKind::OpenParen) {
            return self.name("a flow point, or a pipeline in parentheses");
        }
        let open = self.bump()?.span;
        let start = self.current.span;
        let name = Name {
            text: format!("else.{}", self.others.len() + 1),
            span: open,
        };
        let mut stages = vec![self.stage_within()?];
        while self.at(&TokenKind::Pipe) {
            self.bump()?;
            if stages.len() == limits::PIPELINE_STAGES_MAX {
                let message = format!(
                    "a pipeline may have at most {} stages",
                    limits::PIPELINE_STAGES_MAX
                );
                return Err(self.error_here(message, "one too many"));
            }
            stages.push(self.stage_within()?);
        }
        let span = self.span_from(start);
        self.close_paren(open, "`|` or `)`")?;
        self.others.push(Statement {
            target: None,
            pipeline: Pipeline {
                source: Some(name.clone()),
                stages,
                span,
            },
            span,
        });
        Ok(name)
    }

    /// A stage of a pipeline in parentheses.
    fn stage_within(&mut self) -> Parse<Stage> {
        if self.within == limits::ELSE_DEPTH_MAX {
            let message = format!("pipelines nest at most {} deep", limits::ELSE_DEPTH_MAX);
            return Err(self.error_here(message, "one level too many"));
        }
        self.within += 1;
        let stage = self.stage();
        self.within -= 1;
        stage
    }

    fn parse_option(&mut self, before: &[ParseOption]) -> Parse<ParseOption> {
        let key = self.name("an option, as in `header=true`")?;
        if before.iter().any(|option| option.key.text == key.text) {
            let message = format!("the option {} is given twice", quoted(&key.text));
            return Err(Diagnostic::new(message, key.span, "given before"));
        }
        if !self.at(&TokenKind::Assign) {
            return Err(self.unexpected("`=`"));
        }
        self.bump()?;
        if matches!(
            self.current.kind,
            TokenKind::Semicolon | TokenKind::Comma | TokenKind::Pipe
        ) {
            let text = self.text(self.current.span);
            let help = format!("write it in quotes: `{}=\"{text}\"`", key.text);
            return Err(self.unexpected("the value of the option").with_help(help));
        }
        let value = self.expression()?;
        match value.kind {
            ExprKind::Literal(literal) => Ok(ParseOption {
                key,
                value: literal,
                value_span: value.span,
            }),
            _ => {
                let diagnostic =
                    Diagnostic::new("the value of an option is a constant", value.span, "not one");
                Err(match value.kind {
                    ExprKind::Name(name) => {
                        diagnostic.with_help(format!("write it in quotes: \"{}\"", name.text))
                    }
                    _ => diagnostic,
                })
            }
        }
    }

    fn assignment(&mut self) -> Parse<Assignment> {
        let name = self.name("the name of a field")?;
        if !self.at(&TokenKind::Assign) {
            let diagnostic = self.unexpected("`=`");
            return Err(match self.current.kind {
                TokenKind::Equal => diagnostic.with_help("`==` compares; `set` takes a single `=`"),
                _ => diagnostic.with_help(format!("`set` gives a field a value: `set {} = ...`", name.text)),
            });
        }
        self.bump()?;
        self.skip_newlines()?;
        let value = self.expression()?;
        Ok(Assignment { name, value })
    }

    /// `NEW = OLD`
    fn renaming(&mut self) -> Parse<(Name, Name)> {
        let new = self.name("the new name of a column")?;
        if !self.at(&TokenKind::Assign) {
            let help = "the new name goes first: `rename full_name = name`";
            return Err(self.unexpected("`=`").with_help(help));
        }
        self.bump()?;
        self.skip_newlines()?;
        Ok((new, self.name("the name of a column")?))
    }

    fn item(&mut self) -> Parse<Item> {
        let start = self.current.span;
        let mut name = None;
        if self.at_name() && self.peek()?.kind == TokenKind::Assign {
            name = Some(self.name("a name")?);
            self.bump()?;
            self.skip_newlines()?;
        }
        let value = self.expression()?;
        Ok(Item {
            name,
            value,
            span: self.span_from(start),
        })
    }

    fn count(&mut self) -> Parse<Count> {
        const EXPECTED: &str = "a number of elements";
        match self.current.kind {
            TokenKind::Int(value) if value <= i64::MAX as u64 => Ok(Count {
                value,
                span: self.bump()?.span,
            }),
            TokenKind::Int(_) => Err(self.error_here("this number is too large", "does not fit 63 bits")),
            TokenKind::Minus => Err(self
                .unexpected(EXPECTED)
                .with_help("without the `-`: `head 3`, `tail 5`")),
            _ => Err(self.unexpected(EXPECTED)),
        }
    }

    fn lookup_stage(&mut self) -> Parse<StageKind> {
        if !matches!(self.current.kind, TokenKind::Text(_)) {
            return Err(self.not_a_path("a path in quotes"));
        }
        let path = self.string()?;
        if !self.eat_word("on")? {
            let help = "say by which column: `lookup \"hosts.csv\" on remote`";
            return Err(self.unexpected("`on`").with_help(help));
        }
        let name = self.name("the name of a column")?;
        let key = if self.at(&TokenKind::Assign) {
            self.bump()?;
            self.skip_newlines()?;
            Some(self.expression()?)
        } else {
            None
        };
        Ok(StageKind::Lookup { path, name, key })
    }

    fn explode_stage(&mut self) -> Parse<StageKind> {
        let name = self.name("the name of a column")?;
        let value = if self.at(&TokenKind::Assign) {
            self.bump()?;
            self.skip_newlines()?;
            Some(self.expression()?)
        } else {
            None
        };
        let ty = match self.eat_word("as")? {
            true => Some(self.name("a type")?),
            false => None,
        };
        Ok(StageKind::Explode { name, value, ty })
    }

    fn sample_stage(&mut self) -> Parse<StageKind> {
        const HELP: &str = "so many, as in `sample 100`, or a part, as in `sample 1%`";
        let span = self.current.span;
        let number = match self.current.kind {
            TokenKind::Int(number) => number as f64,
            TokenKind::Float(number) => number,
            _ => return Err(self.unexpected("a number of elements").with_help(HELP)),
        };
        let token = self.bump()?;
        if self.at(&TokenKind::Percent) {
            self.bump()?;
            let span = self.span_from(span);
            if number > 100.0 {
                return Err(Diagnostic::new("a part is at most 100 %", span, "more than all"));
            }
            return Ok(StageKind::Sample {
                size: SampleSize::Share(number / 100.0),
                span,
            });
        }
        match token.kind {
            TokenKind::Int(count) if i64::try_from(count).is_ok() => Ok(StageKind::Sample {
                size: SampleSize::Count(count),
                span,
            }),
            _ => Err(
                Diagnostic::new("this is no number of elements", span, "not a whole number").with_help(HELP),
            ),
        }
    }

    fn generate_stage(&mut self) -> Parse<StageKind> {
        let is_count = matches!(self.current.kind, TokenKind::Int(_));
        let count = is_count.then(|| self.count()).transpose()?;
        let every = match self.eat_word("every")? {
            true => Some(self.window()?),
            false => None,
        };
        if count.is_none() && every.is_none() {
            let help = "how many, as in `generate 10`, or how often, as in `generate every 1s`";
            return Err(self
                .unexpected("a number of elements, or `every`")
                .with_help(help));
        }
        Ok(StageKind::Generate { count, every })
    }

    fn top_stage(&mut self) -> Parse<StageKind> {
        let count = self.count()?;
        if !self.eat_word("by")? {
            return Err(self
                .unexpected("`by`")
                .with_help("say by what: `top 10 by bytes`"));
        }
        self.skip_newlines()?;
        let by = self.sort_key(true)?;
        Ok(StageKind::Top { count, by })
    }

    fn sort_stage(&mut self) -> Parse<StageKind> {
        if self.at_word("by") {
            let diagnostic = self.error_here("`sort` takes its keys without `by`", "leave this out");
            return Err(diagnostic.with_help("to sort by a field of this name, write it in backquotes"));
        }
        let keys = self.list(|parser| parser.sort_key(false))?;
        Ok(StageKind::Sort { keys })
    }

    fn sort_key(&mut self, descending_by_default: bool) -> Parse<SortKey> {
        let value = self.expression()?;
        let descending = if self.eat_word("desc")? || self.eat_word("DESC")? {
            true
        } else if self.eat_word("asc")? || self.eat_word("ASC")? {
            false
        } else {
            descending_by_default
        };
        Ok(SortKey { value, descending })
    }

    fn summarize_stage(&mut self) -> Parse<StageKind> {
        if self.at_word("by") {
            let diagnostic = self.error_here(
                "`summarize` needs an aggregate before `by`",
                "nothing before this",
            );
            return Err(diagnostic.with_help("for the groups alone, count them: `summarize count() by ...`"));
        }
        let aggregates = self.list(Self::item)?;
        let mut by = Vec::new();
        if self.eat_word("by")? {
            self.skip_newlines()?;
            by = self.list(Self::item)?;
        }
        let every = if self.eat_word("every")? {
            Some(self.windows()?)
        } else {
            None
        };
        Ok(StageKind::Summarize {
            aggregates,
            by,
            every,
        })
    }

    /// What follows `every`: `10s of time late 2s`.
    fn windows(&mut self) -> Parse<Window> {
        let (nanos, span) = self.window()?;
        let mut window = Window {
            nanos,
            span,
            of: None,
            late: 0,
        };
        if self.eat_word("of")? {
            window.of = Some(self.expression()?);
            if self.eat_word("late")? {
                window.late = self.window()?.0;
            }
        } else if self.at_word("late") {
            let help = "of which time? `every 10s of time late 2s`; what arrives is never late";
            return Err(self
                .unexpected("`of`, `|` or the end of the statement")
                .with_help(help));
        }
        Ok(window)
    }

    /// What follows `every` or `late`.
    fn window(&mut self) -> Parse<(i64, Span)> {
        match self.current.kind {
            TokenKind::Duration(nanos) if nanos > 0 => match i64::try_from(nanos) {
                Ok(nanos) => Ok((nanos, self.bump()?.span)),
                Err(_) => Err(self.error_here("this duration is too long", "does not fit 63 bits")),
            },
            TokenKind::Duration(_) | TokenKind::Minus => Err(self
                .unexpected("a duration above zero")
                .with_help("for example `every 10s`")),
            _ => Err(self
                .unexpected("a duration")
                .with_help("a duration has a unit, as in `every 10s`")),
        }
    }
}
