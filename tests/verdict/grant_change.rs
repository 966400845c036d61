//! Who changed the scopes of a delegated grant. The audit log records each such change twice, as added and as removed, both
//! times with the scopes before and afterwards, whether they became more or fewer; only what differs tells which.

use jiff::Timestamp;
use serde_json::json;
use webex_azure_operator::{
    api::ObjectId,
    domain::observed::{AuditRecord, Initiator},
};

use crate::{
    attribution::{ADMIN, audited, before, by, changed, record},
    fixture::{GRAPH_OBJECT, INTEGRATION_OBJECT, World, grant, healthy, spec},
};

/// Both records of one change, by somebody else than the administrator.
fn change(client: ObjectId, old: &str, new: &str, at: Timestamp) -> [AuditRecord; 2] {
    let half = |activity: &str| {
        let record = record(activity, GRAPH_OBJECT, at);
        let record = changed(record, "DelegatedPermissionGrant.Scope", Some(old), Some(new));
        let record = changed(record, "ServicePrincipal.ObjectID", None, Some(&client.to_string()));
        by(record, Initiator::User { id: None, name: Some("other@contoso.com".to_owned()) })
    };
    ["Add delegated permission grant", "Remove delegated permission grant"].map(half)
}

fn by_admin(records: [AuditRecord; 2]) -> [AuditRecord; 2] {
    records.map(|record| by(record, Initiator::User { id: None, name: Some(ADMIN.to_owned()) }))
}

fn actor(world: &World) -> Option<String> {
    world.status.drift[0].attribution.clone().and_then(|attribution| attribution.actor)
}

#[test]
fn who_took_a_scope_out_of_a_grant_is_told_and_not_who_added_others_or_took_others() {
    let mut world = World::new(spec());
    world.edit(|spec| {
        let permissions =
            json!([{"value": "User.Read", "kind": "Delegated"}, {"value": "Mail.Read", "kind": "Delegated"}]);
        spec["identityIntegration"] = json!({"permissions": permissions});
    });
    world.look(healthy().delegated(grant("Mail.Read")));
    assert_eq!(world.ready(), ("True", "InSync"));
    let at = before(world.after(300).now, 30);
    world.look(healthy());
    world.after(61).look(healthy());
    assert_eq!(world.drift(), ["ConsentIncomplete"]);
    let decoys = [
        change(INTEGRATION_OBJECT, "User.Read", "User.Read Mail.Read", at),
        change(INTEGRATION_OBJECT, "User.Read Mail.Read", "User.Read Mail.Read openid", at),
        change(INTEGRATION_OBJECT, "User.Read Mail.Read openid", "User.Read Mail.Read", at),
        change(ObjectId::from_u128(0x99), "User.Read Mail.Read", "User.Read", at),
    ]
    .concat();
    let misleading = audited(&world, healthy(), &decoys);
    world.after(15).look(misleading);
    assert_eq!(actor(&world), None);
    let narrowing = by_admin(change(INTEGRATION_OBJECT, " User.Read Mail.Read", "User.Read", at));
    let telling = audited(&world, healthy(), &[&decoys[..], &narrowing[..]].concat());
    world.after(15).look(telling);
    assert_eq!(actor(&world).as_deref(), Some(ADMIN));
}

#[test]
fn who_added_a_scope_that_nobody_declared_is_told_and_not_who_took_others_away_beside_it() {
    let mut world = World::new(spec());
    world.edit(|spec| spec["identityIntegration"] = json!({"extraPermissions": "Drift"}));
    world.look(healthy());
    let at = before(world.after(300).now, 30);
    let seen = healthy().delegated(grant("Mail.Read"));
    world.look(seen.clone());
    assert_eq!(world.drift(), ["ExtraPermissions"]);
    let decoys = [
        change(INTEGRATION_OBJECT, "User.Read Mail.Read openid", "User.Read Mail.Read", at),
        change(INTEGRATION_OBJECT, "User.Read Mail.Read", "User.Read Mail.Read openid", at),
        change(INTEGRATION_OBJECT, "User.Read Mail.Read", "User.Read", at),
        change(ObjectId::from_u128(0x99), "User.Read", "User.Read Mail.Read", at),
    ]
    .concat();
    let misleading = audited(&world, seen.clone(), &decoys);
    world.after(15).look(misleading);
    assert_eq!(actor(&world), None);
    let widening = by_admin(change(INTEGRATION_OBJECT, "User.Read", "User.Read Mail.Read", at));
    let telling = audited(&world, seen, &[&decoys[..], &widening[..]].concat());
    world.after(15).look(telling);
    assert_eq!(actor(&world).as_deref(), Some(ADMIN));
}
