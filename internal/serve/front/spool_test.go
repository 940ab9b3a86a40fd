package front

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
)

func TestSpoolFile_HasNoNameAndGivesItsBudgetBack(t *testing.T) {
	budget := exchange.NewBudget(4 << 20)
	s, err := openSpool(t.TempDir(), budget)
	if err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(s.file.Fd()), &stat); err != nil || stat.Nlink != 0 || stat.Mode&0o777 != 0o600 {
		t.Errorf("links %d, mode %o, %v", stat.Nlink, stat.Mode, err)
	}
	if err := s.write(make([]byte, 3<<20)); err != nil || budget.Used() != 3<<20 {
		t.Errorf("%v, used %d", err, budget.Used())
	}
	if err := s.write(make([]byte, 1<<20)); err != nil { // exactly the rest
		t.Error(err)
	}
	if err := s.write([]byte("x")); !errors.Is(err, errSpoolFull) {
		t.Errorf("beyond the budget: %v", err)
	}
	s.close()
	if budget.Used() != 0 {
		t.Errorf("%d bytes were not given back", budget.Used())
	}
}

func TestPart_GivesItsDiskSpaceBack(t *testing.T) {
	s, err := openSpool(t.TempDir(), exchange.NewBudget(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if err := s.write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	blocks := func() int64 {
		var stat unix.Stat_t
		if err := unix.Fstat(int(s.file.Fd()), &stat); err != nil {
			t.Fatal(err)
		}
		return stat.Blocks * 512
	}
	before := blocks()
	p := part{file: s.file, off: 0, n: 4 << 20, spooled: true}
	if p.punch(); !p.punched {
		t.Skip("this file system makes no holes")
	}
	if now := blocks(); now > before-(4<<20)+(1<<20) {
		t.Errorf("%d bytes on the disk, %d before", now, before)
	}
	other := part{file: s.file, off: 0, n: 4 << 20}
	if other.punch(); other.punched {
		t.Error("a hole was made in a file of the application's")
	}
}
