//! What clients read before they sign in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

use super::cloud::{Cloud, OPERATOR_APP, SECRET, TENANT, URL, calm, sign_in_form};

/// `GET` by someone who knows the emulator under this name.
fn read(cloud: &mut Cloud, host: &str, path: &str) -> (u16, Value) {
    let request = Request::get(path).header("host", host).body(Bytes::new()).unwrap();
    let response = cloud.emulator.handle(cloud.now, request);
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

fn document(cloud: &mut Cloud, path: &str) -> Value {
    let (status, body) = read(cloud, "127.0.0.1:8080", path);
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[test]
fn the_configuration_names_the_tenant_by_id_in_the_issuer_and_as_it_was_asked_elsewhere() {
    let mut cloud = calm();
    let two = document(&mut cloud, "/contoso.com/v2.0/.well-known/openid-configuration");
    assert_eq!(two["issuer"], format!("{URL}/{TENANT}/v2.0"));
    assert_eq!(two["token_endpoint"], format!("{URL}/contoso.com/oauth2/v2.0/token"));
    assert_eq!(two["authorization_endpoint"], format!("{URL}/contoso.com/oauth2/v2.0/authorize"));
    assert_eq!(two["jwks_uri"], format!("{URL}/contoso.com/discovery/v2.0/keys"));
    assert_eq!(two["msgraph_host"], "127.0.0.1:8080");
    let one = document(&mut cloud, "/contoso.com/.well-known/openid-configuration");
    assert_eq!(one["issuer"], format!("{URL}/{TENANT}/"));
    assert_eq!(one["token_endpoint"], format!("{URL}/contoso.com/oauth2/token"));
    let common = document(&mut cloud, "/common/v2.0/.well-known/openid-configuration");
    assert_eq!(common["issuer"], format!("{URL}/{{tenantid}}/v2.0"));
}

#[test]
fn a_tenant_that_does_not_exist_has_no_configuration() {
    let mut cloud = calm();
    for path in ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"] {
        let (status, body) = read(&mut cloud, "127.0.0.1:8080", &format!("/unheard.example/{path}"));
        assert_eq!((status, &body["error_codes"]), (400, &json!([90_002])), "{body}");
    }
}

#[test]
fn a_token_can_be_verified_with_the_keys_that_the_configuration_names() {
    let mut cloud = calm();
    let configuration = document(&mut cloud, &format!("/{TENANT}/.well-known/openid-configuration"));
    let keys_at = configuration["jwks_uri"].as_str().unwrap().strip_prefix(URL).unwrap().to_owned();
    let keys = document(&mut cloud, &keys_at);
    let answer = cloud.ask_token(TENANT, &sign_in_form());
    let token = answer.body["access_token"].as_str().unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    let payload: Value = serde_json::from_slice(&decode(payload)).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let part = |name: &str| decode(key[name].as_str().unwrap());
    let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &decode(signature)).unwrap();
    assert_eq!(payload["iss"], configuration["issuer"]);
}

#[test]
fn under_microsofts_names_everything_leads_to_microsofts_names() {
    let mut cloud = calm();
    for (host, login, graph, issuer) in [
        ("login.microsoftonline.com", "login.microsoftonline.com", "graph.microsoft.com", "https://sts.windows.net"),
        ("login.microsoftonline.us", "login.microsoftonline.us", "graph.microsoft.us", "https://sts.windows.net"),
        (
            "login.chinacloudapi.cn",
            "login.partner.microsoftonline.cn",
            "microsoftgraph.chinacloudapi.cn",
            "https://sts.chinacloudapi.cn",
        ),
    ] {
        let (_, two) = read(&mut cloud, host, &format!("/{TENANT}/v2.0/.well-known/openid-configuration"));
        assert_eq!(two["token_endpoint"], format!("https://{login}/{TENANT}/oauth2/v2.0/token"));
        assert_eq!(two["msgraph_host"], graph);
        let (_, one) = read(&mut cloud, host, &format!("/{TENANT}/.well-known/openid-configuration"));
        assert_eq!(one["issuer"], format!("{issuer}/{TENANT}/"));
        let (_, metadata) = read(&mut cloud, host, "/metadata/endpoints?api-version=2022-09-01");
        assert_eq!(metadata["authentication"]["loginEndpoint"], format!("https://{login}"));
        assert_eq!(metadata["microsoftGraphResourceId"], format!("https://{graph}/"));
    }
}

/// What a stranger writes into `Host` is not handed on as a link.
#[test]
fn a_name_that_is_not_the_emulators_is_not_repeated() {
    let mut cloud = calm();
    for host in ["evil.example", "localhost.evil.example", "user@localhost", "login.microsoftonline.com.evil.example"] {
        let (_, body) = read(&mut cloud, host, "/common/v2.0/.well-known/openid-configuration");
        assert_eq!(body["token_endpoint"], format!("{URL}/common/oauth2/v2.0/token"), "{host}");
    }
}

#[test]
fn an_instance_is_known_by_its_own_address_and_by_microsofts_names_alone() {
    let mut cloud = calm();
    let ask = |cloud: &mut Cloud, endpoint: &str| {
        let path = format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}");
        read(cloud, "127.0.0.1:8080", &path)
    };
    let (status, own) = ask(&mut cloud, &format!("{URL}/{TENANT}/oauth2/v2.0/authorize"));
    assert_eq!(status, 200, "{own}");
    let configuration = format!("{URL}/{TENANT}/v2.0/.well-known/openid-configuration");
    assert_eq!(own["tenant_discovery_endpoint"], configuration);
    assert_eq!(own["api-version"], "1.1");
    let aliases_of = |body: &Value, host: &str| {
        let entries = body["metadata"].as_array().unwrap();
        entries.iter().filter(|entry| entry["aliases"].as_array().unwrap().contains(&json!(host))).count()
    };
    assert_eq!(aliases_of(&own, "127.0.0.1:8080"), 1);
    assert_eq!(aliases_of(&own, "login.microsoftonline.com"), 1);
    for endpoint in ["https://evil.example/common/oauth2/v2.0/authorize", "nonsense"] {
        let (status, body) = ask(&mut cloud, endpoint);
        assert_eq!((status, &body["error"]), (400, &json!("invalid_instance")), "{body}");
    }
}

#[test]
fn cloud_metadata_has_the_form_of_the_version_that_is_asked_for() {
    let mut cloud = calm();
    let newest = document(&mut cloud, "/metadata/endpoints?api-version=2022-09-01");
    assert_eq!(newest["authentication"]["loginEndpoint"], URL);
    assert_eq!(newest["microsoftGraphResourceId"], format!("{URL}/"));
    assert_eq!(newest["resourceManager"], format!("{URL}/"));
    assert_eq!(newest["name"], "AzureCloud");
    assert_eq!(document(&mut cloud, "/metadata/endpoints?api-version=2020-06-01"), json!([newest]));
    let oldest = document(&mut cloud, "/metadata/endpoints?api-version=2015-01-01");
    assert_eq!(oldest["authentication"]["loginEndpoint"], format!("{URL}/"));
    for query in ["", "?api-version=1999-01-01"] {
        let (status, body) = read(&mut cloud, "127.0.0.1:8080", &format!("/metadata/endpoints{query}"));
        assert_eq!((status, &body["error"]["code"]), (400, &json!("InvalidApiVersionParameter")));
    }
}

#[test]
fn documents_are_read_and_not_written() {
    let mut cloud = calm();
    for path in ["/common/v2.0/.well-known/openid-configuration", "/metadata/endpoints?api-version=2022-09-01"] {
        let request = Request::post(path).body(Bytes::new()).unwrap();
        assert_eq!(cloud.emulator.handle(cloud.now, request).status(), 405);
    }
}

/// <https://learn.microsoft.com/previous-versions/azure/active-directory/azuread-dev/v1-oauth2-client-creds-grant-flow>
#[test]
fn the_older_endpoint_takes_a_resource_and_writes_numbers_as_text() {
    let mut cloud = calm();
    let mut ask = |resource: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", OPERATOR_APP),
            ("client_secret", SECRET),
            ("resource", resource),
        ];
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("/{TENANT}/oauth2/token")).body(Bytes::from(body)).unwrap();
        let response = cloud.emulator.handle(cloud.now, request);
        (response.status().as_u16(), serde_json::from_slice::<Value>(response.body()).unwrap())
    };
    let (status, body) = ask("https://graph.microsoft.com/");
    assert_eq!((status, &body["expires_in"], &body["token_type"]), (200, &json!("3599"), &json!("Bearer")), "{body}");
    assert_eq!(body["resource"], "https://graph.microsoft.com/");
    let token = body["access_token"].as_str().unwrap().to_owned();
    let (status, body) = ask("https://vault.azure.net/");
    assert_eq!((status, &body["error"], &body["error_codes"]), (400, &json!("invalid_resource"), &json!([500_011])));
    cloud.token = token;
    assert_eq!(cloud.get("/v1.0/servicePrincipals?$top=1").status, 200);
}

/// <https://datatracker.ietf.org/doc/html/rfc6749#section-2.3.1>
#[test]
fn the_secret_may_come_in_the_authorization_header() {
    let mut cloud = calm();
    let mut ask = |secret: &str| {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{OPERATOR_APP}:{secret}"));
        let body = "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
        let request = Request::post(format!("/{TENANT}/oauth2/v2.0/token"));
        let request = request.header("authorization", format!("Basic {basic}")).body(Bytes::from(body)).unwrap();
        cloud.emulator.handle(cloud.now, request).status().as_u16()
    };
    assert_eq!(ask(SECRET), 200);
    assert_eq!(ask("wrong"), 401);
}

/// The libraries of Microsoft ask for the scopes of `OpenID` Connect as well.
#[test]
fn scopes_of_openid_connect_beside_the_resource_do_no_harm() {
    let mut cloud = calm();
    for (scope, status) in [
        ("https://graph.microsoft.com/.default openid offline_access profile", 200),
        ("openid profile", 400),
        ("https://graph.microsoft.com/.default https://graph.microsoft.us/.default", 400),
    ] {
        let form: Vec<_> =
            sign_in_form().into_iter().filter(|(name, _)| *name != "scope").chain([("scope", scope)]).collect();
        assert_eq!(cloud.ask_token(TENANT, &form).status, status, "{scope}");
    }
}
