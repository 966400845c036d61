//! What the API server lets the operator do, in both ways to watch; and what it may ask tokens for.

use crate::cluster::{Cluster, Question};

/// Group, resource, subresource.
type Resource = (&'static str, &'static str, &'static str);
/// Verb, resource, name, and whether that is allowed.
type Row = (&'static str, Resource, &'static str, bool);

const INTEGRATIONS: Resource = ("webexazure.dev", "webexazureintegrations", "");
const STATUS: Resource = ("webexazure.dev", "webexazureintegrations", "status");
const EVENTS: Resource = ("events.k8s.io", "events", "");
const OLD_EVENTS: Resource = ("", "events", "");
const SECRETS: Resource = ("", "secrets", "");
const ACCOUNTS: Resource = ("", "serviceaccounts", "");
const TOKENS: Resource = ("", "serviceaccounts", "token");
const LEASES: Resource = ("coordination.k8s.io", "leases", "");

/// In the namespace of the objects and credentials.
const INSIDE: [Row; 27] = [
    ("get", INTEGRATIONS, "any", true),
    ("list", INTEGRATIONS, "", true),
    ("watch", INTEGRATIONS, "", true),
    ("create", INTEGRATIONS, "", false),
    ("update", INTEGRATIONS, "any", false),
    ("patch", INTEGRATIONS, "any", false),
    ("delete", INTEGRATIONS, "any", false),
    ("get", STATUS, "any", false),
    ("patch", STATUS, "any", true),
    ("update", STATUS, "any", false),
    ("create", EVENTS, "", true),
    ("patch", EVENTS, "any", false),
    ("list", EVENTS, "", false),
    ("create", OLD_EVENTS, "", false),
    ("get", SECRETS, "on", true),
    ("get", SECRETS, "1e3", true),
    ("get", SECRETS, "other", false),
    ("list", SECRETS, "", false),
    ("watch", SECRETS, "on", false),
    ("update", SECRETS, "on", false),
    ("get", ACCOUNTS, "yes", true),
    ("get", ACCOUNTS, "any", false),
    ("list", ACCOUNTS, "", false),
    ("create", TOKENS, "yes", true),
    ("create", TOKENS, "any", false),
    ("create", LEASES, "", false),
    ("get", LEASES, "y-webex-azure-operator", false),
];

/// In the release's own namespace, beside what is allowed everywhere.
const AT_HOME: [Row; 12] = [
    ("create", LEASES, "", true),
    ("get", LEASES, "y-webex-azure-operator", true),
    ("update", LEASES, "y-webex-azure-operator", true),
    ("patch", LEASES, "y-webex-azure-operator", false),
    ("delete", LEASES, "y-webex-azure-operator", false),
    ("get", LEASES, "another", false),
    ("update", LEASES, "another", false),
    ("list", LEASES, "", false),
    ("watch", LEASES, "y-webex-azure-operator", false),
    ("get", SECRETS, "on", false),
    ("create", TOKENS, "y-webex-azure-operator", false),
    ("get", ("", "configmaps", ""), "y-webex-azure-operator-settings", false),
];

/// The operator of a release `y` that may use the Secrets `on` and `1e3` and the ServiceAccount `yes` of `off`, whose
/// objects it watches: everywhere, or in `off` only.
pub async fn permissions_are_exact(cluster: &Cluster, namespace: &str, watches_everywhere: bool) {
    let user = &format!("system:serviceaccount:{namespace}:y-webex-azure-operator");
    let question = |verb, resource, name, namespace| Question { user, namespace, verb, resource, name };
    let heeded = async || cluster.allows(&question("list", INTEGRATIONS, "", "off")).await;
    cluster.until("the roles are heeded", heeded).await;
    for (rows, namespace) in [(&INSIDE[..], "off"), (&AT_HOME[..], namespace)] {
        for (verb, resource, name, expected) in rows {
            let allowed = cluster.allows(&question(verb, *resource, name, namespace)).await;
            assert_eq!(allowed, *expected, "{verb} {resource:?} {name:?} in {namespace}");
        }
    }
    for (verb, resource, name) in [("list", INTEGRATIONS, ""), ("patch", STATUS, "any"), ("create", EVENTS, "")] {
        for place in ["default", ""] {
            let allowed = cluster.allows(&question(verb, resource, name, place)).await;
            assert_eq!(allowed, watches_everywhere, "{verb} {resource:?} in {place:?}");
        }
    }
}

/// What the operator of a release `y` in this namespace may ask for on behalf of the ServiceAccount `yes` of `off`.
pub async fn tokens_are_for_microsoft_only(cluster: &Cluster, namespace: &str) {
    let operator = format!("system:serviceaccount:{namespace}:y-webex-azure-operator");
    let asked = |user: Option<&str>, audiences: &[&str]| {
        let mut arguments = vec!["create", "token", "yes", "--namespace", "off"];
        arguments.extend(user.iter().flat_map(|user| ["--as", user]));
        arguments.extend(audiences.iter().flat_map(|audience| ["--audience", *audience]));
        cluster.try_kubectl(&arguments)
    };
    let is_refused = async || asked(Some(&operator), &[]).is_err_and(|said| said.contains("ValidatingAdmissionPolicy"));
    cluster.until("a token for the API server is refused", is_refused).await;
    let exchange = "api://AzureADTokenExchange";
    let kubernetes = "https://kubernetes.default.svc";
    for audiences in [&[kubernetes][..], &[exchange, kubernetes], &["api://AzureADTokenExchangeX"], &["api://"]] {
        let said = asked(Some(&operator), audiences).unwrap_err();
        assert!(said.contains("the operator may ask for tokens with these audiences only"), "{audiences:?}: {said}");
        assert!(said.contains("tokenPolicy.audiences"), "{said}");
    }
    for audience in [exchange, "api://AzureADTokenExchangeUSGov", "api://AzureADTokenExchangeChina", "api://own"] {
        asked(Some(&operator), &[audience]).unwrap_or_else(|said| panic!("{audience}: {said}"));
    }
    asked(None, &[]).unwrap_or_else(|said| panic!("others are none of its business: {said}"));
}
