//! Runbooks: the credential that the operator signs in with, on the side of Kubernetes and in the tenant.

use super::{
    Runbook,
    page::{ERROR_CODES, FEDERATION, LABELS},
};

/// What a credential that does not work breaks.
const BLIND: &str = "Nothing in Webex. The operator is blind: what happens in the tenant from now on is not told, and the last verdict \
    is withdrawn when it is too old.";

const OBSERVED: &str =
    "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.conditions[?(@.type==\"Observed\")].message}'";

const SECRETS: &str = "kubectl get secret -n NAMESPACE --selector webexazure.dev/credentials=true";

const NO_DEADLINE: &str = "None; but the verdict is as old as the last complete look, `status.lastObservedTime`.";

const HEALS: &str = "The next look reads the credential again and clears it: every 15 seconds for a quarter of an hour after the object turned \
    bad, then once per `spec.interval`.";

const OWNER: &str = "No Entra role: whoever may write Secrets in the namespace.";

const APP_OWNER: &str = "Application Administrator, Cloud Application Administrator, or owner of the operator's own application, to \
    make a credential; whoever may write Secrets in the namespace, to store it.";

pub(super) const SECRET_NOT_FOUND: Runbook = Runbook {
    happened: "The Secret that `spec.credentials` names does not exist in the object's namespace.",
    breaks: BLIND,
    tell: "The message names the Secret and what should be in it.",
    reads: &[OBSERVED, SECRETS],
    steps: &[
        "Create the Secret in the same namespace, with the key that the message names.",
        "Label it `webexazure.dev/credentials: \"true\"`.",
        "If a tool makes it, such as External Secrets or Sealed Secrets, look at that tool's object for the reason.",
    ],
    role: OWNER,
    deadline: NO_DEADLINE,
    avoid: "Do not commit the secret's value to a repository to get going.",
    heals: HEALS,
    otherwise: "A name in `spec.credentials` with a typing error looks the same.",
    pages: &[LABELS],
};

pub(super) const SECRET_KEY_MISSING: Runbook = Runbook {
    happened: "The Secret exists, but the key that `spec.credentials` names is not there, is empty or holds no text that could be a \
        credential.",
    breaks: BLIND,
    tell: "The message names the key. The keys of a Secret can be listed without its values.",
    reads: &[
        OBSERVED,
        "kubectl get secret -n NAMESPACE SECRET -o go-template='{{range $key, $value := .data}}{{$key}}{{\"\\n\"}}{{end}}'",
    ],
    steps: &[
        "Write the credential under that key, or name the right key in the spec.",
        "For a Secret of type kubernetes.io/tls leave `key` out: `tls.crt` and `tls.key` are used.",
    ],
    role: OWNER,
    deadline: NO_DEADLINE,
    avoid: "Do not put a secret's ID there; its value is needed.",
    heals: HEALS,
    otherwise: "Values in `data` are base64; written twice encoded they are no credential.",
    pages: &[LABELS],
};

pub(super) const SECRET_NOT_LABELLED: Runbook = Runbook {
    happened: "The Secret exists, but does not carry the label that releases it for the operator. Without the label anybody who may \
        write an object could make the operator use any Secret of the namespace.",
    breaks: BLIND,
    tell: "`kubectl get secret --show-labels`.",
    reads: &[OBSERVED, "kubectl get secret -n NAMESPACE SECRET --show-labels"],
    steps: &[
        "If the Secret is meant for this operator, run `kubectl label secret --namespace NAMESPACE SECRET \
         webexazure.dev/credentials=true`.",
        "If a tool makes the Secret, write the label into that tool's template, or it is lost at the next synchronization.",
    ],
    role: OWNER,
    deadline: NO_DEADLINE,
    avoid: "Do not label Secrets that hold anything else.",
    heals: HEALS,
    otherwise: "The value must be `true`, as text.",
    pages: &[LABELS],
};

pub(super) const SECRET_FORBIDDEN: Runbook = Runbook {
    happened: "Kubernetes does not let the operator read the Secret. The operator has no right to read Secrets in general; the chart \
        gives it one by one.",
    breaks: BLIND,
    tell: "Ask Kubernetes on the operator's behalf.",
    reads: &[
        OBSERVED,
        "kubectl auth can-i get secret/SECRET -n NAMESPACE --as system:serviceaccount:OPERATOR-NAMESPACE:webex-azure-operator",
    ],
    steps: &[
        "Add the Secret to the chart's value `credentials`: `[{namespace: NAMESPACE, secrets: [SECRET]}]`; that makes Role and \
         RoleBinding.",
        "Upgrade the release.",
    ],
    role: "Whoever installs the operator.",
    deadline: NO_DEADLINE,
    avoid: "Do not give the operator a ClusterRole on Secrets.",
    heals: HEALS,
    otherwise: "A namespace that was deleted and created anew has lost its RoleBinding: upgrade the release again.",
    pages: &[LABELS],
};

pub(super) const SERVICE_ACCOUNT_NOT_BOUND: Runbook = Runbook {
    happened: "The ServiceAccount does not exist, or its annotation does not name the application in `spec.credentials.clientId`. \
        Without that rule an object could borrow a stronger account of its namespace.",
    breaks: BLIND,
    tell: "Compare the annotation with the clientId.",
    reads: &[OBSERVED, "kubectl get serviceaccount -n NAMESPACE ACCOUNT -o jsonpath='{.metadata.annotations}'"],
    steps: &[
        "Create the ServiceAccount if it is not there.",
        "Run `kubectl annotate serviceaccount --namespace NAMESPACE ACCOUNT azure.workload.identity/client-id=CLIENT-ID`.",
        "Check that the application has a federated credential for `system:serviceaccount:NAMESPACE:ACCOUNT`.",
    ],
    role: "No Entra role for the annotation; owner of the operator's own application for the federated credential.",
    deadline: NO_DEADLINE,
    avoid: "Do not point the annotation at an application that may do more than read.",
    heals: HEALS,
    otherwise: "Case counts: the annotation is compared as an ID, the federated credential letter by letter.",
    pages: &[FEDERATION],
};

pub(super) const CREDENTIAL_INVALID: Runbook = Runbook {
    happened: "Microsoft Entra refused the credential: a wrong secret, a certificate that is not registered, a token that no federated \
        credential matches, or tokens that were revoked.",
    breaks: BLIND,
    tell: "The message has the AADSTS number where Entra gave one. Entra admin center > Sign-in logs > Service principal sign-ins shows \
        the attempts; the event `ObservationFailed` has the request ID for Microsoft's support.",
    reads: &[OBSERVED, "kubectl events -n NAMESPACE --for wai/NAME"],
    steps: &[
        "Client secret: make a new one under App registrations > the application > Certificates & secrets, and store its value, not \
         its ID.",
        "Certificate: register the one in the Secret, or put the registered one with its key there.",
        "ServiceAccount or operator identity: compare issuer, subject and audience in the message with the federated credential, each \
         letter; and check that the cluster's issuer can be reached from the internet.",
        "Check the clock of the operator's node; five minutes are too much for certificates.",
    ],
    role: APP_OWNER,
    deadline: NO_DEADLINE,
    avoid: "Do not paste a secret into a ticket or a pipeline's log.",
    heals: HEALS,
    otherwise: "A federated credential or a new secret takes some minutes until every part of Entra knows it.",
    pages: &[ERROR_CODES, FEDERATION],
};

pub(super) const CREDENTIAL_EXPIRED: Runbook = Runbook {
    happened: "The client secret or certificate that the operator signs in with has expired.",
    breaks: BLIND,
    tell: "App registrations > the operator's application > Certificates & secrets shows the end. For a certificate the event \
        `ExpiringSoon` told it 30 days before.",
    reads: &[
        OBSERVED,
        r#"az ad app show --id CLIENT-ID --query "{secrets:passwordCredentials[].endDateTime,certificates:keyCredentials[].endDateTime}""#,
    ],
    steps: &[
        "Make a new client secret or register a new certificate.",
        "Store it in the Secret.",
        "Remove the old one.",
        "Consider `workloadIdentity`, which has nothing that expires.",
    ],
    role: APP_OWNER,
    deadline: "Passed.",
    avoid: "Do not make secrets that last for years to be rid of this.",
    heals: HEALS,
    otherwise: "A node whose clock is far ahead makes a good certificate look expired; see the event `ClockSkew`.",
    pages: &[ERROR_CODES],
};

pub(super) const CREDENTIAL_UNAVAILABLE: Runbook = Runbook {
    happened: "The token that the operator would sign in with is not there: its file is not mounted, the environment of its pod is not \
        set up, or Kubernetes does not let it ask for a token of that ServiceAccount.",
    breaks: BLIND,
    tell: "The message names the file, the variable or the ServiceAccount.",
    reads: &[
        OBSERVED,
        "kubectl get pod -n OPERATOR-NAMESPACE -l app.kubernetes.io/name=webex-azure-operator -o jsonpath='{.items[*].spec.volumes}'",
        "kubectl auth can-i create serviceaccounts/ACCOUNT --subresource token -n NAMESPACE --as system:serviceaccount:OPERATOR-NAMESPACE:webex-azure-operator",
    ],
    steps: &[
        "`workloadIdentity`: add the ServiceAccount to the chart's value `credentials`: `[{namespace: NAMESPACE, serviceAccounts: \
         [ACCOUNT]}]`.",
        "`operatorIdentity`: give the pod the label `azure.workload.identity/use: \"true\"` and its ServiceAccount the annotation, with \
         the chart's values `podLabels` and `serviceAccount.annotations`.",
        "Upgrade the release, and let the pod start anew.",
    ],
    role: "Whoever installs the operator.",
    deadline: NO_DEADLINE,
    avoid: "Do not copy a token into the file by hand: it ends within the hour.",
    heals: HEALS,
    otherwise: "The webhook of Microsoft's workload identity sets variables only when a pod is created: an older pod has none.",
    pages: &[FEDERATION],
};
