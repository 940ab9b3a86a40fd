package front

import (
	"bytes"
	"fmt"
	"testing"

	"fender/internal/exchange"
)

func TestSpool_WritesPiecesBehindOneAnother(t *testing.T) {
	s, err := openSpool(t.TempDir(), exchange.NewBudget(1<<30))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	var all []byte
	for _, n := range []int{1, spoolPieces, spoolPieces + 1, 2*spoolPieces + 7} {
		var pieces [][]byte
		at := int64(len(all))
		for i := range n {
			piece := bytes.Repeat(fmt.Appendf(nil, "%d,", i), 1+i%9)
			pieces, all = append(pieces, piece), append(all, piece...)
		}
		off, err := s.writeReserved(pieces)
		if err != nil || off != at {
			t.Fatalf("%d pieces: at %d, expected %d: %v", n, off, at, err)
		}
	}
	got := make([]byte, len(all)+1)
	if n, _ := s.file.ReadAt(got, 0); !bytes.Equal(got[:n], all) {
		t.Errorf("%d bytes are in the file, expected %d", n, len(all))
	}
}
