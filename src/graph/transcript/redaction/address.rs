//! Addresses: of what is published the words stay, and what stands between them.

use super::{
    super::{public, time},
    Redaction,
};
use crate::graph::list;

/// Characters between the words of an address.
const BETWEEN: &str = "/()'=,&?#:; ![]{}\"";

/// The same and the space, as they are written in a query.
const ESCAPED: [&str; 9] = ["%20", "%27", "%28", "%29", "%2C", "%2F", "%3A", "%3D", "%24"];

/// Parameters of a query that are made of names and ids.
const SPOKEN: [&str; 5] = ["$select", "$filter", "$expand", "$orderby", "$format"];

/// Parameters of a query that are small numbers or switches.
const COUNTED: [&str; 3] = ["$top", "$skip", "$count"];

/// An address that lies in the same place, and that no request can be made of.
const NO_ADDRESS: &str = "/not an address/";

impl Redaction {
    /// Path and query.
    pub(super) fn target(&mut self, target: &str) -> String {
        let Some((path, query)) = target.split_once('?') else { return self.words(target) };
        let parameters: Vec<String> = query.split('&').map(|parameter| self.parameter(parameter)).collect();
        format!("{}?{}", self.words(path), parameters.join("&"))
    }

    fn parameter(&mut self, parameter: &str) -> String {
        let Some((name, value)) = parameter.split_once('=') else { return self.words(parameter) };
        let is_counted = value.len() <= 5 && value.chars().all(|c| c.is_ascii_alphanumeric());
        let value = match name {
            spoken if SPOKEN.contains(&spoken) => self.words(value),
            counted if COUNTED.contains(&counted) && is_counted && !value.contains(char::is_alphabetic) => {
                value.to_owned()
            }
            // A link leads on by what only the service understands.
            _ => self.text(value),
        };
        format!("{}={value}", self.words(name))
    }

    /// The words of a text that are published, and what stands between words; all others are replaced.
    pub(super) fn words(&mut self, text: &str) -> String {
        let (mut redacted, mut word, mut rest) = (String::new(), String::new(), text);
        while let Some(c) = rest.chars().next() {
            let time = time::length(rest).filter(|_| word.is_empty());
            if let Some((time, left)) = time.and_then(|length| rest.split_at_checked(length)) {
                let stands = self.time(time).unwrap_or_else(|| self.text(time));
                redacted.push_str(&stands);
                rest = left;
                continue;
            }
            let escaped = rest.get(..3).filter(|escaped| ESCAPED.contains(escaped));
            let is_between = BETWEEN.contains(c) || escaped.is_some();
            let length = escaped.map_or(c.len_utf8(), str::len);
            let (part, left) = rest.split_at_checked(length).unwrap_or((rest, ""));
            if is_between {
                redacted.push_str(&self.word(&std::mem::take(&mut word)));
                redacted.push_str(part);
            } else {
                word.push_str(part);
            }
            rest = left;
        }
        redacted.push_str(&self.word(&word));
        redacted
    }

    fn word(&mut self, word: &str) -> String {
        if public::is_name(word) { word.to_owned() } else { self.text(word) }
    }

    /// An address of Microsoft's.
    pub(in super::super) fn address(&mut self, address: &str) -> String {
        let is_graph = address.contains("/v1.0") || address.ends_with("/.default");
        let mut hosts = [
            (self.own.login.clone(), self.published.login.clone()),
            (self.own.graph.clone(), self.published.graph.clone()),
        ];
        if is_graph {
            hosts.reverse();
        }
        for (own, published) in hosts {
            if let Some(target) = address.strip_prefix(&own).filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                return format!("{published}{}", self.target(target));
            }
        }
        let Some(rest) = address.strip_prefix("https://") else { return self.text(address) };
        let (host, target) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
        if public::is_host(host) { format!("https://{host}{}", self.target(target)) } else { self.text(address) }
    }

    /// Where a list goes on. A link that is not followed stays one that is not followed.
    pub(super) fn next_link(&mut self, link: &str) -> String {
        if !list::is_same_origin(&self.own.graph, link) {
            return self.text(link);
        }
        let Ok(uri) = link.parse::<http::Uri>() else {
            let stands = self.text(link);
            return format!("{}{NO_ADDRESS}{stands}", self.published.graph);
        };
        let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let target = self.target(target);
        format!("{}{target}", self.published.graph)
    }
}
