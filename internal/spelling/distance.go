// Package spelling tells how far apart two words are, for the "did you mean" of commands, options and
// configuration files. It owns no words: what is near enough is its callers' decision.
package spelling

// Distance counts the letters to insert, delete, change or swap with their neighbour to make b of a
// (Damerau and Levenshtein, no letter touched twice). It takes time in proportion to the product of the
// lengths, in bytes: callers bound what they compare.
func Distance(a, b string) int {
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
