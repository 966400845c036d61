// Flux's own judgement of objects: one object as JSON per line in, one judgement as JSON per line out.
//
// The argument is the Kustomization whose healthCheckExprs are evaluated; it is read as strictly as the API server
// reads it. Without one, only kstatus and the rules for conditions speak.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/conditions/check"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kerrors "k8s.io/apimachinery/pkg/util/errors"
	"sigs.k8s.io/yaml"
)

// The kind that is judged, as healthCheckExprs name it.
var kind = schema.GroupVersionKind{Group: "webexazure.dev", Version: "v1alpha1", Kind: "WebexAzureIntegration"}

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
	Error   string `json:"error,omitempty"`
}

// What the rules of fluxcd/pkg/runtime/conditions/check find.
type broken struct {
	Fail []string `json:"fail"`
	Warn []string `json:"warn"`
}

type judgement struct {
	Kstatus verdict `json:"kstatus"`
	Exprs   verdict `json:"exprs"`
	// By the rules for an object whose reconciliation has ended.
	Settled broken `json:"settled"`
	// By those for an object in the middle of one.
	Midway broken `json:"midway"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx := context.Background()
	var evaluator *cel.StatusEvaluator
	if len(os.Args) > 1 {
		found, err := evaluatorOf(os.Args[1])
		if err != nil {
			return fmt.Errorf("%s: %w", os.Args[1], err)
		}
		evaluator = found
	}
	settled := check.NewChecker(nil, &check.Conditions{
		// Drifted is in neither list: it informs, as in Flux's HelmRelease.
		NegativePolarity: []string{"Stalled", "Reconciling"},
	})
	settled.DisableFetch = true
	midway := check.NewInProgressChecker(nil)
	midway.DisableFetch = true

	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for in.Scan() {
		object := &unstructured.Unstructured{}
		// Not encoding/json, which would make floats of generations.
		if err := object.UnmarshalJSON(in.Bytes()); err != nil {
			return err
		}
		said := judgement{
			Kstatus: told(status.Compute(object)),
			Settled: rules(settled.Check(ctx, conditions.UnstructuredGetter(object))),
			Midway:  rules(midway.Check(ctx, conditions.UnstructuredGetter(object))),
		}
		if evaluator != nil {
			said.Exprs = told(evaluator.Evaluate(ctx, object))
		}
		if err := encoder.Encode(said); err != nil {
			return err
		}
	}
	return in.Err()
}

// The evaluator that kustomize-controller would make for our kind.
func evaluatorOf(file string) (*cel.StatusEvaluator, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var kustomization kustomizev1.Kustomization
		if err := yaml.UnmarshalStrict(document, &kustomization); err != nil {
			return nil, err
		}
		if kustomization.Kind != kustomizev1.KustomizationKind ||
			kustomization.APIVersion != kustomizev1.GroupVersion.String() {
			return nil, fmt.Errorf("%s %s is no Kustomization", kustomization.APIVersion, kustomization.Kind)
		}
		for _, exprs := range kustomization.Spec.HealthCheckExprs {
			if schema.FromAPIVersionAndKind(exprs.APIVersion, exprs.Kind) == kind {
				return cel.NewStatusEvaluator(&exprs.HealthCheckExpressions)
			}
		}
	}
	return nil, errors.New("no healthCheckExprs for " + kind.String())
}

func told(result *status.Result, err error) verdict {
	if err != nil {
		return verdict{Error: err.Error()}
	}
	return verdict{Status: result.Status.String(), Message: result.Message}
}

func rules(fail, warn error) broken {
	return broken{Fail: each(fail), Warn: each(warn)}
}

// Each rule by itself.
func each(err error) []string {
	found := []string{}
	var aggregate kerrors.Aggregate
	if errors.As(err, &aggregate) {
		for _, one := range aggregate.Errors() {
			found = append(found, one.Error())
		}
	} else if err != nil {
		found = append(found, err.Error())
	}
	return found
}
