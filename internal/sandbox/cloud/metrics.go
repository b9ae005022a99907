package cloud

import (
	"net/http"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// measurement is what CloudWatch knows of a queue.
type measurement struct {
	at  time.Time
	age time.Duration
}

// Measure has CloudWatch know the age that the oldest message of a queue had then, by the
// queue's name on AWS.
func (c *Cloud) Measure(queue string, at time.Time, age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.measured[queue] = measurement{at, age}
}

// metrics answers GetMetricData of the age of the oldest message of a queue, in CBOR
// ("Smithy RPC v2 CBOR protocol", smithy.io).
func (c *Cloud) metrics(w http.ResponseWriter, body []byte) {
	request, _ := cbor.Decode(body)
	metric := member(request, "MetricDataQueries", "MetricStat", "Metric")
	queue, _ := member(metric, "Dimensions", "Value").(cbor.String)
	c.mu.Lock()
	known, ok := c.measured[string(queue)]
	c.mu.Unlock()
	result := cbor.Map{"Id": member(request, "MetricDataQueries", "Id"), "StatusCode": cbor.String("Complete"), "Timestamps": cbor.List{}, "Values": cbor.List{}}
	ok = ok && member(metric, "Namespace") == cbor.String("AWS/SQS") && member(metric, "MetricName") == cbor.String("ApproximateAgeOfOldestMessage")
	if ok && !known.at.Before(moment(member(request, "StartTime"))) && known.at.Before(moment(member(request, "EndTime"))) {
		result["Timestamps"] = cbor.List{&cbor.Tag{ID: epoch, Value: cbor.Float64(known.at.Unix())}}
		result["Values"] = cbor.List{cbor.Float64(known.age.Seconds())}
	}
	answerCBOR(w, http.StatusOK, cbor.Map{"MetricDataResults": cbor.List{result}})
}

func answerCBOR(w http.ResponseWriter, status int, body cbor.Map) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(status)
	_, _ = w.Write(cbor.Encode(body)) // the client sees it if not
}

// epoch is the tag of a time in seconds (RFC 8949, section 3.4.2).
const epoch = 1

func moment(v cbor.Value) time.Time {
	tag, ok := v.(*cbor.Tag)
	if !ok {
		return time.Time{}
	}
	seconds, _ := cbor.AsFloat64(tag.Value)
	return time.UnixMilli(int64(seconds * 1000))
}

// member is what stands at a path of names, in the first of each list.
func member(v cbor.Value, names ...string) cbor.Value {
	for _, name := range names {
		fields, _ := first(v).(cbor.Map)
		v = fields[name]
	}
	return first(v)
}

func first(v cbor.Value) cbor.Value {
	if list, ok := v.(cbor.List); ok && len(list) > 0 {
		return list[0]
	}
	return v
}
