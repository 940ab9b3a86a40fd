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
// the suffix .part: who reads *.log.gz never meets half a file.
type files struct {
	layout Layout
	end    time.Time // of the interval of the open file
	path   string
	file   *os.File
	gz     *gzip.Writer
}

// Files is a sink that makes a gzip file of each interval.
func Files(l Layout) (Sink, error) {
	if l.Every <= 0 {
		l.Every = interval
	}
	if err := os.MkdirAll(l.root(), 0o755); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	hello := fmt.Sprintf("Enable %s for ELB: %s at %s\n", strings.TrimPrefix(strings.TrimSuffix(testFiles[l.Kind], "TestFile"), "ELB"),
		l.LoadBalancer, time.Now().UTC().Format(time.RFC3339))
	if err := os.WriteFile(filepath.Join(l.root(), testFiles[l.Kind]), []byte(hello), 0o644); err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return &files{layout: l}, nil
}

func (f *files) Write(lines []byte) error {
	now := time.Now()
	var before error
	if f.file != nil && !now.Before(f.end) {
		before = f.Flush()
	}
	if f.file == nil {
		if err := f.open(now); err != nil {
			return errors.Join(before, err)
		}
	}
	if _, err := f.gz.Write(lines); err != nil {
		return errors.Join(before, err, f.Flush()) // what is readable of it is kept
	}
	return nil
}

func (f *files) open(now time.Time) error {
	f.end = now.Truncate(f.layout.Every).Add(f.layout.Every)
	f.path = f.layout.path(f.end, strings.ToLower(rand.Text()[:8]))
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path+".part", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	f.file, f.gz = file, gzip.NewWriter(file)
	return nil
}

func (f *files) Due() time.Time {
	if f.file == nil {
		return time.Time{}
	}
	return f.end
}

func (f *files) Flush() error {
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.gz.Close(), f.file.Close(), os.Rename(f.path+".part", f.path))
	f.file, f.gz = nil, nil
	return err
}

func (f *files) Close() error { return f.Flush() }
