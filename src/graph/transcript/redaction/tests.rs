//! What stands for what, literally.

use serde_json::json;

use super::*;

fn redaction() -> Redaction {
    let spec = json!({
        "tenantId": "3f0c0000-0000-4000-8000-000000000001",
        "credentials": {"clientId": "3f0c0000-0000-4000-8000-000000000002", "clientSecret": {"name": "graph", "key": "secret"}},
        "identity": {"check": false},
    });
    let spec: WebexAzureIntegrationSpec = serde_json::from_value(spec).unwrap();
    let desired = Desired::from_spec(&spec).unwrap();
    Redaction::new("2026-11-23T08:00:00Z".parse().unwrap(), &Endpoints::of(desired.cloud), &desired)
}

#[test]
fn of_a_sentence_the_ordinary_words_stay() {
    for (sentence, expected) in [
        ("Insufficient privileges to complete the operation.", "Insufficient privileges to complete the operation."),
        (
            "Resource '3f0c0000-0000-4000-8000-00000000000a' does not exist.",
            "Resource '00000000-0000-4000-8000-000000000001' does not exist.",
        ),
        (
            "AADSTS7000215: Invalid client secret provided. Trace ID: 3f0c0000-0000-4000-8000-00000000000a\r\nTimestamp: 2026-11-24 08:00:01Z",
            "AADSTS7000215: Invalid client secret provided. Trace ID: 00000000-0000-4000-8000-000000000001\r\nTimestamp: 2020-01-02 00:00:01Z",
        ),
        (
            "Will Grant of Page Long Ltd was not found",
            "text-0001 text-0002 of text-0003 text-0004 text-0005 was not found",
        ),
        ("the tenant 'Will's Key' is locked", "the tenant 'text-0001' is locked"),
        (
            "user will.grant@example.com at 203.0.113.7, +49 151 23456789",
            "user text-0001 at text-0002, text-0003 151 text-0004",
        ),
    ] {
        assert_eq!(redaction().sentence(sentence), expected);
    }
}

#[test]
fn what_was_equal_stays_equal_wherever_it_stands() {
    let mut redaction = redaction();
    let body = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals(appId,displayName)/$entity",
        "id": "3F0C0000-0000-4000-8000-00000000000A",
        "displayName": "Contoso",
        "publisherName": "Contoso",
        "notes": "3f0c0000-0000-4000-8000-00000000000a",
        "consentType": "AllPrincipals",
        "tags": ["AllPrincipals", ""],
        "contoso.example": 42,
        "error_codes": [7_000_215],
        "accountEnabled": true,
        "deletedDateTime": null,
        "createdDateTime": "2026-11-22T08:00:00Z",
        "startDateTime": "2026-11-22T08:00:01.5+02:00",
    });
    let expected = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals(appId,displayName)/$entity",
        "id": "00000000-0000-4000-8000-000000000001",
        "displayName": "text-0002",
        "publisherName": "text-0002",
        "notes": "00000000-0000-4000-8000-000000000001",
        "consentType": "AllPrincipals",
        "tags": ["text-0003", ""],
        "text-0001": 0,
        "error_codes": [7_000_215],
        "accountEnabled": true,
        "deletedDateTime": null,
        "createdDateTime": "2019-12-31T00:00:00Z",
        "startDateTime": "2019-12-31T00:00:01.5+02:00",
    });
    assert_eq!(redaction.value(None, body), expected, "numbers are given in the order of the names of properties");
    assert_eq!(
        redaction.target("/servicePrincipals/3f0c0000-0000-4000-8000-00000000000a/owners?$skiptoken=abc&x=Contoso"),
        "/servicePrincipals/00000000-0000-4000-8000-000000000001/owners?$skiptoken=text-0004&text-0005=text-0002"
    );
}

#[test]
fn declared_ids_keep_their_order_beside_those_that_stay() {
    let mut redaction = redaction();
    let ids = [
        "dec0de00-0000-4000-8000-000000000002",
        "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae",
        "00000001-0000-4000-8000-000000000001",
        "dec0de00-0000-4000-8000-000000000001",
    ];
    redaction.declared(ids.iter().map(|id| id.parse().unwrap()));
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    let stand: Vec<String> = sorted.iter().map(|id| redaction.id(id).unwrap()).collect();
    assert!(stand.is_sorted(), "{stand:?}");
    assert_eq!(stand[1], ids[1], "the published one stays");
}
