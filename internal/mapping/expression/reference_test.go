package expression_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/mapping/expression"
)

// What the reference says of a function is what the function does.
func TestEveryExampleHolds(t *testing.T) {
	t.Parallel()
	for _, f := range expression.Functions() {
		for i, x := range f.Examples {
			t.Run(fmt.Sprintf("%s %d", f.Name, i+1), func(t *testing.T) {
				t.Parallel()
				got, err := parsed(t, x.Expression).Evaluate(x.Environment(), of(x.Attributes))
				if err != nil {
					t.Fatal(err)
				}
				if x.Like != "" {
					if s, _ := got.(string); !regexp.MustCompile(x.Like).MatchString(s) {
						t.Errorf("%v is not like %s", got, x.Like)
					}
					return
				}
				if diff := cmp.Diff(x.Result, got); diff != "" {
					t.Errorf("%s %s: %s", x.Expression, x.Source, diff)
				}
			})
		}
	}
}

func TestTheLanguageIsEntras(t *testing.T) {
	t.Parallel()
	const all = `Append AppRoleAssignmentsComplex AssertiveAppRoleAssignmentsComplex BitAnd CBool CDate Coalesce ConvertToBase64
		ConvertToUTF8Hex Count CStr DateAdd DateDiff DateFromNum DefaultDomain FormatDateTime Guid IgnoreFlowIfNullOrEmpty IIF InStr
		IsNull IsNullOrEmpty IsPresent IsString Item Join Left Len Mid NormalizeDiacritics Not Now NumFromDate PCase RandomString
		Redact RemoveDuplicates Replace SelectUniqueValue SingleAppRoleAssignment Split StripSpaces Switch ToLower ToUpper Word`
	var names []string
	for _, f := range expression.Functions() {
		names = append(names, f.Name)
		if len(f.Examples) == 0 || !strings.HasPrefix(f.Signature, f.Name+"(") || !strings.HasSuffix(f.Does, ".") {
			t.Errorf("the reference of %s is not complete: %+v", f.Name, f)
		}
		for _, x := range f.Examples {
			if x.Function != f.Name || !strings.Contains(x.Expression, f.Name+"(") {
				t.Errorf("%s is no example of %s", x.Expression, f.Name)
			}
		}
	}
	if diff := cmp.Diff(strings.Fields(all), names); diff != "" {
		t.Error(diff)
	}
}
