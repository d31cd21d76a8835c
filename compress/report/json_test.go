// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestJSONGolden(t *testing.T) {
	b, err := fixture().JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", b)
}

func TestJSONReadsBack(t *testing.T) {
	r := fixture()
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	again, err := got.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(b) {
		t.Error("reading the report and writing it again changes it")
	}
	if !reflect.DeepEqual(got.Fidelity.Worst, r.Fidelity.Worst) {
		t.Errorf("worst inputs come back as %v", got.Fidelity.Worst)
	}
}

func TestJSONListsAreNeverNull(t *testing.T) {
	b, err := (&Report{Training: &Training{}}).JSON()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "null") {
		t.Errorf("an empty report holds null:\n%s", b)
	}
	for _, key := range []string{"accuracy", "transfer_set", "config", "kl"} {
		if strings.Contains(string(b), `"`+key+`":`) {
			t.Errorf("an empty report has %q", key)
		}
	}
}

func TestWriteJSONLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := fixture()
	bad.DurationS = math.NaN()
	if err := bad.WriteJSON(path); err == nil {
		t.Fatal("a report with NaN was written")
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("a failed write left %q", b)
	}
	if err := fixture().WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	if err := fixture().WriteJSON(filepath.Join(dir, "none", "report.json")); err == nil {
		t.Error("writing into a folder that is not there succeeds")
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 {
		t.Errorf("the folder holds %v", files)
	}
}
