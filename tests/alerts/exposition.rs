//! What `/metrics` of the built program says while its objects are in all kinds of states, and what of it others rely on:
//! the names, the types, the labels.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::OnceCell;

use crate::scene;

/// What was said, in both forms.
pub struct Exposition {
    /// In the text form.
    pub text: String,
    /// As Prometheus gets it.
    pub open_metrics: String,
    /// By name.
    pub families: BTreeMap<String, Family>,
}

/// Metrics of one name.
#[derive(Debug, Default)]
pub struct Family {
    /// Its type.
    pub kind: String,
    /// All labels of its series; those that histograms add are left out.
    pub labels: BTreeSet<String>,
}

/// What the program said; it runs once for all tests.
pub async fn exposition() -> &'static Exposition {
    static SAID: OnceCell<Exposition> = OnceCell::const_new();
    SAID.get_or_init(async || {
        let (text, open_metrics) = scene::scraped().await;
        let families = families(&text);
        Exposition { text, open_metrics, families }
    })
    .await
}

impl Exposition {
    /// The family of this series; of a histogram also by the names of its parts.
    pub fn family(&self, name: &str) -> Option<&Family> {
        let part_of = |ending: &str| {
            let family = self.families.get(name.strip_suffix(ending)?)?;
            (family.kind == "histogram").then_some(family)
        };
        let parts = || ["_bucket", "_sum", "_count"].into_iter().find_map(part_of);
        self.families.get(name).or_else(parts)
    }
}

fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            name.clone_into(&mut current);
            families.insert(current.clone(), Family { kind: kind.to_owned(), labels: BTreeSet::new() });
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&current), "{line} stands below {current}");
            let family = families.get_mut(&current).unwrap();
            family.labels.extend(labels(line).into_keys().filter(|label| label != "le"));
        }
    }
    families
}

/// The labels of a series. None of the values here holds a quote, a comma or a brace.
pub fn labels(line: &str) -> BTreeMap<String, String> {
    let inside = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |(inside, _)| inside);
    let pairs = inside.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned())).collect()
}
