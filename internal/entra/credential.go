package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	abs "github.com/microsoft/kiota-abstractions-go"

	"entrawebex/internal/throttle"
)

// ClientSecret returns the credential of an app registration with a secret.
// It keeps its token until shortly before it expires: make one and keep it.
//
// Instance discovery is off. It asks a host of the public cloud, in
// government clouds too, whether the authority can be trusted; ours comes
// from a fixed table. Retries are off as well: the caller decides when.
func ClientSecret(c Cloud, tenantID, clientID, secret string) (azcore.TokenCredential, error) {
	return clientSecret(c, tenantID, clientID, secret, nil)
}

func clientSecret(c Cloud, tenantID, clientID, secret string, transport policy.Transporter) (azcore.TokenCredential, error) {
	options, err := c.client(transport)
	if err != nil {
		return nil, fmt.Errorf("make client secret credential: %w", err)
	}
	credential, err := azidentity.NewClientSecretCredential(tenantID, clientID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make client secret credential: %w", err)
	}
	return credential, nil
}

// client are the options of a credential in the cloud.
func (c Cloud) client(transport policy.Transporter) (azcore.ClientOptions, error) {
	env, err := c.environment()
	return azcore.ClientOptions{Cloud: env.authority, Retry: policy.RetryOptions{MaxRetries: -1}, Transport: transport}, err
}

// StaticToken is a credential with one token that never changes, for a
// loopback host.
type StaticToken string

// GetToken implements azcore.TokenCredential.
func (t StaticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(t), ExpiresOn: time.Now().Add(24 * time.Hour)}, nil
}

// errForeignHost refuses a URL, a nextLink for one, that would take the token
// to another host.
var errForeignHost = errors.New("refused to send the token to another host")

// errForeignPath refuses a nextLink that leads out of the version of Graph
// that was asked.
var errForeignPath = errors.New("refused to follow a link out of " + version)

// pinned authenticates requests to one host and refuses all others. Kiota's
// own provider lets a request to an unknown host go out without a token.
type pinned struct {
	root       *url.URL
	scope      string
	credential azcore.TokenCredential
	now        func() time.Time
}

// AuthenticateRequest implements kiota's authentication.AuthenticationProvider.
func (p *pinned) AuthenticateRequest(ctx context.Context, request *abs.RequestInformation, _ map[string]any) error {
	uri, err := request.GetUri()
	if err != nil {
		return fmt.Errorf("build request: %w", err)
	}
	if err := p.home(uri); err != nil {
		return err
	}
	token, err := p.token(ctx)
	if err != nil {
		return err
	}
	request.Headers.Add("Authorization", "Bearer "+token)
	return nil
}

// home returns nil for a URL of the one host, else errForeignHost.
func (p *pinned) home(uri *url.URL) error {
	if uri.Scheme != p.root.Scheme || !strings.EqualFold(uri.Host, p.root.Host) {
		return fmt.Errorf("%w: %s://%s", errForeignHost, uri.Scheme, uri.Host)
	}
	return nil
}

// link reads a nextLink, which must stay where Graph's own version is.
func (p *pinned) link(text string) (*url.URL, error) {
	uri, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not a URL", errForeignPath) // err would show its token
	}
	if err := p.home(uri); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(path.Clean(uri.Path), path.Join("/", p.root.Path, version)+"/") {
		return nil, fmt.Errorf("%w: %s", errForeignPath, uri.Path)
	}
	return uri, nil
}

// token returns an access token, or a *refusal where the authority gave a
// reason for having none.
func (p *pinned) token(ctx context.Context) (string, error) {
	token, err := p.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{p.scope}})
	var failed *azidentity.AuthenticationFailedError
	switch {
	case err == nil:
		return token.Token, nil
	case errors.As(err, &failed) && failed.RawResponse != nil:
		return "", tokenRefusal(failed.RawResponse, p.now())
	default:
		return "", fmt.Errorf("ask for a token: %w", err)
	}
}

// another returns a token in place of one that Graph refused; empty if there is
// none.
func (p *pinned) another(ctx context.Context, refused string) (string, error) {
	r, ok := p.credential.(*rotating)
	if !ok || !r.drop(ctx, refused) {
		return "", nil
	}
	token, err := p.token(ctx)
	if token == refused {
		return "", err
	}
	return token, err
}

// tokenRefusal reads the token endpoint's error (RFC 6749 section 5.2). All
// that endpoint calls a bad request or forbidden, Graph would call
// unauthorized: it is about no object.
func tokenRefusal(resp *http.Response, now time.Time) *refusal {
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	body, err := runtime.Payload(resp)
	if err != nil || json.Unmarshal(body, &answer) != nil {
		answer.Code = "" // the status alone has to do
	}
	status := resp.StatusCode
	if status == http.StatusBadRequest || status == http.StatusForbidden {
		status = http.StatusUnauthorized
	}
	description, _, _ := strings.Cut(answer.Description, " Trace ID:")
	return &refusal{
		status:  status,
		code:    "token refused " + answer.Code,
		own:     answer.Code != "",
		message: description,
		then:    thenOf(description),
		after:   throttle.RetryAfter(resp.Header, now),
	}
}

// thenOf says what to do about what the token endpoint refuses, by the code that its
// sentence begins with
// (https://learn.microsoft.com/entra/identity-platform/reference-error-codes); empty where
// the sentence has to do.
func thenOf(description string) string {
	code, _, _ := strings.Cut(strings.TrimPrefix(description, "AADSTS"), ":")
	switch code {
	case "90002", "900023":
		return "ENTRA_TENANT_ID is no tenant of this ENTRA_CLOUD"
	case "700016":
		return "ENTRA_CLIENT_ID is no app registration of the tenant in ENTRA_TENANT_ID"
	case "7000215":
		return "ENTRA_CLIENT_SECRET has to be the secret's value, not its id, and of this app registration"
	case "7000222":
		return "make another client secret: infra/register-app.sh"
	case "70021", "700211", "700212", "700213":
		return "the app registration does not trust this AWS identity: infra/register-app.sh --federation ISSUER=ROLES"
	case "700027":
		return "the app registration does not have this certificate, or it has expired: infra/register-app.sh --certificate cert.pem"
	case "700024":
		return "look at this machine's clock, and at the days of the certificate"
	default:
		return ""
	}
}
