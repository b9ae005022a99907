package ledger_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

func TestDynamoDB(t *testing.T) {
	t.Parallel()
	url := os.Getenv("DYNAMODB_EMULATOR_URL")
	if url == "" {
		t.Skip("DYNAMODB_EMULATOR_URL is not set: the ledger's conformance to DynamoDB is not tested")
	}
	conformance(t, func(t *testing.T) opened {
		t.Helper()
		return openDynamoDB(t, url)
	})
}

func openDynamoDB(t *testing.T, url string) opened {
	t.Helper()
	client := newClient(url)
	table := createTable(t, client)
	return opened{
		store: ledger.NewDynamoDB(client, table),
		reopen: func(*testing.T) store {
			return ledger.NewDynamoDB(newClient(url), table)
		},
		overwrite: func(t *testing.T, o change.Object, data string) {
			t.Helper()
			_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &table,
				Key: map[string]types.AttributeValue{
					"pk": &types.AttributeValueMemberS{Value: "user#" + o.ID},
				},
				UpdateExpression: aws.String("SET recordJson = :data"),
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":data": &types.AttributeValueMemberS{Value: data},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	}
}

func newClient(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: &url,
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// createTable creates a table like the one a deployment has, under a name of
// its own.
func createTable(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	table := "ledger-" + uuid.NewString()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:   &table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table}); err != nil {
			t.Error(err)
		}
	})
	const patience = 30 * time.Second
	created := dynamodb.NewTableExistsWaiter(client)
	if err := created.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &table}, patience); err != nil {
		t.Fatal(err)
	}
	return table
}

// The answers are DynamoDB's own ("Error handling with DynamoDB", AWS
// Developer Guide; TransactWriteItems, API Reference).
func TestDynamoDBAnswersBecomeFaults(t *testing.T) {
	t.Parallel()
	const prefix = `{"__type":"com.amazonaws.dynamodb.v20120810#`
	for name, test := range map[string]struct {
		status int
		body   string
		want   provision.FaultKind
	}{
		"too many requests are throttled": {
			http.StatusBadRequest, prefix + `ThrottlingException"}`, provision.Throttled,
		},
		"a table at its limit is throttled": {
			http.StatusBadRequest, prefix + `ProvisionedThroughputExceededException"}`, provision.Throttled,
		},
		"an item in a transaction is transient": {
			http.StatusBadRequest, prefix + `TransactionConflictException"}`, provision.Transient,
		},
		"a failure of the service is transient": {
			http.StatusInternalServerError, prefix + `InternalServerError"}`, provision.Transient,
		},
		"a transaction that met another is transient": {
			http.StatusBadRequest, prefix + `TransactionCanceledException",` +
				`"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}`, provision.Transient,
		},
		"a transaction over the limit is throttled": {
			http.StatusBadRequest, prefix + `TransactionCanceledException",` +
				`"CancellationReasons":[{"Code":"ThrottlingError"},{"Code":"None"}]}`, provision.Throttled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fault *provision.Fault
			if err := saveAgainst(t, test.status, test.body); !errors.As(err, &fault) {
				t.Fatalf("Save: %v; want a fault", err)
			}
			wantEqual(t, fault.Kind, test.want)
		})
	}
	t.Run("any other answer is an error and no fault", func(t *testing.T) {
		t.Parallel()
		var fault *provision.Fault
		err := saveAgainst(t, http.StatusBadRequest, prefix+`AccessDeniedException","Message":"not yours"}`)
		if err == nil || errors.As(err, &fault) {
			t.Errorf("Save: %v; want an error that is no fault", err)
		}
	})
}

// saveAgainst links an object in a DynamoDB that always gives one answer.
func saveAgainst(t *testing.T, status int, body string) error {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		if _, err := io.WriteString(w, body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	once := dynamodb.New(newClient(server.URL).Options(), func(o *dynamodb.Options) {
		o.Retryer = aws.NopRetryer{}
	})
	before := provision.Record{Object: newUser()}
	after := before
	after.WebexID = uuid.NewString()
	return ledger.NewDynamoDB(once, "ledger").Save(t.Context(), "a", before, after)
}
