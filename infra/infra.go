// Package infra carries what a deployment is made of beside the template.
package infra

import _ "embed"

//go:embed provisioning.yaml
var provisioning []byte

// Provisioning returns the default attribute mapping, the text of
// provisioning.yaml.
func Provisioning() []byte { return append([]byte(nil), provisioning...) }
