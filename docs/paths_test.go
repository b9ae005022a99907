package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page that names a file is true only while there is one.
func TestEveryFileThatAPageNamesIsThere(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`((?:internal|functions|cmd|infra|events)(?:/[a-z_]+)+(?:\\.[a-z]+)?)/?`")
	for page, text := range pages(t) {
		for _, found := range named.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join("..", found[1])); err != nil {
				t.Errorf("%s names %s: %v", page, found[1], err)
			}
		}
	}
}

// The picture of the house has a line for each package, and none for others.
func TestThePictureOfTheHouseIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, picture, _ := strings.Cut(string(text), "internal/\n")
	picture, _, _ = strings.Cut(picture, "\ninfra/")
	drawn := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b([a-z]+)/(?:\s|$)`).FindAllStringSubmatch(picture, -1) {
		drawn[name[1]] = true
	}
	rooms, err := os.ReadDir("../internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range rooms {
		if room.IsDir() && !drawn[room.Name()] {
			t.Errorf("internal/%s is not in the picture", room.Name())
		}
		delete(drawn, room.Name())
	}
	for name := range drawn {
		t.Errorf("internal/%s is in the picture, and not there", name)
	}
}
