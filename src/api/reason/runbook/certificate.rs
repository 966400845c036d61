//! Runbooks: certificates and client secrets of the applications in question, not the operator's own.

use super::{
    Runbook,
    page::{CERTIFICATES, CISCO_SSO},
};

const STATUS: &str = "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.applications[*].certificates}'";

const CREDENTIALS: &str = r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals(appId='APP-ID')" --query "{keys:keyCredentials[].{end:endDateTime,usage:usage,type:type,thumbprint:customKeyIdentifier},secrets:passwordCredentials[].endDateTime,active:preferredTokenSigningKeyThumbprint}""#;

const ROLE: &str = "Cloud Application Administrator or Application Administrator; for the other side, full administrator of Control Hub.";

pub(super) const EXPIRED: Runbook = Runbook {
    happened: "A certificate or client secret of the application has expired. For single sign-on it is the certificate that signs \
        SAML answers.",
    breaks: "An expired signing certificate keeps everybody from signing in to Webex. An expired client secret keeps whatever signs in \
        with it out.",
    tell: "`status.applications[].certificates` has kind, thumbprint and end; the signing certificate in use is marked. Entra admin \
        center > Enterprise applications > the application > Single sign-on shows it too.",
    reads: &[STATUS, CREDENTIALS],
    steps: &[
        "Signing certificate: Single sign-on > SAML certificates > New certificate, save, and download the federation metadata.",
        "Load that metadata into Control Hub > Organization Settings > Single sign-on, test, and only then make the certificate active in Entra.",
        "Client secret: make a new one where it is used, and remove the old one.",
        "If nobody can sign in, administrators still can at admin.webex.com/manage-sso.",
    ],
    role: ROLE,
    deadline: "Passed.",
    avoid: "Do not make a new certificate active before Control Hub knows it: everybody would be locked out at once.",
    heals: "The next look at certificates clears it; they are read every six hours.",
    otherwise: "One that was replaced does not count: of the certificates the active signing certificate does, else the one that ends \
        last. Webex has a certificate of its own, which Entra does not show.",
    pages: &[CERTIFICATES, CISCO_SSO],
};

pub(super) const EXPIRING_SOON: Runbook = Runbook {
    happened: "A certificate or client secret of the application ends soon: within `certificates.warnBefore`, 30 days unless said \
        otherwise.",
    breaks: "Nothing yet. When a signing certificate ends, nobody can sign in to Webex.",
    tell: "`status.applications[].certificates` has kind, thumbprint and end. The condition stays True; an event tells it once.",
    reads: &[STATUS, CREDENTIALS],
    steps: &[
        "Agree on a time: the change of a signing certificate has two sides, and they must change together.",
        "Signing certificate: Single sign-on > SAML certificates > New certificate, save it inactive, and download the federation \
         metadata.",
        "Load that metadata into Control Hub > Organization Settings > Single sign-on and test; then make the new one active in Entra.",
        "Client secret: make a new one, put it where it is used, and remove the old one.",
    ],
    role: ROLE,
    deadline: "The end of the certificate or client secret, in `status.applications[].certificates[].notAfter`.",
    avoid: "Do not make a new certificate active before Control Hub knows it.",
    heals: "The next look at certificates clears it, within six hours.",
    otherwise: "Microsoft mails the addresses under SAML certificates > Notification email 60, 30 and 7 days before: check that somebody \
        reads them.",
    pages: &[CERTIFICATES, CISCO_SSO],
};
