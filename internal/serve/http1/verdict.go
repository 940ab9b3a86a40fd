package http1

// Verdict is what a parser says about the bytes so far.
type Verdict uint8

// More and Complete are the two good verdicts; all others are refusals, with a Status.
const (
	// More means that the message is right so far and not at its end.
	More Verdict = iota
	// Complete means that the message (or the part of it asked for) is whole.
	Complete

	BareLF
	BareCR
	ControlByte
	BadStartLine
	BadMethod
	BadTarget
	BadVersion
	OldVersion
	UnsupportedVersion
	UnsupportedConnect
	StartLineTooLong
	FieldTooLong
	FieldsTooLong
	TooManyFields
	FoldedField
	SpaceBeforeColon
	MissingColon
	EmptyName
	BadName
	MissingHost
	RepeatedHost
	BadHost
	BadLength
	RepeatedLength
	LengthAndCoding
	BadCoding
	RepeatedCoding
	UnknownCoding
	CodingInOldVersion
	BadChunkSize
	ChunkTooLong
	BadChunkEnd
	ChunkLineTooLong
	BadTrailer
	TrailerTooLong

	verdicts // their number
)

var verdictFacts = [verdicts]struct {
	status int
	name   string
	text   string
}{
	More:               {0, "more", "the message goes on"},
	Complete:           {0, "complete", "the message is complete"},
	BareLF:             {400, "bare-lf", "a line ends with LF alone"},
	BareCR:             {400, "bare-cr", "a CR without LF"},
	ControlByte:        {400, "control-byte", "a control character"},
	BadStartLine:       {400, "bad-start-line", "the request line is not 'METHOD target HTTP/1.1'"},
	BadMethod:          {400, "bad-method", "the method is not a token"},
	BadTarget:          {400, "bad-target", "the request target is malformed"},
	BadVersion:         {400, "bad-version", "the protocol version is malformed"},
	OldVersion:         {400, "old-version", "a request line without a protocol version (HTTP/0.9)"},
	UnsupportedVersion: {505, "unsupported-version", "only HTTP/1.0 and HTTP/1.1 are spoken here"},
	UnsupportedConnect: {501, "unsupported-connect", "CONNECT is for proxies"},
	StartLineTooLong:   {414, "start-line-too-long", "the request line is too long"},
	FieldTooLong:       {431, "field-too-long", "a header field is too long"},
	FieldsTooLong:      {431, "fields-too-long", "the header fields are too long in all"},
	TooManyFields:      {431, "too-many-fields", "there are too many header fields"},
	FoldedField:        {400, "folded-field", "a header field goes on in a second line"},
	SpaceBeforeColon:   {400, "space-before-colon", "white space before the colon of a header field"},
	MissingColon:       {400, "missing-colon", "a header field without a colon"},
	EmptyName:          {400, "empty-name", "a header field without a name"},
	BadName:            {400, "bad-name", "the name of a header field is not a token"},
	MissingHost:        {400, "missing-host", "the Host header field is missing"},
	RepeatedHost:       {400, "repeated-host", "more than one Host header field"},
	BadHost:            {400, "bad-host", "the host is malformed"},
	BadLength:          {400, "bad-length", "Content-Length is not a number that a body can have"},
	RepeatedLength:     {400, "repeated-length", "more than one Content-Length"},
	LengthAndCoding:    {400, "length-and-coding", "Content-Length beside Transfer-Encoding"},
	BadCoding:          {400, "bad-coding", "Transfer-Encoding is malformed"},
	RepeatedCoding:     {400, "repeated-coding", "more than one Transfer-Encoding"},
	UnknownCoding:      {501, "unknown-coding", "the only transfer coding spoken here is chunked"},
	CodingInOldVersion: {400, "coding-in-old-version", "Transfer-Encoding in an HTTP/1.0 request"},
	BadChunkSize:       {400, "bad-chunk-size", "a chunk size is not a hexadecimal number"},
	ChunkTooLong:       {400, "chunk-too-long", "a chunk size is out of all bounds"},
	BadChunkEnd:        {400, "bad-chunk-end", "a chunk does not end with CRLF"},
	ChunkLineTooLong:   {400, "chunk-line-too-long", "chunk extensions are too long"},
	BadTrailer:         {400, "bad-trailer", "a trailer field is malformed"},
	TrailerTooLong:     {431, "trailer-too-long", "the trailer fields are too long"},
}

// Refused reports whether the message cannot be accepted, now or with more bytes.
func (v Verdict) Refused() bool { return v > Complete }

// Status is the HTTP status of a refusal, 0 for More and Complete.
func (v Verdict) Status() int {
	if v >= verdicts {
		return 400
	}
	return verdictFacts[v].status
}

// String is a short name of the verdict, stable, for counters and tests.
func (v Verdict) String() string {
	if v >= verdicts {
		return "unknown"
	}
	return verdictFacts[v].name
}

// Text is one sentence (without a full stop) that says what is wrong.
func (v Verdict) Text() string {
	if v >= verdicts {
		return "unknown"
	}
	return verdictFacts[v].text
}
