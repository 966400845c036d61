// Command clients does one job of a client library that others publish, and prints what the library saw as one JSON
// object. The libraries are used as they are: the variables of the process lead them to the emulator.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// settings come as JSON on standard input.
type settings struct {
	Tenant          string `json:"tenant"`
	ClientID        string `json:"clientId"`
	Secret          string `json:"secret"`
	CertificateFile string `json:"certificateFile"` // certificate and key in PEM
	AssertionFile   string `json:"assertionFile"`   // what an issuer would project into a pod
	Local           string `json:"local"`           // the emulator by its own address
	Control         string `json:"control"`         // its control surface

	Cloud            string `json:"cloud"`      // public, government, china or local
	Credential       string `json:"credential"` // secret, certificate, chain or assertion
	DisableDiscovery bool   `json:"disableDiscovery"`
	AppID            string `json:"appId"`      // of the principal that is looked at
	ResourceID       string `json:"resourceId"` // principal of the application whose roles are granted
	RoleID           string `json:"roleId"`     // and one of them
	Prefix           string `json:"prefix"`     // of the names of many principals
}

type figures map[string]any

var jobs = map[string]func(context.Context, settings) (figures, error){
	"azidentity":           signInWithAzidentity,
	"azidentity-challenge": answerClaimsChallenge,
	"hashicorp-sign-in":    signInWithHashicorp,
	"hashicorp-read":       readWithHashicorp,
	"hashicorp-page":       pageWithHashicorp,
	"hashicorp-write":      writeWithHashicorp,
	"hamilton-write":       writeWithHamilton,
	"msgraph-page":         pageWithGraphCore,
	"msgraph-batch":        batchWithGraphCore,
	"msgraph-write":        writeWithGraphCore,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 || jobs[os.Args[1]] == nil {
		return fmt.Errorf("usage: clients JOB < SETTINGS")
	}
	var given settings
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	seen, err := jobs[os.Args[1]](ctx, given)
	if err != nil {
		return fmt.Errorf("%s: %w", os.Args[1], err)
	}
	return json.NewEncoder(os.Stdout).Encode(seen)
}

// claims of a token, which its client is not meant to look at.
func claims(token string) (figures, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("a token of %d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	all := figures{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	return figures{"tid": all["tid"], "appid": all["appid"], "aud": all["aud"], "iss": all["iss"], "roles": all["roles"]}, nil
}
