package mapping_test

import (
	"fmt"
	"maps"
	"testing"

	"entrawebex/internal/mapping"
)

// thirtyExpressions are lines as administrators write them: of the kinds of
// expressions that are asked about most.
func thirtyExpressions() []string {
	lines := []string{
		`{ target: userName, expression: 'ToLower(Coalesce([mail], [userPrincipalName]))', matching: 1 }`,
		`{ target: active, expression: 'Switch([IsSoftDeleted], , "False", "True", "True", "False")' }`,
		`{ target: displayName, expression: 'Join(" ", [givenName], [surname])' }`,
		`{ target: nickName, expression: 'Word([displayName], 1, " ")' }`,
		`{ target: title, expression: 'IgnoreFlowIfNullOrEmpty([jobTitle])' }`,
		`{ target: name.givenName, expression: 'PCase([givenName])' }`,
		`{ target: name.familyName, expression: 'NormalizeDiacritics([surname])' }`,
		`{ target: preferredLanguage, expression: 'Switch([usageLocation], "en-US", "DE", "de-DE", "CH", "de-CH", "FR", "fr-FR")' }`,
		`{ target: timezone, expression: 'Switch([state], "Australia/Sydney", "QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")' }`,
		`{ target: 'emails[type eq "work"].value', expression: 'Coalesce([mail], [userPrincipalName])' }`,
		`{ target: 'phoneNumbers[type eq "work"].value', expression: 'StripSpaces([telephoneNumber])' }`,
		`{ target: 'phoneNumbers[type eq "mobile"].value', expression: 'Replace([mobile], , "[()\\s-]+", , "", , )' }`,
		`{ target: 'addresses[type eq "work"].country', expression: 'ToUpper(Left([country], 2))' }`,
		`{ target: 'addresses[type eq "work"].region', expression: 'IIF([country] = "Germany", [state], "none")' }`,
		`{ target: 'addresses[type eq "work"].locality', expression: 'Append([city], ", Germany")' }`,
	}
	for i := 1; len(lines) < 30; i++ {
		lines = append(lines, fmt.Sprintf(`{ target: 'urn:scim:schemas:extension:cisco:webexidentity:2.0:User:extensionAttribute%d', expression: 'IIF([department] = "Unit %d", Append("u", Mid([employeeId], 1, 3)), [companyName])' }`, i, i))
	}
	return lines
}

func BenchmarkMapByThirtyExpressions(b *testing.B) {
	rules, err := mapping.Parse([]byte(fileWith(thirtyExpressions()...)))
	if err != nil {
		b.Fatal(err)
	}
	attributes := ada()
	maps.Copy(attributes, map[string]any{
		"mail": "Ada@Example.com", "surname": "Müller", "jobTitle": "Engineer", "usageLocation": "DE", "state": "Hessen", "country": "Germany",
		"businessPhones": []any{"+49 69 1234 0"}, "mobilePhone": "+49 (171) 888-7777", "city": "Frankfurt", "department": "Unit 3",
		"employeeId": "001234", "companyName": "Contoso",
	})
	if values, err := rules.Users.Map(attributes); err != nil || len(values) < 30 {
		b.Fatal(values, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rules.Users.Map(attributes); err != nil {
			b.Fatal(err)
		}
	}
}
