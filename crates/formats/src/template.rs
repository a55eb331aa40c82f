//! Lines by a template, such as `{time} [{level}] {msg}`: what stands in the places of its names are the columns.
//!
//! A piece goes up to where what follows it in the template first comes, and the last one to the end of the line, or to
//! the text that the template ends with.

use crate::infer::Inferred;
use memchr::memmem::Finder;

use crate::pieces::{Piece, Pieces};

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What comes before the first name.
    before: Vec<u8>,
    parts: Vec<Part>,
}

/// A name, and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// Empty for what is no column: `{}`.
    name: String,
    after: Vec<u8>,
}

impl Template {
    /// Reads a template. `{}` is a piece that is no column; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut template = Template {
            before: Vec::new(),
            parts: Vec::new(),
        };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let doubled = rest.starts_with("{{") || rest.starts_with("}}");
            match c {
                '{' if !doubled => {
                    let Some((name, after)) = rest[1..].split_once('}') else {
                        return Err(format!("a `}}` is missing after `{rest}`"));
                    };
                    template.add(name)?;
                    rest = after;
                    continue;
                }
                '}' if !doubled => {
                    return Err("a `}` has no `{` before it; a brace itself is `}}`".to_owned());
                }
                _ => {}
            }
            let length = c.len_utf8();
            template.text().extend_from_slice(&rest.as_bytes()[..length]);
            rest = &rest[length * (1 + usize::from(doubled))..];
        }
        if template.names().next().is_none() {
            return Err("it has no names; a name is written `{name}`".to_owned());
        }
        Ok(template)
    }

    fn text(&mut self) -> &mut Vec<u8> {
        match self.parts.last_mut() {
            Some(part) => &mut part.after,
            None => &mut self.before,
        }
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        let name = name.trim();
        if name.contains('{') {
            return Err(format!("a `}}` is missing before the `{{` in `{name}`"));
        }
        if let Some(last) = self.parts.last()
            && last.after.is_empty()
        {
            let last = &last.name;
            return Err(format!(
                "nothing stands between `{{{last}}}` and `{{{name}}}`: where would the first one end?"
            ));
        }
        if !name.is_empty() && self.names().any(|known| known == name) {
            return Err(format!("`{name}` is there twice"));
        }
        self.parts.push(Part {
            name: name.to_owned(),
            after: Vec::new(),
        });
        Ok(())
    }

    /// The types of what stands in the places of the names, by the lines of a text.
    pub fn infer(&self, text: &[u8]) -> Vec<Inferred> {
        let mut pieces = TemplatePieces::new(self, self.names());
        crate::pieces::infer(&mut pieces, self.names().count(), text)
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.parts.iter().map(|part| part.name.as_str());
        names.filter(|name| !name.is_empty())
    }
}

/// Lines that are by a template.
#[derive(Clone, Debug)]
pub(crate) struct TemplatePieces {
    before: Vec<u8>,
    /// For each part, what follows it, and the number of the column that it is.
    parts: Vec<(Finder<'static>, Option<usize>)>,
}

impl TemplatePieces {
    /// Gives the pieces of these names.
    pub(crate) fn new<'n>(template: &Template, names: impl IntoIterator<Item = &'n str>) -> TemplatePieces {
        let names: Vec<&str> = names.into_iter().collect();
        let part = |part: &Part| {
            let column = names.iter().position(|&name| name == part.name);
            (Finder::new(&part.after).into_owned(), column)
        };
        TemplatePieces {
            before: template.before.clone(),
            parts: template.parts.iter().map(part).collect(),
        }
    }
}

impl Pieces for TemplatePieces {
    const NAME: &'static str = "parse template";

    fn split(&mut self, line: &[u8], found: &mut [Piece]) -> bool {
        if !line.starts_with(&self.before) {
            return false;
        }
        let mut at = self.before.len();
        let last = self.parts.len() - 1;
        for (k, (after, column)) in self.parts.iter().enumerate() {
            let after_bytes = after.needle();
            let length = match k == last {
                // The last one ends where the line does, but for what follows it.
                true => line[at..]
                    .ends_with(after_bytes)
                    .then(|| line.len() - at - after_bytes.len()),
                false => after.find(&line[at..]),
            };
            let Some(length) = length else { return false };
            if let Some(column) = *column {
                found[column] = Piece::At(at, at + length);
            }
            at += length + after_bytes.len();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, line: &str, expected: &[&str]) {
        let template = Template::parse(template).unwrap();
        let names: Vec<&str> = template.names().collect();
        let mut found = vec![Piece::Missing; names.len()];
        let is_good = TemplatePieces::new(&template, names).split(line.as_bytes(), &mut found);
        let shown: Vec<&str> = found
            .iter()
            .map(|piece| match *piece {
                Piece::At(start, end) => &line[start..end],
                _ => "-",
            })
            .collect();
        let shown = if is_good { shown } else { vec!["bad"] };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn pieces_go_up_to_what_follows() {
        check(
            "{time} [{level}] {msg}",
            "10:00 [warn] a [b] c",
            &["10:00", "warn", "a [b] c"],
        );
        check("{time} [{level}] {msg}", "10:00 [] ", &["10:00", "", ""]);
        check("{time} [{level}] {msg}", "10:00 warn a", &["bad"]);
        check("<{a}>", "<x>y>", &["x>y"]);
        check("<{a}>", "<x>y", &["bad"]);
        check("<{a}>", "<", &["bad"]);
        check("{}: {a}={}", "x: y=z", &["y"]);
        check("{{{a}}} {b}", "{x} y", &["x", "y"]);
        check("é{a}", "éü", &["ü"]);
    }

    #[test]
    fn templates_that_are_none() {
        for (template, why) in [
            ("", "no names"),
            ("abc {}", "no names"),
            ("{a", "a `}` is missing"),
            ("{a {b}", "a `}` is missing"),
            ("a}", "has no `{`"),
            ("{a}{b}", "nothing stands between `{a}` and `{b}`"),
            ("{a} {a}", "twice"),
        ] {
            let message = Template::parse(template).unwrap_err();
            assert!(message.contains(why), "{template}: {message}");
        }
    }
}
