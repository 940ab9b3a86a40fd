package exchange

import "sync"

// Block is memory for the bytes of large answers on their way from a worker to a client. It has one owner at a
// time, who frees it or gives it on; then it serves another answer. A large answer that left every piece of
// it to the garbage collector would be a gigabyte of garbage for a thousand of a megabyte.
type Block [64 << 10]byte

var blocks = sync.Pool{New: func() any { return new(Block) }}

// NewBlock is a block with any content.
func NewBlock() *Block { return blocks.Get().(*Block) }

// Free gives a block back: nobody may look at it any more. nil is ignored.
func (b *Block) Free() {
	if b != nil {
		blocks.Put(b)
	}
}
