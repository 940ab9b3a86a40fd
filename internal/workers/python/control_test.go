package python

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestBoot_MessageHasTheFieldsOfTheContract(t *testing.T) {
	message, err := Boot{Vector: []byte("v")}.Message()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(message, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields("op v chdir module callable wsgi_file pythonpath argv threads processes lazy need_app " +
		"enable_threads vector sched_batch oom_score_adj server_name server_port software max_message interrupt preload_urlconf urlconf_patience") {
		if _, there := got[name]; !there {
			t.Errorf("%s is missing", name)
		}
		delete(got, name)
	}
	if len(got) != 0 {
		t.Errorf("fields that are not in the contract: %v", got)
	}
}

func TestBoot_RefusesWhatDoesNotFitInAMessage(t *testing.T) {
	_, err := Boot{PythonPath: []string{strings.Repeat("x", MaxControlMessage)}}.Message()
	if err == nil || !strings.Contains(err.Error(), "pythonpath") {
		t.Errorf("got %v", err)
	}
}

func TestOrders_AreWhatTheContractSays(t *testing.T) {
	for message, want := range map[string]string{
		string(Spawn{Spawn: 7, Number: 2, Generation: 3}.Message()): `{"op":"spawn","spawn":7,"number":2,"generation":3}`,
		string(Reap{Spawn: 7, PID: 99}.Message()):                   `{"op":"reap","spawn":7,"pid":99}`,
		string(Exit()): `{"op":"exit"}`,
	} {
		if message != want {
			t.Errorf("got %s, want %s", message, want)
		}
	}
}

func TestDecodeReport_ReadsEachKind(t *testing.T) {
	for message, want := range map[string]Report{
		`{"op":"loaded","python":"3.11.2","implementation":"cpython","seconds":0.5,"threads":["t"],"sockets":["s"],"app":true,"free_threaded":true,"urlconf":"kept-out","urlconf_why":"a thread"}`: {
			Op: OpLoaded, Python: "3.11.2", Implementation: "cpython", Seconds: 0.5, Threads: []string{"t"}, Sockets: []string{"s"}, App: true, FreeThreaded: true, URLconf: URLconfKeptOut, URLconfWhy: "a thread"},
		`{"op":"failed","code":22,"error":"no"}`:                            {Op: OpFailed, Code: 22, Error: "no"},
		`{"op":"forked","spawn":1,"pid":22}`:                                {Op: OpForked, Spawn: 1, PID: 22},
		`{"op":"fork_failed","spawn":null,"error":"no"}`:                    {Op: OpForkFailed, Error: "no"},
		`{"op":"reaped","spawn":1,"pid":22,"status":139}`:                   {Op: OpReaped, Spawn: 1, PID: 22, Status: 139},
		`{"op":"refused","name":"x","why":"unknown op","more":{"a":[1,2]}}`: {Op: OpRefused, Name: "x", Why: "unknown op"},
	} {
		got, err := DecodeReport([]byte(message))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", message, got, err)
		}
	}
}

func TestDecodeReport_RefusesNonsense(t *testing.T) {
	for _, message := range []string{
		``, `{}`, `[]`, `null`, `{"op":"boot"}`, `{"op":7}`, `{"op":"forked"}`, `{"op":"forked","spawn":1,"pid":-1}`,
		`{"op":"forked","spawn":1,"pid":1}`, `{"op":"forked","spawn":1,"pid":99999999}`, `{"op":"reaped","spawn":-1,"pid":5,"status":0}`,
		`{"op":"loaded","threads":"x"}`, `{"op":"loaded"} x`, `{"op":"failed","error":"` + strings.Repeat("x", MaxControlMessage) + `"}`,
	} {
		if got, err := DecodeReport([]byte(message)); err == nil {
			t.Errorf("%.80s: no error, got %+v", message, got)
		}
	}
}

func FuzzDecodeReport(f *testing.F) {
	f.Add([]byte(`{"op":"forked","spawn":1,"pid":22}`))
	f.Add([]byte(`{"op":"loaded","threads":["a"]}`))
	f.Add([]byte(`{"op":`))
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := DecodeReport(message)
		if err == nil && (r.Op == "" || r.Op == OpForked && r.PID <= 1) {
			t.Errorf("%q: %+v", message, r)
		}
	})
}
