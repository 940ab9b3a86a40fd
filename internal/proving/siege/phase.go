package siege

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Phase is a stretch of the run: users who wait for their answers, or arrivals at a rate.
type Phase struct {
	Users int     // closed model
	Rate  float64 // open model, requests a second; above 0 says that it is one
	Open  bool
	For   time.Duration // 0: until every user has had its repetitions
}

func (p Phase) String() string {
	load := strconv.Itoa(p.Users) + "u"
	if p.Open {
		load = strconv.FormatFloat(p.Rate, 'f', -1, 64) + "r"
	}
	if p.For == 0 {
		return load
	}
	return load + "/" + p.For.String()
}

// Bounds of what can be asked for.
const (
	MostUsers   = 100_000
	MostRate    = 1_000_000.0
	MostPhases  = 1000
	LongestTime = 7 * 24 * time.Hour
)

// ParsePhases reads 50u/20s,0u/30s,500r/20s.
func ParsePhases(text string) ([]Phase, error) {
	parts := strings.Split(text, ",")
	if len(parts) > MostPhases {
		return nil, fmt.Errorf("%d phases are too many, %d is the most", len(parts), MostPhases)
	}
	var all []Phase
	total := time.Duration(0)
	for _, part := range parts {
		p, err := parsePhase(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("phase %q: %w", part, err)
		}
		all = append(all, p)
		if total += p.For; total > LongestTime {
			return nil, fmt.Errorf("the phases are longer than %v together", LongestTime)
		}
	}
	return all, nil
}

func parsePhase(text string) (Phase, error) {
	load, length, ok := strings.Cut(text, "/")
	if !ok || load == "" {
		return Phase{}, errors.New("a phase is users/time or rate/time, as in 50u/20s or 500r/20s")
	}
	d, err := ParseTime(length)
	if err != nil {
		return Phase{}, err
	}
	number, unit := load[:len(load)-1], load[len(load)-1]
	switch unit {
	case 'u':
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n > MostUsers {
			return Phase{}, fmt.Errorf("users are a whole number from 0 to %d", MostUsers)
		}
		return Phase{Users: int(n), For: d}, nil
	case 'r':
		rate, err := parseNumber(number, MostRate)
		if err != nil {
			return Phase{}, err
		}
		return Phase{Rate: rate, Open: true, For: d}, nil
	}
	return Phase{}, errors.New("u stands behind a number of users, r behind a number of requests a second")
}

// ParseRate reads requests in a time: 500/s, 30/m, 500 (a second).
func ParseRate(text string) (float64, error) {
	number, unit, ok := strings.Cut(text, "/")
	per := 1.0
	if ok {
		switch strings.ToLower(unit) {
		case "s":
		case "m":
			per = 60
		case "h":
			per = 3600
		default:
			return 0, errors.New("a rate is requests a second, as in 500/s; /m and /h are understood")
		}
	}
	n, err := parseNumber(number, MostRate*per)
	return n / per, err
}

func parseNumber(text string, most float64) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || n <= 0 || n > most || strings.ContainsAny(text, "xXpP_") {
		return 0, fmt.Errorf("%q is no number of requests above 0 and up to %.0f", text, most)
	}
	return n, nil
}

// ParseTime reads a time of a phase: seconds, or 500ms, 20s, 5m, 1h, in either case.
func ParseTime(text string) (time.Duration, error) {
	text = strings.ToLower(text)
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d <= 0:
		return 0, errors.New("a time is a number of seconds, or 500ms, 20s, 5m, 1h")
	case d > LongestTime:
		return 0, fmt.Errorf("%v is the longest time", LongestTime)
	}
	return d, nil
}
