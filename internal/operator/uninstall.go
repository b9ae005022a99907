package operator

import (
	"context"
	"fmt"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/renew"
)

// directory is what is asked of Graph directly.
type directory interface {
	galleries
	renew.Leaver
}

// UninstallRequest asks what leaving would come to.
type UninstallRequest struct {
	// Really says that it is to happen.
	Really bool `json:"really,omitempty"`
}

// Uninstallation is what leaving comes to, or has come to.
type Uninstallation struct {
	// Subscriptions are those that go, or have gone.
	Subscriptions []renew.Left `json:"subscriptions"`
	// Until is until when none is made in their place; zero if nothing has happened.
	Until time.Time `json:"until,omitzero"`
	// Stays is what stays until somebody takes it away.
	Stays []Remains `json:"stays"`
	// OnAWS says that a stack remains to be deleted.
	OnAWS bool `json:"onAws"`
}

// Remains is something that outlives this system.
type Remains struct {
	What string `json:"what"`
	// Where is its name, or the place where it is.
	Where string `json:"where"`
	// Then says what is to be done about it, or why nothing is.
	Then string `json:"then"`
}

// Uninstall tells what is left behind, and if it is really meant, removes the
// subscriptions at Graph: what nobody else would.
func (o *Operator) Uninstall(ctx context.Context, r UninstallRequest) (Uninstallation, error) {
	if err := o.bound(ctx); err != nil {
		return Uninstallation{}, err
	}
	settings, err := o.Settings(ctx)
	if err != nil {
		return Uninstallation{}, err
	}
	graph, err := o.graph(ctx, &settings)
	if err != nil {
		return Uninstallation{}, err
	}
	told := Uninstallation{Stays: remains(&settings), OnAWS: settings.AWS != (config.AWS{})}
	if !r.Really {
		told.Subscriptions, err = renew.Ours(ctx, graph, o.Ledger)
		return told, err
	}
	began := o.Now()
	told.Subscriptions, err = renew.Leave(ctx, graph, o.Ledger, began)
	told.Until = began.Add(renew.LeaveFor)
	o.act(ctx, actUninstall, began, "removed "+Counted(len(told.Subscriptions), "subscription"), err)
	return told, err
}

// remains is what stays under these settings.
func remains(s *config.Settings) []Remains {
	all := []Remains{{
		What: "users and groups in Webex", Where: "organization " + s.Webex.OrgID,
		Then: "they stay as they are, and nobody closes the account of who leaves; manage them in Control Hub, or by another system",
	}}
	if s.AWS == (config.AWS{}) {
		all = append(all, Remains{
			What: "ledger, queue and provisioning log", Where: "DATA_DIR",
			Then: "keep them if you may come back: without the ledger every account is a stranger's; else delete the folder, which also has the tokens of the service app",
		})
	} else {
		all = append(all, Remains{
			What: "ledger", Where: "table " + s.AWS.LedgerTable,
			Then: "the stack leaves it; a new stack goes on with it by LedgerTableName; to delete it, switch off its deletion protection",
		}, Remains{
			What: "provisioning log", Where: "table " + s.AWS.HistoryTable,
			Then: fmt.Sprintf("the stack leaves it; its entries go by themselves after %d days; delete it when nobody asks what happened", s.HistoryDays),
		}, Remains{
			What: "secrets and the functions' logs", Where: "the stack",
			Then: "they go with it, secrets after the days in which AWS can bring them back",
		}, Remains{
			What: "the policy of those who operate it", Where: "the stack's output OperatorPolicyArn",
			Then: "detach it from each role before you delete the stack: AWS does not delete one that is attached, and the stack would stay",
		}, Remains{
			What: "the functions' archives", Where: "an S3 bucket",
			Then: "sam delete takes those that sam deploy put there; delete what you copied from a release",
		})
	}
	if id := s.Entra.ClientID; id != "" {
		all = append(all, Remains{
			What: "app registration", Where: "Entra, " + id,
			Then: "delete it, or its consent and its credentials, in the Entra admin center: az ad app delete --id " + id,
		})
	}
	return append(all, Remains{
		What: "access to Webex", Where: "the service app, or the token",
		Then: "take the authorization away in Control Hub, Apps, Service Apps",
	})
}
