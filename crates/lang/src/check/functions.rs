//! The table of the functions of the language.

use cutthrough_expr::LogicalKind;

use super::operators::literal_kind;
use crate::ast::Expr;

/// A function of the language.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// What it gives.
    pub gives: &'static str,
    /// How many arguments it takes, at least and at most.
    pub(super) arguments: (usize, usize),
}

impl Function {
    /// Of which kind an argument mostly is: the usage calls it so.
    pub(super) fn expects(&self, argument: usize, given: &[Expr]) -> Option<LogicalKind> {
        if let ("bin", 0, [_, size]) = (self.name, argument, given) {
            return Some(match literal_kind(size) {
                Some(LogicalKind::Duration) => LogicalKind::Time,
                _ => LogicalKind::Float,
            });
        }
        let (_, arguments) = self.usage.split_once('(')?;
        let words = arguments.split(|c: char| !c.is_ascii_alphabetic() && c != '_');
        match words.filter(|word| !word.is_empty()).nth(argument)? {
            // A list of JSON has a length too.
            "text" if self.name != "len" => Some(LogicalKind::Text),
            "from" | "to" | "separator" | "url" | "name" | "ip" => Some(LogicalKind::Text),
            "number" => Some(LogicalKind::Float),
            "start" | "length" | "n" | "bits" | "digits" | "group" => Some(LogicalKind::Int),
            "condition" => Some(LogicalKind::Bool),
            "time" => Some(LogicalKind::Time),
            "duration" => Some(LogicalKind::Duration),
            _ => None,
        }
    }
}

const fn function(
    name: &'static str,
    usage: &'static str,
    gives: &'static str,
    least: usize,
    most: usize,
) -> Function {
    Function {
        name,
        usage,
        gives,
        arguments: (least, most),
    }
}

/// Every function, in the order of the alphabet.
pub const FUNCTIONS: &[Function] = &[
    function("abs", "abs(number)", "the magnitude", 1, 1),
    function(
        "ago",
        "ago(duration)",
        "so long before the program was started",
        1,
        1,
    ),
    function(
        "base64_decode",
        "base64_decode(text)",
        "what a text of base64 stands for; null where it is none",
        1,
        1,
    ),
    function("base64_encode", "base64_encode(text)", "in base64", 1, 1),
    function(
        "bin",
        "bin(value, size)",
        "the multiple of size at or below; of a time, by a duration",
        2,
        2,
    ),
    function("ceil", "ceil(number)", "the least whole number not below", 1, 1),
    function(
        "coalesce",
        "coalesce(value, ...)",
        "the first that is not null",
        1,
        usize::MAX,
    ),
    function(
        "concat",
        "concat(value, ...)",
        "all one after another, as text",
        1,
        usize::MAX,
    ),
    function("date", "date(time[, zone])", "the day as text, 2026-11-21", 1, 2),
    function("day", "day(time[, zone])", "the day of the month", 1, 2),
    function(
        "duration",
        "duration(text)",
        "a duration, of `1h30m` or `PT1H30M`; null where the text is none",
        1,
        1,
    ),
    function(
        "extract",
        "extract(text, /pattern/[, group])",
        "what the pattern matches, or a group of it; null where it does not",
        2,
        3,
    ),
    function(
        "extract_all",
        "extract_all(text, /pattern/)",
        "a list of all that the pattern matches, or of its only group",
        2,
        2,
    ),
    function(
        "float",
        "float(value)",
        "a float; null where the text is no number",
        1,
        1,
    ),
    function(
        "floor",
        "floor(number)",
        "the greatest whole number not above",
        1,
        1,
    ),
    function(
        "format_time",
        "format_time(time, format[, zone])",
        "text, by a format as in `%Y-%m-%d %H:%M`",
        2,
        3,
    ),
    function("hour", "hour(time[, zone])", "the hour of the day, 0 to 23", 1, 2),
    function(
        "if",
        "if(condition, then, else)",
        "the second where the first is true, else the third",
        3,
        3,
    ),
    function(
        "int",
        "int(value)",
        "an int, without decimals; null where it is none",
        1,
        1,
    ),
    function(
        "ip_in",
        "ip_in(ip, network)",
        "whether an address is in a network, as in `10.0.0.0/8`; null where it is none",
        2,
        2,
    ),
    function(
        "ip_net",
        "ip_net(ip, bits)",
        "the network of the address that has so many bits, as in `10.1.0.0/16`; null where it is none",
        2,
        2,
    ),
    function(
        "is_ip",
        "is_ip(text)",
        "whether it is an address of IPv4 or IPv6",
        1,
        1,
    ),
    function(
        "len",
        "len(text)",
        "the length in characters; of a list, how many items",
        1,
        1,
    ),
    function("len_bytes", "len_bytes(text)", "the length in bytes", 1, 1),
    function("lower", "lower(text)", "in lower case", 1, 1),
    function("max", "max(a, b, ...)", "the greatest", 2, usize::MAX),
    function("min", "min(a, b, ...)", "the least", 2, usize::MAX),
    function("md5", "md5(text)", "the MD5 digest, in hexadecimal digits", 1, 1),
    function("minute", "minute(time[, zone])", "the minute, 0 to 59", 1, 2),
    function("month", "month(time[, zone])", "the month, 1 to 12", 1, 2),
    function("now", "now()", "the time at which the program was started", 0, 0),
    function(
        "param",
        "param(url, name)",
        "a parameter of an address or its query, decoded; null where there is none",
        2,
        2,
    ),
    function(
        "random",
        "random()",
        "a number by chance, from 0 to below 1",
        0,
        0,
    ),
    function(
        "replace",
        "replace(text, from, to)",
        "with every `from` replaced, which is a text or a pattern",
        3,
        3,
    ),
    function(
        "round",
        "round(number[, digits])",
        "the nearest, halves away from zero",
        1,
        2,
    ),
    function("second", "second(time[, zone])", "the second, 0 to 59", 1, 2),
    function(
        "sha256",
        "sha256(text)",
        "the SHA-256 digest, in hexadecimal digits",
        1,
        1,
    ),
    function("split", "split(text, separator)", "a list of the parts", 2, 2),
    function(
        "split_part",
        "split_part(text, separator, n)",
        "the n-th part, from 0; null if there is none",
        3,
        3,
    ),
    function("sqrt", "sqrt(number)", "the square root", 1, 1),
    function(
        "substr",
        "substr(text, start[, length])",
        "characters from start (from 0) on",
        2,
        3,
    ),
    function("text", "text(value)", "the value as text", 1, 1),
    function(
        "time",
        "time(text[, format[, zone]])",
        "a time, by ISO 8601 or a format as in `%d.%m.%Y`; null where the text is none",
        1,
        3,
    ),
    function("trim", "trim(text)", "without blanks at either end", 1, 1),
    function(
        "trunc",
        "trunc(time, unit[, zone])",
        "when the year, quarter, month, week, day, hour, minute or second began",
        2,
        3,
    ),
    function("upper", "upper(text)", "in upper case", 1, 1),
    function(
        "url_decode",
        "url_decode(text)",
        "without the escapes of an address, as %20",
        1,
        1,
    ),
    function("url_encode", "url_encode(text)", "with such escapes", 1, 1),
    function(
        "url_host",
        "url_host(url)",
        "the host of an address; null where it has none",
        1,
        1,
    ),
    function(
        "weekday",
        "weekday(time[, zone])",
        "the day of the week, from 1 for Monday to 7",
        1,
        2,
    ),
    function(
        "words",
        "words(text)",
        "a list of what stands between blanks",
        1,
        1,
    ),
    function("year", "year(time[, zone])", "the year", 1, 2),
];

impl Function {
    /// Whether a regular expression may stand as the argument of this number, from 0.
    pub(super) fn takes_pattern(&self, argument: usize) -> bool {
        argument == 1 && matches!(self.name, "extract" | "extract_all" | "replace")
    }
}
