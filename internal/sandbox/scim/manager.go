package scim

import "strings"

// enterpriseSchema is that of schema.ExtensionEnterpriseUser, which checks each of its
// names by a pattern whenever it is made.
const enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// managerOf is the attribute manager of the enterprise extension, and the id in it; nil
// and empty if there is none.
func managerOf(attributes map[string]any) (manager map[string]any, id string) {
	extension, _ := attributes[enterpriseSchema].(map[string]any)
	manager, _ = extension["manager"].(map[string]any)
	id, _ = manager["value"].(string)
	return manager, id
}

// checkManager refuses a manager whom the organization does not have: "the manager must
// belong to the same org as the user" (Cisco's OpenAPI). That the account of one goes
// later is nobody's fault, and leaves the id as it is: no source says otherwise.
func (o *Organization) checkManager(attributes map[string]any, self *account) error {
	_, id := managerOf(attributes)
	if id == "" || o.accounts[strings.ToLower(id)] != nil {
		return nil
	}
	if self != nil {
		if _, before := managerOf(self.attributes); before == id {
			return nil
		}
	}
	return invalidValue("The manager is no user of the organization.")
}

// nameManager shows the displayName of the manager, which Webex fills in by itself.
func (o *Organization) nameManager(attributes map[string]any) {
	manager, id := managerOf(attributes)
	if a := o.accounts[strings.ToLower(id)]; a != nil {
		manager["displayName"] = a.attributes["displayName"]
	}
}
