package functions_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// looks has the operator look at the stack in a browser, with the pages of the command
// line, and give an order there.
func (d *stackDeployment) looks(ada, secret string) {
	d.t.Helper()
	ctx, leave := context.WithCancel(d.t.Context())
	defer leave()
	command := exec.CommandContext(ctx, buildCommand(d.t), "console")
	command.Env, command.WaitDelay = d.operatorEnviron(), time.Second
	command.Cancel = func() error { return command.Process.Kill() }
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	var first string
	for lines := bufio.NewScanner(out); first == "" && lines.Scan(); {
		first = regexp.MustCompile(`http://\S+`).FindString(lines.Text())
	}
	at, err := url.Parse(first)
	if err != nil || first == "" {
		d.t.Fatalf("no address is printed: %v", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	base := "http://" + at.Host
	ask := func(method, address string, form url.Values) string {
		d.t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			d.t.Fatal(err)
		}
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", base)
		}
		answer, err := client.Do(r)
		if err != nil {
			d.t.Fatal(err)
		}
		defer answer.Body.Close()
		page, err := io.ReadAll(answer.Body)
		if err != nil {
			d.t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK || strings.Contains(string(page), secret) {
			d.t.Errorf("%s: %d\n%s", address, answer.StatusCode, page)
		}
		return string(page)
	}
	ask(http.MethodGet, first, nil)
	for path, want := range map[string]string{
		"/": "1 dead letter", "/log": "ada@contoso.example", "/settings": "<code>CHANGE_QUEUE_URL</code>",
		"/comparison": "The comparison that writes", "/mapping": "What is built in, in force",
	} {
		if page := ask(http.MethodGet, base+path, nil); !strings.Contains(page, want) {
			d.t.Errorf("%s does not say %q:\n%s", path, want, page)
		}
	}
	person := ask(http.MethodGet, base+"/object?name=ada@contoso.example", nil)
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(person)
	if token == nil || !strings.Contains(person, d.account("ada")) {
		d.t.Fatalf("no account, or no order can be given:\n%s", person)
	}
	page := ask(http.MethodPost, base+"/orders/provision", url.Values{"csrf": {token[1]}, "id": {ada}, "sure": {"yes"}})
	if !strings.Contains(page, "It is queued.") {
		d.t.Error(page)
	}
	leave()
	_ = command.Wait() // it was killed
}
