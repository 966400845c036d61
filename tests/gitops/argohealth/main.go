// Argo CD's judgement of objects: one object as JSON per line in, one health as JSON per line out.
//
// The argument is a health script. The interpreter is furnished as Argo CD's util/lua furnishes it for a script of
// argocd-cm: base, package and table, one second, a fresh state for each object. Its os, which has only time and date, is
// left out: a health that depends on the time of day would flap. What a script returns is judged as there.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"
)

// How long a script may take.
const patience = time.Second

// What a script may say.
var known = map[string]bool{
	"Unknown": true, "Progressing": true, "Suspended": true, "Healthy": true, "Degraded": true, "Missing": true,
}

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
	// Set where Argo CD would report that the script failed.
	Error string `json:"error,omitempty"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: %s health.lua", os.Args[0])
	}
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for in.Scan() {
		var object any
		if err := json.Unmarshal(in.Bytes(), &object); err != nil {
			return err
		}
		said, err := judge(string(script), object)
		if err != nil {
			said = health{Error: err.Error()}
		}
		if err := encoder.Encode(said); err != nil {
			return err
		}
	}
	return in.Err()
}

func judge(script string, object any) (health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	if err := furnish(state); err != nil {
		return health{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", luajson.DecodeValue(state, object))
	if err := state.DoString(script); err != nil {
		return health{}, err
	}
	returned := state.Get(-1)
	if returned.Type() != lua.LTTable {
		return health{}, fmt.Errorf("expect table output from Lua script, not %s", returned.Type())
	}
	text, err := luajson.Encode(returned)
	if err != nil {
		return health{}, err
	}
	var said health
	if err := json.Unmarshal(text, &said); err != nil {
		return health{}, err
	}
	if !known[said.Status] {
		return health{Status: "Unknown", Message: "Lua returned an invalid health status"}, nil
	}
	return said, nil
}

// Opens what Argo CD opens: no string, no math, no io.
func furnish(state *lua.LState) error {
	libraries := []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage},
		{lua.BaseLibName, lua.OpenBase},
		{lua.TabLibName, lua.OpenTable},
	}
	for _, library := range libraries {
		call := lua.P{Fn: state.NewFunction(library.open), Protect: true}
		if err := state.CallByParam(call, lua.LString(library.name)); err != nil {
			return err
		}
	}
	return nil
}
