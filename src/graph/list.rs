//! Lists that go on behind a link: followed to the end or not at all, and only on the host that was asked.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use url::Url;

use super::wire::Page;
use crate::domain::Obstacle;

/// Most pages of one list.
pub const PAGES_MAX: usize = 200;

/// Collects the pages of one list.
#[derive(Debug)]
pub struct Pages<T> {
    origin: String,
    items: Vec<T>,
    visited: BTreeSet<String>,
}

impl<T: DeserializeOwned> Pages<T> {
    /// Begins a list that was asked of this server.
    pub const fn new(origin: String) -> Self {
        Self { origin, items: Vec::new(), visited: BTreeSet::new() }
    }

    /// Takes a page and tells where the next one is, if there is one that may be followed.
    pub fn take(&mut self, page: Page<T>) -> Result<Option<String>, Obstacle> {
        self.items.extend(page.value);
        let Some(link) = page.next_link else { return Ok(None) };
        if !is_same_origin(&self.origin, &link) {
            return Err(Obstacle::malformed("a list went on at another host"));
        }
        if self.visited.len() + 1 >= PAGES_MAX {
            return Err(Obstacle::malformed("a list had no end"));
        }
        if !self.visited.insert(link.clone()) {
            return Err(Obstacle::malformed("a list went in a circle"));
        }
        Ok(Some(link))
    }

    /// All items.
    pub fn into_items(self) -> Vec<T> {
        self.items
    }
}

/// Whether the link leads to the same scheme, host and port, and carries no credentials of its own.
pub(super) fn is_same_origin(origin: &str, link: &str) -> bool {
    let (Ok(origin), Ok(link)) = (Url::parse(origin), Url::parse(link)) else { return false };
    let is_plain = link.username().is_empty() && link.password().is_none();
    is_plain && link.origin() == origin.origin() && link.origin().is_tuple()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: &str = "https://graph.microsoft.com";

    fn page(link: Option<&str>) -> Page<u8> {
        Page { value: vec![1], next_link: link.map(str::to_owned) }
    }

    #[test]
    fn g17_a_link_to_another_place_is_refused() {
        for link in [
            "http://graph.microsoft.com/v1.0/x",
            "https://graph.microsoft.com.evil.example/v1.0/x",
            "https://graph.microsoft.com:444/v1.0/x",
            "https://graph.microsoft.com@evil.example/v1.0/x",
            "https://user@graph.microsoft.com/v1.0/x",
            "https://user:pass@graph.microsoft.com/v1.0/x",
            "//graph.microsoft.com/x",
            "/v1.0/x",
            "file:///etc/passwd",
            "",
        ] {
            assert!(Pages::new(ORIGIN.to_owned()).take(page(Some(link))).is_err(), "{link}");
        }
        let next = Pages::new(ORIGIN.to_owned()).take(page(Some("https://graph.microsoft.com/v1.0/x?$skiptoken=1")));
        assert_eq!(next.unwrap().as_deref(), Some("https://graph.microsoft.com/v1.0/x?$skiptoken=1"));
    }

    #[test]
    fn g16_a_circle_of_links_ends() {
        let mut pages = Pages::new(ORIGIN.to_owned());
        let (a, b) = ("https://graph.microsoft.com/v1.0/a", "https://graph.microsoft.com/v1.0/b");
        assert!(pages.take(page(Some(a))).is_ok());
        assert!(pages.take(page(Some(b))).is_ok());
        assert!(pages.take(page(Some(a))).is_err());
    }

    #[test]
    fn g15_a_list_without_end_ends() {
        let mut pages = Pages::new(ORIGIN.to_owned());
        let failed =
            (0..1000).position(|n| pages.take(page(Some(&format!("https://graph.microsoft.com/v1.0/{n}")))).is_err());
        assert_eq!(failed, Some(PAGES_MAX - 1));
    }

    proptest! {
        #[test]
        fn no_link_leads_off_the_host(link in ".{0,60}") {
            if let Ok(Some(next)) = Pages::new(ORIGIN.to_owned()).take(page(Some(&link))) {
                prop_assert!(Url::parse(&next).unwrap().host_str() == Some("graph.microsoft.com"));
            }
        }
    }
}
