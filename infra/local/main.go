// Command local is all that the functions of a stack that is not deployed reach from
// "sam local invoke": a tenant, an organization, and AWS in front of the emulators. See
// events/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/cloud"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

// host is what a function in a container calls this machine, with the port that
// env.json names.
const host = "http://host.docker.internal:9321"

func main() {
	listen := flag.String("listen", "127.0.0.1:9321", "where the functions come; on Linux the address of Docker's bridge, such as 172.17.0.1:9321")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *listen, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and says where.
func run(ctx context.Context, address string, out io.Writer) error {
	handler, err := open(ctx, os.Getenv("DYNAMODB_EMULATOR_URL"), os.Getenv("SQS_EMULATOR_URL"))
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "http://"+listener.Addr().String())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Close() // which has Serve return
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// open makes both sides with what events/ tells of, and the stack's queues and tables.
func open(ctx context.Context, dynamoDB, queues string) (http.Handler, error) {
	if dynamoDB == "" || queues == "" {
		return nil, errors.New("there are no emulators: infra/emulators/run go run ./infra/local")
	}
	tenant, err := graph.New(graph.Config{ID: sandbox.TenantID, Domain: sandbox.Domain, AppID: sandbox.AppID, Token: sandbox.Token, Transport: webhook{}})
	if err != nil {
		return nil, err
	}
	const ada, analysts = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", "8d6f2b1a-3c4e-4d5f-a061-7283945a6b7c" // as in events/
	_, err = tenant.Create(graph.User{"id": ada, "userPrincipalName": "ada@" + sandbox.Domain, "givenName": "Ada", "surname": "Lovelace", "displayName": "Ada Lovelace"})
	if err == nil {
		_, err = tenant.CreateGroup(graph.Group{"id": analysts, "displayName": "Analysts"})
	}
	if err == nil {
		err = tenant.AddMembers(analysts, ada)
	}
	if err != nil {
		return nil, err
	}
	org, err := scim.New(scim.Config{ID: sandbox.OrgID, Token: sandbox.Token})
	if err != nil {
		return nil, err
	}
	if err := makeHomes(ctx, dynamoDB, queues); err != nil {
		return nil, err
	}
	stack := &cloud.Stack{Made: map[string]string{}}
	for _, name := range []string{"WebhookSecret", "ProvisioningSecret", "TokenSecret"} {
		stack.Made[name] = name // as sam local resolves a Ref
	}
	account, err := cloud.New(stack, dynamoDB, queues)
	if err != nil {
		return nil, err
	}
	account.Anyone = true
	account.Invoke = func(string, []byte) {} // nobody is woken
	account.Put("WebhookSecret", fmt.Sprintf(`{"CLIENT_STATE":%q}`, sandbox.ClientState))
	account.Put("ProvisioningSecret", fmt.Sprintf(`{"GRAPH_URL":%q,"GRAPH_ACCESS_TOKEN":%q,"WEBEX_ACCESS_TOKEN":%q}`, host, sandbox.Token, sandbox.Token))
	account.Put("TokenSecret", "{}")

	mux := http.NewServeMux()
	mux.Handle("/v1.0/", tenant)
	mux.Handle("/identity/", org)
	mux.Handle("/", account)
	return mux, nil
}

// webhook stands for all that Graph posts to, since nobody reaches the API of a stack that
// is not deployed: it repeats the token of a validation.
type webhook struct{}

func (webhook) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	answer.Header().Set("Content-Type", "text/plain")
	_, err := answer.WriteString(r.URL.Query().Get("validationToken"))
	return answer.Result(), err
}

// makeHomes makes queues and tables of the names in env.json.
func makeHomes(ctx context.Context, dynamoDB, queues string) error {
	config := aws.Config{Region: cloud.Region, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	fifo := sqs.NewFromConfig(config, func(o *sqs.Options) { o.BaseEndpoint = &queues })
	for _, name := range []string{"dead.fifo", "changes.fifo"} {
		if _, err := fifo.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"FifoQueue": "true"}}); err != nil {
			return err
		}
	}
	tables := dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = &dynamoDB })
	for name, keys := range map[string][]string{"Ledger": {"pk"}, "History": {"pk", "sk"}} {
		in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
		for i, key := range keys {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &key, AttributeType: types.ScalarAttributeTypeS})
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &key, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		}
		if _, err := tables.CreateTable(ctx, in); err != nil {
			if _, there := errors.AsType[*types.ResourceInUseException](err); !there {
				return err
			}
		}
	}
	return nil
}
