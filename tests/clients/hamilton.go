package main

import (
	"context"
	"fmt"

	"github.com/manicminer/hamilton/auth"
	"github.com/manicminer/hamilton/environments"
	"github.com/manicminer/hamilton/msgraph"
	"github.com/manicminer/hamilton/odata"
)

// writeWithHamilton does what the earlier azuread provider of Terraform did for an application, with typed models that
// refuse answers of another shape.
func writeWithHamilton(ctx context.Context, given settings) (figures, error) {
	config := &auth.Config{
		Environment: environments.Global, TenantID: given.Tenant, ClientID: given.ClientID,
		ClientSecret: given.Secret, EnableClientSecretAuth: true,
	}
	authorizer, err := config.NewAuthorizer(ctx, environments.Global.MsGraph)
	if err != nil {
		return nil, err
	}
	applications := msgraph.NewApplicationsClient(given.Tenant)
	principals := msgraph.NewServicePrincipalsClient(given.Tenant)
	assigned := msgraph.NewAppRoleAssignedToClient(given.Tenant)
	grants := msgraph.NewDelegatedPermissionGrantsClient(given.Tenant)
	for _, base := range []*msgraph.Client{&applications.BaseClient, &principals.BaseClient, &assigned.BaseClient, &grants.BaseClient} {
		base.ApiVersion = msgraph.Version10
		base.Authorizer = authorizer
	}
	none := odata.Query{}

	name, enabled, disabled := "Made by hamilton", true, false
	application, _, err := applications.Create(ctx, msgraph.Application{DisplayName: &name})
	if err != nil {
		return nil, err
	}
	id := *application.ID
	principal, _, err := principals.Create(ctx, msgraph.ServicePrincipal{AppId: application.AppId, AccountEnabled: &enabled})
	if err != nil {
		return nil, err
	}
	seen := figures{"application": id, "appId": *application.AppId, "principal": *principal.ID}

	read, _, err := principals.Get(ctx, *principal.ID, none)
	if err != nil {
		return nil, err
	}
	change := msgraph.ServicePrincipal{DirectoryObject: msgraph.DirectoryObject{ID: principal.ID}, AccountEnabled: &disabled, Tags: &[]string{"HideApp"}}
	if _, err = principals.Update(ctx, change); err != nil {
		return nil, err
	}
	seen["enabledAtFirst"] = *read.AccountEnabled

	secretName := "made"
	secret, _, err := applications.AddPassword(ctx, id, msgraph.PasswordCredential{DisplayName: &secretName})
	if err != nil {
		return nil, err
	}
	seen["secretHint"] = *secret.Hint

	assignment, _, err := assigned.Assign(ctx, msgraph.AppRoleAssignment{
		AppRoleId: &given.RoleID, PrincipalId: principal.ID, ResourceId: &given.ResourceID,
	})
	if err != nil {
		return nil, err
	}
	everyone := msgraph.DelegatedPermissionGrantConsentTypeAllPrincipals
	grant, _, err := grants.Create(ctx, msgraph.DelegatedPermissionGrant{
		ClientId: principal.ID, ConsentType: &everyone, ResourceId: &given.ResourceID, Scopes: &[]string{"User.Read"},
	})
	if err != nil {
		return nil, err
	}
	seen["assignment"], seen["grant"] = *assignment.Id, *grant.Id
	if _, err = assigned.Remove(ctx, given.ResourceID, *assignment.Id); err != nil {
		return nil, err
	}

	if _, err = applications.Delete(ctx, id); err != nil {
		return nil, err
	}
	deleted, _, err := applications.ListDeleted(ctx, none)
	if err != nil {
		return nil, err
	}
	restored, _, err := applications.RestoreDeleted(ctx, id)
	if err != nil {
		return nil, err
	}
	seen["restored"], seen["deleted"] = *restored.ID, []string{}
	for _, one := range *deleted {
		seen["deleted"] = append(seen["deleted"].([]string), *one.ID)
	}

	filter := fmt.Sprintf("startsWith(displayName,'%s')", given.Prefix)
	all, _, err := principals.List(ctx, odata.Query{Filter: filter})
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, one := range *all {
		ids = append(ids, *one.ID)
	}
	seen["filtered"] = ids
	return seen, nil
}
