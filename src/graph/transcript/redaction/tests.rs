//! What stands for what, literally.

use proptest::prelude::*;
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
            "user text-0001 at text-0002, text-0003 text-0004 text-0005",
        ),
        ("from 2001:db8::7:15 at 8:00, 4 times: denied", "from text-0001 at text-0002, text-0003 text-0004: denied"),
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
fn thumbprints_stand_for_each_other_however_they_are_written() {
    let mut redaction = redaction();
    let identifiers = ["0123456789abcdef0123456789abcdef01234567", "ASNFZ4mrze8BI0VniavN7wEjRWc="];
    let stands = identifiers.map(|text| redaction.value(Some("customKeyIdentifier"), text.into()));
    assert_eq!(stands[0], stands[1]);
    let signing = redaction.value(Some("preferredTokenSigningKeyThumbprint"), identifiers[0].to_uppercase().into());
    assert_eq!(signing, stands[0]);
    let stands = stands[0].as_str().unwrap();
    assert!(wire::thumbprint(stands).is_some_and(|read| read == stands), "still one: {stands}");
    assert!(!stands.contains("123456"), "{stands}");
    let own = redaction.value(Some("customKeyIdentifier"), "cHJvZA==".into());
    assert!(own.as_str().unwrap().starts_with("text-"), "a name of somebody's own: {own}");
    let key = redaction.value(Some("key"), "c2VjcmV0".into());
    assert!(key.as_str().unwrap().starts_with("text-"), "{key}");
}

#[test]
fn of_a_job_stays_what_the_verdict_depends_on() {
    let job = json!({
        "templateId": "scim", "schedule": {"interval": "PT40M", "state": "Active"},
        "status": {"code": "Quarantine", "countSuccessiveCompleteFailures": 9, "quarantine": {"reason": "TooManyDeletes"}},
    });
    assert_eq!(redaction().value(None, job.clone()), job);
    let counts = json!([{"value": 118}, {"value": 0}, {"value": -3}]);
    assert_eq!(redaction().value(None, counts), json!([{"value": 1}, {"value": 0}, {"value": -1}]));
    for (property, text) in [("interval", "Person"), ("state", "Bavaria"), ("id", "scim.0123.4567"), ("reason", "why")]
    {
        let stands = redaction().value(Some(property), text.into());
        assert_eq!(stands, "text-0001", "{property}");
    }
}

#[test]
fn values_inside_of_texts_are_replaced_in_their_form() {
    let mut redaction = redaction();
    for (value, expected) in [
        ("\"3f0c0000-0000-4000-8000-00000000000a\"", "\"00000000-0000-4000-8000-000000000001\""),
        ("[true]", "[true]"),
        ("[\"Contoso\"]", "[\"text-0001\"]"),
        ("Contoso", "text-0001"),
        ("151", "0"),
    ] {
        assert_eq!(redaction.value(Some("newValue"), value.into()), expected, "{value}");
    }
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

#[test]
fn headers_tell_what_is_published_of_throttling() {
    let headers = [
        ("x-ms-throttle-scope", "Tenant_Application/ReadWrite/3f0c0000-0000-4000-8000-00000000000a/Contoso"),
        ("x-ms-throttle-information", "ResourceUnitLimitExceeded"),
        ("retry-after", "2.128"),
        ("x-ms-resource-unit", "15123456789"),
        ("date", "Tue, 24 Nov 2026 08:00:00 GMT"),
        ("set-cookie", "Contoso"),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let (told, others) = redaction().headers(&headers);
    let told: Vec<String> = told.iter().map(|(name, values)| format!("{name}: {}", values.join(" | "))).collect();
    let expected = [
        "date: Thu, 02 Jan 2020 00:00:00 GMT",
        "retry-after: 2.128",
        "x-ms-resource-unit: 1000000",
        "x-ms-throttle-information: ResourceUnitLimitExceeded",
        "x-ms-throttle-scope: Tenant_Application/ReadWrite/00000000-0000-4000-8000-000000000001/text-0001",
    ];
    assert_eq!((told, others), (expected.map(str::to_owned).to_vec(), 1));
}

/// Whether the text is one that stands for another, or the same in every tenant.
fn is_harmless(text: &str) -> bool {
    let is_numbered = |rest: Option<&str>| rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    text.is_empty()
        || is_numbered(text.strip_prefix("text-"))
        || is_numbered(text.strip_prefix("00000000-0000-4000-8000-"))
        || public::is_text(text)
        || public::is_permission(text)
        || public::is_name(text)
}

proptest! {
    #[test]
    fn no_text_stays_that_is_not_known(name in "\\PC{0,16}", text in "\\PC{0,32}", number in any::<i64>(), fraction in any::<f64>()) {
        let body = json!({"displayName": text, name.clone(): [text, number, {name: text}], "status": number, "expires_in": fraction});
        let mut left = vec![redaction().value(None, body)];
        while let Some(value) = left.pop() {
            match value {
                Value::Object(fields) => for (name, value) in fields {
                    prop_assert!(is_harmless(&name), "{name}");
                    left.push(value);
                },
                Value::Array(items) => left.extend(items),
                Value::String(text) => prop_assert!(is_harmless(&text), "{text}"),
                Value::Number(number) => prop_assert!(number.as_f64().unwrap().abs() < 1e9, "{number}"),
                Value::Null | Value::Bool(_) => {}
            }
        }
    }

    #[test]
    fn of_any_sentence_only_known_words_stay(sentence in "(\\PC{0,8}[ ,;()'\"]){0,6}") {
        let redacted = redaction().sentence(&sentence);
        for word in redacted.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_') {
            let word = word.trim_matches('-');
            prop_assert!(is_harmless(word) || public::is_word(word), "{word} of {sentence} is in {redacted}");
        }
    }
}
