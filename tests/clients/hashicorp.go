package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/client"
	"github.com/hashicorp/go-azure-sdk/sdk/client/msgraph"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
	"github.com/hashicorp/go-azure-sdk/sdk/odata"
	"software.sslmate.com/src/go-pkcs12"
)

// discovered is the environment as the metadata of the cloud tells it.
func discovered(ctx context.Context, given settings) (*environments.Environment, error) {
	management := map[string]string{
		"public":     "https://management.azure.com",
		"government": "https://management.usgovcloudapi.net",
		"china":      "https://management.chinacloudapi.cn",
		"local":      given.Local,
	}
	return environments.FromEndpoint(ctx, management[given.Cloud])
}

func authorizer(ctx context.Context, given settings, environment environments.Environment) (auth.Authorizer, error) {
	credentials := auth.Credentials{Environment: environment, TenantID: given.Tenant, ClientID: given.ClientID}
	switch given.Credential {
	case "secret":
		credentials.EnableAuthenticatingUsingClientSecret = true
		credentials.ClientSecret = given.Secret
	case "certificate":
		archive, err := archived(given.CertificateFile)
		if err != nil {
			return nil, err
		}
		credentials.EnableAuthenticatingUsingClientCertificate = true
		credentials.ClientCertificateData = archive
		credentials.ClientCertificatePassword = archivePassword
	case "assertion":
		assertion, err := os.ReadFile(given.AssertionFile)
		if err != nil {
			return nil, err
		}
		credentials.EnableAuthenticationUsingOIDC = true
		credentials.OIDCAssertionToken = string(assertion)
	}
	return auth.NewAuthorizerFromCredentials(ctx, credentials, environment.MicrosoftGraph)
}

const archivePassword = "public"

// archived is the certificate and its key as Terraform takes them.
func archived(pemFile string) ([]byte, error) {
	text, err := os.ReadFile(pemFile)
	if err != nil {
		return nil, err
	}
	certificates, key, err := azidentity.ParseCertificates(text, nil)
	if err != nil {
		return nil, err
	}
	return pkcs12.Modern.Encode(key, certificates[0], nil, archivePassword)
}

// signInWithHashicorp goes from the address of Azure Resource Manager to a token, as Terraform's providers do.
func signInWithHashicorp(ctx context.Context, given settings) (figures, error) {
	environment, err := discovered(ctx, given)
	if err != nil {
		return nil, err
	}
	authorizer, err := authorizer(ctx, given, *environment)
	if err != nil {
		return nil, err
	}
	token, err := authorizer.Token(ctx, &http.Request{})
	if err != nil {
		return figures{"refusal": err.Error()}, nil
	}
	seen, err := claims(token.AccessToken)
	if err != nil {
		return nil, err
	}
	seen["environment"] = environment.Name
	return seen, nil
}

// terraform is the client under all packages that Terraform's azuread provider uses.
type terraform struct {
	*msgraph.Client
}

func newTerraform(ctx context.Context, given settings) (*terraform, error) {
	environment, err := discovered(ctx, given)
	if err != nil {
		return nil, err
	}
	authorizer, err := authorizer(ctx, given, *environment)
	if err != nil {
		return nil, err
	}
	base, err := msgraph.NewClient(environment.MicrosoftGraph, "Clients", msgraph.VersionOnePointZero)
	if err != nil {
		return nil, err
	}
	base.SetAuthorizer(authorizer)
	return &terraform{base}, nil
}

// call is one operation, as a generated package of the SDK would write it down.
type call struct {
	method   string
	path     string
	body     any
	query    odata.Query
	expected int
	retry    client.RequestRetryFunc
	isPaged  bool
}

func (c call) ToHeaders() *client.Headers   { return nil }
func (c call) ToOData() *odata.Query        { return &c.query }
func (c call) ToQuery() *client.QueryParams { return nil }

func (t *terraform) send(ctx context.Context, wanted call, into any) error {
	request, err := t.NewRequest(ctx, client.RequestOptions{
		ContentType:         "application/json; charset=utf-8",
		ExpectedStatusCodes: []int{wanted.expected},
		HttpMethod:          wanted.method,
		OptionsObject:       wanted,
		Path:                wanted.path,
		RetryFunc:           wanted.retry,
	})
	if err != nil {
		return err
	}
	if wanted.body != nil {
		if err := request.Marshal(wanted.body); err != nil {
			return err
		}
	}
	execute := request.Execute
	if wanted.isPaged {
		execute = request.ExecutePaged
	}
	response, err := execute(ctx)
	if err != nil {
		return fmt.Errorf("%s %s: %w", wanted.method, wanted.path, err)
	}
	defer response.Body.Close()
	if into == nil {
		return nil
	}
	return response.Unmarshal(into)
}

type object struct {
	ID              string `json:"id"`
	AppID           string `json:"appId"`
	DisplayName     string `json:"displayName"`
	AccountEnabled  bool   `json:"accountEnabled"`
	DeletedDateTime string `json:"deletedDateTime"`
}

type page struct {
	Value []object `json:"value"`
}

func (p page) ids() []string {
	ids := []string{}
	for _, one := range p.Value {
		ids = append(ids, one.ID)
	}
	return ids
}

func (t *terraform) list(ctx context.Context, path string, query odata.Query) (page, error) {
	var all page
	err := t.send(ctx, call{method: http.MethodGet, path: path, query: query, expected: http.StatusOK, isPaged: true}, &all)
	return all, err
}

// readWithHashicorp looks at a principal and at everything that hangs on it.
func readWithHashicorp(ctx context.Context, given settings) (figures, error) {
	terraform, err := newTerraform(ctx, given)
	if err != nil {
		return nil, err
	}
	var principal object
	path := fmt.Sprintf("/servicePrincipals(appId='%s')", given.AppID)
	if err := terraform.send(ctx, call{method: http.MethodGet, path: path, expected: http.StatusOK}, &principal); err != nil {
		return nil, err
	}
	seen := figures{"id": principal.ID, "displayName": principal.DisplayName}
	for _, part := range []string{"appRoleAssignments", "oauth2PermissionGrants", "owners", "ownedObjects", "synchronization/jobs"} {
		parts, err := terraform.list(ctx, "/servicePrincipals/"+principal.ID+"/"+part, odata.Query{})
		if err != nil {
			return nil, err
		}
		seen[part] = parts.ids()
	}
	return seen, nil
}

// pageWithHashicorp reads more principals than any page holds, in the three ways that lists are usually asked for.
func pageWithHashicorp(ctx context.Context, given settings) (figures, error) {
	terraform, err := newTerraform(ctx, given)
	if err != nil {
		return nil, err
	}
	filter := fmt.Sprintf("startsWith(displayName,'%s')", given.Prefix)
	seen := figures{}
	for name, query := range map[string]odata.Query{
		"all":      {},
		"filtered": {Filter: filter, Select: []string{"id", "displayName"}, Top: 40},
		"counted": {Filter: filter, ConsistencyLevel: odata.ConsistencyLevelEventual, Count: true,
			OrderBy: odata.OrderBy{Field: "displayName"}, Metadata: odata.MetadataFull},
	} {
		all, err := terraform.list(ctx, "/servicePrincipals", query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		seen[name] = all.ids()
	}
	return seen, nil
}

// writeWithHashicorp takes an application from its registration to its end: principal, permissions, deletion, restore.
func writeWithHashicorp(ctx context.Context, given settings) (figures, error) {
	terraform, err := newTerraform(ctx, given)
	if err != nil {
		return nil, err
	}
	post, get, patch, remove := http.MethodPost, http.MethodGet, http.MethodPatch, http.MethodDelete
	patiently := client.RetryOn404ConsistencyFailureFunc
	var application, principal, restored object
	var assignment, grant struct {
		ID string `json:"id"`
	}
	registration := map[string]any{"displayName": "Made by go-azure-sdk", "signInAudience": "AzureADMyOrg"}
	if err := terraform.send(ctx, call{method: post, path: "/applications", body: registration, expected: 201}, &application); err != nil {
		return nil, err
	}
	identity := map[string]any{"appId": application.AppID, "tags": []string{"HideApp"}}
	if err := terraform.send(ctx, call{method: post, path: "/servicePrincipals", body: identity, expected: 201, retry: patiently}, &principal); err != nil {
		return nil, err
	}
	path := "/servicePrincipals/" + principal.ID
	assigned := map[string]any{"principalId": principal.ID, "resourceId": given.ResourceID, "appRoleId": given.RoleID}
	granted := map[string]any{"clientId": principal.ID, "consentType": "AllPrincipals", "resourceId": given.ResourceID, "scope": "User.Read"}
	disabled := map[string]any{"accountEnabled": false, "notes": "written by a test"}
	for _, step := range []struct {
		call
		into any
	}{
		{call{method: get, path: path, expected: 200, retry: patiently}, &principal},
		{call{method: patch, path: path, body: disabled, expected: 204, retry: patiently}, nil},
		{call{method: post, path: path + "/appRoleAssignments", body: assigned, expected: 201, retry: patiently}, &assignment},
		{call{method: post, path: "/oauth2PermissionGrants", body: granted, expected: 201, retry: patiently}, &grant},
		{call{method: remove, path: path, expected: 204, retry: patiently}, nil},
		{call{method: get, path: "/directory/deletedItems/" + principal.ID, expected: 200, retry: patiently}, nil},
	} {
		if err := terraform.send(ctx, step.call, step.into); err != nil {
			return nil, err
		}
	}
	deleted, err := terraform.list(ctx, "/directory/deletedItems/microsoft.graph.servicePrincipal", odata.Query{})
	if err != nil {
		return nil, err
	}
	again := call{method: post, path: "/directory/deletedItems/" + principal.ID + "/restore", expected: 200, retry: patiently}
	if err := terraform.send(ctx, again, &restored); err != nil {
		return nil, err
	}
	return figures{
		"application": application.ID, "appId": application.AppID, "principal": principal.ID, "assignment": assignment.ID,
		"grant": grant.ID, "deleted": deleted.ids(), "restored": restored.ID, "restoredEnabled": restored.AccountEnabled,
	}, nil
}
