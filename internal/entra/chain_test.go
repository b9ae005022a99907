package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"entrawebex/internal/change"
)

// pageOf is a page with an element for each number.
func pageOf(next string, numbers ...int) collection {
	page := collection{Next: next, Elements: []json.RawMessage{}}
	for _, n := range numbers {
		page.Elements = append(page.Elements, json.RawMessage(fmt.Sprint(n)))
	}
	return page
}

func TestALongListOfNewElementsIsNoCircle(t *testing.T) {
	t.Parallel()
	ch, link := newChain(), ""
	for i := range maxChain - 1 {
		next := fmt.Sprint("link", i)
		if _, err := ch.read(link, pageOf(next, i)); err != nil {
			t.Fatalf("page %d: %v", i, err)
		}
		link = next
	}
	_, err := ch.read(link, pageOf("one more", maxChain))
	if want := endlessError("there is no end after 10000 pages"); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
}

// Graph gives the same link to whoever asks for the same page, and a page that
// was not taken up is asked for again.
func TestSeveralReadersOfOneListAreNoCircle(t *testing.T) {
	t.Parallel()
	var c chains
	for range 2 * maxFruitless {
		link := ""
		for i := range 4 {
			next := fmt.Sprint("link", i)
			for range 2 {
				ch, ended := c.of(link)
				if ended {
					t.Fatal("ended")
				}
				if _, err := c.read(ch, link, pageOf(next, i)); err != nil {
					t.Fatal(err)
				}
			}
			link = next
		}
	}
}

func TestPagesThatRepeatWhatEarlierOnesHadEndTheListAndOneNewElementDoesNot(t *testing.T) {
	t.Parallel()
	ch := newChain()
	var err error
	for i := 0; err == nil; i++ {
		element := i % 3
		if i == 90 {
			element = 1000 // something new, once
		}
		_, err = ch.read(fmt.Sprint("link", i), pageOf(fmt.Sprint("link", i+1), element, 0))
	}
	if want := endlessError("the last 100 of 191 pages brought nothing new"); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
}

func TestNoMoreListsAreFollowedThanHaveRoom(t *testing.T) {
	t.Parallel()
	var c chains
	for i := range 3 * maxChains {
		if _, err := c.read(nil, "", pageOf(fmt.Sprint("link", i), i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.all) != maxChains {
		t.Errorf("%d lists", len(c.all))
	}
	for i := 2 * maxChains; i < 3*maxChains; i++ {
		ch, _ := c.of(fmt.Sprint("link", i))
		if _, err := c.read(ch, fmt.Sprint("link", i), pageOf("", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.all) != 0 {
		t.Errorf("%d lists are kept that were read to their end", len(c.all))
	}
}

func TestAnOddityIsToldOnceAndNotWithoutEnd(t *testing.T) {
	t.Parallel()
	var log countingWriter
	var o oddities
	for range 3 {
		for i := range 2 * maxOddities {
			o.tell(t.Context(), log.logger(), "read", []oddity{{"odd", fmt.Sprint(i)}})
		}
	}
	if log.lines != maxOddities+1 { // and that there will be no more
		t.Errorf("%d lines", log.lines)
	}
}

func TestWhatMayBeAUserOrAGroup(t *testing.T) {
	t.Parallel()
	for odataType, want := range map[string][2]bool{
		"#microsoft.graph.user": {true, false}, "#Microsoft.Graph.User": {true, false}, "#microsoft.graph.group": {false, true},
		"#microsoft.graph.agentUser": {true, false}, "#microsoft.graph.agentIdentity": {false, false}, "#microsoft.graph.device": {false, false},
		"#microsoft.graph.robotUser": {true, true}, "#microsoft.graph.robot": {false, true}, "": {true, true}, "nonsense": {false, true},
	} {
		if got := [2]bool{maybe(change.User, odataType), maybe(change.Group, odataType)}; got != want {
			t.Errorf("%q: %v, want %v", odataType, got, want)
		}
	}
}
