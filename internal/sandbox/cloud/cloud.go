package cloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Operator is the name of the managed policy in the template that is an operator's.
const Operator = "OperatorPolicy"

// Cloud serves the calls of whoever's access key id is the name of a role or of a managed
// policy in the template, and refuses what that does not allow.
type Cloud struct {
	Stack *Stack
	// More are variables that every function has beside those of the template.
	More map[string]string
	// Invoke starts a function, by its name on AWS, and does not wait for it.
	Invoke func(function string, payload []byte)
	// Anyone may do anything, as nobody's rights are looked at outside of AWS.
	Anyone bool

	dynamoDB, sqs http.Handler

	mu      sync.Mutex
	secrets map[string]string
	// mails are what was published, by topic.
	mails map[string][]Mail
	// measured is what CloudWatch knows, by the name of a queue.
	measured map[string]measurement
	// off says that the event source mapping is disabled.
	off     bool
	used    map[string]map[Call]int
	refused []string
}

// Mail is what was published to a topic of SNS.
type Mail struct{ Subject, Text string }

// New returns a Cloud with that stack, in front of two emulators.
func New(stack *Stack, dynamoDB, sqs string) (*Cloud, error) {
	tables, err := url.Parse(dynamoDB)
	if err != nil {
		return nil, err
	}
	queues, err := url.Parse(sqs)
	if err != nil {
		return nil, err
	}
	c := &Cloud{Stack: stack, secrets: map[string]string{}, mails: map[string][]Mail{}, measured: map[string]measurement{}, used: map[string]map[Call]int{}}
	c.dynamoDB, c.sqs = behind(tables), behind(queues)
	return c, nil
}

// behind is the way to an emulator, for which all have one access key in one region:
// DynamoDB's keeps the tables of each apart.
func behind(target *url.URL) http.Handler {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		signature := r.In.Header.Get("Authorization")
		r.Out.Header.Set("Authorization", credential.ReplaceAllString(signature, "Credential=test/$2/"+Region+"/$3/aws4_request"))
	}}
}

// Put writes a secret, by its name in the template, as an administrator does.
func (c *Cloud) Put(name, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets[c.Stack.ref(name)] = text
}

// Secret is the text of one.
func (c *Cloud) Secret(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secrets[c.Stack.ref(name)]
}

// Mails are what was published to a topic, by its name in the template.
func (c *Cloud) Mails(topic string) []Mail {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.mails[c.Stack.ref(topic)])
}

// Fed reports whether the event source mapping is enabled.
func (c *Cloud) Fed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.off
}

// Used are the calls that were allowed to whoever, and how often each was made.
func (c *Cloud) Used(who string) map[Call]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used[who]
}

// Refused are the calls that no policy allows.
func (c *Cloud) Refused() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.refused)
}

// credential is that of a signature: its access key id, day, region and service
// ("Signature Version 4", AWS General Reference).
var credential = regexp.MustCompile(`Credential=([^/]+)/(\d{8})/[^/]+/([^/]+)/aws4_request`)

// ServeHTTP implements http.Handler.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	signed := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if err != nil || signed == nil {
		http.Error(w, "it is not signed", http.StatusForbidden)
		return
	}
	who, service := signed[1], signed[3]
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	for _, call := range c.calls(service, r, body) {
		if !c.allow(who, call) {
			refuse(w, service, fmt.Sprintf("%s is not authorized to perform: %s on resource: %s", who, call.Action, call.Resource))
			return
		}
	}
	switch service {
	case "dynamodb":
		c.dynamoDB.ServeHTTP(w, r)
	case "sqs":
		c.sqs.ServeHTTP(w, r)
	case "lambda":
		c.lambda(w, r, body)
	case "secretsmanager":
		c.secret(w, r, body)
	case "cloudformation":
		c.describe(w)
	case "sns":
		c.publish(w, body)
	case "sts":
		vouch(w, who, body)
	case "monitoring":
		c.metrics(w, body)
	default:
		http.Error(w, "there is no "+service+" here", http.StatusNotFound)
	}
}

func (c *Cloud) allow(who string, call Call) bool {
	allowed := c.Stack.Allowed(who)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.Anyone && !slices.ContainsFunc(allowed, func(a Call) bool { return a.Covers(call) }) {
		c.refused = append(c.refused, who+": "+call.Action+" on "+call.Resource)
		return false
	}
	if c.used[who] == nil {
		c.used[who] = map[Call]int{}
	}
	c.used[who][call]++
	return true
}

// refuse answers as the service does where IAM does not allow something.
func refuse(w http.ResponseWriter, service, message string) {
	if slices.Contains([]string{"cloudformation", "sns", "sts"}, service) { // which speak XML
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></ErrorResponse>`)
		return
	}
	if service == "monitoring" {
		answerCBOR(w, http.StatusForbidden, cbor.Map{"__type": cbor.String("AccessDenied"), "message": cbor.String(message)})
		return
	}
	w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	answer(w, http.StatusBadRequest, map[string]string{"__type": "AccessDeniedException", "message": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client sees it if not
}

// calls are the actions that a request needs ("Actions, resources, and condition keys for
// AWS services", Service Authorization Reference).
func (c *Cloud) calls(service string, r *http.Request, body []byte) []Call {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch service {
	case "dynamodb":
		return c.tables(operation, body)
	case "sqs":
		return c.queues(operation, body)
	case "secretsmanager":
		return []Call{{"secretsmanager:" + operation, texts(body)["SecretId"]}}
	case "lambda":
		return c.functions(r)
	case "sns":
		form, _ := url.ParseQuery(string(body))
		return []Call{{"sns:" + form.Get("Action"), form.Get("TopicArn")}}
	case "monitoring": // whose metrics have no ARN
		return []Call{{"cloudwatch:" + path.Base(r.URL.Path), "*"}}
	case "sts":
		form, _ := url.ParseQuery(string(body))
		return []Call{{"sts:" + form.Get("Action"), "*"}}
	case "cloudformation": // which asks IAM for any stack of that name
		form, _ := url.ParseQuery(string(body))
		return []Call{{"cloudformation:" + form.Get("Action"), c.Stack.arn("cloudformation", "stack/"+form.Get("StackName")+"/any")}}
	default:
		return nil
	}
}

// tables are what a request to DynamoDB needs: a transaction is allowed through what it
// carries.
func (c *Cloud) tables(operation string, body []byte) []Call {
	var in struct {
		TableName     string                     `json:"TableName"`
		RequestItems  map[string]json.RawMessage `json:"RequestItems"`
		TransactItems []map[string]struct {
			TableName string `json:"TableName"`
		} `json:"TransactItems"`
	}
	_ = json.Unmarshal(body, &in)
	var calls []Call
	add := func(operation, table string) {
		calls = append(calls, Call{"dynamodb:" + operation, c.Stack.arn("dynamodb", "table/"+table)})
	}
	for table := range in.RequestItems {
		add(operation, table)
	}
	for _, item := range in.TransactItems {
		for kind, of := range item {
			add(kind+"Item", of.TableName)
		}
	}
	if in.TableName != "" {
		add(operation, in.TableName)
	}
	return calls
}

// queues are what a request to SQS needs: a batch what its parts do, and a redrive what
// SQS then does in the caller's name.
func (c *Cloud) queues(operation string, body []byte) []Call {
	in := texts(body)
	arn := func(name string) string { return c.Stack.arn("sqs", name[strings.LastIndexAny(name, "/:")+1:]) }
	if in["SourceArn"] != "" {
		source := arn(in["SourceArn"])
		calls := []Call{{"sqs:" + operation, source}}
		for _, also := range []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"} {
			calls = append(calls, Call{"sqs:" + also, source})
		}
		return append(calls, Call{"sqs:SendMessage", arn(in["DestinationArn"])})
	}
	return []Call{{"sqs:" + strings.TrimSuffix(operation, "Batch"), arn(in["QueueUrl"])}}
}

// texts are those fields of a request that are texts.
func texts(body []byte) map[string]string {
	var fields map[string]any
	_ = json.Unmarshal(body, &fields)
	found := map[string]string{}
	for name, v := range fields {
		found[name], _ = v.(string)
	}
	return found
}

const functionsAt, mappingsAt = "/2015-03-31/functions/", "/2015-03-31/event-source-mappings/"

func (c *Cloud) functions(r *http.Request) []Call {
	if id, ok := strings.CutPrefix(r.URL.Path, mappingsAt); ok {
		action := map[string]string{http.MethodGet: "Get", http.MethodPut: "Update"}[r.Method]
		return []Call{{"lambda:" + action + "EventSourceMapping", c.Stack.arn("lambda", "event-source-mapping:"+strings.TrimSuffix(id, "/"))}}
	}
	name, operation, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, functionsAt), "/")
	action := map[string]string{"configuration": "GetFunctionConfiguration", "invocations": "InvokeFunction"}[operation]
	return []Call{{"lambda:" + action, c.Stack.arn("lambda", "function:"+name)}}
}

func (c *Cloud) lambda(w http.ResponseWriter, r *http.Request, body []byte) {
	if strings.HasPrefix(r.URL.Path, mappingsAt) {
		c.mapping(w, r, body)
		return
	}
	name, operation, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, functionsAt), "/")
	if operation == "invocations" {
		c.Invoke(name, body)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	answer(w, http.StatusOK, map[string]any{"FunctionName": name, "Environment": map[string]any{"Variables": c.Environment(name)}})
}

// Environment are the variables of a function, by its name on AWS.
func (c *Cloud) Environment(function string) map[string]string {
	resources, _ := c.Stack.Template["Resources"].(Object)
	for name, resource := range resources {
		if At(resource, "Type") != "AWS::Serverless::Function" || c.Stack.ref(name) != function {
			continue
		}
		variables := c.Stack.Environment(name)
		maps.Copy(variables, c.More)
		return variables
	}
	return nil
}

// mapping is the event source mapping of the worker, as Lambda shows it.
func (c *Cloud) mapping(w http.ResponseWriter, r *http.Request, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method == http.MethodPut {
		var in struct {
			Enabled bool `json:"Enabled"`
		}
		_ = json.Unmarshal(body, &in)
		c.off = !in.Enabled
	}
	answer(w, http.StatusOK, map[string]any{"UUID": path.Base(r.URL.Path), "State": map[bool]string{true: "Disabled", false: "Enabled"}[c.off]})
}

func (c *Cloud) secret(w http.ResponseWriter, r *http.Request, body []byte) {
	in := texts(body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutSecretValue") {
		c.secrets[in["SecretId"]] = in["SecretString"]
	}
	answer(w, http.StatusOK, map[string]string{"ARN": in["SecretId"], "SecretString": c.secrets[in["SecretId"]]})
}

func (c *Cloud) describe(w http.ResponseWriter) {
	var outputs strings.Builder
	for key, value := range c.Stack.Outputs() {
		fmt.Fprintf(&outputs, "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", key, value)
	}
	fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>%s</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>`+
		`<StackStatus>CREATE_COMPLETE</StackStatus><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, c.Stack.Name, &outputs)
}

// Word is AWS's for who somebody is, to an audience ("GetWebIdentityToken", AWS STS API
// Reference); the real one is signed.
func Word(who, audience string) string {
	return "the word of AWS that it is " + who + ", to " + audience
}

func vouch(w http.ResponseWriter, who string, body []byte) {
	form, _ := url.ParseQuery(string(body))
	fmt.Fprintf(w, `<GetWebIdentityTokenResponse><GetWebIdentityTokenResult><WebIdentityToken>%s</WebIdentityToken>`+
		`<Expiration>2099-01-01T00:00:00Z</Expiration></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`, html.EscapeString(Word(who, form.Get("Audience.member.1"))))
}

func (c *Cloud) publish(w http.ResponseWriter, body []byte) {
	form, _ := url.ParseQuery(string(body))
	c.mu.Lock()
	defer c.mu.Unlock()
	topic := form.Get("TopicArn")
	c.mails[topic] = append(c.mails[topic], Mail{form.Get("Subject"), form.Get("Message")})
	fmt.Fprintf(w, `<PublishResponse><PublishResult><MessageId>%d</MessageId></PublishResult></PublishResponse>`, len(c.mails[topic]))
}
