package python

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The numbers of the wire, as ARCHITECTURE.md has them.
const (
	kindHello   = 1
	kindRequest = 2
	kindAnswer  = 3
	kindIdle    = 4
	kindCall    = 5
	kindReturn  = 6
	kindCommand = 7
	kindFailed  = 8
	kindRefused = 9

	flagHeadInDescriptor = 0x1
	flagBodyInDescriptor = 0x2
	flagEnd              = 0x4
	flagFile             = 0x8
	flagHead             = 0x10
	flagError            = 0x20
	flagClosing          = 0x40

	frameSize  = 24
	maxMessage = 65536
)

type frame struct {
	kind, version byte
	flags         uint16
	id            uint64
	sequence      uint32
	part          uint32
	head          []byte
	body          []byte
	files         []*os.File
}

func (f frame) encode() []byte {
	if f.version == 0 {
		f.version = 1
	}
	out := []byte{f.kind, f.version}
	out = binary.LittleEndian.AppendUint16(out, f.flags)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(f.head)))
	out = binary.LittleEndian.AppendUint64(out, f.id)
	out = binary.LittleEndian.AppendUint32(out, f.sequence)
	out = binary.LittleEndian.AppendUint32(out, f.part)
	return append(append(out, f.head...), f.body...)
}

func decodeFrame(data []byte) (frame, error) {
	if len(data) < frameSize {
		return frame{}, fmt.Errorf("a message of %d bytes is no frame", len(data))
	}
	length := int(binary.LittleEndian.Uint32(data[4:]))
	if frameSize+length > len(data) {
		return frame{}, fmt.Errorf("head length %d in a message of %d bytes", length, len(data))
	}
	return frame{
		kind: data[0], version: data[1], flags: binary.LittleEndian.Uint16(data[2:]),
		id: binary.LittleEndian.Uint64(data[8:]), sequence: binary.LittleEndian.Uint32(data[16:]),
		part: binary.LittleEndian.Uint32(data[20:]),
		head: data[frameSize : frameSize+length], body: data[frameSize+length:],
	}, nil
}

// patience is how long a test waits for a message before it fails; nothing sleeps for it.
const patience = 20 * time.Second

// packetPair returns two connected SOCK_SEQPACKET sockets; the first has a receive timeout.
func packetPair(t testing.TB) (ours, theirs int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	setTimeout(t, fds[0], patience)
	return fds[0], fds[1]
}

func setTimeout(t testing.TB, fd int, d time.Duration) {
	t.Helper()
	tv := unix.NsecToTimeval(d.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv); err != nil {
		t.Fatal(err)
	}
}

// receive reads one message with its descriptors; n is 0 at the end.
func receive(fd int, buffer []byte) (n int, files []*os.File, err error) {
	oob := make([]byte, unix.CmsgSpace(4*4))
	for {
		var oobn int
		n, oobn, _, _, err = unix.Recvmsg(fd, buffer, oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		messages, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return 0, nil, err
		}
		for _, m := range messages {
			fds, err := unix.ParseUnixRights(&m)
			if err != nil {
				return 0, nil, err
			}
			for _, fd := range fds {
				files = append(files, os.NewFile(uintptr(fd), "received"))
			}
		}
		return n, files, nil
	}
}

func sendMessage(fd int, message []byte, files ...int) error {
	var oob []byte
	if len(files) > 0 {
		oob = unix.UnixRights(files...)
	}
	for {
		err := unix.Sendmsg(fd, message, oob, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}
