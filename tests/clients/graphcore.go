package main

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	jsonserialization "github.com/microsoft/kiota-serialization-json-go"
	msgraphgocore "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go-core/authentication"
)

// graphCore is what Microsoft's own Go client of Graph stands on: retries, compression, pages, batches.
func graphCore(given settings) (*msgraphgocore.GraphRequestAdapterBase, error) {
	at, graph, err := graphAddress(given)
	if err != nil {
		return nil, err
	}
	var credential azcore.TokenCredential
	if credential, err = azureCredential(given, at); err != nil {
		return nil, err
	}
	provider, err := authentication.NewAzureIdentityAuthenticationProviderWithScopes(credential, []string{graph + "/.default"})
	if err != nil {
		return nil, err
	}
	abstractions.RegisterDefaultSerializer(func() serialization.SerializationWriterFactory {
		return jsonserialization.NewJsonSerializationWriterFactory()
	})
	abstractions.RegisterDefaultDeserializer(func() serialization.ParseNodeFactory {
		return jsonserialization.NewJsonParseNodeFactory()
	})
	adapter, err := msgraphgocore.NewGraphRequestAdapterBase(provider, msgraphgocore.GraphClientOptions{GraphServiceVersion: "v1.0"})
	if err != nil {
		return nil, err
	}
	adapter.SetBaseUrl(graph + "/v1.0")
	return adapter, nil
}

// principal is a model as the generated ones are, with fewer members.
type principal struct {
	id, appID, displayName *string
}

func newPrincipal(serialization.ParseNode) (serialization.Parsable, error) { return &principal{}, nil }

func (p *principal) Serialize(writer serialization.SerializationWriter) error {
	if err := writer.WriteStringValue("displayName", p.displayName); err != nil {
		return err
	}
	return writer.WriteStringValue("appId", p.appID)
}

func (p *principal) GetFieldDeserializers() map[string]func(serialization.ParseNode) error {
	text := func(into **string) func(serialization.ParseNode) error {
		return func(node serialization.ParseNode) (err error) {
			*into, err = node.GetStringValue()
			return err
		}
	}
	return map[string]func(serialization.ParseNode) error{
		"id": text(&p.id), "appId": text(&p.appID), "displayName": text(&p.displayName),
	}
}

// principals is one page.
type principals struct {
	value    []*principal
	nextLink *string
}

func newPrincipals(serialization.ParseNode) (serialization.Parsable, error) {
	return &principals{}, nil
}

func (p *principals) GetValue() []*principal     { return p.value }
func (p *principals) GetOdataNextLink() *string  { return p.nextLink }
func (p *principals) GetOdataDeltaLink() *string { return nil }

func (p *principals) Serialize(serialization.SerializationWriter) error { return nil }

func (p *principals) GetFieldDeserializers() map[string]func(serialization.ParseNode) error {
	return map[string]func(serialization.ParseNode) error{
		"@odata.nextLink": func(node serialization.ParseNode) (err error) {
			p.nextLink, err = node.GetStringValue()
			return err
		},
		"value": func(node serialization.ParseNode) error {
			all, err := node.GetCollectionOfObjectValues(newPrincipal)
			for _, one := range all {
				p.value = append(p.value, one.(*principal))
			}
			return err
		},
	}
}

// refusal is the error that generated clients raise.
type refusal struct {
	abstractions.ApiError
	code, message *string
}

func newRefusal(serialization.ParseNode) (serialization.Parsable, error) { return &refusal{}, nil }

func (r *refusal) Error() string {
	if r.code == nil || r.message == nil {
		return "a refusal without code or message"
	}
	return *r.code + ": " + *r.message
}

func (r *refusal) Serialize(serialization.SerializationWriter) error { return nil }

func (r *refusal) GetFieldDeserializers() map[string]func(serialization.ParseNode) error {
	return map[string]func(serialization.ParseNode) error{
		"error": func(node serialization.ParseNode) error {
			code, err := node.GetChildNode("code")
			if err != nil {
				return err
			}
			if r.code, err = code.GetStringValue(); err != nil {
				return err
			}
			message, err := node.GetChildNode("message")
			if err != nil {
				return err
			}
			r.message, err = message.GetStringValue()
			return err
		},
	}
}

var refusals = abstractions.ErrorMappings{"XXX": newRefusal}

func information(method abstractions.HttpMethod, template string, parameters map[string]string) *abstractions.RequestInformation {
	information := abstractions.NewRequestInformationWithMethodAndUrlTemplateAndPathParameters(method, template, parameters)
	information.Headers.TryAdd("Accept", "application/json")
	return information
}

// pageWithGraphCore lets the iterator of the library walk through more principals than any page holds.
func pageWithGraphCore(ctx context.Context, given settings) (figures, error) {
	adapter, err := graphCore(given)
	if err != nil {
		return nil, err
	}
	request := information(abstractions.GET, "{+baseurl}/servicePrincipals{?%24filter,%24select,%24count,%24top}", map[string]string{
		"baseurl": adapter.GetBaseUrl(),
	})
	request.QueryParameters["%24filter"] = fmt.Sprintf("startswith(displayName,'%s')", given.Prefix)
	request.QueryParameters["%24select"] = "id,displayName"
	request.QueryParameters["%24count"] = "true"
	request.QueryParameters["%24top"] = "40"
	request.Headers.Add("ConsistencyLevel", "eventual")
	first, err := adapter.Send(ctx, request, newPrincipals, refusals)
	if err != nil {
		return nil, err
	}
	iterator, err := msgraphgocore.NewPageIterator[*principal](first, adapter, newPrincipals)
	if err != nil {
		return nil, err
	}
	headers := abstractions.NewRequestHeaders()
	headers.Add("ConsistencyLevel", "eventual")
	iterator.SetHeaders(headers)
	ids := []string{}
	err = iterator.Iterate(ctx, func(one *principal) bool {
		ids = append(ids, *one.id)
		return true
	})
	return figures{"filtered": ids}, err
}

// batchWithGraphCore asks one question more than two batches hold, and one that nobody can answer.
func batchWithGraphCore(ctx context.Context, given settings) (figures, error) {
	adapter, err := graphCore(given)
	if err != nil {
		return nil, err
	}
	batch := msgraphgocore.NewBatchRequestCollection(adapter)
	steps := []msgraphgocore.BatchItem{}
	for number := range 42 {
		key := given.AppID
		if number == 41 {
			key = "00000000-0000-4000-8000-00000000dead"
		}
		step, err := batch.AddBatchRequestStep(*information(abstractions.GET, "{+baseurl}/servicePrincipals(appId='{appId}')",
			map[string]string{"baseurl": adapter.GetBaseUrl(), "appId": key}))
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	answers, err := batch.Send(ctx, adapter)
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	for _, step := range steps[:41] {
		one, err := msgraphgocore.GetBatchResponseById[*principal](answers, *step.GetId(), newPrincipal)
		if err != nil {
			return nil, err
		}
		found[*one.id]++
	}
	return figures{"found": found, "failed": answers.GetFailedResponses()[*steps[41].GetId()]}, nil
}

// writeWithGraphCore registers an application with a compressed request, and is refused when it does nonsense.
func writeWithGraphCore(ctx context.Context, given settings) (figures, error) {
	adapter, err := graphCore(given)
	if err != nil {
		return nil, err
	}
	create := func(collection string, body *principal) (*principal, error) {
		request := information(abstractions.POST, "{+baseurl}/{+collection}", map[string]string{
			"baseurl": adapter.GetBaseUrl(), "collection": collection,
		})
		if err := request.SetContentFromParsable(ctx, adapter, "application/json", body); err != nil {
			return nil, err
		}
		made, err := adapter.Send(ctx, request, newPrincipal, refusals)
		if err != nil {
			return nil, err
		}
		return made.(*principal), nil
	}
	name, nobody := "Made by msgraph-sdk-go-core", "00000000-0000-4000-8000-00000000dead"
	application, err := create("applications", &principal{displayName: &name})
	if err != nil {
		return nil, err
	}
	made, err := create("servicePrincipals", &principal{appID: application.appID})
	if err != nil {
		return nil, err
	}
	_, refused := create("servicePrincipals", &principal{appID: &nobody})
	return figures{"application": application.id, "principal": made.id, "name": made.displayName, "refusal": fmt.Sprint(refused)}, nil
}
