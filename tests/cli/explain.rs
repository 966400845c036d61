//! `explain`: the runbook on a terminal.

use webex_azure_operator::api::{
    Reason,
    reason::runbook::{self, Runbook},
};

use crate::program::{golden, run};

#[tokio::test]
async fn a_runbook_reads_well_on_a_terminal() {
    let deleted = run(&["explain", "ServicePrincipalSoftDeleted"], "", &[]).await;
    assert_eq!((deleted.code, deleted.err.as_str()), (0, ""));
    golden("explain.txt", &deleted.out);
}

#[tokio::test]
async fn every_reason_can_be_explained_and_nothing_is_left_out() {
    for reason in Reason::ALL {
        let explained = run(&["explain", reason.as_str()], "", &[]).await;
        assert_eq!(explained.code, 0, "{reason}");
        let unwrapped = explained.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unwrapped.contains(reason.meaning()), "{reason}");
        let Some(Runbook { happened, breaks, tell, reads, steps, role, deadline, avoid, heals, otherwise, pages }) =
            runbook::of(*reason)
        else {
            continue;
        };
        let single = [*happened, *breaks, *tell, *role, *deadline, *avoid, *heals, *otherwise];
        for sentence in single.iter().chain(*steps).chain(*reads) {
            let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(unwrapped.contains(&sentence), "{reason} lacks: {sentence}");
        }
        assert!(pages.iter().all(|page| explained.out.contains(page.url)), "{reason}");
    }
}

#[tokio::test]
async fn a_typing_error_is_met_with_the_names_that_may_be_meant() {
    let near = run(&["explain", "ServicePrincipalSoftDelted"], "", &[]).await;
    assert_eq!(
        (near.code, near.out.as_str(), near.err.as_str()),
        (
            1,
            "",
            "error: no condition gives a reason \"ServicePrincipalSoftDelted\"\nhint: did you mean ServicePrincipalSoftDeleted?\n"
        )
    );
    let far = run(&["explain", "Banana"], "", &[]).await;
    assert_eq!(far.code, 1);
    assert!(far.err.ends_with("hint: webex-azure-operator explain lists all reasons\n"), "{}", far.err);
    let lower = run(&["explain", "consentmissing"], "", &[]).await;
    assert!(lower.code == 0 && lower.out.starts_with("ConsentMissing\n"), "{}", lower.out);
}

#[tokio::test]
async fn without_a_name_all_reasons_are_listed() {
    let all = run(&["explain"], "", &[]).await;
    assert_eq!(all.code, 0);
    let listed: Vec<&str> = all.out.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(listed, Reason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>());
}
