//! The published limits, paid in the emulator's time.
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>

use serde_json::{Value, json};

use super::cloud::{ALL_ROLES, Answer, Cloud, IDENTITY, INTEGRATION, OPERATOR_APP, TENANT, calm, with_roles};

/// 30 writes in two and a half minutes, 20 requests in a second.
const ONE_IN_A_HUNDRED: u32 = 1;

fn limited(mut cloud: Cloud, percentage: u32) -> Cloud {
    cloud.knob("limitPercentage", percentage);
    cloud
}

/// How many times in a row this is answered before it is throttled.
fn times(cloud: &mut Cloud, mut ask: impl FnMut(&mut Cloud) -> Answer) -> (usize, Answer) {
    for count in 0..5000 {
        let answer = ask(cloud);
        if answer.status == 429 {
            return (count, answer);
        }
    }
    panic!("nothing is throttled")
}

fn one(cloud: &mut Cloud) -> Answer {
    cloud.get(&format!("/servicePrincipals/{IDENTITY}"))
}

fn write(cloud: &mut Cloud) -> Answer {
    cloud.patch(&format!("/servicePrincipals/{IDENTITY}"), &json!({"notes": "written"}))
}

#[test]
fn an_application_has_as_many_units_in_a_tenant_as_its_size_gives() {
    for (size, units) in [("S", 350), ("M", 500), ("L", 800)] {
        let mut cloud = limited(calm(), 10);
        cloud.knob("tenantSize", size);
        let (mut total, mut seconds) = (0, 0);
        // Each second lets 200 requests of an application through, whatever its tenants have left.
        loop {
            let (count, answer) = times(&mut cloud, one);
            total += count;
            if answer.header("x-ms-throttle-scope") == scope("Tenant_Application/ReadWrite") {
                break;
            }
            assert_eq!(answer.header("x-ms-throttle-scope"), scope("Application/ReadWrite"));
            cloud.wait(1);
            seconds += 1;
        }
        assert_eq!(total, units + seconds * units / 10, "{size}");
    }
    let mut cloud = limited(calm(), 100);
    let (count, answer) = times(&mut cloud, one);
    assert_eq!((count, answer.header("x-ms-throttle-scope")), (2000, scope("Application/ReadWrite").as_str()));
    cloud.wait(1);
    // 2,000 are paid, 350 have drained, and the bucket takes 3,500.
    let (count, answer) = times(&mut cloud, one);
    assert_eq!((count, answer.header("x-ms-throttle-scope")), (1850, scope("Tenant_Application/ReadWrite").as_str()));
    assert_eq!(answer.header("x-ms-throttle-information"), "ResourceUnitLimitExceeded");
    assert_eq!((answer.header("retry-after"), answer.code().as_str()), ("1", "TooManyRequests"));
}

fn scope(kind: &str) -> String {
    format!("{kind}/{OPERATOR_APP}/{TENANT}")
}

#[test]
fn the_units_of_a_request_are_those_of_the_table() {
    let mut cloud = with_roles(&ALL_ROLES);
    let principal = format!("/servicePrincipals/{IDENTITY}");
    for (path, units) in [
        ("/applications".to_owned(), "2"),
        ("/applications?$select=id".to_owned(), "1"),
        ("/applications?$top=19".to_owned(), "1"),
        ("/applications?$top=20".to_owned(), "2"),
        ("/oauth2PermissionGrants".to_owned(), "2"),
        ("/servicePrincipals".to_owned(), "1"),
        (format!("{principal}?$select=id&$top=1"), "1"),
        (format!("{principal}/appRoleAssignments"), "2"),
        (format!("{principal}/appRoleAssignments?$select=id&$top=5"), "1"),
        (format!("{principal}/appRoleAssignedTo"), "1"),
        (format!("{principal}/oauth2PermissionGrants"), "1"),
    ] {
        assert_eq!(cloud.get(&path).header("x-ms-resource-unit"), units, "{path}");
    }
    let answer = cloud.post("/directoryObjects/getByIds", &json!({"ids": [IDENTITY]}));
    assert_eq!(answer.header("x-ms-resource-unit"), "3");
}

#[test]
fn writes_have_a_quota_of_their_own_which_reads_do_not_touch() {
    let mut cloud = limited(with_roles(&ALL_ROLES), ONE_IN_A_HUNDRED);
    let mut slow = |cloud: &mut Cloud| {
        cloud.now += jiff::SignedDuration::from_millis(300);
        write(cloud)
    };
    let (count, answer) = times(&mut cloud, &mut slow);
    // 30, and what drains meanwhile at 30 in 150 s.
    assert_eq!(count, 31);
    assert_eq!(answer.header("x-ms-throttle-scope"), scope("Tenant_Application/Write"));
    assert_eq!(answer.header("x-ms-throttle-information"), "WriteLimitExceeded");
    assert_eq!(one(&mut cloud).status, 200);
    let wait: i64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=5).contains(&wait), "{wait}");
    cloud.wait(wait);
    assert_eq!(write(&mut cloud).status, 204);
    assert_eq!(write(&mut cloud).status, 429);
}

#[test]
fn reports_take_five_requests_in_ten_seconds_and_leave_the_directory_alone() {
    let mut cloud = limited(calm(), 100);
    let (count, answer) = times(&mut cloud, |cloud| cloud.get("/auditLogs/directoryAudits"));
    assert_eq!((count, answer.header("retry-after")), (5, "2"));
    assert_eq!(cloud.get("/auditLogs/provisioning").status, 429);
    assert_eq!(one(&mut cloud).status, 200);
    cloud.wait(1);
    assert_eq!(cloud.get("/auditLogs/directoryAudits").status, 429);
    cloud.wait(1);
    assert_eq!(cloud.get("/auditLogs/directoryAudits").status, 200);
}

#[test]
fn the_percentage_is_told_only_above_four_fifths() {
    let mut cloud = limited(calm(), ONE_IN_A_HUNDRED);
    let told: Vec<String> =
        (0..20).map(|_| one(&mut cloud).header("x-ms-throttle-limit-percentage").to_owned()).collect();
    assert!(told[..16].iter().all(String::is_empty), "{told:?}");
    assert_eq!(told[16..], ["0.85", "0.90", "0.95", "1.00"]);
    let answer = cloud.get(&format!("/servicePrincipals/{INTEGRATION}"));
    assert_eq!(answer.status, 429);
}

#[test]
fn the_items_of_a_batch_pay_one_by_one() {
    let mut cloud = limited(calm(), ONE_IN_A_HUNDRED);
    let get =
        |id: usize| json!({"id": id.to_string(), "method": "GET", "url": format!("/servicePrincipals/{IDENTITY}")});
    let requests: Vec<Value> = (0..15).map(get).collect();
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let answer = cloud.post("/$batch", &json!({ "requests": requests }));
        assert_eq!(answer.status, 200);
        for item in answer.body["responses"].as_array().unwrap() {
            if item["status"] == 429 {
                assert_eq!(item["headers"]["Retry-After"], "1");
                assert_eq!(item["body"]["error"]["code"], "TooManyRequests");
            }
            statuses.push(item["status"].clone());
        }
    }
    assert_eq!(statuses, [vec![json!(200); 20], vec![json!(429); 10]].concat());
}

#[test]
fn people_and_tenants_without_limits_pay_nothing() {
    let mut cloud = calm();
    assert!((0..2100).all(|_| one(&mut cloud).status == 200));
    let mut cloud = limited(calm(), ONE_IN_A_HUNDRED);
    times(&mut cloud, one);
    assert_eq!(cloud.as_admin("GET", "/servicePrincipals", None).status, 200);
}
