package pool

import (
	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// Op names what an Effect asks for.
type Op uint8

// The effects. The hands carry them out in the order in which they stand.
const (
	// OpSend puts request ID on (Spawn, Slot) with sequence Seq. Ahead says that another request
	// is still being worked on there.
	OpSend Op = iota + 1
	// OpTakeBack receives everything unread on (Spawn, Slot) and reports TookBack.
	OpTakeBack
	// OpRelease lets the answer of ID begin to leave: what is held is given to the client's side
	// now, what comes later at once.
	OpRelease
	// OpFinish says that the answer of ID is complete and may leave whole (released or not).
	OpFinish
	// OpFail answers ID with Cause; nothing had been released.
	OpFail
	// OpCut ends the released answer of ID incomplete.
	OpCut
	// OpAbort tells the worker, by the page, that the client of Seq on (Spawn, Slot) has gone.
	OpAbort
	// OpWithdraw tells the worker, by the page, not to begin Seq on (Spawn, Slot), which it has read.
	// It answers with Refused as soon as it gets there. A worker that goes by the word has begun
	// Seq before the word was there, or never will.
	OpWithdraw
	// OpStacks has the slot's thread dump its stack.
	OpStacks
	// OpInterrupt has an exception raised in the slot's thread if it still works on Seq. Note
	// "heard" on the page before it; Heard is asked later.
	OpInterrupt
	// OpProbe has the worker's main thread count "heard" up, and nothing else.
	OpProbe
	// OpSpawn forks a worker: Spawn, Number, Generation.
	OpSpawn
	// OpRetire half-closes the worker's slots: it ends by itself when its requests are done.
	OpRetire
	// OpKill sends SIGKILL.
	OpKill
	// OpStartTemplate starts the template of Generation; OpStopTemplate ends it.
	OpStartTemplate
	OpStopTemplate
	// OpReloadDone reports the end of a reload; Text is empty when it went well.
	OpReloadDone
	// OpFatal says that nothing can ever be served: Code is the exit code, Text the reason.
	OpFatal
	// OpStopped says that every worker is gone after Stop.
	OpStopped
	// OpNote is an event for the journal.
	OpNote
)

// Effect is one thing to be done. Which fields mean something depends on Op.
type Effect struct {
	Op         Op
	Ahead      bool
	ID         exchange.ID
	Spawn      SpawnID
	Slot       int
	Seq        uint32
	Number     int
	Generation int
	Code       int
	Cause      exchange.Cause
	Facts      exchange.Facts // OpFinish, OpFail, OpCut (PID is filled in by the hands)
	Text       string
	Note       *Note
}

// Note is an event in the pool's own terms; the hands add pid and time of day.
type Note struct {
	Kind       NoteKind
	Spawn      SpawnID
	Number     int
	Generation int
	From, To   State
	Reason     event.Reason
	ID         exchange.ID
	Cause      exchange.Cause
	Text       string
	After      Time // for "ready": time since the decision to spawn
	Delta      int  // for NoteScale
	Death      *Death
}

// NoteKind says what a Note is about.
type NoteKind uint8

// The kinds of notes.
const (
	NoteWorker    NoteKind = iota + 1 // a worker changed its state
	NoteRetry                         // a begun request goes to another worker
	NoteTakenBack                     // an unread request goes back to the queue
	NoteError                         // a request failed with a cause
	NoteScale                         // the set point changed, or with Delta 0 what the scaler reports
	NoteReload                        // a reload began, was merged, ended
	NoteTemplate                      // a template is wanted, ready, failed, gone
	NoteWarning                       // something an operator should know
)
