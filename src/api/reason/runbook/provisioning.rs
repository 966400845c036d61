//! Runbooks: the job that provisions people to Webex.

use super::{
    Runbook,
    page::{
        ACCIDENTAL_DELETIONS, ASSIGN, CISCO_USERS, CISCO_WIZARD, CLOUDS, HOW_PROVISIONING_WORKS, JOBS,
        NOBODY_PROVISIONED, QUARANTINE, RECOVER_FAQ,
    },
};

const STATUS: &str = "kubectl get wai -n NAMESPACE NAME -o jsonpath='{.status.applications[*].provisioning}'";

/// For Graph Explorer rather than `az`, whose own application lacks the permission Synchronization.Read.All.
const GRAPH_JOBS: &str = "GET https://graph.microsoft.com/v1.0/servicePrincipals/OBJECT-ID/synchronization/jobs";

const ROLE: &str = "Cloud Application Administrator, Application Administrator, or owner of the service principal.";

const STANDSTILL: &str =
    "Nobody is created, changed or deactivated in Webex: people who leave keep their access, newcomers get none.";

pub(super) const JOB_MISSING: Runbook = Runbook {
    happened: "The enterprise application has no provisioning job: provisioning was never set up, or its configuration was removed.",
    breaks: STANDSTILL,
    tell: "Entra admin center > Enterprise applications > the application > Provisioning offers to get started. In Graph Explorer, \
        with consent to Synchronization.Read.All, the list of jobs is empty.",
    reads: &[STATUS, GRAPH_JOBS],
    steps: &[
        "Ask whether synchronization was switched off in Control Hub on purpose. Then set `provisioning.required: false`.",
        "Otherwise set it up again, as full administrator: Control Hub > Organization Settings > Directory Synchronization. The \
         wizard makes the job and its credential.",
        "Compare scope and attribute mapping with what you had; they do not come back by themselves.",
    ],
    role: "Full administrator of Control Hub, together with an Entra administrator who may consent.",
    deadline: "None: a job that was deleted cannot be restored.",
    avoid: "Do not build a job by hand with a token of your own: the wizard keeps its credential up to date, nobody would yours.",
    heals: "The next look that finds a running job clears it.",
    otherwise: "After a restore the jobs may be invisible for 40 minutes to a day; the operator then says `Settling`, not this.",
    pages: &[JOBS, CISCO_WIZARD],
};

pub(super) const PAUSED: Runbook = Runbook {
    happened: "A person stopped the provisioning job: Stop provisioning in Entra, or the switch in Control Hub.",
    breaks: STANDSTILL,
    tell: "Entra admin center > Enterprise applications > the application > Provisioning shows it as paused.",
    reads: &[STATUS, GRAPH_JOBS],
    steps: &[
        "Ask who stopped it and why; a change of the scope or of the mapping may be half done.",
        "Start it: Provisioning > Overview > Start provisioning. It goes on where it stopped.",
        "Look at the provisioning log after the first cycle, about 40 minutes later.",
    ],
    role: ROLE,
    deadline: "None from Microsoft; but a long pause ends in a long first cycle.",
    avoid: "Do not restart with a full reset only to resume: in a large tenant that reads everybody anew. Do not press Start again and \
        again; Microsoft warns that it can stop the service.",
    heals: "The next look that finds it active clears it.",
    otherwise: "The wizard pauses the job while its settings are edited: look into Control Hub for an unsaved change.",
    pages: &[HOW_PROVISIONING_WORKS, JOBS],
};

pub(super) const QUARANTINED: Runbook = Runbook {
    happened: "Microsoft slowed the job down, because Webex refused most of what it sent or because something looked wrong. It tries \
        again after 6, 12 and 24 hours, and then once a day.",
    breaks: "Changes reach Webex once a day at best, mostly not at all: leavers keep their access. After 28 days Microsoft switches \
        the job off.",
    tell: "`status.applications[].provisioning.quarantine` has Microsoft's reason, `since` and `disabledAt`. Entra admin center > \
        Enterprise applications > the application > Provisioning > View quarantine details has the error.",
    reads: &[STATUS, GRAPH_JOBS],
    steps: &[
        "EncounteredQuarantineException: the credential does not work any more. Renew it with the wizard in Control Hub (Organization \
         Settings > Directory Synchronization); then Test connection.",
        "EncounteredBaseEscrowThreshold, EncounteredTotalEscrowThreshold, EncounteredEscrowProportionThreshold: too many people fail. \
         Read the provisioning log, and mend the attribute that they have in common.",
        "TooManyDeletes: stop and look. More people would be deactivated than the threshold allows. Find out why they fell out \
         of scope (a deleted group, a changed filter) and mend that; only if each of them is really to go, choose Allow deletes.",
        "QuarantinedOnDemand, IngestionInterrupted or Unknown: ask Microsoft support, with the job ID.",
        "Then press Restart provisioning, once. The quarantine ends when a cycle succeeds.",
    ],
    role: ROLE,
    deadline: "28 days after the quarantine began: `status.applications[].provisioning.quarantine.disabledAt`.",
    avoid: "Never wave TooManyDeletes through: everybody whom the change hits loses Webex at once. Do not restart before the cause is \
        mended; the quarantine comes back.",
    heals: "The next look after a cycle that succeeded clears it.",
    otherwise: "A 401 from Webex in the log has nothing to do with consent: it is the credential of the job. A 429 passes by itself.",
    pages: &[QUARANTINE, ACCIDENTAL_DELETIONS, CISCO_USERS],
};

pub(super) const DISABLED: Runbook = Runbook {
    happened: "The job exists and its schedule is off: it was never started, somebody switched it off, or Microsoft did after 28 days \
        of quarantine.",
    breaks: STANDSTILL,
    tell: "Entra admin center > Enterprise applications > the application > Provisioning: provisioning status is Off. The audit log, \
        category Provisioning Management, tells who.",
    reads: &[STATUS, GRAPH_JOBS],
    steps: &[
        "Look for a quarantine before it: if there was one, mend its cause first.",
        "Test connection; if that fails, renew the credential with the wizard in Control Hub.",
        "Set the provisioning status to On and save.",
    ],
    role: ROLE,
    deadline: "None any more: the job is off already.",
    avoid: "Do not switch it on with a broken credential: the next 28 days begin.",
    heals: "The next look that finds it active clears it.",
    otherwise: "A new job that waits for its first start looks the same (`NotRun`).",
    pages: &[QUARANTINE, HOW_PROVISIONING_WORKS],
};

pub(super) const SCOPE_EMPTY: Runbook = Runbook {
    happened: "Nobody is in scope of the job: no user and no group is assigned to the application, though only those that are assigned \
        are provisioned.",
    breaks: "The next cycle deactivates whoever was provisioned before, and nobody new comes. In Webex they become inactive, and are \
        removed 30 days later.",
    tell: "Entra admin center > Enterprise applications > the application > Users and groups is empty.",
    reads: &[
        STATUS,
        r#"az rest --method GET --url "https://graph.microsoft.com/v1.0/servicePrincipals/OBJECT-ID/appRoleAssignedTo?\$top=5""#,
    ],
    steps: &[
        "Pause the job if a cycle is near: Provisioning > Overview > Pause provisioning.",
        "Find out what was removed: Audit logs, activity Remove app role assignment grant to user, or the deletion of a group.",
        "Restore the group, or assign users and groups again, with a real role: Default Access is left out of provisioning.",
        "Start the job and look at the provisioning log.",
    ],
    role: ROLE,
    deadline: "The next cycle, within about 40 minutes. In Webex 30 days until inactive users are removed.",
    avoid: "Do not start the job before the scope is back.",
    heals: "The next look that finds somebody assigned clears it.",
    otherwise: "If the scope is meant to be everybody, Provisioning > Settings > Scope says Sync all users and groups, and nothing \
        needs to be assigned.",
    pages: &[ASSIGN, NOBODY_PROVISIONED, CISCO_USERS],
};

pub(super) const OVERDUE: Runbook = Runbook {
    happened: "The job runs, as far as Microsoft Graph tells, but its last success is much older than its schedule.",
    breaks: "Changes do not reach Webex, and no quarantine says so: leavers keep their access.",
    tell: "`status.applications[].provisioning.lastSuccessTime`. Entra admin center > Enterprise applications > the application > \
        Provisioning shows the progress of the current cycle.",
    reads: &[STATUS, GRAPH_JOBS],
    steps: &[
        "Look at the provisioning log for what fails.",
        "A first cycle of a large tenant lasts hours: if its progress moves, wait.",
        "Test connection; renew the credential with the wizard in Control Hub if it fails.",
        "If nothing moves for a day, press Restart provisioning once, and open a case with Microsoft with the job ID.",
    ],
    role: ROLE,
    deadline: "None; if cycles keep failing, quarantine follows, and with it the 28 days.",
    avoid: "Do not press Start or Restart again and again.",
    heals: "The next look after a cycle that succeeded clears it.",
    otherwise: "Microsoft's provisioning service or Webex may be down: status.webex.com and the Microsoft 365 service health page tell.",
    pages: &[HOW_PROVISIONING_WORKS, NOBODY_PROVISIONED],
};

pub(super) const SETTLING: Runbook = Runbook {
    happened: "The service principal came back not long ago. Microsoft says that its provisioning needs 40 minutes to a day to show \
        up again.",
    breaks: "Provisioning may stand still for that long.",
    tell: "`status.applications[].provisioning.settlingUntil` tells until when the operator waits before it calls this drift.",
    reads: &[STATUS, GRAPH_JOBS],
    steps: &["Wait.", "If leavers cannot wait, press Restart provisioning once; that forces it."],
    role: "Nobody is needed; Cloud Application Administrator to restart.",
    deadline: "None.",
    avoid: "Do not set the integration up again meanwhile: you would lose what the restore brought back.",
    heals: "The condition turns `Healthy` when the job runs, or tells what is wrong when the time is over.",
    otherwise: "Policies such as those of Conditional Access do not come back with a restore; they have to be made again.",
    pages: &[RECOVER_FAQ],
};

pub(super) const NOT_SUPPORTED_IN_CLOUD: Runbook = Runbook {
    happened: "The cloud of this tenant does not offer provisioning jobs in Microsoft Graph; Microsoft lists them for the Global and \
        US Government clouds.",
    breaks: "Nothing in Webex. The operator cannot tell whether people are provisioned.",
    tell: "The object's `spec.cloud`. The condition stays Unknown, and `Ready` does not wait for it.",
    reads: &["kubectl get wai -n NAMESPACE NAME -o jsonpath='{.spec.cloud}'", STATUS],
    steps: &[
        "Set `provisioning.required: false` if you do not want to see it.",
        "Watch the synchronization in Control Hub instead.",
    ],
    role: "Whoever may edit the object.",
    deadline: "None.",
    avoid: "Do not change `spec.cloud` for it: another cloud is another tenant.",
    heals: "It does not; it goes with the requirement.",
    otherwise: "Nothing else gives this reason.",
    pages: &[CLOUDS, JOBS],
};
