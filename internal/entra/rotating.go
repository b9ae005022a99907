package entra

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"entrawebex/internal/config"
)

// dropPause is the least time between two tokens that are dropped because
// Graph refuses them.
const dropPause = time.Minute

// rotating is the credential in the settings, which may be rotated: latest,
// which is asked when it or a token of it is refused, has the settings as they
// are now. It is safe for concurrent use.
type rotating struct {
	latest func(ctx context.Context) config.Entra
	// open makes a credential, which keeps its token: a new one asks for
	// another.
	open func(s config.Entra) (azcore.TokenCredential, error)
	now  func() time.Time

	mu       sync.Mutex
	settings config.Entra
	present  azcore.TokenCredential
	refused  string    // the token that was dropped last
	dropped  time.Time // and when
}

// begin makes the settings the present ones.
func (r *rotating) begin(s config.Entra) error {
	present, err := r.open(s)
	r.settings, r.present = s, present
	return err
}

// GetToken implements azcore.TokenCredential. A credential that the authority
// refuses is read again, and if it is another one, that is tried, once.
func (r *rotating) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	used := r.current()
	token, err := used.GetToken(ctx, options)
	if !refusedCredential(err) || !r.rotate(ctx, used) {
		return token, err
	}
	return r.current().GetToken(ctx, options)
}

// refusedCredential reports whether the authority refused the credential (RFC
// 6749 section 5.2).
func refusedCredential(err error) bool {
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	return ok && failed.RawResponse != nil &&
		(failed.RawResponse.StatusCode == http.StatusBadRequest || failed.RawResponse.StatusCode == http.StatusUnauthorized)
}

func (r *rotating) current() azcore.TokenCredential {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.present
}

// rotate takes up the settings as they are now and reports whether there is a
// credential beside the one that was used.
func (r *rotating) rotate(ctx context.Context, used azcore.TokenCredential) bool {
	now := r.latest(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if now == r.settings {
		return r.present != used // another call was faster
	}
	return r.replace(now)
}

// drop forgets a token that Graph refused, and takes up the settings as they
// are now. It reports whether to ask for another token: not where one of them
// was dropped within a minute.
func (r *rotating) drop(ctx context.Context, token string) bool {
	now := r.latest(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case token == r.refused && now == r.settings:
		return true // another call was faster
	case now == r.settings && r.now().Sub(r.dropped) < dropPause:
		return false
	}
	r.refused, r.dropped = token, r.now()
	return r.replace(now)
}

// replace makes the settings and a credential of theirs the present ones. One
// that cannot be made leaves what there is.
func (r *rotating) replace(s config.Entra) bool {
	made, err := r.open(s)
	if err != nil {
		return false
	}
	r.settings, r.present = s, made
	return true
}
