package sandbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitEndsWithTheConditionItsTimeOrTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began := time.Now()
		if err := Wait(ctx, time.Minute, func() bool { return time.Since(began) >= time.Second/2 }); err != nil {
			t.Error(err)
		}
		never := func() bool { return false }
		if err := Wait(ctx, time.Second, never); !errors.Is(err, ErrTimeout) {
			t.Errorf("error %v", err)
		}
		if err := Wait(ctx, time.Minute, never); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTimeout) {
			t.Errorf("error %v", err)
		}
	})
}
