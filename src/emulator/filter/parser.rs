//! Reading a `$filter`. Bad text is refused with Graph's sentence; nothing here panics.

use jiff::Timestamp;

use super::super::identifier;
use super::{Filter, Function, Literal, Operator};

/// How deep parentheses may nest; deeper is refused instead of followed.
const MAX_DEPTH: usize = 32;

/// How many conditions a filter may have; more is refused, since each of them is one step deeper.
const MAX_CONDITIONS: usize = 500;

/// Reads a filter; the error is the sentence Graph would answer.
pub(in super::super) fn parse(text: &str) -> Result<Filter, String> {
    let text = text.trim();
    let mut parser = Parser { rest: text, variable: None, depth: 0, conditions: 0, complaint: None };
    let filter = parser.either();
    parser.skip_spaces();
    let complaint = parser.complaint.take();
    let at = text.chars().count() - parser.rest.chars().count();
    let filter = filter.filter(|_| parser.rest.is_empty());
    filter.ok_or_else(|| {
        let complaint = complaint.unwrap_or_else(|| format!("Syntax error at position {at} in '{text}'."));
        format!("Invalid filter clause: {complaint}")
    })
}

/// What is left to read. Each method returns nothing where the text is no filter.
struct Parser<'a> {
    rest: &'a str,
    /// The name that `any(name: …)` gave to an element.
    variable: Option<String>,
    depth: usize,
    conditions: usize,
    /// What is wrong, where the OData library has a sentence of its own for it.
    complaint: Option<String>,
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
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return None;
        }
        let word = self.word()?;
        if word.eq_ignore_ascii_case("not") {
            return self.negated();
        }
        if self.symbol('(') {
            return self.call(&word);
        }
        let path = self.path(&word)?;
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
            "has" => Operator::Has,
            _ => return None,
        };
        Some(Filter::Compare { path, operator, literal: self.literal()? })
    }

    /// What `not` stands before: parentheses, a function, a lambda. It binds tighter than a comparison, so
    /// `not a eq 'b'` would negate a text.
    fn negated(&mut self) -> Option<Filter> {
        self.skip_spaces();
        let is_closed = self.rest.starts_with('(');
        let inner = self.one()?;
        if matches!(inner, Filter::Compare { .. } | Filter::In { .. }) && !is_closed {
            let message = "A unary operator with an incompatible type was detected. Found operand type 'Edm.String' for operator kind 'Not'.";
            self.complaint = Some(message.to_owned());
            return None;
        }
        Some(Filter::Not(Box::new(inner)))
    }

    /// A function or a lambda, after its opening parenthesis.
    fn call(&mut self, name: &str) -> Option<Filter> {
        let lambda = name.rsplit_once('/').filter(|(_, quantifier)| matches!(*quantifier, "any" | "all"));
        if let Some((collection, quantifier)) = lambda {
            return self.lambda(collection, quantifier == "any");
        }
        let function = match name.to_ascii_lowercase().as_str() {
            "startswith" => Function::StartsWith,
            "endswith" => Function::EndsWith,
            "contains" => Function::Contains,
            _ => {
                self.complaint = Some(format!(
                    "An unknown function with name '{name}' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed."
                ));
                return None;
            }
        };
        let word = self.word()?;
        let path = self.path(&word)?;
        let comma = self.symbol(',');
        let Literal::Text(argument) = self.literal()? else {
            return None;
        };
        (comma && self.symbol(')')).then_some(Filter::Call { function, path, argument })
    }

    fn lambda(&mut self, collection: &str, is_any: bool) -> Option<Filter> {
        let path = self.path(collection)?;
        if is_any && self.symbol(')') {
            return Some(Filter::Any { path, condition: None });
        }
        let variable = self.word()?;
        if variable.contains('/') || self.variable.is_some() || !self.symbol(':') {
            return None;
        }
        self.variable = Some(variable);
        let condition = self.either().map(Box::new)?;
        self.variable = None;
        let lambda =
            if is_any { Filter::Any { path, condition: Some(condition) } } else { Filter::All { path, condition } };
        self.symbol(')').then_some(lambda)
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

    /// A property path; inside a lambda it begins with the name of the element, which is dropped.
    fn path(&self, word: &str) -> Option<Vec<String>> {
        let mut parts = word.split('/').map(str::to_owned);
        let is_own = self.variable.as_ref().is_none_or(|variable| parts.next().as_ref() == Some(variable));
        let parts: Vec<String> = parts.collect();
        (is_own && parts.iter().all(|part| !part.is_empty())).then_some(parts)
    }

    fn literal(&mut self) -> Option<Literal> {
        self.skip_spaces();
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let Some((text, rest)) = quoted(rest) else {
                self.complaint = Some(format!("There is an unterminated string literal in '{}'.", self.rest));
                return None;
            };
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
            _ => number(word).map(Literal::Number).or_else(|| moment(word).map(Literal::Moment)),
        }
    }

    /// A name or a path of names; it may be followed at once by a parenthesis or a colon.
    fn word(&mut self) -> Option<String> {
        self.skip_spaces();
        let end = self.rest.find(|char: char| !(char.is_ascii_alphanumeric() || "_./@$".contains(char)));
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

/// A number in digits; the words that floating point has for other numbers are no literals here.
fn number(word: &str) -> Option<f64> {
    let is_digits = word.starts_with(|char: char| char.is_ascii_digit() || char == '-')
        && word.ends_with(|char: char| char.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || b"-+.eE".contains(&byte));
    word.parse().ok().filter(|number: &f64| is_digits && number.is_finite())
}

/// A time, with a zone, or a date alone.
fn moment(word: &str) -> Option<Timestamp> {
    word.parse().ok().or_else(|| format!("{word}T00:00:00Z").parse().ok())
}
