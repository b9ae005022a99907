package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// settingNamed is the one among all.
func settingNamed(t *testing.T, s Settings, name string) Value {
	t.Helper()
	for _, v := range s.Values() {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("there is no %s", name)
	return Value{}
}

func TestASettingSaysWhereItComesFrom(t *testing.T) {
	t.Parallel()
	variables := complete()
	delete(variables, "ENTRA_CLIENT_SECRET")
	variables["SECRET_ARN"], variables["GUARD_WINDOW"], variables["PROTECTED_USERS"] = "arn:one", "90m", "ada@example.com,bob@example.com"
	variables["SCOPE"], variables["GUARD_SHARE"], variables["COMPARE_INTERVAL"] = "all", "5%", "48h"
	s, err := load(t, Planner, variables, map[string]string{"arn:one": `{"ENTRA_CLIENT_SECRET":"s3cret","SCOPE":"assigned"}`})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []Value{
		{Name: "SCOPE", Value: "all", Default: "assigned", From: FromEnvironment, Set: true},
		{Name: "GUARD_WINDOW", Value: "1h30m", Default: "60m", From: FromEnvironment, Set: true},
		{Name: "GUARD_SHARE", Value: "5", Default: "1", From: FromEnvironment, Set: true},
		{Name: "COMPARE_INTERVAL", Value: "48h", Default: "24h", From: FromEnvironment, Set: true},
		{Name: "PROTECTED_USERS", Value: "ada@example.com,bob@example.com", From: FromEnvironment, Set: true},
		{Name: "DELETE_CONFIRM_AFTER", Value: "10m", Default: "10m", From: FromDefault, Set: true},
		{Name: "NESTED_GROUPS", Value: "false", From: FromDefault},
		{Name: "MAPPING_FILE", From: FromDefault},
		{Name: "ENTRA_TENANT_ID", Value: tenant, From: FromEnvironment, Set: true},
		{Name: "ENTRA_APP_ID", Value: app, From: FromOthers, Set: true},
		{Name: "ENTRA_CLIENT_SECRET", From: "arn:one", Secret: true, Set: true},
		{Name: "CLIENT_STATE", From: FromEnvironment, Secret: true, Set: true},
		{Name: "WEBEX_REFRESH_TOKEN", From: FromDefault, Secret: true},
	} {
		if diff := cmp.Diff(want, settingNamed(t, s, want.Name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Name, diff)
		}
	}
}

// A new secret must be marked as one: what is told of settings is on a page.
func TestNoValueIsThatOfASecret(t *testing.T) {
	t.Parallel()
	s, hidden := Settings{}, 0
	var fill func(of reflect.Value)
	fill = func(of reflect.Value) {
		for field, value := range of.Fields() {
			if value.Kind() == reflect.Struct {
				fill(value)
			} else if field.Tag.Get("secret") != "" {
				hidden++
				value.SetString(fmt.Sprintf("hidden-%d", hidden))
			}
		}
	}
	fill(reflect.ValueOf(&s).Elem())
	if text := fmt.Sprint(s.Values()); hidden != 8 || strings.Contains(text, "hidden-") {
		t.Errorf("%d secrets, and %s", hidden, text)
	}
	like := regexp.MustCompile(`SECRET|TOKEN|CLIENT_STATE|CERTIFICATE|PASSWORD|KEY`)
	public := map[string]bool{"ENTRA_SECRET_EXPIRES": true, "WEBEX_TOKEN_URL": true, "WEBEX_TOKEN_EXPIRES": true, "TOKEN_SECRET_ARN": true}
	for _, v := range s.Values() {
		if like.MatchString(v.Name) && !v.Secret && !public[v.Name] {
			t.Errorf("%s looks like a secret: mark it, or say here that it is none", v.Name)
		}
	}
}
