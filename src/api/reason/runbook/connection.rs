//! Runbooks: what is between the operator and Microsoft, and what follows from looks that fail.

use super::{
    Runbook,
    page::{GRAPH_ERRORS, THROTTLING},
};

const BREAKS: &str = "Nothing in Webex. The last verdict stands until it is 15 minutes older than the interval; then `Ready` turns Unknown.";

const OBSERVED: &str =
    "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.conditions[?(@.type==\"Observed\")].message}'";

const LOG: &str = "kubectl logs -n OPERATOR-NAMESPACE deployment/webex-azure-operator --since 1h";

const NOBODY: &str = "Nobody is needed at first: the look is repeated with growing pauses.";

const NONE: &str = "None; it passes, or becomes `ObservationStale`.";

const HEALS: &str = "The next look that succeeds clears it.";

const EVENTS: &str = "kubectl events -n NAMESPACE --for wai/NAME";

pub(super) const THROTTLED: Runbook = Runbook {
    happened: "Microsoft Graph answered 429: this tenant, or this application, has asked too much within a short time.",
    breaks: BREAKS,
    tell: "The metric `webex_azure_operator_graph_throttled_total` counts such answers; the operator waits as long as it was told.",
    reads: &[OBSERVED, EVENTS],
    steps: &[
        "Wait: the operator slows itself down for this tenant.",
        "If it lasts, look for what else signs in as the same application; the limit is shared by all of it.",
        "Give objects of the same tenant a longer `spec.interval`.",
    ],
    role: NOBODY,
    deadline: NONE,
    avoid: "Do not ask for looks by annotation again and again; that is what is too much.",
    heals: HEALS,
    otherwise: "Audit reads have a limit of their own, five in ten seconds.",
    pages: &[THROTTLING],
};

pub(super) const GRAPH_UNAVAILABLE: Runbook = Runbook {
    happened: "Microsoft Graph answered with a server error.",
    breaks: BREAKS,
    tell: "The event `ObservationFailed` and the log have the code and the request ID.",
    reads: &[OBSERVED, EVENTS, LOG],
    steps: &[
        "Wait; look at the Microsoft 365 service health page if it lasts.",
        "For Microsoft's support have the request ID and its time ready.",
    ],
    role: NOBODY,
    deadline: NONE,
    avoid: "Do not change credentials or permissions because of it.",
    heals: HEALS,
    otherwise: "A proxy that answers 502 or 503 by itself looks the same; the request ID is missing then.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const GRAPH_TIMEOUT: Runbook = Runbook {
    happened: "An answer did not come in time.",
    breaks: BREAKS,
    tell: "The message names who did not answer. The histogram `webex_azure_operator_graph_request_duration_seconds` shows whether all are \
        slow.",
    reads: &[OBSERVED, LOG],
    steps: &["Wait.", "If it lasts, check the way out of the cluster: proxy, firewall, packet sizes."],
    role: NOBODY,
    deadline: NONE,
    avoid: "Do not restart the operator: it loses what it has in memory, and is no faster.",
    heals: HEALS,
    otherwise: "A node without CPU to spare is slow at everything; look at its throttling.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const TOKEN_ENDPOINT_UNAVAILABLE: Runbook = Runbook {
    happened: "The token endpoint of Microsoft Entra answered with an error of its own, or with something that is no token.",
    breaks: BREAKS,
    tell: "The metric `webex_azure_operator_graph_token_fetches_total` counts them by result.",
    reads: &[OBSERVED, EVENTS, LOG],
    steps: &[
        "Wait; look at the Microsoft 365 service health page if it lasts.",
        "Check that a proxy lets the login host of the cloud through.",
    ],
    role: NOBODY,
    deadline: NONE,
    avoid: "Do not replace the credential: it was not what was refused.",
    heals: HEALS,
    otherwise: "A new application or federated credential may cause such answers for some minutes.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const MALFORMED_RESPONSE: Runbook = Runbook {
    happened: "An answer was not what Microsoft Graph sends: another content type, a redirect, too large, or cut short.",
    breaks: BREAKS,
    tell: "The message says what was odd. Most often a proxy or a captive portal answered.",
    reads: &[OBSERVED, LOG],
    steps: &[
        "Ask from the cluster's network what answers: `curl -sI https://graph.microsoft.com/v1.0/`.",
        "Let the proxy pass the login and Graph hosts of the cloud untouched.",
        "If it is Microsoft's answer, keep it with `webex-azure-operator plan -f FILE --record DIR`, and report it.",
    ],
    role: NOBODY,
    deadline: NONE,
    avoid: "Do not add the proxy's authority to the trust store before you know that it is your proxy.",
    heals: HEALS,
    otherwise: "`webex_azure_operator_graph_strange_answers_total` counts parts that are odd but can be done without.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const NETWORK_UNAVAILABLE: Runbook = Runbook {
    happened: "No connection to Microsoft could be made, or the proxy refused to make one.",
    breaks: BREAKS,
    tell: "The message names the host.",
    reads: &[OBSERVED, LOG, "kubectl get networkpolicy -A"],
    steps: &[
        "Check name resolution in the cluster, and that network policies let the operator's pod out on port 443.",
        "Check HTTPS_PROXY and NO_PROXY of the operator's deployment.",
    ],
    role: NOBODY,
    deadline: NONE,
    avoid: "Do not open everything: the hosts are the login and Graph host of the cloud, nothing else.",
    heals: HEALS,
    otherwise: "If only one cloud is concerned, its hosts are missing in an allow list.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const TLS_FAILURE: Runbook = Runbook {
    happened: "Whoever answered could not prove over TLS to be Microsoft, so nothing was sent.",
    breaks: BREAKS,
    tell: "The message names the host. A proxy that opens connections shows a certificate of its own.",
    reads: &[
        OBSERVED,
        "openssl s_client -connect graph.microsoft.com:443 -servername graph.microsoft.com </dev/null | openssl x509 -noout -issuer",
    ],
    steps: &[
        "If it is your company's proxy, give the operator its authority with `--trust-ca-file`, or let it pass these hosts unopened.",
        "If it is not, find out who answers.",
    ],
    role: "Whoever installs the operator.",
    deadline: NONE,
    avoid: "Do not look for a switch that turns the check off; there is none.",
    heals: HEALS,
    otherwise: "A clock that is far off makes good certificates look expired; see the event `ClockSkew`.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const NOT_OBSERVED: Runbook = Runbook {
    happened: "This part has not been read yet, cannot be read at present, or depends on something that is not there.",
    breaks: "Nothing. Unknown is no drift.",
    tell: "The message says for which application, and why. The condition `Observed` tells what keeps the tenant from being read.",
    reads: &[OBSERVED, LOG],
    steps: &[
        "If the service principal is not there, bring it back first; the rest follows by itself.",
        "Otherwise look at the reason of `Observed` and do what its runbook says.",
    ],
    role: "As for the reason of `Observed`.",
    deadline: NONE,
    avoid: "Do not take Unknown for granted or for lost: it is neither.",
    heals: "The next complete look clears it.",
    otherwise: "A value that this version does not know makes a part unknown too; the metric \
        `webex_azure_operator_graph_strange_answers_total` counts those, and a newer version may know it.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const PROGRESSING_WITH_RETRY: Runbook = Runbook {
    happened: "A look failed or was incomplete, and is being repeated.",
    breaks: "Nothing in Webex.",
    tell: "The condition `Observed` tells what stands in the way.",
    reads: &[OBSERVED, LOG],
    steps: &["Wait, or do what the runbook of the reason of `Observed` says."],
    role: NOBODY,
    deadline: NONE,
    avoid: "Do not edit the object to hurry it; ask for a look with the annotation `reconcile.fluxcd.io/requestedAt`.",
    heals: HEALS,
    otherwise: "A pipeline that waits sees progress, not failure: that is meant so.",
    pages: &[GRAPH_ERRORS],
};

pub(super) const OBSERVATION_STALE: Runbook = Runbook {
    happened: "No complete look has succeeded for longer than the interval and 15 minutes, so that the verdict is withdrawn.",
    breaks: "Nothing in Webex by itself; but what happens there is not noticed.",
    tell: "`status.lastObservedTime`, and the reason of `Observed`.",
    reads: &[OBSERVED, LOG, "kubectl get wai -A -o wide"],
    steps: &[
        "Do what the runbook of the reason of `Observed` says.",
        "If all objects have it, the operator's own way to Microsoft is blocked.",
    ],
    role: "As for the reason of `Observed`.",
    deadline: "None.",
    avoid: "Do not read the other conditions as present: they are as old as the last complete look.",
    heals: "The next complete look clears it.",
    otherwise: "If `status.lastObservedTime` is old and nothing else changes, the operator does not run: the status cannot tell that.",
    pages: &[GRAPH_ERRORS],
};
