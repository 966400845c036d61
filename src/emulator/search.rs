//! `$search` on directory objects: clauses in quotes, joined by `AND` and `OR`, that match words and not substrings.
//! <https://learn.microsoft.com/graph/search-query-parameter#using-search-on-directory-object-collections>

#[cfg(test)]
mod property;

use serde_json::Value;

/// How deep parentheses may nest, and how many clauses there may be; more is refused instead of followed.
const MAX_DEPTH: usize = 32;
const MAX_CLAUSES: usize = 500;

/// Properties that are cut into words. All others are compared as `startsWith` does.
const TOKENIZED: [&str; 2] = ["displayName", "description"];

/// A parsed search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Search {
    And(Box<Search>, Box<Search>),
    Or(Box<Search>, Box<Search>),
    Clause { property: String, text: String },
}

impl Search {
    /// Whether an object satisfies it.
    pub(super) fn matches(&self, object: &Value) -> bool {
        match self {
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
            Self::Clause { property, text } => {
                let values: &[Value] = match object.get(property.as_str()) {
                    Some(Value::Array(values)) => values,
                    Some(value) => std::slice::from_ref(value),
                    None => &[],
                };
                let is_tokenized = TOKENIZED.contains(&property.as_str());
                values.iter().filter_map(Value::as_str).any(|value| {
                    if is_tokenized {
                        has_words(value, text)
                    } else {
                        value.to_lowercase().starts_with(&text.to_lowercase())
                    }
                })
            }
        }
    }

    /// The properties of its clauses, each in the spelling that `declared` gives it; the error is one that has none.
    pub(super) fn spelled(self, declared: &impl Fn(&str) -> Option<&'static str>) -> Result<Self, String> {
        Ok(match self {
            Self::And(left, right) => Self::And(Box::new(left.spelled(declared)?), Box::new(right.spelled(declared)?)),
            Self::Or(left, right) => Self::Or(Box::new(left.spelled(declared)?), Box::new(right.spelled(declared)?)),
            Self::Clause { property, text } => match declared(&property) {
                Some(spelling) => Self::Clause { property: spelling.to_owned(), text },
                None => return Err(property),
            },
        })
    }
}

/// Reads a search; the error is a sentence about its form.
pub(super) fn parse(text: &str) -> Result<Search, String> {
    let mut parser = Parser { rest: text.trim(), depth: 0, clauses: 0 };
    let search = parser.either().filter(|_| parser.rest.trim().is_empty());
    search.ok_or_else(|| {
        format!("Syntax error in '{text}': a search clause has the form \"property:text\", and AND or OR stand between clauses.")
    })
}

/// What is left to read. Each method returns nothing where the text is no search.
struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    clauses: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Option<Search> {
        let mut left = self.both()?;
        while self.takes("OR") {
            left = Search::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Search> {
        let mut left = self.one()?;
        while self.takes("AND") {
            left = Search::And(Box::new(left), Box::new(self.one()?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Search> {
        if self.takes("(") {
            self.depth += 1;
            let inner = if self.depth > MAX_DEPTH { None } else { self.either() }?;
            self.depth -= 1;
            return self.takes(")").then_some(inner);
        }
        self.clauses += 1;
        if !self.takes("\"") || self.clauses > MAX_CLAUSES {
            return None;
        }
        let clause = self.quoted()?;
        let (property, text) = clause.split_once(':')?;
        let (property, text) = (property.trim().to_owned(), text.trim().to_owned());
        (!property.is_empty() && !text.is_empty()).then_some(Search::Clause { property, text })
    }

    /// The text up to the closing quote. A backslash stands before a quote or a backslash that is meant.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(text);
                }
                '\\' => text.push(chars.next()?.1),
                _ => text.push(char),
            }
        }
        None
    }

    fn takes(&mut self, word: &str) -> bool {
        self.rest = self.rest.trim_start();
        let stripped = self.rest.strip_prefix(word);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }
}

/// Whether each word of the text begins a word of the value, in whatever order.
fn has_words(value: &str, text: &str) -> bool {
    let mut known = words(value);
    known.extend(value.split_whitespace().map(|chunk| letters(chunk).to_lowercase()));
    let wanted = words(text);
    !wanted.is_empty() && wanted.iter().all(|word| known.iter().any(|known| known.starts_with(word)))
}

/// A chunk without its symbols: `hello-world` is found as `helloworld` as well.
fn letters(chunk: &str) -> String {
    chunk.chars().filter(|char| char.is_alphanumeric()).collect()
}

/// Words end at spaces, where letters, numbers and symbols meet, and where a capital follows a small letter.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = Class::Space;
    for char in text.chars() {
        let class = Class::of(char);
        let goes_on = class == before || (before == Class::Capital && class == Class::Letter);
        before = class;
        if class == Class::Space {
            continue;
        }
        match words.last_mut() {
            Some(word) if goes_on && class != Class::Symbol => word.push(char),
            _ => words.push(char.to_string()),
        }
    }
    words.into_iter().map(|word| word.to_lowercase()).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Number,
    Capital,
    Letter,
    Symbol,
}

impl Class {
    fn of(char: char) -> Self {
        if char.is_whitespace() {
            Self::Space
        } else if char.is_numeric() {
            Self::Number
        } else if char.is_uppercase() {
            Self::Capital
        } else if char.is_alphabetic() {
            Self::Letter
        } else {
            Self::Symbol
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_cut_into_words_as_the_documentation_shows() {
        for (text, expected) in [
            ("hello world", &["hello", "world"][..]),
            ("HelloWorld", &["hello", "world"]),
            ("helloWORLD", &["hello", "world"]),
            ("HELLOworld", &["helloworld"]),
            ("HelloWORld", &["hello", "world"]),
            ("hello.world", &["hello", ".", "world"]),
            ("hello123world", &["hello", "123", "world"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn the_documented_searches_find_the_documented_name() {
        for text in ["李四(David Li)", "李四", "David", "Li", "David)", "(李四", "Li 李"] {
            assert!(has_words("李四(David Li)", text), "{text}");
        }
        assert!(has_words("hello-world", "helloworld"));
        assert!(!has_words("Cisco Webex", "bex"), "no substring");
        assert!(has_words("Guthrie", "Guthr"));
    }

    #[test]
    fn clauses_are_joined_with_and_before_or_and_with_parentheses() {
        let object = json!({"description": "One", "displayName": "Drive", "appId": "ab", "tags": ["x", "Hidden"]});
        for (text, expected) in [
            (r#""displayName:drive""#, true),
            (r#""description:One" AND ("displayName:Video" OR "displayName:Drive")"#, true),
            (r#""displayName:Video" OR "description:One" AND "appId:a""#, true),
            (r#"("displayName:Drive" OR "description:One") AND "appId:b""#, false),
            (r#""appId:B""#, false),
            (r#""tags:hid""#, true),
        ] {
            assert_eq!(parse(text).unwrap().matches(&object), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_search_is_refused_and_never_panics() {
        let deep = format!("{}\"a:b\"{}", "(".repeat(100), ")".repeat(100));
        let texts = [
            "",
            "Cisco",
            "displayName:Cisco",
            "\"Cisco\"",
            "\"displayName:\"",
            "\":x\"",
            "\"a:b\" \"a:c\"",
            "\"a:b",
            "\"a:b\" and \"a:c\"",
            "\"a:b\" AND",
            "(\"a:b\"",
            "\"a:b\\",
            &deep,
        ];
        for text in texts {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
