//! Specs of the objects in a history, and how people edit them.

use serde_json::{Value, json};

use super::{
    dice::Dice,
    tenant::{Tenant, marker},
};

/// The key in the Secrets of a history.
pub const SECRET_KEY: &str = "client-secret";

/// The spec with which an object begins.
pub fn first(tenant: &Tenant, number: usize, object: usize, secret: &str, dice: &mut Dice) -> Value {
    let mut spec = json!({
        "tenantId": tenant.id,
        "cloud": "Global",
        "credentials": {"clientId": tenant.client, "clientSecret": {"name": secret, "key": SECRET_KEY}},
        "identityIntegration": {"check": true},
        "identity": {"check": true, "appId": tenant.identity},
        "additionalApplications": [{"name": "marker", "appId": marker(number, object), "signIn": "Enabled"}],
        "mode": "Observe",
        "driftPolicy": "Fail",
        "interval": "5m",
        "suspend": false,
    });
    set_interval(&mut spec, dice);
    if dice.once_in(2) {
        spec["identity"].as_object_mut().expect("an object").remove("appId");
    }
    for _ in 0..dice.between(0, 2) {
        edit(&mut spec, dice);
    }
    spec
}

fn set_interval(spec: &mut Value, dice: &mut Dice) {
    // A quick pace costs most and shows least, so that it is rare.
    let often = ["3m", "5m", "5m", "10m", "10m", "0.25h", "20m", "30m"];
    let interval = if dice.once_in(12) { dice.pick(&["30s", "1m30s"]) } else { dice.pick(&often) };
    spec["interval"] = (*interval).into();
}

/// One edit that keeps the spec valid; whether it is suspended afterwards is not touched.
pub fn edit(spec: &mut Value, dice: &mut Dice) -> &'static str {
    match dice.between(0, 15) {
        10 => {
            let required = spec["identity"]["provisioning"]["required"] == false;
            spec["identity"]["provisioning"] = json!({"required": required});
            "whether Identity must provision"
        }
        11 => {
            let required = spec["additionalApplications"][0]["provisioning"]["required"] != true;
            spec["additionalApplications"][0]["provisioning"] = json!({"required": required});
            "whether the marker must provision"
        }
        12 => {
            let warn_before = *dice.pick(&["1h", "36h", "720h", "8760h"]);
            let place = if dice.once_in(3) { &mut spec["additionalApplications"][0] } else { &mut spec["identity"] };
            place["certificates"] = json!({"warnBefore": warn_before});
            "when the end of certificates is told"
        }
        13 | 14 => {
            let policy = *dice.pick(&["Ignore", "Report", "Drift", "Drift"]);
            let is_of_marker = dice.once_in(3);
            let place =
                if is_of_marker { &mut spec["additionalApplications"][0] } else { &mut spec["identityIntegration"] };
            place["extraPermissions"] = policy.into();
            "what is done about extra permissions"
        }
        15 => {
            spec["identity"].as_object_mut().expect("an object").remove("appId");
            "leave out which application Identity is"
        }
        0 | 1 => {
            set_interval(spec, dice);
            "another interval"
        }
        2 | 3 => {
            let lists = [
                json!([{"value": "Group.Read.All", "kind": "Application"}]),
                json!([{"value": "User.Read", "kind": "Delegated"}, {"value": "Domain.Read.All", "kind": "Either"}]),
                json!([{"value": "User.Read.All", "kind": "Either"}, {"value": "Policy.Read.All", "kind": "Application"}]),
                json!([{"value": "AuditLog.Read.All", "kind": "Application"}, {"value": "No.Such.Permission", "kind": "Either"}]),
            ];
            spec["identityIntegration"]["permissions"] = dice.pick(&lists).clone();
            "an explicit list of permissions"
        }
        4 => {
            spec["identityIntegration"].as_object_mut().expect("an object").remove("permissions");
            "the published list of permissions"
        }
        5 => {
            spec["driftPolicy"] = (*dice.pick(&["Warn", "Fail"])).into();
            "a drift policy"
        }
        6 => {
            let toggled = spec["identity"]["check"] == false;
            spec["identity"]["check"] = toggled.into();
            "whether Identity is checked"
        }
        7 => {
            let toggled = spec["identityIntegration"]["check"] == false;
            spec["identityIntegration"]["check"] = toggled.into();
            "whether the integration is checked"
        }
        8 => {
            spec["additionalApplications"][0]["signIn"] = (*dice.pick(&["Any", "Enabled"])).into();
            "whether the marker must sign in"
        }
        _ => {
            let lists = [
                json!([]),
                json!([{"value": "Policy.Read.All", "kind": "Application"}]),
                json!([{"value": "Group.Read.All", "kind": "Either"}, {"value": "User.Read", "kind": "Delegated"}]),
            ];
            spec["additionalApplications"][0]["permissions"] = dice.pick(&lists).clone();
            "permissions of the marker"
        }
    }
}

/// Breaks a rule that a real API server would have kept.
pub fn break_rule(spec: &mut Value, dice: &mut Dice) {
    spec["interval"] = (*dice.pick(&["1d", "5s", "soon"])).into();
}

/// The interval in seconds.
pub fn interval_seconds(spec: &Value) -> i64 {
    match spec["interval"].as_str().unwrap_or_default() {
        "30s" => 30,
        "1m30s" => 90,
        "3m" => 180,
        "5m" => 300,
        "10m" => 600,
        "0.25h" => 900,
        "20m" => 1200,
        _ => 1800,
    }
}
