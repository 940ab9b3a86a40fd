package message

// Verdict is what is wrong with a head.
type Verdict uint8

// The verdicts.
const (
	OK            Verdict = iota
	Malformed             // not HTTP
	MissingHost           // HTTP/1.1 without Host
	BadLength             // a Content-Length that is no number
	FieldTooLong          // a header line above MaxField
	HeadTooLong           // all header lines above MaxRequestHead, or MaxResponseHead
	URITooLong            // a request line above MaxRequestLine
	UnknownCoding         // a Transfer-Encoding other than chunked and identity
	BadVersion            // not HTTP/1
	BadField              // a header of a response that no name or no value can be read from
)

// verdicts are the status that a request gets, and the words.
var verdicts = [...]struct {
	status int
	text   string
}{
	OK:            {0, "ok"},
	Malformed:     {400, "malformed"},
	MissingHost:   {400, "no Host"},
	BadLength:     {400, "bad Content-Length"},
	FieldTooLong:  {400, "header too long"},
	HeadTooLong:   {413, "headers too long"},
	URITooLong:    {414, "request line too long"},
	UnknownCoding: {501, "unknown Transfer-Encoding"},
	BadVersion:    {505, "unknown version"},
	BadField:      {400, "bad header"},
}

// Status is the status that a request with this verdict gets, 0 for OK.
func (v Verdict) Status() int { return verdicts[v].status }

func (v Verdict) String() string { return verdicts[v].text }
