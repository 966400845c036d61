//! Headers of answers: those that say how the service behaves, without what they say about whom.

use std::collections::BTreeMap;

use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{
    super::{challenge, public},
    Redaction,
};

/// Content types that are told by name, and their parameters.
const CONTENT_TYPES: [&str; 5] = ["application/json", "text/html", "text/plain", "text/xml", "application/xml"];
const PARAMETERS: [&str; 5] = [
    "charset=utf-8",
    "odata.metadata=minimal",
    "odata.streaming=true",
    "IEEE754Compatible=false",
    "IEEE754Compatible=true",
];

/// Encodings that are told by name.
const ENCODINGS: [&str; 5] = ["identity", "gzip", "deflate", "br", "zstd"];

/// More than any of the numbers in these headers tells.
const OUT_OF_BOUNDS: f64 = 1_000_000.0;

/// Whether a length was announced and it is another.
pub(super) fn announces_other_than(headers: &HeaderMap, length: usize) -> bool {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    announced.is_some_and(|announced| announced != length)
}

impl Redaction {
    /// The headers of an answer that may be told, and how many others there are.
    pub(super) fn headers(&mut self, headers: &HeaderMap) -> (BTreeMap<String, Vec<String>>, usize) {
        let (mut told, mut others) = (BTreeMap::<String, Vec<String>>::new(), 0);
        for (name, value) in headers {
            let stands = match value.to_str() {
                Ok(value) => self.header(name.as_str(), value),
                Err(_) => self.header(name.as_str(), "").map(|_| self.text(&String::from_utf8_lossy(value.as_bytes()))),
            };
            match stands {
                Some(stands) => told.entry(name.as_str().to_owned()).or_default().push(stands),
                None => others += 1,
            }
        }
        self.headers += others;
        (told, others)
    }

    /// The headers of an item of a batch, whose values are texts or numbers.
    pub(super) fn item_headers(&mut self, headers: Map<String, Value>) -> Map<String, Value> {
        let mut told = Map::new();
        for (name, value) in headers {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let stands = self.header(&name.to_ascii_lowercase(), &text).map(|stands| match &value {
                Value::Number(_) if stands == text => value,
                Value::Bool(_) | Value::Null => value,
                Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => Value::String(stands),
            });
            match stands {
                Some(stands) => drop(told.insert(name, stands)),
                None => self.headers += 1,
            }
        }
        told
    }

    /// What stands for this value of this header, in small letters; none if the header is left out.
    fn header(&mut self, name: &str, value: &str) -> Option<String> {
        Some(match name {
            "content-type" => self.content_type(value),
            "content-encoding" if ENCODINGS.contains(&value) => value.to_owned(),
            "retry-after" | "date" => self.time(value).unwrap_or_else(|| self.number(value)),
            "x-ms-resource-unit" | "x-ms-throttle-limit-percentage" | "odata-version" => self.number(value),
            "www-authenticate" => challenge::redacted(value, self),
            "x-ms-ags-diagnostic" => match serde_json::from_str::<Value>(value) {
                Ok(diagnostic) => self.value(None, diagnostic).to_string(),
                Err(_) => self.text(value),
            },
            "x-ms-throttle-scope" | "x-ms-throttle-information" => {
                let parts: Vec<String> = value.split('/').map(|part| self.member(name, part)).collect();
                parts.join("/")
            }
            "content-encoding" | "request-id" | "client-request-id" | "x-ms-request-id" => self.text(value),
            _ => return None,
        })
    }

    /// A published value of this header.
    fn member(&mut self, header: &str, value: &str) -> String {
        if public::is_member(header, value) { value.to_owned() } else { self.text(value) }
    }

    /// A number of the size that these headers have; one that is out of all bounds stays out of them.
    fn number(&mut self, value: &str) -> String {
        match value.trim().parse::<f64>() {
            Ok(number) if value.len() <= 12 && number.abs() <= OUT_OF_BOUNDS => value.to_owned(),
            Ok(number) if number.is_nan() => "nan".to_owned(),
            Ok(number) if number.is_sign_negative() => "-1000000".to_owned(),
            Ok(number) if number < 1.0 => "0.5".to_owned(),
            Ok(_) => "1000000".to_owned(),
            Err(_) => self.text(value),
        }
    }

    /// Whether it is JSON is all that is read of a content type.
    fn content_type(&mut self, value: &str) -> String {
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let known = CONTENT_TYPES.iter().find(|known| known.eq_ignore_ascii_case(essence));
        let mut told = known.map_or_else(|| self.text(essence), |known| (*known).to_owned());
        for parameter in parts.filter_map(|part| PARAMETERS.iter().find(|known| known.eq_ignore_ascii_case(part))) {
            told.push(';');
            told.push_str(parameter);
        }
        // A text in place of an unknown type must not be a type that is read.
        if known.is_none() && public::is_text(&told) { self.text("an unknown content type") } else { told }
    }
}
