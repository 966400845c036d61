//! The control surface.

use serde_json::{Value, json};
use webex_azure_operator::emulator::{Knobs, Scenario};

use super::cloud::{
    INTEGRATION, INTEGRATION_APP, OPERATOR_APP, SECRET, TENANT, calm, column, keys, sign_in_form, with,
};

#[test]
fn it_lists_what_there_is_and_refuses_the_rest() {
    let mut cloud = calm();
    let paths = cloud.control("GET", "/", None).body["paths"].clone();
    assert!(keys(&paths).contains(&"POST /as"), "{paths}");
    assert_eq!(cloud.control("GET", "/nothing", None).status, 404);
    assert_eq!(cloud.control("DELETE", "/knobs", None).status, 404);
}

#[test]
fn knobs_are_read_and_turned_by_name_and_wrong_names_change_nothing() {
    let mut cloud = calm();
    let before = cloud.control("GET", "/knobs", None).body;
    assert_eq!(before["replicationLag"], "PT0S");
    for wrong in [json!({"replicationlag": "PT5S"}), json!({"pageSize": "many"})] {
        assert_eq!(cloud.control("PATCH", "/knobs", Some(&wrong)).status, 400);
    }
    assert_eq!(cloud.control("GET", "/knobs", None).body, before);
    let after = cloud.control("PATCH", "/knobs", Some(&json!({"replicationLag": "PT5S", "throttleEvery": null}))).body;
    assert_eq!(after["replicationLag"], "PT5S");
}

#[test]
fn the_default_is_awkward_on_purpose() {
    let awkward = Knobs::default();
    let calm = Knobs::calm();
    assert!(awkward.page_size < calm.page_size);
    assert!(awkward.replication_lag > calm.replication_lag && awkward.audit_delay > calm.audit_delay);
    assert!(awkward.throttle_every.is_some() && awkward.shuffle_batch && awkward.trailing_empty_page);
}

#[test]
fn loading_the_incident_returns_credentials_that_work() {
    let mut cloud = calm();
    let id = "00000000-0000-4000-8000-0000000000aa";
    let loaded = cloud.control("POST", "/scenarios/incident", Some(&json!({"tenantId": id})));
    assert_eq!(loaded.status, 201);
    let operator = json!({"clientId": OPERATOR_APP, "clientSecret": SECRET});
    assert_eq!(loaded.body, json!({"tenantId": id, "operator": operator}));
    assert_eq!(cloud.ask_token(id, &sign_in_form()).status, 200);
    assert_eq!(cloud.control("POST", "/scenarios/incident", Some(&json!({"tenantId": "contoso"}))).status, 400);
}

#[test]
fn a_scenario_written_out_loads_again_as_the_same_tenant() {
    let mut cloud = calm();
    let before = cloud.truth();
    let scenario = cloud.control("GET", "/scenarios/incident", None).body;
    assert_eq!(serde_json::from_value::<Scenario>(scenario.clone()).unwrap(), Scenario::incident());
    assert_eq!(cloud.control("POST", "/tenants", Some(&scenario)).status, 201);
    let mut after = cloud.truth();
    // Only the random halves of assignment ids differ.
    let ids = |truth: &Value| column(truth["appRoleAssignments"].as_array().unwrap(), "role").len();
    assert_eq!(ids(&before), ids(&after));
    after["appRoleAssignments"] = before["appRoleAssignments"].clone();
    assert_eq!(after, before);
}

#[test]
fn a_scenario_that_cannot_be_says_why() {
    let mut cloud = calm();
    let mut scenario = cloud.control("GET", "/scenarios/incident", None).body;
    scenario["appRoleAssignments"][0]["role"] = json!("Group.Red.All");
    let answer = cloud.control("POST", "/tenants", Some(&scenario));
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("has no app role Group.Red.All"), "{}", answer.text);
}

#[test]
fn tenants_do_not_see_each_other() {
    let mut cloud = calm();
    let other = "00000000-0000-4000-8000-0000000000aa";
    cloud.control("POST", "/scenarios/incident", Some(&json!({"tenantId": other})));
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).status, 404);
    cloud.token = cloud.ask_token(other, &sign_in_form()).body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).status, 200);
}

#[test]
fn the_clock_goes_forward_only() {
    let mut cloud = calm();
    let hour = cloud.control("POST", "/clock", Some(&json!({"advance": "PT1H"})));
    assert_eq!(hour.body["now"], "2026-11-20T09:00:00Z");
    let minute = cloud.control("POST", "/clock", Some(&json!({"advance": 60})));
    assert_eq!(minute.body["now"], "2026-11-20T09:01:00Z");
    let then = cloud.control("POST", "/clock", Some(&json!({"now": "2026-11-21T00:00:00Z"})));
    assert_eq!(then.body["now"], "2026-11-21T00:00:00Z");
    for wrong in [json!({"advance": -1}), json!({"now": "2026-11-20T00:00:00Z"}), json!({})] {
        assert_eq!(cloud.control("POST", "/clock", Some(&wrong)).status, 400, "{wrong}");
    }
    assert_eq!(cloud.control("GET", "/clock", None).body["now"], "2026-11-21T00:00:00Z");
    // The token of this morning has expired by that clock.
    assert_eq!(cloud.get("/servicePrincipals").status, 401);
}

#[test]
fn the_log_tells_who_asked_what_and_batch_items_with_it() {
    let mut cloud = calm();
    let item = json!({"id": "1", "method": "GET", "url": "/servicePrincipals?$top=1"});
    cloud.post("/$batch", &json!({"requests": [item]}));
    let last = cloud.get("/servicePrincipals?$select=id");
    let log = cloud.control("GET", "/requests", None).body;
    let entries = log["requests"].as_array().unwrap();
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    assert_eq!(column(entries, "path"), [path.as_str(), "/v1.0/$batch", "/v1.0/servicePrincipals?$select=id"]);
    assert_eq!(entries[0]["client"], OPERATOR_APP);
    assert_eq!(
        entries[1]["items"],
        json!([{"id": "1", "method": "GET", "url": "/servicePrincipals?$top=1", "status": 200}])
    );
    assert_eq!(
        (&entries[2]["tenant"], &entries[2]["status"], &entries[2]["n"]),
        (&json!(TENANT), &json!(200), &json!(3))
    );
    assert_eq!(entries[2]["requestId"], last.header("request-id"));
    assert_eq!(cloud.control("GET", "/requests?since=2", None).body["requests"].as_array().unwrap().len(), 1);
}

#[test]
fn the_truth_is_the_whole_tenant_without_its_secrets() {
    let mut cloud = calm();
    let truth = cloud.truth();
    assert_eq!(truth["servicePrincipals"].as_array().unwrap().len(), 4);
    assert_eq!(truth["appRoleAssignments"].as_array().unwrap().len(), 11);
    assert_eq!(truth["oauth2PermissionGrants"][0]["scope"], "User.Read");
    assert!(truth["deletedServicePrincipals"].as_array().unwrap().is_empty());
    assert!(!truth.to_string().contains(SECRET));
    let all = cloud.control("GET", "/truth", None).body;
    assert_eq!(all["tenants"][TENANT], truth);
    assert_eq!(cloud.control("GET", "/truth/nobody", None).status, 404);
}

#[test]
fn a_person_needs_no_role_and_is_not_throttled() {
    let mut cloud = calm();
    cloud.knob("throttleEvery", 1);
    let path = format!("/v1.0/servicePrincipals(appId='{INTEGRATION_APP}')?$select=id,appId");
    let answer = cloud.as_admin("GET", &path, None);
    assert_eq!((answer.status.as_u16(), &answer.body["id"]), (200, &json!(INTEGRATION)));
    let wish = json!({"tenantId": TENANT, "user": "kim@contoso.com", "method": "DELETE", "path": format!("/servicePrincipals/{INTEGRATION}")});
    assert_eq!(cloud.control("POST", "/as", Some(&wish)).status, 204);
    cloud.knob("throttleEvery", Value::Null);
    assert_eq!(cloud.audits()[0]["initiatedBy"]["user"]["userPrincipalName"], "kim@contoso.com");
}

#[test]
fn reset_forgets_tenants_clock_and_log() {
    let mut cloud = calm();
    cloud.control("POST", "/clock", Some(&json!({"advance": 60})));
    assert_eq!(cloud.control("POST", "/reset", None).status, 204);
    assert_eq!(cloud.control("GET", "/truth", None).body, json!({"tenants": {}}));
    assert_eq!(cloud.control("GET", "/requests", None).body, json!({"requests": []}));
    assert_eq!(cloud.control("GET", "/clock", None).body["now"], "2026-11-20T08:00:00Z");
}

#[test]
fn the_same_seed_and_the_same_calls_give_the_same_answers() {
    let run = || {
        let mut cloud = with(Knobs::default(), &Scenario::incident());
        let mut seen = vec![cloud.token.clone()];
        for step in 0..20 {
            cloud.wait(step);
            if step == 5 {
                cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
            }
            let answer = cloud.get("/servicePrincipals?$select=id");
            seen.push(format!("{} {:?} {}", answer.status, answer.headers, answer.text));
        }
        seen
    };
    assert_eq!(run(), run());
}
