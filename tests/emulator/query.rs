//! Query options and headers that all paths share.

use serde_json::json;

use super::cloud::{GRAPH, INTEGRATION, TENANT, URL, calm, column, keys};

#[test]
fn select_gives_the_named_properties_and_no_others() {
    let mut cloud = calm();
    let one = cloud.get(&format!("/servicePrincipals/{INTEGRATION}?$select=id,displayName,accountEnabled")).body;
    assert_eq!(keys(&one), ["@odata.context", "accountEnabled", "displayName", "id"]);
    let context = format!("{URL}/v1.0/$metadata#servicePrincipals(id,displayName,accountEnabled)/$entity");
    assert_eq!(one["@odata.context"], context);
    let many = cloud.get("/servicePrincipals?$select=id").values();
    assert!(many.iter().all(|row| keys(row) == ["id"]));
}

#[test]
fn an_unknown_name_in_select_is_refused_or_ignored_as_the_knob_says() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{INTEGRATION}?$select=id,colour");
    let answer = cloud.get(&path);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BadRequest"));
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(message.contains("Could not find a property named 'colour' on type 'microsoft.graph.servicePrincipal'"));
    cloud.knob("refuseUnknownSelect", false);
    assert_eq!(keys(&cloud.get(&path).body), ["@odata.context", "id"]);
}

/// <https://github.com/manicminer/hamilton/blob/main/msgraph/client.go>
#[test]
fn the_callers_own_tenant_may_stand_before_the_path() {
    let mut cloud = calm();
    let plain = cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).body;
    for tenant in [TENANT, "contoso.com", "Contoso.com"] {
        assert_eq!(cloud.get(&format!("/{tenant}/servicePrincipals/{INTEGRATION}")).body, plain);
    }
    for other in ["11111111-2222-3333-4444-555555555555", "fabrikam.com"] {
        let answer = cloud.get(&format!("/{other}/servicePrincipals/{INTEGRATION}"));
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BadRequest"));
    }
}

#[test]
fn pages_follow_the_next_link_to_the_end_and_hold_every_row_once() {
    let mut cloud = calm();
    cloud.knob("pageSize", 3);
    let path = format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments?$filter=resourceId eq {GRAPH}");
    let (mut next, mut sizes, mut ids) = (Some(path), Vec::new(), Vec::new());
    while let Some(path) = next {
        let answer = cloud.get(&path);
        sizes.push(answer.values().len());
        ids.extend(column(&answer.values(), "id"));
        next = answer.body["@odata.nextLink"].as_str().map(str::to_owned);
        if let Some(next) = &next {
            assert!(
                next.starts_with(&format!("{URL}/v1.0/servicePrincipals/{INTEGRATION}/appRoleAssignments?$filter="))
            );
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    let before = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((before, ids.len()), (7, 7));
}

#[test]
fn an_empty_page_may_end_a_list() {
    let mut cloud = calm();
    cloud.knob("trailingEmptyPage", true);
    let answer = cloud.get("/servicePrincipals?$top=4");
    assert_eq!(answer.values().len(), 4);
    let last = cloud.get(answer.body["@odata.nextLink"].as_str().unwrap());
    assert_eq!((last.values().len(), last.body.get("@odata.nextLink")), (0, None));
}

#[test]
fn a_page_token_of_someone_elses_making_is_refused() {
    let answer = calm().get("/servicePrincipals?$skiptoken=abc");
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "Directory_ExpiredPageToken"));
}

#[test]
fn filters_the_service_does_not_know_are_refused() {
    let mut cloud = calm();
    for (filter, code) in [
        ("appId eq", "BadRequest"),
        ("colour eq 'blue'", "BadRequest"),
        ("appOwnerOrganizationId eq '00000000-0000-4000-8000-000000000001'", "BadRequest"),
        ("appRoleAssignmentRequired eq true", "Request_UnsupportedQuery"),
        ("displayName ne 'a'", "Request_UnsupportedQuery"),
    ] {
        let answer = cloud.get(&format!("/servicePrincipals?$filter={filter}"));
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{filter}: {}", answer.text);
    }
    let answer = cloud.get("/servicePrincipals?$orderby=displayName");
    assert_eq!(answer.code(), "Request_UnsupportedQuery");
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}?$top=1")).status, 400);
}

#[test]
fn the_index_understands_more_when_it_is_asked_for() {
    let mut cloud = calm();
    let path = "/servicePrincipals?$count=true&$filter=appRoleAssignmentRequired eq false and displayName ne 'a'&$orderby=displayName desc";
    let answer = cloud.send("GET", path, None, &[("ConsistencyLevel", "eventual")]);
    assert_eq!(answer.body["@odata.count"], 4, "{}", answer.text);
    let names = column(&answer.values(), "displayName");
    assert!(names.is_sorted_by(|one, two| one.to_lowercase() >= two.to_lowercase()), "{names:?}");
}

#[test]
fn every_answer_has_the_documented_headers() {
    let mut cloud = calm();
    let mine = "5d2c9a8e-0000-4000-8000-000000000001";
    for path in ["/servicePrincipals", "/servicePrincipals/11111111-2222-3333-4444-555555555555", "/nothing"] {
        let answer = cloud.send("GET", path, None, &[("client-request-id", mine)]);
        assert_eq!(answer.header("client-request-id"), mine);
        assert_eq!(answer.header("request-id").len(), 36);
        assert!(answer.header("x-ms-ags-diagnostic").starts_with("{\"ServerInfo\":"));
        assert_eq!(answer.header("date"), "Fri, 20 Nov 2026 08:00:00 GMT");
        assert!(answer.header("content-type").starts_with("application/json"));
        if !answer.status.is_success() {
            let inner = &answer.body["error"]["innerError"];
            assert_eq!(inner["request-id"], answer.header("request-id"));
            assert_eq!(inner["client-request-id"], mine);
            assert_eq!(inner["date"], "2026-11-20T08:00:00");
        }
    }
}

#[test]
fn resource_units_are_those_of_the_throttling_table() {
    let mut cloud = calm();
    let list = format!("/servicePrincipals/{INTEGRATION}");
    for (path, units) in [
        (list.clone(), "1"),
        (format!("{list}/appRoleAssignments"), "2"),
        (format!("{list}/appRoleAssignments?$select=id"), "1"),
        (format!("{list}/appRoleAssignments?$top=5"), "1"),
        (format!("{list}/appRoleAssignments?$top=5&$select=id"), "1"),
        (format!("{list}/oauth2PermissionGrants"), "1"),
        ("/oauth2PermissionGrants".to_owned(), "2"),
        ("/directory/deletedItems/microsoft.graph.servicePrincipal".to_owned(), "1"),
    ] {
        assert_eq!(cloud.get(&path).header("x-ms-resource-unit"), units, "{path}");
    }
}

#[test]
fn every_nth_request_is_throttled_and_says_how_long_to_wait() {
    let mut cloud = calm();
    cloud.knob("throttleEvery", 3);
    let answers: Vec<_> = (0..6).map(|_| cloud.get("/servicePrincipals?$top=1")).collect();
    let throttled: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(throttled.len(), 2);
    assert_eq!(throttled[0].header("retry-after"), "10");
    assert_eq!(throttled[0].body["error"]["message"], "Please retry again later.");
}

#[test]
fn the_tenant_describes_itself() {
    let mut cloud = super::cloud::with_roles(&["Organization.Read.All"]);
    let rows = cloud.get("/organization").values();
    assert_eq!(rows[0]["id"], super::cloud::TENANT);
    assert_eq!(rows[0]["displayName"], "RTP CloudCollab");
    assert_eq!(rows[0]["verifiedDomains"][0]["name"], "contoso.com");
    assert_eq!(rows.len(), 1);
    assert_eq!(cloud.get("/organization?$select=id").values(), [json!({"id": super::cloud::TENANT})]);
}

/// Filters that the documentation shows, or marks as default or advanced in its tables.
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
#[test]
fn each_property_takes_the_operators_of_its_row_with_the_index_and_without() {
    let mut cloud = calm();
    for (set, filter, by_default) in [
        ("servicePrincipals", "accountEnabled eq true", true),
        ("servicePrincipals", "accountEnabled ne true", false),
        ("servicePrincipals", "not(accountEnabled eq true)", false),
        ("servicePrincipals", "appId in ('a','b')", true),
        ("servicePrincipals", "applicationTemplateId eq 'a'", true),
        ("servicePrincipals", "appRoleAssignmentRequired eq true", false),
        ("servicePrincipals", "appOwnerOrganizationId eq 00000000-0000-4000-8000-000000000001", false),
        ("servicePrincipals", "startswith(displayName,'Cisco')", true),
        ("servicePrincipals", "not startswith(displayName,'Cisco')", false),
        ("servicePrincipals", "displayName eq null", false),
        ("servicePrincipals", "displayName ge 'a'", false),
        ("servicePrincipals", "startswith(homepage,'https://')", false),
        ("servicePrincipals", "notes eq null", false),
        ("servicePrincipals", "preferredSingleSignOnMode eq 'saml'", true),
        ("servicePrincipals", "servicePrincipalNames/any(n:n eq 'a')", true),
        ("servicePrincipals", "servicePrincipalNames/any(n:startswith(n,'a'))", true),
        ("servicePrincipals", "servicePrincipalType eq 'Application'", true),
        ("servicePrincipals", "tags/any(t:t eq 'a') or tags/any(t:t eq 'b')", true),
        ("servicePrincipals", "not(tags/any(t:t eq 'a'))", false),
        ("servicePrincipals", "deletedDateTime ge 2026-01-01T00:00:00Z", true),
        ("applications", "createdDateTime ge 2026-01-01", true),
        ("applications", "createdDateTime eq null", false),
        ("applications", "description eq 'a'", false),
        ("applications", "identifierUris/any(u:startswith(u,'https://'))", true),
        ("applications", "publisherDomain eq 'contoso.com'", true),
        ("applications", "requiredResourceAccess/any(r:r/resourceAppId eq 'a')", false),
        ("applications", "signInAudience eq 'AzureADMyOrg'", true),
        ("applications", "uniqueName eq 'a'", true),
        ("applications", "web/redirectUris/any(u:startswith(u,'https://'))", false),
        ("oauth2PermissionGrants", "clientId eq 'a' and consentType eq 'AllPrincipals'", true),
    ] {
        let plain = cloud.get(&format!("/{set}?$filter={filter}"));
        let expected = if by_default { (200, String::new()) } else { (400, "Request_UnsupportedQuery".to_owned()) };
        assert_eq!((plain.status.as_u16(), plain.code()), expected, "{set}: {filter}: {}", plain.text);
        let path = format!("/{set}?$count=true&$filter={filter}");
        let indexed = cloud.send("GET", &path, None, &[("ConsistencyLevel", "eventual")]);
        assert_eq!(indexed.status, 200, "{set}: {filter}: {}", indexed.text);
        assert_eq!(indexed.body["@odata.count"], indexed.values().len(), "{set}: {filter}");
    }
}
