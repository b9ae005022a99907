// Package seeded makes up what is random and has to be the same for the same
// seed. Streams of other names are independent of each other.
package seeded

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
)

// IDs gives GUIDs that are the same for the same seed and stream.
type IDs struct {
	mu     sync.Mutex
	random *rand.ChaCha8
}

// NewIDs returns the GUIDs of a stream.
func NewIDs(seed uint64, stream string) *IDs {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	copy(key[8:], stream)
	return &IDs{random: rand.NewChaCha8(key)}
}

// Next returns the next one.
func (i *IDs) Next() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return uuid.Must(uuid.NewRandomFromReader(i.random)).String() // a ChaCha8 never fails to read
}

// Random returns the random numbers of a stream.
func Random(seed uint64, stream string) *rand.Rand { return rand.New(NewIDs(seed, stream).random) }
