package exchange

// Cause says why an answer is not the application's own. The words are a contract: they stand in
// the X-Fender-Cause header, the access log, the metrics and the events.
type Cause string

// The causes, and the status that each gives (Status).
const (
	CauseNone           Cause = ""
	CauseQueueFull      Cause = "queue-full"
	CauseQueueTimeout   Cause = "queue-timeout"
	CauseBooting        Cause = "booting"
	CauseNoApp          Cause = "no-app"
	CauseHarakiri       Cause = "harakiri"
	CauseWorkerCrash    Cause = "worker-crash"
	CausePoison         Cause = "poison"
	CauseBadAnswer      Cause = "bad-answer"
	CauseSpoolFull      Cause = "spool-full"
	CauseBodyTooLarge   Cause = "body-too-large"
	CauseHeaderTooLarge Cause = "header-too-large"
	CauseURITooLong     Cause = "uri-too-long"
	CauseBadRequest     Cause = "bad-request"
	CauseRequestTimeout Cause = "request-timeout"
	CauseAnswerCut      Cause = "answer-cut"
	CauseClientGone     Cause = "client-gone"
	CauseDraining       Cause = "draining"
)

// Causes lists every cause, in the order of the documentation.
var Causes = []Cause{
	CauseQueueFull, CauseQueueTimeout, CauseBooting, CauseNoApp, CauseHarakiri, CauseWorkerCrash,
	CausePoison, CauseBadAnswer, CauseSpoolFull, CauseBodyTooLarge, CauseHeaderTooLarge,
	CauseURITooLong, CauseBadRequest, CauseRequestTimeout, CauseAnswerCut, CauseClientGone,
	CauseDraining,
}

// Status is the HTTP status that the front answers with for the cause. CauseClientGone is 499 and
// CauseAnswerCut 0: they stand in the log only, nobody receives them.
func (c Cause) Status() int {
	switch c {
	case CauseQueueFull, CauseQueueTimeout, CauseBooting, CauseNoApp, CauseSpoolFull, CauseDraining:
		return 503
	case CauseHarakiri:
		return 504
	case CauseWorkerCrash, CausePoison, CauseBadAnswer:
		return 500
	case CauseBodyTooLarge:
		return 413
	case CauseHeaderTooLarge:
		return 431
	case CauseURITooLong:
		return 414
	case CauseBadRequest:
		return 400
	case CauseRequestTimeout:
		return 408
	case CauseClientGone:
		return 499
	}
	return 0
}
