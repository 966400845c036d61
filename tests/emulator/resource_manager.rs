//! What `az login` asks of Azure Resource Manager.
//! <https://learn.microsoft.com/rest/api/resources/subscriptions/list>

use bytes::Bytes;
use http::Request;
use serde_json::json;

use super::cloud::{Answer, Cloud, OPERATOR_APP, TENANT, calm, sign_in_form};
use super::signer::claims;

/// The name that `az` knows it by, with the slash that belongs to it.
const AUDIENCE: &str = "https://management.core.windows.net/";

fn ask(cloud: &mut Cloud, path: &str, token: &str) -> Answer {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    cloud.handle(request.body(Bytes::new()).unwrap())
}

fn token(cloud: &mut Cloud, scope: &str) -> String {
    let form: Vec<_> =
        sign_in_form().into_iter().filter(|(name, _)| *name != "scope").chain([("scope", scope)]).collect();
    let answer = cloud.ask_token(TENANT, &form);
    answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

#[test]
fn a_client_of_azure_resource_manager_finds_its_tenant_and_no_subscription() {
    let mut cloud = calm();
    for audience in [AUDIENCE, "https://management.azure.com", "https://management.azure.com/"] {
        let token = token(&mut cloud, &format!("{audience}/.default"));
        let inside = claims(&token);
        assert_eq!((&inside["aud"], &inside["appid"]), (&json!(audience), &json!(OPERATOR_APP)));
        assert!(inside.get("roles").is_none(), "the roles are those at Graph: {inside}");
        let subscriptions = ask(&mut cloud, "/subscriptions?api-version=2022-12-01", &token);
        assert_eq!((subscriptions.status.as_u16(), &subscriptions.body["value"]), (200, &json!([])));
        let tenants = ask(&mut cloud, "/tenants?api-version=2022-12-01", &token);
        assert_eq!(tenants.body["value"][0]["tenantId"], TENANT);
        assert_eq!(tenants.body["value"][0]["defaultDomain"], "contoso.com");
    }
}

#[test]
fn tokens_of_graph_and_of_azure_resource_manager_open_one_door_each() {
    let mut cloud = calm();
    let of_graph = cloud.token.clone();
    for token in [of_graph.as_str(), "", "abc"] {
        let refused = ask(&mut cloud, "/subscriptions?api-version=2022-12-01", token);
        assert_eq!(refused.status, 401, "{}", refused.text);
        assert!(refused.header("www-authenticate").starts_with("Bearer authorization_uri="));
    }
    cloud.token = token(&mut cloud, &format!("{AUDIENCE}/.default"));
    let refused = cloud.get("/servicePrincipals");
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "InvalidAuthenticationToken"));
    let token = cloud.token.clone();
    let refused = ask(&mut cloud, "/subscriptions", &token);
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "MissingApiVersionParameter"));
}
