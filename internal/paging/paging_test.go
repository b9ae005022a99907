package paging_test

import (
	"errors"
	"fmt"
	"testing"

	"entrawebex/internal/paging"
)

func TestAChainEndsWhereItLeadsBack(t *testing.T) {
	t.Parallel()
	c := paging.New("users", nil)
	for i, link := range []string{"2", "3"} {
		if err := c.Follow(t.Context(), link, c.Sees(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Follow(t.Context(), "2", c.Sees("new")); !errors.Is(err, paging.ErrEndless) {
		t.Errorf("error %v", err)
	}
	if err := c.Follow(t.Context(), "", false); err != nil {
		t.Errorf("the last page: %v", err)
	}
}

func TestAChainMayBringNothingForNinetyNinePages(t *testing.T) {
	t.Parallel()
	c := paging.New("users", nil)
	page := 0
	follow := func(id string) error {
		page++
		return c.Follow(t.Context(), fmt.Sprint(page), c.Sees(id))
	}
	for _, fresh := range []string{"a", "b"} {
		for range 100 { // the first brings something
			if err := follow(fresh); err != nil {
				t.Fatalf("page %d: %v", page, err)
			}
		}
	}
	if err := follow("a"); !errors.Is(err, paging.ErrEndless) {
		t.Errorf("page %d: %v", page, err)
	}
}
