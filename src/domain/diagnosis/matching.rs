//! Which declared object a complaint is about.

use super::Complaint;
use crate::{
    api::{TenantId, WebexAzureIntegrationSpec, identifier::OrganizationId},
    domain::text,
};

/// Most objects that are listed by name.
const LISTED_MAX: usize = 10;

/// A declared object, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name for people, made safe.
    pub name: String,
    /// The organization that it declares.
    pub organization: Option<OrganizationId>,
    /// The tenant that it declares.
    pub tenant: Option<TenantId>,
}

impl Candidate {
    /// The object with this name.
    pub fn new(name: &str, spec: &WebexAzureIntegrationSpec) -> Self {
        Self {
            name: name.to_owned(),
            organization: spec.organization_id.as_deref().and_then(|id| id.parse().ok()),
            tenant: spec.tenant_id.parse().ok(),
        }
    }
}

/// Which objects are meant, by their place in the list, and what is to be said about the choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// None if no object is surely meant.
    pub chosen: Vec<usize>,
    /// Nothing if one object declares the organization.
    pub sentence: Option<String>,
}

/// Chooses by organization. An only object is taken where nothing speaks against it.
pub fn choose(complaint: &Complaint, candidates: &[Candidate]) -> Choice {
    let all = || (0..candidates.len()).collect::<Vec<_>>();
    let Some(organization) = complaint.organization else {
        return match candidates {
            [] => Choice { chosen: Vec::new(), sentence: Some("There is no WebexAzureIntegration object.".to_owned()) },
            [only] => Choice {
                chosen: all(),
                sentence: Some(format!(
                    "The text names no organization; {} is looked at because it is the only object.",
                    only.name
                )),
            },
            _ => Choice {
                chosen: Vec::new(),
                sentence: Some(format!(
                    "The text names no organization, and there are {} objects: {}. Give the file of one with -f, or give the whole \
                     debug information, which names the organization.",
                    candidates.len(),
                    names(candidates.iter())
                )),
            },
        };
    };
    let declares = |index: &usize| candidates.get(*index).is_some_and(|it| it.organization == Some(organization));
    let matching: Vec<usize> = all().into_iter().filter(declares).collect();
    let narrowed = narrowed(complaint, candidates, matching);
    match narrowed.as_slice() {
        [] => undeclared(organization, candidates),
        [_] => Choice { chosen: narrowed, sentence: None },
        several => {
            let listed = names(several.iter().filter_map(|index| candidates.get(*index)));
            let sentence =
                format!("{} objects declare organization {organization}: {listed}. Each is looked at.", several.len());
            Choice { chosen: narrowed, sentence: Some(sentence) }
        }
    }
}

/// An organization may have several tenants; the one that an administrator came back from is the one that is meant.
fn narrowed(complaint: &Complaint, candidates: &[Candidate], matching: Vec<usize>) -> Vec<usize> {
    let Some(consented) = complaint.consented else {
        return matching;
    };
    let is_of_tenant = |index: &usize| candidates.get(*index).is_some_and(|it| it.tenant == Some(consented));
    let of_tenant: Vec<usize> = matching.iter().copied().filter(is_of_tenant).collect();
    if of_tenant.is_empty() { matching } else { of_tenant }
}

fn undeclared(organization: OrganizationId, candidates: &[Candidate]) -> Choice {
    let none = |sentence| Choice { chosen: Vec::new(), sentence: Some(sentence) };
    let silent = || candidates.iter().filter(|candidate| candidate.organization.is_none());
    match (candidates, silent().count()) {
        ([], _) => none("There is no WebexAzureIntegration object.".to_owned()),
        ([only], 1) => Choice {
            chosen: vec![0],
            sentence: Some(format!(
                "{} declares no organization; it is looked at because it is the only object. Write spec.organizationId: \
                 {organization} into it if it is the right one.",
                only.name
            )),
        },
        (_, 0) => none(format!(
            "No object declares organization {organization}; there are objects for others: {}.",
            names(candidates.iter())
        )),
        (_, _) => none(format!(
            "No object declares organization {organization}; these declare none: {}. Write spec.organizationId into the right one, \
             or give its file alone with -f.",
            names(silent())
        )),
    }
}

fn names<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> String {
    let names: Vec<String> = candidates.map(|candidate| candidate.name.clone()).collect();
    text::listed(&names, LISTED_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const OURS: &str = "2fdb923e-1d23-4e1b-a30f-e9cd88845744";
    const OTHER: &str = "00000000-0000-4000-8000-0000000000aa";

    fn candidate(name: &str, organization: Option<&str>, tenant: u128) -> Candidate {
        let organization = organization.map(|id| id.parse().unwrap());
        Candidate { name: name.to_owned(), organization, tenant: Some(TenantId::from_u128(tenant)) }
    }

    fn check(text: &str, candidates: &[Candidate], chosen: &[usize], says: &str) {
        let choice = choose(&read(text.as_bytes()).unwrap(), candidates);
        assert_eq!(choice.chosen, chosen, "{choice:?}");
        assert!(choice.sentence.as_deref().unwrap_or_default().contains(says), "{choice:?}");
        assert_eq!(choice.sentence.is_none(), says.is_empty(), "{choice:?}");
    }

    #[test]
    fn the_object_that_declares_the_organization_is_meant() {
        let text = format!("View Org ID: {OURS}");
        let candidates = [candidate("a", Some(OTHER), 1), candidate("b", Some(OURS), 2), candidate("c", None, 3)];
        check(&text, &candidates, &[1], "");
    }

    #[test]
    fn several_and_none_are_said_plainly() {
        let text = format!("View Org ID: {OURS}");
        let two = [candidate("a", Some(OURS), 1), candidate("b", Some(OURS), 2)];
        check(&text, &two, &[0, 1], "2 objects declare organization");
        check(&text, &[], &[], "no WebexAzureIntegration object");
        check(&text, &[candidate("a", Some(OTHER), 1)], &[], "objects for others: a");
        check(&text, &[candidate("a", Some(OTHER), 1), candidate("b", None, 2)], &[], "these declare none: b");
    }

    #[test]
    fn the_only_object_is_taken_where_nothing_speaks_against_it() {
        check(&format!("View Org ID: {OURS}"), &[candidate("a", None, 1)], &[0], "the only object");
        check("701018", &[candidate("a", Some(OTHER), 1)], &[0], "names no organization");
        check("701018", &[candidate("a", Some(OURS), 1), candidate("b", None, 2)], &[], "there are 2 objects: a, b");
    }

    #[test]
    fn of_several_tenants_the_one_that_consent_came_back_from_is_meant() {
        let two = [candidate("a", Some(OURS), 1), candidate("b", Some(OURS), 2)];
        let tenant = TenantId::from_u128(2);
        let text = format!("https://admin.webex.com/settings?admin_consent=True&tenant={tenant}&orgId={OURS}");
        check(&text, &two, &[1], "");
    }
}
