//! `docs/reference.md`: every condition, reason, remedy and event, made from the tables that the operator works with.

mod remedy;

use std::fmt::Write as _;

use crate::{
    api::{
        Cloud, ConditionType, Reason,
        reason::{
            Row, TABLE,
            condition::{ConditionWords, words},
            runbook::{self, Page, Runbook, anchor},
        },
    },
    domain::{
        cloud::Endpoints,
        notice::{EventReason, event_of},
        remedy::Action,
    },
};

const HEAD: &str = "\
<!-- Made from the code by `UPDATE=1 cargo test --test generated`; do not edit. -->
# Reference

What a `WebexAzureIntegration` says, and what to do about it.
`webex-azure-operator explain REASON` prints the same for one reason on a terminal.

- [Conditions](#conditions): what each says, and the reasons that it can give
- [Runbooks](#runbooks): for each reason what happened, what it breaks, what to do, who can, until when
- [Remedies](#remedies): what `status.drift[].remedy.action` can be
- [Events](#events): what is told once, at a transition
- [Metrics](#metrics)

## Reading an object

```console
$ kubectl get wai -A                                  # one line each: READY, REASON, DRIFTED, CONSENT, APPS
$ kubectl describe wai -n NAMESPACE NAME              # conditions, differences with their remedies, events
$ kubectl wait -n NAMESPACE wai/NAME --for=condition=Ready --timeout=2m
$ kubectl annotate wai -n NAMESPACE NAME --overwrite reconcile.fluxcd.io/requestedAt=\"$(date)\"   # look now
```

Begin with `Ready`: its message has the gravest difference in full, with the link or command that repairs it.
`status.drift` lists every difference, the gravest first.
In the commands below NAMESPACE and NAME stand for the object, APP-ID and OBJECT-ID for what `status.applications` says of an application, TENANT-ID and CLIENT-ID for `spec.tenantId` and `spec.credentials.clientId`.
Lines that begin with `GET` are for [Graph Explorer](https://developer.microsoft.com/graph/graph-explorer).
Outside the Global cloud other hosts take the place of the ones that are written here:

";

const RESTORE_FIRST: &str = "\
**Restore before consent.** A deleted service principal keeps its object ID, its configuration and its provisioning for 30 days, and a restore brings them back.
Consent creates a new one instead, and as long as that exists the old one cannot be restored.

";

/// The whole page.
pub fn reference_markdown() -> String {
    let mut page = String::from(HEAD);
    page.push_str(&hosts());
    page.push_str(&conditions());
    page.push_str("## Runbooks\n\n");
    page.push_str(RESTORE_FIRST);
    for reason in Reason::ALL {
        if let Some(runbook) = runbook::of(*reason) {
            page.push_str(&paragraph(*reason, runbook));
        }
    }
    page.push_str(&nothing_to_do());
    page.push_str(&remedy::table_of_remedies());
    page.push_str(&events());
    page.push_str("## Metrics\n\n[metrics.md](metrics.md) lists them. For each object they tell the same as its status: what drifted, until when it can be undone, and how old the last look is.\n");
    page
}

/// Rows in the form of a Markdown table.
fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    table.push_str(&line(&vec!["---".to_owned(); head.len()]));
    for row in rows {
        // A bar would end the cell.
        table.push_str(&line(&row.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>()));
    }
    table.push('\n');
    table
}

fn hosts() -> String {
    let clouds = [Cloud::Global, Cloud::USGovernment, Cloud::USGovernmentDoD, Cloud::China];
    let rows = clouds.map(|cloud| {
        let endpoints = Endpoints::of(cloud);
        vec![format!("`{cloud:?}`"), format!("`{}`", endpoints.login), format!("`{}`", endpoints.graph)]
    });
    table(&["`spec.cloud`", "sign-in", "Microsoft Graph"], rows)
}

fn conditions() -> String {
    let mut text = String::from("## Conditions\n\n");
    let rows = ConditionType::ALL.map(|condition| {
        let ConditionWords { says: _, polarity, present } = words(condition);
        vec![format!("[`{condition}`](#{})", condition_anchor(condition)), polarity.to_owned(), present.to_owned()]
    });
    text.push_str(&table(&["type", "polarity", "written"], rows));
    text.push_str(
        "Unknown is no difference: a part that cannot be read is never shown as missing, and it hides none that can be read.\n\
         Tools that follow kstatus see *failed* only with `Stalled`; without it `Ready=False` and `Ready=Unknown` are *in progress*.\n\n",
    );
    for condition in ConditionType::ALL {
        let ConditionWords { says, polarity, present } = words(condition);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "<a id=\"{}\"></a>\n### {condition}\n\n{says}\n\n{polarity}. Written {present}.\n\n",
            condition_anchor(condition)
        );
        match condition {
            ConditionType::Stalled => text.push_str("It gives the reason that `Ready` gives, with the remedy in its message.\n\n"),
            ConditionType::Ready => text.push_str(
                "Besides those below it gives, while False, the reason of any other condition for which a person is needed.\n\n",
            ),
            ConditionType::Reconciling
            | ConditionType::Suspended
            | ConditionType::Observed
            | ConditionType::Drifted
            | ConditionType::ServicePrincipalsPresent
            | ConditionType::SignInEnabled
            | ConditionType::ConsentGranted
            | ConditionType::ProvisioningHealthy
            | ConditionType::CertificatesCurrent => {}
        }
        let rows: Vec<&Row> = TABLE.iter().filter(|row| row.condition == condition).collect();
        if !rows.is_empty() {
            let head = ["status", "reason", "meaning", "person needed", "event"];
            text.push_str(&table(&head, rows.into_iter().map(|row| cells(*row))));
        }
    }
    text
}

fn condition_anchor(condition: ConditionType) -> String {
    format!("condition-{}", condition.as_str().to_ascii_lowercase())
}

fn event_anchor(event: EventReason) -> String {
    format!("event-{}", event.as_str().to_ascii_lowercase())
}

fn cells(row: Row) -> Vec<String> {
    let Row { condition, status, reason, person_needed } = row;
    let event = event_of(condition, status, reason);
    vec![
        status.to_string(),
        link(reason),
        reason.meaning().to_owned(),
        if person_needed { "yes" } else { "no" }.to_owned(),
        event.map_or_else(String::new, |event| format!("[`{}`](#{})", event.as_str(), event_anchor(event))),
    ]
}

fn link(reason: Reason) -> String {
    format!("[`{reason}`](#{})", anchor(reason))
}

fn paragraph(reason: Reason, runbook: &Runbook) -> String {
    let Runbook { happened, breaks, tell, reads, steps, role, deadline, avoid, heals, otherwise, pages } = runbook;
    let mut text = format!("<a id=\"{}\"></a>\n### {reason}\n\n{}\n\n", anchor(reason), reason.meaning());
    // Writing to a String cannot fail.
    let _ =
        write!(text, "**What happened.** {happened}\n\n**What it breaks.** {breaks}\n\n**How to tell.** {tell}\n\n");
    if !reads.is_empty() {
        let _ = write!(text, "```sh\n{}\n```\n\n", reads.join("\n"));
    }
    text.push_str("**What to do.**\n\n");
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(text, "{}. {step}", number + 1);
    }
    let _ = write!(
        text,
        "\n**Who can.** {role}\n\n**Until when.** {deadline}\n\n**What not to do.** {avoid}\n\n**How it heals.** {heals}\n\n\
         **What else it can be.** {otherwise}\n\n"
    );
    if !pages.is_empty() {
        let pages: Vec<String> = pages.iter().map(|Page { title, url }| format!("[{title}]({url})")).collect();
        let _ = write!(text, "**Read on.** {}\n\n", pages.join("; "));
    }
    text
}

fn nothing_to_do() -> String {
    let mut text = String::from("### Where nothing is to be done\n\n");
    for reason in Reason::ALL.iter().filter(|reason| runbook::of(**reason).is_none()) {
        let _ = writeln!(text, "- <a id=\"{}\"></a>`{reason}`: {}", anchor(*reason), reason.meaning());
    }
    text.push('\n');
    text
}

fn events() -> String {
    let mut text = String::from(
        "## Events\n\nAn event is told once, when something changes; it is not repeated while that lasts. The status says the same for as long as it is so.\n\n",
    );
    let rows = EventReason::ALL.map(|event| {
        let kind = if event.is_warning() { "Warning" } else { "Normal" };
        vec![
            format!("<a id=\"{}\"></a>`{}`", event_anchor(event), event.as_str()),
            kind.to_owned(),
            event.meaning().to_owned(),
        ]
    });
    text.push_str(&table(&["reason", "type", "told when"], rows));
    text
}

/// The anchor of a remedy.
fn action_anchor(action: Action) -> String {
    format!("remedy-{}", action.as_str().to_ascii_lowercase())
}
