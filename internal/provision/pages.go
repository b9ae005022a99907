package provision

import (
	"context"
	"fmt"
)

const (
	// maxMemberPages of up to 999 are more members than a group has.
	maxMemberPages = 5000
	// maxFruitless pages in a row that name nobody new are no list of members.
	maxFruitless = 20
)

// memberPages reads the users in a group, page by page from the one given, and
// gives each page to take, until that wants no more. It returns the page that
// comes next; none after the last. A link that repeats, or pages that bring
// nothing, are a fault: followed for ever they would be the end of everything
// else.
func (b *batch) memberPages(ctx context.Context, groupID string, transitive bool, page string, take func(MemberPage) (more bool, err error)) (next string, err error) {
	links, users := map[string]bool{page: true}, map[string]bool{}
	for fruitless := 0; ; {
		p, err := b.Directory.Members(ctx, groupID, transitive, page)
		if err != nil {
			return "", err
		}
		known := len(users)
		for _, id := range p.Users {
			users[id] = true
		}
		if fruitless++; len(users) > known || p.Others > 0 {
			fruitless = 0
		}
		more, err := take(p)
		switch {
		case err != nil || p.Next == "":
			return "", err
		case links[p.Next]:
			return "", endless(groupID, "a page leads back to one before it")
		case fruitless >= maxFruitless:
			return "", endless(groupID, fmt.Sprintf("%d pages in a row name nobody new", fruitless))
		case len(links) > maxMemberPages:
			return "", endless(groupID, fmt.Sprintf("more than %d pages", maxMemberPages))
		case !more:
			return p.Next, nil
		}
		page = p.Next
		links[page] = true
	}
}

// endless is the fault of a list of members that has no end.
func endless(groupID, why string) *Fault {
	return &Fault{Kind: Transient, Reason: fmt.Sprintf("Entra's list of the members of group %s does not end: %s", groupID, why)}
}
