//! Calls of functions: what becomes of their arguments.

use cutthrough_expr::{Absence, LogicalKind, LogicalType, NodeId, NodeKind, Part, Scalar};

use super::Check;
use super::aggregate::aggregate_names;
use super::expr::{Expressions, Typed};
use super::functions::{FUNCTIONS, Function};
use crate::ast::Name;
use crate::diagnostic::{Diagnostic, quoted};
use crate::named::{self, NamedFunction, Network, Takes};
use crate::pattern::{compile_pattern, has_group, missing_group};
use crate::span::Span;
use crate::suggest;

/// Decimal digits that `round` keeps at most.
const ROUND_DIGITS_MAX: i64 = 15;

impl Expressions<'_> {
    /// The function of this name.
    pub(super) fn known(name: &Name) -> Check<&'static Function> {
        let function = FUNCTIONS.iter().find(|function| function.name == name.text);
        function.ok_or_else(|| unknown(name))
    }

    pub(super) fn function(
        &mut self,
        function: &Function,
        name: &Name,
        arguments: &[Typed],
        span: Span,
    ) -> Check<Typed> {
        let (least, most) = function.arguments;
        if arguments.len() < least || arguments.len() > most {
            let message = format!("{} takes {}", quoted(&name.text), count(least, most));
            let label = format!(
                "here {} {}",
                if arguments.len() == 1 { "is" } else { "are" },
                arguments.len()
            );
            let diagnostic = Diagnostic::new(message, span, label);
            return Err(Box::new(
                diagnostic.with_help(format!("it is called as `{}`", function.usage)),
            ));
        }
        match function.name {
            "coalesce" => self.coalesce_all(arguments, span),
            "if" => {
                let condition = self.condition_operand("the first argument of `if`", arguments[0])?;
                self.choice(condition, arguments[1], arguments[2], span)
            }
            "int" | "float" | "text" => self.conversion(function.name, arguments[0], span),
            "abs" | "floor" | "ceil" | "round" | "sqrt" | "min" | "max" | "bin" => {
                self.numeric(function.name, arguments, span)
            }
            "time" | "duration" | "format_time" | "trunc" | "date" | "now" | "ago" => {
                self.temporal_function(function.name, arguments, span)
            }
            name if Part::from_name(name).is_some() => self.temporal_function(name, arguments, span),
            "len" if arguments[0].ty.is_some_and(|ty| ty.kind == LogicalKind::Json) => {
                Ok(self.strict(Scalar::JsonLen, vec![arguments[0].id], span))
            }
            name => match named::find(name) {
                Some(named) => self.named(named, arguments, span),
                None => self.textual(name, arguments, span),
            },
        }
    }

    fn coalesce_all(&mut self, arguments: &[Typed], span: Span) -> Check<Typed> {
        let mut result = self.present(arguments[0])?;
        for &next in &arguments[1..] {
            result = self.coalesce_two(result, next, span)?;
        }
        Ok(result)
    }

    fn conversion(&mut self, name: &str, argument: Typed, span: Span) -> Check<Typed> {
        let argument = self.present(argument)?;
        let scalar = match (name, argument.kind()) {
            ("int", LogicalKind::Time | LogicalKind::Duration) => {
                let as_int = LogicalType {
                    kind: LogicalKind::Int,
                    ..self.tree.nodes[argument.id].ty
                };
                return Ok(self.typed(NodeKind::As(argument.id), as_int, span));
            }
            ("float", LogicalKind::Time | LogicalKind::Duration) => {
                let help = "divide a duration by another, as in `took / 1s`";
                let diagnostic = Diagnostic::new(
                    format!("`float` takes no {}", argument.kind()),
                    argument.span,
                    "in which unit?",
                );
                return Err(Box::new(diagnostic.with_help(help)));
            }
            ("int", LogicalKind::Int) | ("float", LogicalKind::Float) | ("text", LogicalKind::Text) => {
                return Ok(argument);
            }
            ("int", LogicalKind::Json) => Scalar::IntOfJson,
            ("float", LogicalKind::Json) => Scalar::FloatOfJson,
            ("int", LogicalKind::Float) => Scalar::IntOfFloat,
            ("int", LogicalKind::Text) => Scalar::IntOfText,
            ("int", LogicalKind::Bool) => Scalar::IntOfBool,
            ("float", LogicalKind::Text) => Scalar::FloatOfText,
            ("float", LogicalKind::Int) => Scalar::FloatOfInt,
            ("float", LogicalKind::Bool) => {
                let int = self.strict(Scalar::IntOfBool, vec![argument.id], span);
                return Ok(self.strict(Scalar::FloatOfInt, vec![int.id], span));
            }
            (_, kind) => return Ok(self.strict(text_of(kind), vec![argument.id], span)),
        };
        Ok(self.strict(scalar, vec![argument.id], span))
    }

    fn numeric(&mut self, name: &str, arguments: &[Typed], span: Span) -> Check<Typed> {
        let what = quoted(name);
        let first = self.present(arguments[0])?;
        if matches!(name, "min" | "max") {
            return self.extreme(name, arguments, span);
        }
        let takes_durations = matches!(name, "abs" | "bin");
        if !(first.is_number() || takes_durations && first.is_temporal()) {
            return Err(self.wrong(&what, "numbers", first));
        }
        let kind = first.kind();
        let scalar = match name {
            "abs" if kind == LogicalKind::Time => return Err(self.wrong(&what, "numbers", first)),
            "abs" => return Ok(self.strict_as(kind, Scalar::Abs(kind.words()), vec![first.id], span)),
            "bin" => return self.bin(first, arguments[1], span),
            "sqrt" => {
                let operand = self.float(&what, first)?;
                return Ok(self.strict(Scalar::Sqrt, vec![operand], span));
            }
            "round" if arguments.len() == 2 => {
                let digits = self.digits(arguments[1])?;
                let operand = self.float(&what, first)?;
                return Ok(self.strict(Scalar::RoundTo(digits), vec![operand], span));
            }
            // A whole number is its own.
            _ if kind == LogicalKind::Int => return Ok(first),
            "round" => Scalar::Round,
            "floor" => Scalar::Floor,
            _ => Scalar::Ceil,
        };
        Ok(self.strict(scalar, vec![first.id], span))
    }

    fn digits(&self, argument: Typed) -> Check<u8> {
        match self.tree.nodes[argument.id].kind {
            NodeKind::Int(digits @ 0..=ROUND_DIGITS_MAX) => Ok(digits as u8),
            _ => {
                let message = format!("`round` takes a constant from 0 to {ROUND_DIGITS_MAX} for the digits");
                Err(Box::new(Diagnostic::new(
                    message,
                    argument.span,
                    "not such a number",
                )))
            }
        }
    }

    fn extreme(&mut self, name: &str, arguments: &[Typed], span: Span) -> Check<Typed> {
        let what = quoted(name);
        let mut result = self.present(arguments[0])?;
        for &next in &arguments[1..] {
            let (a, b, kind) = self.alike(&what, result, next)?;
            if kind == LogicalKind::Bool {
                return Err(self.wrong(&what, "numbers or texts", next));
            }
            let scalar = if name == "min" {
                Scalar::Min(kind.words())
            } else {
                Scalar::Max(kind.words())
            };
            result = self.strict_as(kind, scalar, vec![a, b], span);
        }
        Ok(result)
    }

    fn bin(&mut self, value: Typed, size: Typed, span: Span) -> Check<Typed> {
        let size = self.present(size)?;
        if value.is_temporal() || size.is_temporal() {
            self.bin_temporal(value, size)?;
        } else if !size.is_number() {
            return Err(self.wrong("`bin`", "numbers", size));
        }
        let absence = match self.tree.nodes[size.id].kind {
            NodeKind::Int(constant) if constant > 0 => Absence::Never,
            NodeKind::Float(constant) if constant > 0.0 => Absence::Never,
            NodeKind::Int(_) | NodeKind::Float(_) => {
                let message = "`bin` needs a size above zero";
                return Err(Box::new(Diagnostic::new(
                    message,
                    size.span,
                    "the result is always null",
                )));
            }
            _ => Absence::Checked,
        };
        if value.is_temporal() {
            let bin = Scalar::Bin(value.kind().words(), absence);
            return Ok(self.strict_as(value.kind(), bin, vec![value.id, size.id], span));
        }
        let (a, b, kind) = self.alike("`bin`", value, size)?;
        Ok(self.strict(Scalar::Bin(kind.words(), absence), vec![a, b], span))
    }

    fn textual(&mut self, name: &str, arguments: &[Typed], span: Span) -> Check<Typed> {
        let what = quoted(name);
        if name == "extract" {
            return self.extract(arguments, span);
        }
        if name == "concat" {
            let mut parts = Vec::with_capacity(arguments.len());
            for &argument in arguments {
                parts.push(self.conversion("text", argument, argument.span)?.id);
            }
            return Ok(self.strict(Scalar::Concat, parts, span));
        }
        let mut operands: Vec<NodeId> = vec![self.text(&what, arguments[0])?];
        for (index, &argument) in arguments.iter().enumerate().skip(1) {
            let is_int = name == "substr" || name == "split_part" && index == 2;
            let operand = if is_int {
                self.int(&what, argument)?
            } else {
                self.text(&what, argument)?
            };
            operands.push(operand);
        }
        if name == "substr" && operands.len() == 2 {
            operands.push(self.tree.add(NodeKind::Int(i64::MAX), LogicalType::INT));
        }
        let scalar = match name {
            "len" => Scalar::Len,
            "len_bytes" => Scalar::LenBytes,
            "lower" => Scalar::Lower,
            "upper" => Scalar::Upper,
            "trim" => Scalar::Trim,
            "substr" => Scalar::Substr,
            "replace" => Scalar::Replace,
            _ => Scalar::SplitPart,
        };
        Ok(self.strict(scalar, operands, span))
    }
}

impl Expressions<'_> {
    /// A function that is a line of a table.
    fn named(&mut self, function: &NamedFunction, arguments: &[Typed], span: Span) -> Check<Typed> {
        let what = quoted(function.name);
        let mut operands = Vec::with_capacity(arguments.len());
        for (&takes, &argument) in function.takes.iter().zip(arguments) {
            operands.push(match takes {
                Takes::Text => self.text(&what, argument)?,
                Takes::Int => self.int(&what, argument)?,
                Takes::Pattern => self.pattern(&what, argument)?,
                Takes::Network => self.network(&what, argument)?,
            });
        }
        Ok(self.strict(Scalar::Named(function.scalar()), operands, span))
    }

    /// A network: a constant, so that what is wrong with it is known now.
    fn network(&mut self, what: &str, operand: Typed) -> Check<NodeId> {
        let id = self.text(what, operand)?;
        let NodeKind::Text(network) = &self.tree.nodes[id].kind else {
            let message = format!("{what} takes a constant for the network");
            let diagnostic = Diagnostic::new(message, operand.span, "not a constant");
            return Err(Box::new(
                diagnostic.with_help("as in `ip_in(remote, \"10.0.0.0/8\")`"),
            ));
        };
        match Network::parse(network) {
            Ok(_) => Ok(id),
            Err(why) => Err(Box::new(Diagnostic::new("this is no network", operand.span, why))),
        }
    }

    pub(super) fn replace_matches(
        &mut self,
        text: Typed,
        pattern: Typed,
        to: Typed,
        span: Span,
    ) -> Check<Typed> {
        let operands = vec![
            self.text("`replace`", text)?,
            self.pattern("`replace`", pattern)?,
            self.text("`replace`", to)?,
        ];
        self.check_groups(operands[1], operands[2], to.span)?;
        Ok(self.strict(Scalar::ReplaceMatches, operands, span))
    }

    /// Whether the groups of a replacement that is known are there.
    fn check_groups(&self, pattern: NodeId, to: NodeId, span: Span) -> Check<()> {
        let (NodeKind::Text(pattern), NodeKind::Text(to)) =
            (&self.tree.nodes[pattern].kind, &self.tree.nodes[to].kind)
        else {
            return Ok(());
        };
        // A pattern that is none has been refused.
        let Ok(regex) = compile_pattern(pattern) else {
            return Ok(());
        };
        let Some(group) = missing_group(&regex, to) else {
            return Ok(());
        };
        let message = format!("the pattern has no group {}", quoted(&group));
        let begins = (1..group.len()).rev().filter(|&end| group.is_char_boundary(end));
        let meant = begins
            .map(|end| group.split_at(end))
            .find(|(begin, _)| has_group(&regex, begin.as_bytes()));
        let help = match meant {
            Some((begin, rest)) => {
                format!(
                    "a name goes on as far as it can: `${{{begin}}}{rest}` is the group `{begin}`, then `{rest}`"
                )
            }
            None => match regex.captures_len() - 1 {
                0 => "groups are in parentheses in the pattern; `$0` is all that matches, `$$` is a `$`"
                    .to_owned(),
                groups => {
                    format!("its groups are `$1` to `${groups}`; `$0` is all that matches, `$$` is a `$`")
                }
            },
        };
        let diagnostic = Diagnostic::new(message, span, "not such a group");
        Err(Box::new(diagnostic.with_help(help)))
    }

    fn extract(&mut self, arguments: &[Typed], span: Span) -> Check<Typed> {
        let text = self.text("`extract`", arguments[0])?;
        let pattern = self.pattern("`extract`", arguments[1])?;
        let groups = match &self.tree.nodes[pattern].kind {
            NodeKind::Text(pattern) => {
                compile_pattern(pattern).map_or(0, |regex| regex.captures_len() as i64 - 1)
            }
            _ => 0,
        };
        if groups > 1 && arguments.len() == 2 {
            let message = format!("the pattern has {groups} groups, and it is not said which one is meant");
            let diagnostic = Diagnostic::new(message, arguments[1].span, "has several groups");
            return Err(Box::new(diagnostic.with_help(
                "`extract(text, /pattern/, 2)` takes the second, 0 all that matches; `(?:...)` is no group",
            )));
        }
        let group = match arguments.get(2) {
            // The only group is meant, or all that matches where there is none.
            None => self.tree.add(NodeKind::Int(groups.min(1)), LogicalType::INT),
            Some(&argument) => match self.tree.nodes[argument.id].kind {
                NodeKind::Int(group) if (0..=groups).contains(&group) => argument.id,
                _ => {
                    let message = format!("`extract` takes the number of a group from 0 to {groups} here");
                    let diagnostic = Diagnostic::new(message, argument.span, "not such a number");
                    return Err(Box::new(diagnostic.with_help(
                        "0 is all that matches; groups are in parentheses in the pattern",
                    )));
                }
            },
        };
        Ok(self.strict(Scalar::Extract, vec![text, pattern, group], span))
    }
}

/// What makes text of a value of this kind.
fn text_of(kind: LogicalKind) -> Scalar {
    match kind {
        LogicalKind::Int => Scalar::TextOfInt,
        LogicalKind::Float => Scalar::TextOfFloat,
        LogicalKind::Time => Scalar::TextOfTime,
        LogicalKind::Duration => Scalar::TextOfDuration,
        LogicalKind::Json => Scalar::TextOfJson,
        _ => Scalar::TextOfBool,
    }
}

fn count(least: usize, most: usize) -> String {
    match (least, most) {
        (1, 1) => "one argument".to_owned(),
        (least, usize::MAX) => format!("{least} or more arguments"),
        (least, most) if least == most => format!("{least} arguments"),
        (least, most) => format!("{least} or {most} arguments"),
    }
}

/// What to say to the aggregates of other languages that are not here.
fn aggregate_elsewhere(name: &str) -> Option<String> {
    let way_out = match name.to_lowercase().as_str() {
        "mean" | "average" => "the aggregate for this is `avg`",
        "countwhere" | "count_if" | "sumif" => "the aggregate for this is `countif(condition)`",
        "any_value" | "take_any" | "any" => "the aggregate for this is `first(x)`",
        "count_distinct" | "approx_count_distinct" | "uniq" => "the aggregate for this is `dcount(x)`",
        "percentiles" | "quantile" | "p50" | "p90" | "p95" | "p99" | "percentile_cont" => {
            "the aggregate for this is `percentile(x, 95)`"
        }
        "stdev" | "std" => "the aggregate for this is `stddev(x)`",
        "var" | "var_samp" => "the aggregate for this is `variance(x)`",
        "arg_max" | "max_by" => "the aggregate for this is `argmax(x, by)`",
        "arg_min" | "min_by" => "the aggregate for this is `argmin(x, by)`",
        "make_list" | "group_concat" | "string_agg" | "array_agg" | "list" => {
            "the aggregate for this is `collect(x)`"
        }
        "make_set" => "take each value once before: `distinct key, x | summarize collect(x) by key`",
        _ => return None,
    };
    Some(way_out.to_owned())
}

fn unknown(name: &Name) -> Box<Diagnostic> {
    if let Some(help) = aggregate_elsewhere(&name.text) {
        let message = format!("there is no aggregate {}", quoted(&name.text));
        return Box::new(Diagnostic::new(message, name.span, "not an aggregate").with_help(help));
    }
    let message = format!("there is no function {}", quoted(&name.text));
    let diagnostic = Diagnostic::new(message, name.span, "not a function");
    let names = FUNCTIONS
        .iter()
        .map(|function| function.name)
        .chain(aggregate_names());
    let elsewhere = match name.text.to_lowercase().as_str() {
        "length" | "strlen" | "size" => Some("len"),
        "substring" | "slice" | "mid" => Some("substr"),
        "tolower" | "lowercase" | "lcase" => Some("lower"),
        "toupper" | "uppercase" | "ucase" => Some("upper"),
        "tostring" | "str" | "string" => Some("text"),
        "toint" | "integer" | "tonumber" => Some("int"),
        "tofloat" | "double" | "number" => Some("float"),
        "iff" | "iif" | "case" => Some("if"),
        "ifnull" | "nvl" => Some("coalesce"),
        "gsub" | "sub" | "regexp_replace" => Some("replace"),
        "regexp_extract" | "regexp_substr" | "capture" => Some("extract"),
        "datetime" | "todatetime" | "to_timestamp" | "strptime" | "parse_time" | "datetime_parse" => {
            Some("time")
        }
        "octet_length" | "bytelen" => Some("len_bytes"),
        "format_datetime" | "strftime" | "todate" | "to_char" | "date_format" => Some("format_time"),
        "date_trunc" | "startofday" | "startofmonth" | "startofweek" => Some("trunc"),
        "dayofweek" | "day_of_week" | "isodow" => Some("weekday"),
        "current_timestamp" | "systime" | "getdate" => Some("now"),
        "regexp_extract_all" | "findall" | "scan" => Some("extract_all"),
        "urldecode" | "unquote" | "decodeuricomponent" => Some("url_decode"),
        "urlencode" | "quote" | "encodeuricomponent" => Some("url_encode"),
        "parse_url" | "urlparse" => Some("url_host"),
        "atob" | "from_base64" | "unbase64" => Some("base64_decode"),
        "btoa" | "to_base64" => Some("base64_encode"),
        "cidrmatch" | "ipv4_is_in_range" | "cidr_match" | "in_cidr" => Some("ip_in"),
        "array_length" | "cardinality" => Some("len"),
        "tokenize" => Some("words"),
        "bucket" | "date_bin" | "time_bucket" => Some("bin"),
        _ => None,
    };
    let help = elsewhere.map(|name| format!("the function for this is `{name}`"));
    Box::new(match help.or_else(|| suggest::did_you_mean(&name.text, names)) {
        Some(help) => diagnostic.with_help(help),
        None => {
            let all: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
            diagnostic.with_help(format!("there are {} and more", super::types::list(&all[..12])))
        }
    })
}
