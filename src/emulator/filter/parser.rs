//! Reading a `$filter`. Bad text is refused with Graph's sentence; nothing here panics.

use jiff::Timestamp;

use super::super::identifier;
use super::{Filter, Literal, Operator};

/// How deep parentheses may nest; deeper is refused instead of followed.
const MAX_DEPTH: usize = 32;

/// Reads a filter; the error is the sentence Graph would answer.
pub(in super::super) fn parse(text: &str) -> Result<Filter, String> {
    let mut parser = Parser { rest: text.trim(), variable: None, depth: 0 };
    let filter = parser.either().ok_or_else(|| invalid(text))?;
    parser.skip_spaces();
    if parser.rest.is_empty() { Ok(filter) } else { Err(invalid(text)) }
}

fn invalid(text: &str) -> String {
    format!("Invalid filter clause: Syntax error in '{text}'.")
}

/// What is left to read. Each method returns nothing where the text is no filter.
struct Parser<'a> {
    rest: &'a str,
    /// The name that `any(name: …)` gave to an element.
    variable: Option<String>,
    depth: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Option<Filter> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Filter> {
        let mut left = self.one()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Filter> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let filter = if self.symbol('(') {
            let inner = self.either()?;
            self.symbol(')').then_some(inner)?
        } else {
            self.term()?
        };
        self.depth -= 1;
        Some(filter)
    }

    fn term(&mut self) -> Option<Filter> {
        let word = self.word()?;
        if word.eq_ignore_ascii_case("not") {
            return Some(Filter::Not(Box::new(self.one()?)));
        }
        if self.symbol('(') {
            return self.call(&word);
        }
        let path = self.path(&word);
        let operator = self.word()?.to_ascii_lowercase();
        if operator == "in" {
            return self.list().map(|literals| Filter::In { path, literals });
        }
        let operator = match operator.as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "ge" => Operator::GreaterOrEqual,
            "le" => Operator::LessOrEqual,
            "gt" => Operator::Greater,
            "lt" => Operator::Less,
            _ => return None,
        };
        Some(Filter::Compare { path, operator, literal: self.literal()? })
    }

    /// A function or a lambda, after its opening parenthesis.
    fn call(&mut self, name: &str) -> Option<Filter> {
        if let Some(collection) = name.strip_suffix("/any") {
            let path = self.path(collection);
            let variable = self.word()?;
            if !self.symbol(':') || self.variable.is_some() {
                return None;
            }
            self.variable = Some(variable);
            let condition = self.either()?;
            self.variable = None;
            return self.symbol(')').then_some(Filter::Any { path, condition: Box::new(condition) });
        }
        let word = self.word()?;
        let path = self.path(&word);
        let comma = self.symbol(',');
        let Literal::Text(argument) = self.literal()? else {
            return None;
        };
        if !comma || !self.symbol(')') {
            return None;
        }
        match name.to_ascii_lowercase().as_str() {
            "startswith" => Some(Filter::StartsWith { path, prefix: argument }),
            "endswith" => Some(Filter::EndsWith { path, suffix: argument }),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Vec<Literal>> {
        if !self.symbol('(') {
            return None;
        }
        let mut literals = vec![self.literal()?];
        while self.symbol(',') {
            literals.push(self.literal()?);
        }
        self.symbol(')').then_some(literals)
    }

    /// A property path; inside a lambda the name of the element is dropped.
    fn path(&self, word: &str) -> Vec<String> {
        let mut parts: Vec<String> = word.split('/').map(str::to_owned).collect();
        if parts.first() == self.variable.as_ref() {
            parts.remove(0);
        }
        parts
    }

    fn literal(&mut self) -> Option<Literal> {
        self.skip_spaces();
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let (text, rest) = quoted(rest)?;
            self.rest = rest;
            return Some(Literal::Text(text));
        }
        let end = self.rest.find(|char: char| !(char.is_ascii_alphanumeric() || "-:.+".contains(char)));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        match word {
            "true" => Some(Literal::Flag(true)),
            "false" => Some(Literal::Flag(false)),
            "null" => Some(Literal::Null),
            _ if identifier::is_guid(word) => Some(Literal::Guid(word.to_owned())),
            _ => moment(word).map(Literal::Moment),
        }
    }

    /// A name or a path of names; it may be followed at once by a parenthesis or a colon.
    fn word(&mut self) -> Option<String> {
        self.skip_spaces();
        let end = self.rest.find(|char: char| !(char.is_ascii_alphanumeric() || "_./@".contains(char)));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    /// Whether this connective comes next; then it is read.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        let found = self.word().is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        if !found {
            self.rest = before;
        }
        found
    }

    fn symbol(&mut self, symbol: char) -> bool {
        self.skip_spaces();
        let stripped = self.rest.strip_prefix(symbol);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// The text up to the closing quote, where two quotes stand for one, and what follows.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = rest;
    loop {
        let (part, after) = rest.split_once('\'')?;
        text.push_str(part);
        let Some(more) = after.strip_prefix('\'') else {
            return Some((text, after));
        };
        text.push('\'');
        rest = more;
    }
}

/// A time, with a zone, or a date alone.
fn moment(word: &str) -> Option<Timestamp> {
    word.parse().ok().or_else(|| format!("{word}T00:00:00Z").parse().ok())
}
