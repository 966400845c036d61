//! Runbooks: the object itself, and what is only told of it.

use super::{Runbook, page::RECOVER_FAQ};

const READY: &str =
    "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].message}'";

const DRIFT: &str = "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.drift}'";

const LOG: &str = "kubectl logs -n OPERATOR-NAMESPACE deployment/webex-azure-operator --since 1h";

pub(super) const INVALID_SPEC: Runbook = Runbook {
    happened: "The spec breaks a rule that the API server did not enforce, because the object is older than the rule or was written past \
        an older CustomResourceDefinition.",
    breaks: "Nothing in Webex. The tenant is not looked at.",
    tell: "The message lists each field and its rule.",
    reads: &[READY],
    steps: &["Mend the fields that the message names, and apply the object again."],
    role: "Whoever may edit the object.",
    deadline: "None.",
    avoid: "Do not remove the CustomResourceDefinition: every object goes with it.",
    heals: "The edit is looked at at once.",
    otherwise: "`webex-azure-operator plan -f FILE` tells the same before anything is applied.",
    pages: &[],
};

pub(super) const INTERNAL_ERROR: Runbook = Runbook {
    happened: "The operator failed on this object because of a mistake of its own. Other objects are not affected.",
    breaks: "Nothing in Webex. This object's other conditions are as they last were.",
    tell: "The operator's log has the place.",
    reads: &[READY, LOG],
    steps: &[
        "Report it, with the log of this object and its YAML without the credentials.",
        "Watch the tenant by other means until it is mended.",
    ],
    role: "Whoever runs the operator.",
    deadline: "None.",
    avoid: "Do not delete and re-create the object before it is reported: the cause would be gone.",
    heals: "The object is tried again every minute; a look that succeeds clears it.",
    otherwise: "A field that a newer operator wrote may be the cause after a downgrade.",
    pages: &[],
};

pub(super) const DRIFT_DETECTED: Runbook = Runbook {
    happened: "The tenant differs from the declaration. This condition is informational; the reason that decides is in `Ready`.",
    breaks: "What the entries of `status.drift` say.",
    tell: "`status.drift` lists each difference, the gravest first, with its remedy.",
    reads: &[DRIFT],
    steps: &[
        "Begin with the first entry: the others may be its consequences.",
        "Do what the runbook of its reason says.",
        "If the tenant is right and the declaration is not, change the declaration.",
    ],
    role: "As `status.drift[].remedy.role` says.",
    deadline: "As `status.drift[].remedy.before` says, where there is one.",
    avoid: "Do not repair several things at once: after a deletion grants and jobs look lost that a restore brings back.",
    heals: "The next look clears it; the event `DriftResolved` tells it.",
    otherwise: "With `driftPolicy: Warn` the object stays Ready, and this condition is the only one that tells.",
    pages: &[RECOVER_FAQ],
};

pub(super) const CONFIRMING: Runbook = Runbook {
    happened: "Something that is required was not found, and a second look, at least a minute later, will tell whether it is missing. \
        Microsoft's reads lag its writes.",
    breaks: "Nothing is known to be broken.",
    tell: "The conditions stay as they were until the second look.",
    reads: &[READY],
    steps: &["Wait; it takes some minutes at most."],
    role: "Nobody is needed.",
    deadline: "None.",
    avoid: "Do not repair anything yet.",
    heals: "The second look either confirms it, with a reason of its own, or clears it.",
    otherwise: "A deletion that the list of deleted items proves is believed at once and does not pass through this.",
    pages: &[],
};

pub(super) const SUSPENDED_BY_USER: Runbook = Runbook {
    happened: "`spec.suspend` is true: somebody paused this object.",
    breaks: "Nothing in Webex. The tenant is not looked at, so that nothing that happens there is told.",
    tell: "The other conditions tell what was last known, `status.lastObservedTime` when.",
    reads: &["kubectl get wai -n NAMESPACE NAME -o jsonpath='{.spec.suspend} {.status.lastObservedTime}'"],
    steps: &["Ask who suspended it, and for how long.", "Set `spec.suspend: false`; the tenant is looked at at once."],
    role: "Whoever may edit the object.",
    deadline: "None.",
    avoid: "Do not leave it suspended after maintenance: nothing reminds you of it.",
    heals: "The edit clears it.",
    otherwise: "Nothing else gives this reason.",
    pages: &[],
};
