package ledger_test

import (
	"context"
	"os"
	"testing"

	"github.com/google/uuid"

	"entrawebex/internal/ledger"
)

// DynamoDB counts every few hours, so that only what Bolt says can be compared.
func TestBoltCountsWhatIsProvisioned(t *testing.T) {
	t.Parallel()
	h := openBolt(t)
	for range 3 {
		r := mustClaim(t, h, newUser(), "a", begin)
		after := r
		after.WebexID = uuid.NewString()
		if err := h.Save(t.Context(), "a", r, after); err != nil {
			t.Fatal(err)
		}
	}
	mustClaim(t, h, newUser(), "a", begin)
	n, err := h.store.(interface {
		Provisioned(ctx context.Context) (int, error)
	}).Provisioned(t.Context())
	if err != nil || n != 3 {
		t.Errorf("%d are provisioned, want 3: %v", n, err)
	}
}

func TestDynamoDBSaysHowMuchIsProvisioned(t *testing.T) {
	t.Parallel()
	url := os.Getenv("DYNAMODB_EMULATOR_URL")
	if url == "" {
		t.Skip("DYNAMODB_EMULATOR_URL is not set: the count of what DynamoDB has is not tested")
	}
	client := newClient(url)
	n, err := ledger.NewDynamoDB(client, createTable(t, client)).Provisioned(t.Context())
	if err != nil || n != 0 {
		t.Errorf("%d are provisioned in an empty table: %v", n, err)
	}
	if _, err := ledger.NewDynamoDB(client, "nowhere").Provisioned(t.Context()); err == nil {
		t.Error("a table that is not there was counted")
	}
}
