//! What people paste: the incident first, then everything around it, instead of it and against it.

use proptest::prelude::*;

use super::*;

const INCIDENT: &str = include_str!("../../../tests/fixtures/diagnosis/incident-en.txt");
const INCIDENT_CHINESE: &str = include_str!("../../../tests/fixtures/diagnosis/incident-zh.txt");
const JSON: &str = include_str!("../../../tests/fixtures/diagnosis/incident.json");
const TOAST: &str = include_str!("../../../tests/fixtures/diagnosis/toast-en.txt");
const TOAST_CHINESE: &str = include_str!("../../../tests/fixtures/diagnosis/toast-zh.txt");
const ARTICLE: &str = include_str!("../../../tests/fixtures/diagnosis/article-en.txt");
const ARTICLE_CHINESE: &str = include_str!("../../../tests/fixtures/diagnosis/article-zh.txt");
const PAGE: &str = include_str!("../../../tests/fixtures/diagnosis/article.html");
const TWO: &str = include_str!("../../../tests/fixtures/diagnosis/two-incidents.txt");

const TRACKING_ID: &str = "ATLAS_497d70df-8811-4b6b-9b6a-ef4f438b57f6_136";
const ORGANIZATION: &str = "2fdb923e-1d23-4e1b-a30f-e9cd88845744";
const CLIENT_REQUEST_ID: &str = "9afc732a-2dcf-44e0-8bd8-49db92e483b7";

fn of(text: &str) -> Complaint {
    read(text.as_bytes()).unwrap()
}

fn tracking_id(complaint: &Complaint) -> Option<String> {
    complaint.tracking_id.as_ref().map(ToString::to_string)
}

fn organization(complaint: &Complaint) -> Option<String> {
    complaint.organization.map(|id| id.to_string())
}

/// Everything that the debug information of the incident tells.
fn check_details(complaint: &Complaint, text: &str) {
    assert_eq!(organization(complaint).as_deref(), Some(ORGANIZATION), "{text}");
    assert_eq!(tracking_id(complaint).as_deref(), Some(TRACKING_ID), "{text}");
    assert_eq!(complaint.time, Some("2023-05-21T22:44:59Z".parse().unwrap()), "{text}");
    assert_eq!(complaint.status, Some(401), "{text}");
    let request = complaint.request.as_ref().expect(text);
    assert_eq!(request.host.as_deref(), Some("identity-b-us.webex.com"), "{text}");
    assert!(request.tail.starts_with("/v1/Web"), "{text}");
}

/// The same with what only the JSON tells.
fn check_whole(complaint: &Complaint, text: &str) {
    check_details(complaint, text);
    assert_eq!(complaint.fault, Fault::DirectoryRefused, "{text}");
    assert_eq!(complaint.code.as_deref(), Some("701018"), "{text}");
    assert_eq!(complaint.client_request_id.map(|id| id.to_string()).as_deref(), Some(CLIENT_REQUEST_ID), "{text}");
    assert_eq!(complaint.remarks, [], "{text}");
}

#[test]
fn the_debug_information_of_the_incident_is_read_in_both_editions() {
    for text in [INCIDENT, INCIDENT_CHINESE] {
        let complaint = of(text);
        check_details(&complaint, text);
        assert_eq!(complaint.fault, Fault::Unauthorized, "the block alone does not hold the code");
        assert_eq!(complaint.build.as_deref(), Some("20230519-182b260"));
        assert_eq!(complaint.remarks, []);
    }
}

#[test]
fn its_json_tells_the_code_and_what_microsoft_can_look_up() {
    for text in
        [JSON.to_owned(), format!("Response:\n\n{JSON}\nwhat now?"), JSON.replace('"', "\\\""), JSON.replace('"', "'")]
    {
        let complaint = of(&text);
        assert_eq!(complaint.fault, Fault::DirectoryRefused, "{text}");
        assert_eq!((complaint.status, complaint.code.as_deref()), (Some(401), Some("701018")), "{text}");
        assert_eq!(complaint.client_request_id.map(|id| id.to_string()).as_deref(), Some(CLIENT_REQUEST_ID), "{text}");
        assert_eq!(tracking_id(&complaint).as_deref(), Some(TRACKING_ID), "{text}");
        assert_eq!(complaint.organization, None, "the JSON does not name it");
    }
}

#[test]
fn the_message_alone_is_an_unauthorized_without_a_code() {
    for text in [TOAST, TOAST_CHINESE] {
        let complaint = of(text);
        assert_eq!(complaint.fault, Fault::Unauthorized, "{text}");
        assert_eq!(tracking_id(&complaint).as_deref(), Some(TRACKING_ID), "{text}");
    }
}

#[test]
fn a_tracking_id_alone_tells_no_error() {
    for text in [
        TRACKING_ID,
        "ATLAS_497d70df-8811-4b6b-9b6a-ef4f438b57f6_136.",
        "please see (ATLAS_497d70df-8811-4b6b-9b6a-\nef4f438b57f6_136)",
    ] {
        let complaint = of(text);
        assert_eq!(complaint.fault, Fault::Untold, "{text}");
        assert_eq!(tracking_id(&complaint).as_deref(), Some(TRACKING_ID), "{text}");
    }
}

#[test]
fn a_whole_support_article_around_it_does_not_confuse() {
    for text in [ARTICLE, ARTICLE_CHINESE, PAGE] {
        check_whole(&of(text), text);
    }
}

#[test]
fn lines_may_come_in_any_order() {
    let mut lines: Vec<&str> = INCIDENT.lines().collect();
    for turn in 0..lines.len() {
        lines.rotate_left(1);
        let mut text = lines.clone();
        if turn % 2 == 0 {
            text.reverse();
        }
        check_details(&of(&text.join("\n")), &text.join("\n"));
    }
}

#[test]
fn what_mail_editors_and_pages_do_to_a_text_is_tolerated() {
    let whole = format!("{INCIDENT}\n{JSON}");
    let each = |rewritten: &dyn Fn(&str) -> String| INCIDENT.lines().map(rewritten).collect::<Vec<_>>().join("\n");
    let separated = |separator: &str| each(&|line| line.replacen(": ", separator, 1));
    let table = each(&|line| format!("| {} |", line.replacen(": ", " | ", 1)));
    let bold = each(&|line| format!("- **{}", line.replacen(':', ":**", 1)));
    for text in [
        whole.replace('\n', "\r\n"),
        format!("\u{feff}{whole}"),
        whole.replace(": ", "："),
        whole.replace(": ", " : "),
        format!("> > {}", whole.replace('\n', "\n> > ")),
        whole.replace('-', "\u{2011}").replace('_', "\\_"),
        whole.replace("e9cd", "e9\u{200b}cd"),
        format!("Hello,\n\nplease help!\n\n```\n{whole}```\n\nRegards, 401 people"),
        format!("{table}\n{JSON}"),
        format!("{bold}\n{JSON}"),
        format!("{}\n{JSON}", separated("\t")),
        format!("{}\n{JSON}", separated("\n")),
        format!("{}\n{JSON}", separated(" = ")),
        whole.to_lowercase().replace("atlas_", "ATLAS_"),
    ] {
        let complaint = of(&text);
        check_whole(&complaint, &text);
    }
}

#[test]
fn a_text_that_was_wrapped_to_a_width_is_read_whole() {
    for width in [50, 60, 72, 76] {
        let whole = format!("{INCIDENT}\n{JSON}");
        let mut text = String::new();
        for line in whole.lines() {
            let chars: Vec<char> = line.chars().collect();
            for piece in chars.chunks(width) {
                text.extend(piece);
                text.push('\n');
            }
        }
        check_whole(&of(&text), &text);
    }
}

#[test]
fn the_published_errors_are_told_apart() {
    let domains = format!("https://identity-b-us.webex.com/extIntegration/azureAD/{ORGANIZATION}/v1/Domains");
    for (text, fault) in [
        (
            format!(
                r#"{domains} {{"error":{{"key":"400","message":[{{"code":"100013","description":"tenantId is required"}}]}}}}"#
            ),
            Fault::TenantUnknown,
        ),
        ("400 Bad Request: tenantId is required".to_owned(), Fault::TenantUnknown),
        (format!("{domains}\nStatus: 401"), Fault::Unauthorized),
        (format!("{domains}\nStatus: 500"), Fault::Unpublished),
        ("401/701018".to_owned(), Fault::DirectoryRefused),
        (
            format!("POST https://webexapis.com/identity/scim/{ORGANIZATION}/v2/Users\nStatus: 401"),
            Fault::ScimUnauthenticated,
        ),
        (
            format!("https://api.ciscospark.com/v1/scim/{ORGANIZATION}/Users returned HTTP 401"),
            Fault::ScimUnauthenticated,
        ),
        (
            "401: The request is unauthenticated. The user's credentials are missing or incorrect.".to_owned(),
            Fault::ScimUnauthenticated,
        ),
        (
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"401"}"#.to_owned(),
            Fault::ScimUnauthenticated,
        ),
        ("Received error 'Unauthorized' from O365. Admin action is required.".to_owned(), Fault::CalendarUnauthorized),
        (format!("View Org ID: {ORGANIZATION}\nError Code: 701099\nStatus: 403"), Fault::Unpublished),
    ] {
        assert_eq!(of(&text).fault, fault, "{text}");
    }
}

#[test]
fn of_two_incidents_the_later_is_chosen_and_the_other_is_named() {
    for text in [TWO.to_owned(), TWO.replace("\nand the next morning\n\n", "")] {
        let complaint = of(&text);
        assert_eq!(tracking_id(&complaint).as_deref(), Some("ATLAS_00000000-0000-4000-8000-0000000000a1_7"), "{text}");
        assert_eq!(organization(&complaint).as_deref(), Some("00000000-0000-4000-8000-0000000000b1"), "{text}");
        assert_eq!(complaint.time, Some("2023-05-22T08:00:00Z".parse().unwrap()));
        let [remark @ Remark::Several { count: 1, .. }] = complaint.remarks.as_slice() else {
            panic!("{:?}", complaint.remarks);
        };
        assert!(remark.sentence().contains(TRACKING_ID), "{}", remark.sentence());
    }
}

#[test]
fn a_message_and_the_details_of_another_incident_are_not_mixed() {
    let other = TOAST.replace(TRACKING_ID, "ATLAS_00000000-0000-4000-8000-0000000000a1_7");
    for text in [format!("{other}\n{INCIDENT}"), format!("{other}{INCIDENT}"), format!("{INCIDENT}\n{other}")] {
        let complaint = of(&text);
        check_details(&complaint, &text);
        assert!(matches!(complaint.remarks.as_slice(), [Remark::Several { count: 1, .. }]), "{text}");
    }
}

#[test]
fn of_two_answers_in_json_each_keeps_its_code() {
    let other = r#"{"error":{"key":"400","message":[{"code":"100013","description":"tenantId is required"}]},"trackingId":"ATLAS_00000000-0000-4000-8000-0000000000a1_7"}"#;
    for text in [format!("{JSON}{other}"), format!("{other}\n{JSON}")] {
        let complaint = of(&text);
        let id = tracking_id(&complaint).unwrap();
        let expected = if id == TRACKING_ID { "701018" } else { "100013" };
        assert_eq!(complaint.code.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_partner_who_is_signed_in_is_not_taken_for_the_organization() {
    let theirs = "00000000-0000-4000-8000-0000000000c1";
    let text = INCIDENT
        .replace(&format!("Logged-in User Org ID: {ORGANIZATION}"), &format!("Logged-in User Org ID: {theirs}"));
    let complaint = of(&text);
    assert_eq!(organization(&complaint).as_deref(), Some(ORGANIZATION));
    assert_eq!(complaint.remarks, [Remark::PartnerSignedIn { organization: theirs.parse().unwrap() }]);
}

#[test]
fn the_tenant_that_consent_came_back_from_is_read_from_control_hubs_address_only() {
    let tenant = "00000000-0000-4000-8000-000000000001";
    let query = format!("settings?type=azure-ad-domain&admin_consent=True&tenant={tenant}&orgId={ORGANIZATION}");
    let complaint = of(&format!("Browser URL: https://admin.webex.com/{query}"));
    assert_eq!(complaint.consented.map(|id| id.to_string()).as_deref(), Some(tenant));
    assert_eq!(organization(&complaint).as_deref(), Some(ORGANIZATION));
    assert_eq!(read(format!("https://admin.example.com/{query}").as_bytes()), Err(Unreadable::Nothing));
}

#[test]
fn nothing_and_garbage_get_a_sentence_each() {
    for empty in ["", " \n\t\r\n", "\u{feff}", "\u{200b}\u{1b}[0m", "<p></p>"] {
        assert_eq!(read(empty.as_bytes()), Err(Unreadable::Empty), "{empty:?}");
    }
    for garbage in [
        "hello",
        "Status: 401",
        "2fdb923e-1d23-4e1b-a30f-e9cd88845744",
        "Object ID: 2fdb923e-1d23-4e1b-a30f-e9cd88845744",
        "client_id=90db942a-c1eb-4e8d-82e4-eebf64a7e2ae",
        "{\"error\":{}}",
        "Sun, 21 May 2023 22:44:59 GMT",
        "0701018 7010180 701018.5 x701018 _701018",
        "apiVersion: v1\nkind: ConfigMap",
    ] {
        assert_eq!(read(garbage.as_bytes()), Err(Unreadable::Nothing), "{garbage}");
    }
    assert_eq!(read(&[0xFF, 0xFF, 0x00, 0x80, 0xC3]), Err(Unreadable::Nothing));
}

#[test]
fn identifiers_in_wrong_places_are_not_used() {
    let text = format!("Status: {ORGANIZATION}\nTracking ID: {ORGANIZATION}\nMessage: View Org ID\nURL: 701018");
    let complaint = of(&text);
    assert_eq!((complaint.organization, complaint.tracking_id, complaint.client_request_id), (None, None, None));
}

#[test]
fn characters_that_only_look_right_are_not_read_and_are_told() {
    for wrong in
        [ORGANIZATION.replace('e', "\u{435}"), ORGANIZATION.replacen('2', "２", 1), ORGANIZATION.replacen('a', "а", 1)]
    {
        let complaint = of(&INCIDENT.replace(ORGANIZATION, &wrong));
        assert_eq!(complaint.organization, None, "{wrong}");
        let [Remark::Lookalike(c)] = complaint.remarks.as_slice() else { panic!("{:?}", complaint.remarks) };
        assert!(!c.is_ascii());
    }
    assert_eq!(read("７０１０１８".as_bytes()), Err(Unreadable::Nothing));
    assert_eq!(read("АTLAS_497d70df-8811-4b6b-9b6a-ef4f438b57f6_136".as_bytes()), Err(Unreadable::Nothing));
}

#[test]
fn an_address_of_somebody_else_is_told_and_not_used() {
    for host in [
        "evil.example",
        "identity.webex.com.evil.example",
        "webex.com@evil.example",
        "xwebex.com",
        "identity.wеbex.com",
    ] {
        let text = INCIDENT.replace("identity-b-us.webex.com", host).replace("View Org ID", "x");
        let complaint = of(&text);
        assert_eq!(complaint.request, None, "{host}");
        let [remark @ Remark::ForeignHost(_)] = complaint.remarks.as_slice() else { panic!("{:?}", complaint.remarks) };
        assert!(!remark.sentence().contains("evil.example"), "no terminal makes a link of it: {}", remark.sentence());
    }
    let hidden =
        format!("https://evil.example/?to=identity.webex.com/extIntegration/azureAD/{ORGANIZATION}/v1/Domains");
    assert_eq!(read(hidden.as_bytes()), Err(Unreadable::Nothing));
}

#[test]
fn what_is_secret_in_an_address_is_not_kept() {
    let text = format!("https://identity.webex.com/extIntegration/azureAD/{ORGANIZATION}/v1/Other?access_token=canary");
    assert_eq!(
        of(&text).request.unwrap().to_string(),
        format!("identity.webex.com/extIntegration/azureAD/{ORGANIZATION}/v1/Other")
    );
}

#[test]
fn a_tracking_id_that_is_cut_short_is_told() {
    let complaint = of(&INCIDENT.replace("-ef4f438b57f6_136", ""));
    assert_eq!((complaint.tracking_id, complaint.remarks.as_slice()), (None, [Remark::TrackingIdCut].as_slice()));
}

#[test]
fn a_very_long_text_is_read_to_its_limit_and_that_is_told() {
    let mut text = INCIDENT.as_bytes().to_vec();
    text.resize(10 * 1024 * 1024, b'-');
    let complaint = read(&text).unwrap();
    check_details(&complaint, "10 MiB");
    assert_eq!(complaint.remarks, [Remark::Cut]);
    for part in
        ["401 ", "{", "<", "&#x", "2023年", "\u{1b}]", "ATLAS_497d70df-8811-4b6b-9b6a-", "Sun, ", "View Org ID: "]
    {
        let _ = read(part.repeat(100_000 / part.len()).as_bytes());
    }
    let many: Vec<String> = (0..12_000).map(|n| format!("ATLAS_{}_1", Uuid::from_u128(n))).collect();
    assert!(matches!(of(&many.join("\n")).remarks.as_slice(), [Remark::Several { .. }]));
}

/// Pieces that mean something, in any order and cut anywhere.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(INCIDENT.to_owned()),
        Just(INCIDENT_CHINESE.to_owned()),
        Just(JSON.to_owned()),
        Just(PAGE.to_owned()),
        Just(TOAST.to_owned()),
        Just("\u{1b}[31m\u{7}\u{8}\u{202e}\u{0}".to_owned()),
        Just("<td>&#27;\\u001b".to_owned()),
        Just(format!("https://\u{1b}]8;;x\u{7}evil\u{202e}.example/extIntegration/azureAD/{ORGANIZATION}/v1/\u{7}")),
        Just("Code: ".to_owned()),
        any::<String>(),
        "[ -~\n]{0,40}",
    ];
    let cut = (piece, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(piece, at, is_cut)| {
        let chars: Vec<char> = piece.chars().collect();
        if is_cut && !chars.is_empty() {
            chars.into_iter().take(at.index(piece.chars().count()) + 1).collect()
        } else {
            piece
        }
    });
    prop::collection::vec(cut, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_causes_a_panic_or_brings_a_mark_that_deceives_a_terminal(text in pieces()) {
        if let Ok(complaint) = read(text.as_bytes()) {
            let mut told: Vec<String> = complaint.remarks.iter().map(Remark::sentence).collect();
            let meaning = meaning::meaning(&complaint);
            told.push(meaning.summary);
            told.extend(advice::for_support(&complaint).into_iter().filter_map(|(_, value)| value));
            told.extend(advice::without_tenant(&complaint));
            for line in told {
                prop_assert!(!line.chars().any(crate::domain::text::deceives), "{line:?}");
            }
        }
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }
}
