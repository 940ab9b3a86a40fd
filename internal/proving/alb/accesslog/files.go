package accesslog

import (
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Kind is which of the three logs a file holds; it is the prefix of its name.
type Kind string

// The kinds of log files.
const (
	AccessLog     Kind = ""
	ConnectionLog Kind = "conn_log_"
	HealthLog     Kind = "health_check_log_"
)

// Name is what people call the log.
func (k Kind) Name() string {
	switch k {
	case ConnectionLog:
		return "connection log"
	case HealthLog:
		return "health-check log"
	}
	return "access log"
}

// interval is how often AWS publishes a file.
const interval = 5 * time.Minute

// testFiles are what AWS writes when a log is turned on, to see that it may.
var testFiles = map[Kind]string{
	AccessLog: "ELBAccessLogTestFile", ConnectionLog: "ELBConnectionLogTestFile", HealthLog: "ELBHealthCheckLogTestFile",
}

// Layout names log files as S3 has them.
type Layout struct {
	Dir, Prefix     string // the bucket and the prefix
	Kind            Kind
	Account, Region string
	LoadBalancer    string // app/<name>/<id>
	Node            string
	Every           time.Duration // 5 minutes unless given
}

// root is the folder of the account.
func (l *Layout) root() string {
	return filepath.Join(l.Dir, filepath.FromSlash(l.Prefix), "AWSLogs", l.Account)
}

// path is the name of the file of the interval that ends then.
func (l *Layout) path(end time.Time, random string) string {
	end = end.UTC()
	name := fmt.Sprintf("%s%s_elasticloadbalancing_%s_%s_%s_%s_%s.log.gz", l.Kind, l.Account, l.Region,
		strings.ReplaceAll(l.LoadBalancer, "/", "."), end.Format("20060102T1504Z"), l.Node, random)
	return filepath.Join(l.root(), "elasticloadbalancing", l.Region, end.Format("2006"), end.Format("01"), end.Format("02"), name)
}

// files makes one gzip file of each interval in which there was something to write. Until its end it has
// the suffix .part, and for ever if it could not be finished: who reads *.log.gz never meets half a file.
type files struct {
	layout Layout
	end    time.Time // of the interval of the open file
	path   string
	file   *os.File
	gz     *gzip.Writer
	lines  int64 // in the open file
}

// Files is a sink that makes a gzip file of each interval.
func Files(l Layout) (Sink, error) {
	if l.Every <= 0 {
		l.Every = interval
	}
	if err := os.MkdirAll(l.root(), 0o755); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Kind.Name(), err)
	}
	hello := fmt.Sprintf("Enable %s for ELB: %s at %s\n", strings.TrimPrefix(strings.TrimSuffix(testFiles[l.Kind], "TestFile"), "ELB"),
		l.LoadBalancer, time.Now().UTC().Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(l.root(), testFiles[l.Kind]), []byte(hello), 0o644); err != nil {
		return nil, fmt.Errorf("%s: %w", l.Kind.Name(), err)
	}
	return &files{layout: l}, nil
}

func (f *files) Write(lines []byte) (lost int64, err error) {
	now := time.Now()
	if f.file != nil && !now.Before(f.end) {
		lost, err = f.Flush()
	}
	if f.file == nil {
		if e := f.open(now); e != nil {
			return lost + count(lines), errors.Join(err, e)
		}
	}
	f.lines += count(lines)
	if _, e := f.gz.Write(lines); e != nil {
		more, e := f.Flush() // which fails for the same reason
		return lost + more, errors.Join(err, e)
	}
	return lost, err
}

func (f *files) open(now time.Time) error {
	end := now.Truncate(f.layout.Every).Add(f.layout.Every)
	path := f.layout.path(end, strings.ToLower(rand.Text()[:8]))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := create(path + partly)
	if err != nil {
		return err
	}
	f.end, f.path, f.file, f.gz, f.lines = end, path, file, gzip.NewWriter(file), 0
	return nil
}

// partly is the suffix of a file that is not finished.
const partly = ".part"

// create makes a file that was not there: a name that somebody else uses, or a link that was laid there, is
// an error and not written to.
func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
}

func (f *files) Due() time.Time {
	if f.file == nil {
		return time.Time{}
	}
	return f.end
}

func (f *files) Flush() (lost int64, err error) {
	if f.file == nil {
		return 0, nil
	}
	err = errors.Join(f.gz.Close(), f.file.Close())
	if err == nil {
		err = os.Rename(f.path+partly, f.path)
	}
	if err != nil {
		lost = f.lines
		if info, e := os.Stat(f.path + partly); e == nil && info.Size() == 0 {
			_ = os.Remove(f.path + partly) // a full disk would get one with every write
		}
		err = fmt.Errorf("%s could not be finished (what can be read of it stays under that name): %w", f.path+partly, err)
	}
	f.file, f.gz = nil, nil
	return lost, err
}

func (f *files) Close() (int64, error) { return f.Flush() }
