package siege

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Expect is what an answer must be. The zero value is any 2xx or 3xx with any body.
type Expect struct {
	Statuses []int
	SHA256   []byte // of the body
	Header   bool   // the body has the digest that the answer's X-Body-Sha256 states
}

func (e *Expect) hashes() bool { return e.Header || e.SHA256 != nil }

// ParseSHA256 reads a digest in hexadecimal.
func ParseSHA256(text string) ([]byte, error) {
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("a SHA-256 is 64 hexadecimal digits")
	}
	return sum, nil
}

// judge says whether a whole answer is as expected. sum is the digest of its body; nil: there can be none.
func (e *Expect) judge(h *head, sum []byte) (Kind, error) {
	wanted := h.status >= 200 && h.status < 400
	if len(e.Statuses) > 0 {
		wanted = slices.Contains(e.Statuses, h.status)
	}
	if !wanted {
		return statusKind(h.status), fmt.Errorf("status %d", h.status)
	}
	if sum == nil {
		return OK, nil
	}
	if e.SHA256 != nil && !bytes.Equal(e.SHA256, sum) {
		return WrongBody, fmt.Errorf("status %d, the body's SHA-256 is %x", h.status, sum)
	}
	if !e.Header {
		return OK, nil
	}
	if len(h.digest) == 0 {
		return WrongBody, fmt.Errorf("status %d, no X-Body-Sha256 to compare with", h.status)
	}
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum)
	if !bytes.EqualFold(text[:], h.digest) {
		return WrongBody, fmt.Errorf("status %d, the body's SHA-256 is %x, X-Body-Sha256 is %q", h.status, sum, clip(h.digest))
	}
	return OK, nil
}
