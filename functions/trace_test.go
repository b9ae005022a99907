package functions_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	traceID = "1-5759e988-bd862e3fe1be46a994272793"
	// traceHeader is that of each invocation.
	traceHeader = "Root=" + traceID + ";Parent=53995c3f42cd8ad8;Sampled=1"
)

// daemon is X-Ray's: it keeps what it is told.
type daemon struct {
	mu   sync.Mutex
	told []string
}

func (x *daemon) count(has ...string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
next:
	for _, told := range x.told {
		for _, text := range has {
			if !strings.Contains(told, text) {
				continue next
			}
		}
		n++
	}
	return n
}

// startDaemon starts one and returns its address.
func startDaemon(t *testing.T) (*daemon, string) {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := new(daemon)
	var listening sync.WaitGroup
	listening.Go(func() {
		datagram := make([]byte, 64<<10)
		for {
			n, _, err := conn.ReadFrom(datagram)
			if err != nil {
				return // closed
			}
			x.mu.Lock()
			x.told = append(x.told, string(datagram[:n]))
			x.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		listening.Wait()
	})
	return x, conn.LocalAddr().String()
}

func TestAnAttemptIsInTheTraceOfItsInvocationUnderItsCorrelationID(t *testing.T) {
	t.Parallel()
	x, address := startDaemon(t)
	d := deploy(t, webexOrg(t), "AWS_XRAY_DAEMON_ADDRESS="+address)
	d.hire(adaID, "ada@contoso.example")
	d.post("user-updated.json")
	d.eventually("X-Ray is told of the attempt", func() bool {
		return x.count(`"name":"create"`, `"trace_id":"`+traceID+`"`, `"parent_id":"53995c3f42cd8ad8"`, adaID, `"correlationId":"`) == 1
	})
	d.eventually("the line of the attempt has the trace", func() bool {
		for line := range strings.Lines(d.worker.logged()) {
			if strings.Contains(line, `"msg":"attempt"`) && strings.Contains(line, `"traceId":"`+traceID+`"`) {
				return true
			}
		}
		return false
	})
}

// Lambda links the trace in which a message is received to the one whose header it has.
// The emulator keeps no header, so what is sent to it is looked at.
func TestAMessageCarriesTheTraceOfTheDelivery(t *testing.T) {
	t.Parallel()
	var carried atomic.Bool
	answer := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		carried.Store(strings.Contains(string(body), `"MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"`+traceHeader+`"}}`))
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"Successful":[{"Id":"0"}]}`) // the function sees it if not
	}
	server := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(server.Close)
	d := deploy(t, webexOrg(t))
	d.webhook = d.aside("webhook", d.webhook, "AWS_ENDPOINT_URL_SQS="+server.URL)
	if status := d.post("user-updated.json"); status != http.StatusAccepted || !carried.Load() {
		t.Errorf("answered %d; the message carries the trace: %v", status, carried.Load())
	}
}
