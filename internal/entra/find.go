package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/users"

	"entrawebex/internal/change"
)

// Found is a user or a group that has a name.
type Found struct {
	change.Object

	// Name is the userPrincipalName of a user, the displayName of a group.
	Name string
}

// Find returns the users whose userPrincipalName, mail or displayName, and the groups
// whose displayName or mail, is the one given, case aside: one call for each kind, and
// the first hundred of it. None is not an error.
// https://learn.microsoft.com/graph/filter-query-parameter
func (c *Client) Find(ctx context.Context, name string) ([]Found, error) {
	var all []Found
	for _, kind := range change.Kinds() {
		found, err := c.find(ctx, kind, name)
		if err != nil {
			return nil, fault("find "+string(kind)+"s by their name in Entra", permission(kind), err)
		}
		all = append(all, found...)
	}
	return all, nil
}

func (c *Client) find(ctx context.Context, kind change.Kind, name string) ([]Found, error) {
	literal := "'" + strings.ReplaceAll(name, "'", "''") + "'"
	filter := "displayName eq " + literal + " or mail eq " + literal
	named := []string{"id", "displayName", "mail"}
	var info *abs.RequestInformation
	var err error
	if kind == change.Group {
		info, err = groups.NewGroupsRequestBuilderInternal(c.path(), c.adapter).ToGetRequestInformation(ctx, nil)
	} else {
		filter = "userPrincipalName eq " + literal + " or " + filter
		named = append(named, "userPrincipalName")
		info, err = users.NewUsersRequestBuilderInternal(c.path(), c.adapter).ToGetRequestInformation(ctx, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	info.AddQueryParameters(query{Select: named, Filter: &filter})
	body, err := c.send(ctx, info)
	if err != nil {
		return nil, err
	}
	return decodeFound(kind, name, body)
}

// decodeFound reads a page of users or groups that have the name. Whoever else is
// on it was not asked for.
func decodeFound(kind change.Kind, name string, body []byte) ([]Found, error) {
	list, err := decodeCollection("objects", body)
	if err != nil {
		return nil, err
	}
	found := make([]Found, 0, len(list.Elements))
	for _, element := range list.Elements {
		var o struct {
			ID                string `json:"id"`
			UserPrincipalName string `json:"userPrincipalName"`
			DisplayName       string `json:"displayName"`
			Mail              string `json:"mail"`
		}
		if json.Unmarshal(element, &o) != nil {
			continue
		}
		id, ok := change.ParseID(o.ID)
		if !ok || !slices.ContainsFunc([]string{o.UserPrincipalName, o.DisplayName, o.Mail}, func(has string) bool { return strings.EqualFold(has, name) }) {
			continue
		}
		f := Found{Object: change.Object{Kind: kind, ID: id}, Name: o.DisplayName}
		if o.UserPrincipalName != "" {
			f.Name = o.UserPrincipalName
		}
		found = append(found, f)
	}
	return found, nil
}
