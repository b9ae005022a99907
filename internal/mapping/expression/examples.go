package expression

import (
	"slices"
	"strings"
	"time"
)

// The pages of Microsoft's that have examples.
const (
	functionsPage = "https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data"
	rolesPage     = "https://learn.microsoft.com/entra/identity/app-provisioning/customize-application-attributes#provisioning-a-role-to-a-scim-app"
	schemaPage    = "https://learn.microsoft.com/graph/api/synchronization-synchronizationschema-functions"
)

// published are examples of a function on Microsoft's page of functions, unless
// they name another.
func published(function string, examples ...Example) []Example {
	for i := range examples {
		examples[i].Function = function
		if examples[i].Source == "" {
			examples[i].Source = functionsPage + "#" + strings.ToLower(function)
		}
	}
	return examples
}

// own are examples of ours, of a function for which Microsoft has none.
func own(function string, examples ...Example) []Example {
	for i := range examples {
		examples[i].Function = function
	}
	return examples
}

// with are the attributes of an example: names and values in turn.
func with(pairs ...any) map[string]any {
	attributes := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		attributes[name] = pairs[i+1]
	}
	return attributes
}

func textExamples() []Example {
	return slices.Concat(
		published("Append",
			Example{Expression: `Append([userPrincipalName], ".test")`, Attributes: with("userPrincipalName", "John.Doe@contoso.com"), Result: "John.Doe@contoso.com.test"},
			Example{
				Expression: `Append(Mid([givenName], 1, 3), Mid([surname], 1, 5))`, Attributes: with("givenName", "John", "surname", "Doe"), Result: "JohDoe",
				Source: functionsPage + "#generate-user-alias-by-concatenating-parts-of-first-and-last-name",
			},
		),
		published("BitAnd", Example{Expression: `BitAnd(&HF, &HF7)`, Result: int64(7)}),
		published("ConvertToBase64", Example{Expression: `ConvertToBase64("Hello world!")`, Result: "SABlAGwAbABvACAAdwBvAHIAbABkACEA"}),
		published("ConvertToUTF8Hex", Example{Expression: `ConvertToUTF8Hex("Hello world!")`, Result: "48656C6C6F20776F726C6421"}),
		published("CStr", Example{Expression: `CStr([dn])`, Attributes: with("dn", "cn=Joe,dc=contoso,dc=com"), Result: "cn=Joe,dc=contoso,dc=com"}),
		published("InStr",
			Example{Expression: `InStr("The quick brown fox","quick")`, Result: int64(5)},
			Example{Expression: `InStr("repEated","e",3,vbBinaryCompare)`, Result: int64(7)},
		),
		published("Left", Example{Expression: `Left("John Doe", 3)`, Result: "Joh"}),
		own("Len", Example{Expression: `Len([employeeId])`, Attributes: with("employeeId", "00123"), Result: int64(5)}),
		published("Mid",
			Example{
				Expression: `Mid([userPrincipalName], 1, 8)`, Attributes: with("userPrincipalName", "John.Doe@contoso.com"), Result: "John.Doe",
				Source: "https://learn.microsoft.com/graph/api/resources/synchronization-attributemappingsource",
				Note:   `"Expression extracting first eight characters from the source attribute"`,
			},
		),
		published("NormalizeDiacritics", Example{Expression: `NormalizeDiacritics([givenName])`, Attributes: with("givenName", "Zoë"), Result: "Zoe"}),
		published("PCase",
			Example{Expression: `PCase([firstName])`, Attributes: with("firstName", "PABLO GONSALVES (SECOND)"), Result: "Pablo Gonsalves (Second)"},
			Example{Expression: `PCase([lastName]," '-")`, Attributes: with("lastName", "PINTO-DE'SILVA"), Result: "Pinto-De'Silva"},
			Example{Expression: `PCase(Join(" ",[firstName],[lastName]))`, Attributes: with("firstName", "GREGORY", "lastName", "JAMES"), Result: "Gregory James"},
		),
		own("StripSpaces", Example{Expression: `StripSpaces([telephoneNumber])`, Attributes: with("telephoneNumber", "+1 425 555 0100"), Result: "+14255550100"}),
		published("ToLower", Example{
			Expression: `ToLower(Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"))`,
			Attributes: with("PreferredFirstName", "John", "PreferredLastName", "Smith"), Result: "john.smith@contoso.com",
		}),
		own("ToUpper", Example{Expression: `ToUpper([country])`, Attributes: with("country", "us"), Result: "US"}),
		published("Word",
			Example{Expression: `Word("The quick brown fox",3," ")`, Result: "brown"},
			Example{Expression: `Word("This,string!has&many separators",3,",!&#")`, Result: "has"},
		),
	)
}

func replaceExamples() []Example {
	return published("Replace",
		Example{
			Expression: `Replace([BusinessTitle],"Product Developer", , , "Software Engineer", , )`,
			Attributes: with("BusinessTitle", "Product Developer"), Result: "Software Engineer",
		},
		Example{
			Expression: `Replace([UserID],"<username>", , , , , "<username>@contoso.com")`,
			Attributes: with("UserID", "jsmith"), Result: "jsmith@contoso.com",
		},
		Example{
			Expression: `Replace([telephoneNumber], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", , "${phoneNumber}", , )`,
			Attributes: with("telephoneNumber", "+91 9998887777"), Result: "9998887777",
		},
		Example{Expression: `Replace([mobile], , "[()\\s-]+", , "", , )`, Attributes: with("mobile", "+1 (999) 888-7777"), Result: "+19998887777", Note: "the page has 19998887777, without the plus sign that the pattern does not match"},
		Example{
			Expression: `Replace([AddressLineData], ,"(?<streetNumber>^\\d*)","streetNumber", "888", , )`,
			Attributes: with("AddressLineData", "545 Tremont Street"), Result: "888 Tremont Street",
		},
		Example{
			Expression: `Replace([userPrincipalName], , "(?<Suffix>@(.)*)", "Suffix", "", , )`,
			Attributes: with("userPrincipalName", "jsmith@contoso.com"), Result: "jsmith",
		},
		Example{
			Expression: `Replace([telephoneNumber], , "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "phoneNumber" , , [mobile], )`,
			Attributes: with("telephoneNumber", "", "mobile", "+91 8887779999"), Result: "8887779999",
		},
		Example{Expression: `Replace([mailNickname], , "[a-zA-Z_]*", , "", , )`, Attributes: with("mailNickname", "john_doe72"), Result: "72"},
		Example{
			Expression: `Replace([mail], "@contoso.com", , ,"", ,)`, Attributes: with("mail", "john.doe@contoso.com"), Result: "john.doe",
			Source: functionsPage + "#strip-known-domain-name",
		},
	)
}

func listExamples() []Example {
	role := func(display, name string) map[string]any {
		return map[string]any{"primary": false, "type": "WindowsAzureActiveDirectoryRole", display: name, "value": name}
	}
	return slices.Concat(
		published("AppRoleAssignmentsComplex", Example{
			Expression: `AppRoleAssignmentsComplex([appRoleAssignments])`, Attributes: with("appRoleAssignments", []any{"Admin", "User"}),
			Result: []any{role("displayName", "Admin"), role("displayName", "User")}, Source: rolesPage,
		}),
		published("AssertiveAppRoleAssignmentsComplex", Example{
			Expression: `AssertiveAppRoleAssignmentsComplex([appRoleAssignments])`, Attributes: with("appRoleAssignments", []any{"User", "Test"}),
			Result: []any{role("display", "User"), role("display", "Test")}, Source: rolesPage,
		}),
		own("Count", Example{Expression: `Count([otherMails])`, Attributes: with("otherMails", []any{"a@contoso.com", "b@contoso.com"}), Result: int64(2)}),
		published("Item", Example{
			Expression: `Item([proxyAddresses], 1)`, Attributes: with("proxyAddresses", []any{"SMTP:john@contoso.com", "smtp:j@contoso.com"}), Result: "SMTP:john@contoso.com",
			Note: `"returns the first item in the multi-valued attribute"`,
		}),
		published("Join",
			Example{
				Expression: `Join(", ", "", [surname], [givenName])`, Attributes: with("givenName", "John", "surname", "Doe"), Result: "Doe, John",
				Source: functionsPage + "#add-a-comma-between-last-name-and-first-name",
			},
			Example{
				Expression: `Join("", 1000, Replace(ConvertToUTF8Hex([objectId]), , "[a-zA-Z_]*", , "", , ))`,
				Attributes: with("objectId", "d05e47b1-3909-445a-ba5e-ca60cbc0e4b4"),
				Result:     "100064303565343762312333930392343435612626135652636136306362633065346234",
				Source:     functionsPage + "#generate-an-id-for-a-user-based-on-their-microsoft-entra-object-id-remove-any-letters-from-the-id-and-add-1000-at-the-beginning",
				Note:       "the page shows a made-up id as the input; this is the one that its output stands for",
			},
		),
		published("RemoveDuplicates", Example{
			Expression: `RemoveDuplicates([proxyAddresses])`, Attributes: with("proxyAddresses", []any{"smtp:a@contoso.com", "smtp:b@contoso.com", "smtp:a@contoso.com"}),
			Result: []any{"smtp:a@contoso.com", "smtp:b@contoso.com"}, Note: `"all duplicate values are removed"`,
		}),
		published("SingleAppRoleAssignment", Example{
			Expression: `SingleAppRoleAssignment([appRoleAssignments])`, Attributes: with("appRoleAssignments", []any{"Admin"}), Result: "Admin", Source: rolesPage,
		}),
		published("Split", Example{
			Expression: `Split([extensionAttribute5], ",")`, Attributes: with("extensionAttribute5", "PermissionSetOne, PermissionSetTwo"),
			Result: []any{"PermissionSetOne", "PermissionSetTwo"},
		}),
	)
}

func chanceExamples() []Example {
	const unique = `SelectUniqueValue(
    Join("@", NormalizeDiacritics(StripSpaces(Join(".",  [PreferredFirstName], [PreferredLastName]))), "contoso.com"),
    Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 1), [PreferredLastName]))), "contoso.com"),
    Join("@", NormalizeDiacritics(StripSpaces(Join(".",  Mid([PreferredFirstName], 1, 2), [PreferredLastName]))), "contoso.com")
)`
	john := with("PreferredFirstName", "John", "PreferredLastName", "Smith")
	return slices.Concat(
		own("DefaultDomain", Example{
			Expression: `Join("@", [mailNickname], DefaultDomain())`, Attributes: with("mailNickname", "john", DefaultDomain, "contoso.com"), Result: "john@contoso.com",
			Note: "the function is named in " + schemaPage,
		}),
		published("Guid", Example{Expression: `Guid()`, Like: `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`}),
		published("RandomString",
			Example{Expression: `RandomString(6,3,0,0,3)`, Like: `^([0-9][a-z]*){3}$|^[a-z]+([0-9][a-z]*){3}$`, Note: `"3 numbers and 3 lower case characters"`},
			Example{Expression: `RandomString(10,2,2,2,1,"?,")`, Like: `^[^?,]{10}$`, Note: `"excludes the characters ? and ,"`},
		),
		published("Redact",
			Example{Expression: `Redact([userPrincipalName])`, Attributes: with("userPrincipalName", "John.Doe@contoso.com"), Result: "John.Doe@contoso.com"},
			Example{Expression: `Redact("StringToBeRedacted")`, Result: "StringToBeRedacted"},
			Example{Expression: `Redact(RandomString(6,3,0,0,3))`, Like: `^[0-9a-z]{6}$`},
		),
		published("SelectUniqueValue",
			Example{Expression: unique, Attributes: john, Result: "John.Smith@contoso.com"},
			Example{Expression: unique, Attributes: john, Taken: []string{"John.Smith@contoso.com"}, Result: "J.Smith@contoso.com"},
			Example{Expression: unique, Attributes: john, Taken: []string{"John.Smith@contoso.com", "J.Smith@contoso.com"}, Result: "Jo.Smith@contoso.com"},
		),
	)
}

func decisionExamples() []Example {
	return slices.Concat(
		published("CBool",
			Example{Expression: `CBool([attribute1] = [attribute2])`, Attributes: with("attribute1", "a", "attribute2", "a"), Result: true},
			Example{Expression: `CBool([attribute1] = [attribute2])`, Attributes: with("attribute1", "a", "attribute2", "b"), Result: false},
		),
		published("Coalesce", Example{Expression: `Coalesce([mail],[userPrincipalName])`, Attributes: with("mail", nil, "userPrincipalName", "John.Doe@contoso.com"), Result: "John.Doe@contoso.com"}),
		published("IgnoreFlowIfNullOrEmpty",
			Example{Expression: `IgnoreFlowIfNullOrEmpty([department])`, Result: Ignored{}},
			Example{Expression: `IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))`, Attributes: with("prefix", "3446"), Result: Ignored{}},
			Example{Expression: `IgnoreFlowIfNullOrEmpty(Switch([prefix], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))`, Attributes: with("prefix", "3444"), Result: "Prof."},
		),
		published("IIF",
			Example{Expression: `IIF([country]="USA",[country],[department])`, Attributes: with("country", "USA", "department", "Sales"), Result: "USA"},
			Example{Expression: `IIF([country]="USA",[country],[department])`, Attributes: with("country", "Canada", "department", "Sales"), Result: "Sales"},
			Example{Expression: `IIF([country]="USA",IIF([state]="CA","True","False"),"False")`, Attributes: with("country", "USA", "state", "CA"), Result: "True"},
			Example{Expression: `IIF([country]="USA","True",IIF([state]="CA","True","False"))`, Attributes: with("country", "Canada", "state", "CA"), Result: "True"},
			Example{
				Expression: `IIF([country]="","Other",[country])`, Attributes: with("country", ""), Result: "",
				Note: `unsupported: "if the source attribute is empty or null, the condition check fails"`,
			},
		),
		published("IsNull",
			Example{Expression: `IsNull([displayName])`, Result: true},
			Example{Expression: `IsNull([displayName])`, Attributes: with("displayName", "John"), Result: false},
		),
		published("IsNullOrEmpty",
			Example{Expression: `IsNullOrEmpty([displayName])`, Result: true},
			Example{Expression: `IsNullOrEmpty([displayName])`, Attributes: with("displayName", ""), Result: true},
		),
		published("IsPresent", Example{
			Expression: `Switch(IsPresent([directManager]),[directManager], IsPresent([skiplevelManager]),[skiplevelManager], IsPresent([director]),[director])`,
			Attributes: with("directManager", "Ann"), Result: "Ann", Note: "the page gives no result",
		}),
		own("IsString", Example{Expression: `IsString([otherMails])`, Attributes: with("otherMails", []any{"a@contoso.com", "b@contoso.com"}), Result: false}),
		published("Not",
			Example{Expression: `Not([IsSoftDeleted])`, Attributes: with("IsSoftDeleted", "True"), Result: false, Note: `"if the source value is True, returns False"`},
			Example{Expression: `Not([IsSoftDeleted])`, Attributes: with("IsSoftDeleted", "False"), Result: true},
		),
		published("Switch",
			Example{
				Expression: `Switch([state], "Australia/Sydney", "NSW", "Australia/Sydney","QLD", "Australia/Brisbane", "SA", "Australia/Adelaide")`,
				Attributes: with("state", "QLD"), Result: "Australia/Brisbane",
			},
			Example{Expression: `Switch(ToLower([statusFlag]), "0", "true", "1", "false", "0")`, Attributes: with("statusFlag", "TRUE"), Result: "1"},
			Example{Expression: `Switch([statusFlag], "Default Value", "true", "1", "", "0")`, Result: "0"},
			Example{Expression: `Switch([country],[country],"","Other")`, Attributes: with("country", "USA"), Result: "USA", Source: functionsPage + "#known-limitations"},
			Example{Expression: `Switch([country],[country],"","Other")`, Attributes: with("country", ""), Result: "Other", Source: functionsPage + "#known-limitations"},
			Example{
				Expression: `Switch([companyName], "External", "Company A", "A", "Company B", "B")`, Attributes: with("companyName", "Company B"), Result: "B",
				Note: "here the whole object is always evaluated: the published issue, null because another attribute has changed, does not arise",
			},
		),
	)
}

func dateExamples() []Example {
	hired := func(date string) map[string]any { return with("StatusHireDate", date) }
	differ := func(interval, date1, date2 string, result int64) Example {
		return Example{Expression: `DateDiff("` + interval + `", [date1], CDate([date2]))`, Attributes: with("date1", date1, "date2", date2), Result: result}
	}
	const soon = `Switch([Active], ,
  "1", IIF(DateDiff("d", Now(), CDate([StatusHireDate])) > 5, "False", "True"),
  "0", "False")`
	const noon, then = "8/25/2021 5:41:18 PM", "2012-03-16-07:00"
	return slices.Concat(
		published("CDate",
			Example{Expression: `CDate([StatusHireDate])`, Attributes: hired("2020-03-16-07:00"), Result: "3/16/2020 7:00:00 AM"},
			Example{Expression: `CDate("2021-06-30+08:00")`, Result: "6/29/2021 4:00:00 PM"},
			Example{Expression: `CDate("2009-06-15T01:45:30-07:00")`, Result: "6/15/2009 8:45:30 AM"},
		),
		published("DateAdd",
			Example{Expression: `DateAdd("d", 7, CDate([StatusHireDate]))`, Attributes: hired(then), Result: "3/23/2012 7:00:00 AM"},
			Example{Expression: `DateAdd("d", -10, CDate([StatusHireDate]))`, Attributes: hired(then), Result: "3/6/2012 7:00:00 AM"},
			Example{Expression: `DateAdd("ww", 2, CDate([StatusHireDate]))`, Attributes: hired(then), Result: "3/30/2012 7:00:00 AM"},
			Example{Expression: `DateAdd("m", 10, CDate([StatusHireDate]))`, Attributes: hired(then), Result: "1/16/2013 7:00:00 AM"},
			Example{Expression: `DateAdd("yyyy", 2, CDate([StatusHireDate]))`, Attributes: hired(then), Result: "3/16/2014 7:00:00 AM"},
		),
		published("DateDiff",
			differ("d", "2021-08-18+08:00", "2021-08-31+08:00", 13),
			differ("d", noon, then, -3449),
			differ("ww", noon, then, -493),
			differ("m", noon, then, -113),
			differ("yyyy", noon, then, -9),
			differ("d", "2021-08-31+08:00", "2021-08-31+08:00", 0),
			differ("h", "2021-08-24", "2021-08-25", 24),
			differ("n", "2021-08-24", "2021-08-25", 1440),
			differ("s", "2021-08-24", "2021-08-25", 86400),
			Example{
				Expression: soon, Attributes: with("Active", "1", "StatusHireDate", "2021-08-31"), Result: "False",
				Now: date(2021, 8, 25), Note: `"True only if the hire date is within the next five days"`,
			},
			Example{Expression: soon, Attributes: with("Active", "1", "StatusHireDate", "2021-08-30"), Result: "True", Now: date(2021, 8, 25)},
		),
		published("DateFromNum",
			Example{Expression: `DateFromNum([lastLogonTimestamp])`, Attributes: with("lastLogonTimestamp", "129699324000000000"), Result: "1/1/2012 11:00:00 PM"},
			Example{Expression: `DateFromNum(129699324000000000)`, Result: "1/1/2012 11:00:00 PM"},
		),
		published("FormatDateTime", Example{
			Expression: `FormatDateTime([extensionAttribute1], , "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")`, Attributes: with("extensionAttribute1", "20150123105347.1Z"), Result: "2015-01-23",
		}),
		published("Now", Example{Expression: `Now()`, Now: time.Date(2021, 7, 2, 15, 33, 38, 0, time.UTC), Result: "7/2/2021 3:33:38 PM"}),
		published("NumFromDate",
			Example{
				Expression: `NumFromDate(Join("", FormatDateTime([ContractEndDate], ,"yyyy-MM-ddzzz", "yyyy-MM-dd"), " 23:59:59-08:00"))`,
				Attributes: with("ContractEndDate", "2020-12-31-08:00"), Result: int64(132539615990000000), Note: "the page gives no result",
			},
			Example{
				Expression: `NumFromDate(Join("",FormatDateTime([endDate], ,"M/d/yyyy hh:mm:ss tt","yyyy-MM-dd")," 23:59:59-08:00"))`,
				Attributes: with("endDate", "12/31/2020 12:00:00 AM"), Result: int64(132539615990000000), Note: "the page gives no result",
			},
		),
	)
}

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}
