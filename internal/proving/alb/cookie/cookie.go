// Package cookie is the balancer's own cookies: how one is found in a request, what stands in it (a name
// and until when it counts), and how it is given to the client. It does not know what the names mean.
package cookie

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"strings"
	"time"
)

// life is how long a client is told to keep a cookie, whatever the stickiness says.
const life = 7 * 24 * time.Hour

// Find is the value of the first cookie of that name in the Cookie fields.
func Find(fields []string, name string) (string, bool) {
	for _, field := range fields {
		for pair := range strings.SplitSeq(field, ";") {
			n, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && n == name {
				return value, true
			}
		}
	}
	return "", false
}

// FindOwn is one of the balancer's cookies: that for requests across origins, CORS, wins.
func FindOwn(fields []string, name string) (string, bool) {
	if v, ok := Find(fields, name+"CORS"); ok {
		return v, true
	}
	return Find(fields, name)
}

// Seal makes the value of a cookie: base64 of a checksum, the time and the name. A value that somebody has
// URL-encoded cannot be opened any more, as with AWS.
func Seal(name string, until time.Time) string {
	b := make([]byte, 4, 12+len(name))
	b = binary.BigEndian.AppendUint64(b, uint64(until.UnixMilli()))
	b = append(b, name...)
	binary.BigEndian.PutUint32(b, crc32.ChecksumIEEE(b[4:]))
	return base64.StdEncoding.EncodeToString(b)
}

// Open reads what Seal made.
func Open(value string) (name string, until time.Time, ok bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(b) < 12 || binary.BigEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		return "", time.Time{}, false
	}
	return string(b[12:]), time.UnixMilli(int64(binary.BigEndian.Uint64(b[4:]))), true
}

// Set is the value of a Set-Cookie field.
func Set(name, value string, now time.Time) string {
	return name + "=" + value + "; Expires=" + now.Add(life).UTC().Format(http.TimeFormat) + "; Path=/"
}

// SetOwn is the pair that AWS always gives: the cookie, and the same one for requests across origins.
func SetOwn(name, value string, now time.Time) []string {
	return []string{Set(name, value, now), Set(name+"CORS", value, now) + "; SameSite=None; Secure"}
}
