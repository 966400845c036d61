//! From a request to the operation of the description that it is.

use serde_json::Value;

/// What an operation answers when it succeeds.
#[derive(Debug, Clone)]
pub enum Body {
    /// 204.
    Nothing,
    /// A number as text.
    Count,
    /// An object, or a list in `value`, of this type.
    Json { schema: Value, entity: Option<String>, is_list: bool },
}

/// An operation: a method and a path.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `operationId`, or method and path of those outside.
    pub id: String,
    /// In capitals.
    pub method: String,
    /// What it answers.
    pub body: Body,
    pieces: Vec<Piece>,
}

/// A piece of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// A name, in lower case; `microsoft.graph.` is shortened to `graph.`.
    Name(String),
    /// An object, by the property that its key is of.
    Key(String),
}

impl Operation {
    /// An operation of the description.
    pub fn described(id: &str, method: &str, path: &str, body: Body) -> Self {
        Self { id: id.to_owned(), method: method.to_ascii_uppercase(), body, pieces: pieces(path) }
    }

    /// Whether it is a delta function, whose lists are changes.
    pub fn is_delta(&self) -> bool {
        self.pieces.last() == Some(&Piece::Name("delta".to_owned()))
    }

    fn names(&self, asked: &[Piece]) -> bool {
        self.pieces.len() == asked.len()
            && self.pieces.iter().zip(asked).all(|(own, asked)| match (own, asked) {
                (Piece::Key(own), Piece::Key(asked)) => own == asked,
                // Casts and actions may be spelled with or without their namespace.
                (Piece::Name(own), Piece::Name(asked)) => bare(own) == bare(asked),
                (Piece::Key(key), Piece::Name(asked)) => {
                    key == "id" && !asked.starts_with('$') && !asked.starts_with("graph.")
                }
                (Piece::Name(_), Piece::Key(_)) => false,
            })
    }

    fn keys(&self) -> usize {
        self.pieces.iter().filter(|piece| matches!(piece, Piece::Key(_))).count()
    }
}

/// The operation that a method and a path after `/v1.0` are.
pub fn find<'a>(operations: &'a [Operation], method: &str, path: &str) -> Option<&'a Operation> {
    let method = if method.eq_ignore_ascii_case("HEAD") { "GET" } else { method };
    let asked = pieces(path);
    // Alternate keys are documented on navigation too, but described by id only.
    let by_id: Vec<Piece> = asked
        .iter()
        .map(|piece| if matches!(piece, Piece::Key(_)) { Piece::Key("id".to_owned()) } else { piece.clone() })
        .collect();
    let among = |asked: &[Piece]| {
        let fitting = operations.iter().filter(|operation| operation.method.eq_ignore_ascii_case(method));
        // A cast is a name before it is an id.
        fitting.filter(|operation| operation.names(asked)).min_by_key(|operation| operation.keys())
    };
    among(&asked).or_else(|| among(&by_id))
}

/// A path in pieces: `servicePrincipals(appId='…')` is a name and a key, `{…}` a key, `delta()` a name.
fn pieces(path: &str) -> Vec<Piece> {
    path.split('/').filter(|segment| !segment.is_empty()).flat_map(segment).collect()
}

fn segment(text: &str) -> Vec<Piece> {
    if text.starts_with('{') {
        return vec![Piece::Key("id".to_owned())];
    }
    let lower = text.to_ascii_lowercase();
    let (name, key) = match lower.split_once('(') {
        Some((name, rest)) => (name, Some(rest.trim_end_matches(')')).filter(|key| !key.is_empty())),
        None => (lower.as_str(), None),
    };
    let name = name.strip_prefix("microsoft.").filter(|rest| rest.starts_with("graph.")).unwrap_or(name);
    let mut pieces = vec![Piece::Name(name.to_owned())];
    if let Some(key) = key {
        let property = key.split_once('=').map_or("id", |(property, _)| property);
        pieces.push(Piece::Key(property.to_owned()));
    }
    pieces
}

fn bare(name: &str) -> &str {
    name.strip_prefix("graph.").unwrap_or(name)
}
