package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// graphAddress is where Microsoft Graph is for those who sign in there.
func graphAddress(given settings) (cloud.Configuration, string, error) {
	switch given.Cloud {
	case "public":
		return cloud.AzurePublic, "https://graph.microsoft.com", nil
	case "government":
		return cloud.AzureGovernment, "https://graph.microsoft.us", nil
	case "china":
		return cloud.AzureChina, "https://microsoftgraph.chinacloudapi.cn", nil
	case "local":
		return cloud.Configuration{ActiveDirectoryAuthorityHost: given.Local}, given.Local, nil
	}
	return cloud.Configuration{}, "", fmt.Errorf("cloud %q", given.Cloud)
}

func azureCredential(given settings, at cloud.Configuration) (azcore.TokenCredential, error) {
	client := azcore.ClientOptions{Cloud: at}
	switch given.Credential {
	case "secret":
		return azidentity.NewClientSecretCredential(given.Tenant, given.ClientID, given.Secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: client, DisableInstanceDiscovery: given.DisableDiscovery})
	case "certificate", "chain":
		text, err := os.ReadFile(given.CertificateFile)
		if err != nil {
			return nil, err
		}
		certificates, key, err := azidentity.ParseCertificates(text, nil)
		if err != nil {
			return nil, err
		}
		return azidentity.NewClientCertificateCredential(given.Tenant, given.ClientID, certificates, key,
			&azidentity.ClientCertificateCredentialOptions{
				ClientOptions:            client,
				DisableInstanceDiscovery: given.DisableDiscovery,
				SendCertificateChain:     given.Credential == "chain",
			})
	case "assertion":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions:            client,
			ClientID:                 given.ClientID,
			TenantID:                 given.Tenant,
			TokenFilePath:            given.AssertionFile,
			DisableInstanceDiscovery: given.DisableDiscovery,
		})
	}
	return nil, fmt.Errorf("credential %q", given.Credential)
}

// signInWithAzidentity gets a token twice, of which the second comes from the library's cache, and reads with it.
func signInWithAzidentity(ctx context.Context, given settings) (figures, error) {
	at, graph, err := graphAddress(given)
	if err != nil {
		return nil, err
	}
	credential, err := azureCredential(given, at)
	if err != nil {
		return nil, err
	}
	wanted := policy.TokenRequestOptions{Scopes: []string{graph + "/.default"}, EnableCAE: true}
	token, err := credential.GetToken(ctx, wanted)
	var refused *azidentity.AuthenticationFailedError
	if errors.As(err, &refused) && refused.RawResponse != nil {
		return figures{"status": refused.RawResponse.StatusCode, "refusal": refused.Error()}, nil
	}
	if err != nil {
		return figures{"refusal": err.Error()}, nil
	}
	again, err := credential.GetToken(ctx, wanted)
	if err != nil {
		return nil, err
	}
	seen, err := claims(token.Token)
	if err != nil {
		return nil, err
	}
	seen["cached"] = again.Token == token.Token
	seen["organization"], err = organization(ctx, graphPipeline(credential, graph), graph)
	return seen, err
}

// graphPipeline is what Microsoft's clients of single services are made of.
func graphPipeline(credential azcore.TokenCredential, graph string) runtime.Pipeline {
	authorize := runtime.NewBearerTokenPolicy(credential, []string{graph + "/.default"}, nil)
	return runtime.NewPipeline("clients", "v1.0.0", runtime.PipelineOptions{PerRetry: []policy.Policy{authorize}}, nil)
}

func organization(ctx context.Context, pipeline runtime.Pipeline, graph string) (string, error) {
	request, err := runtime.NewRequest(ctx, http.MethodGet, graph+"/v1.0/organization?$select=id,displayName")
	if err != nil {
		return "", err
	}
	response, err := pipeline.Do(request)
	if err != nil {
		return "", err
	}
	if !runtime.HasStatusCode(response, http.StatusOK) {
		return "", runtime.NewResponseError(response)
	}
	var page struct {
		Value []struct{ ID, DisplayName string }
	}
	if err := runtime.UnmarshalAsJSON(response, &page); err != nil {
		return "", err
	}
	if len(page.Value) != 1 {
		return "", fmt.Errorf("%d organizations", len(page.Value))
	}
	return page.Value[0].DisplayName, nil
}

// answerClaimsChallenge reads, has its sessions revoked, and reads on: the library takes the challenge of the refusal to
// the token endpoint by itself.
func answerClaimsChallenge(ctx context.Context, given settings) (figures, error) {
	at, graph, err := graphAddress(given)
	if err != nil {
		return nil, err
	}
	credential, err := azureCredential(given, at)
	if err != nil {
		return nil, err
	}
	pipeline := graphPipeline(credential, graph)
	before, err := organization(ctx, pipeline, graph)
	if err != nil {
		return nil, err
	}
	who := fmt.Sprintf(`{"tenantId": %q, "appId": %q}`, given.Tenant, given.ClientID)
	revoked, err := http.Post(given.Control+"/revoke", "application/json", strings.NewReader(who))
	if err != nil {
		return nil, err
	}
	defer revoked.Body.Close()
	after, err := organization(ctx, pipeline, graph)
	return figures{"revoked": revoked.StatusCode, "before": before, "after": after}, err
}
