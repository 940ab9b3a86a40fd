package http1

// AppendPath appends the PATH_INFO of a raw path to dst, as uWSGI's http_url_decode makes it:
//
//   - percent escapes are decoded, %2F and %00 too, and "%%" is one '%';
//   - "." and ".." segments are removed, but only where they are written plainly (%2e is data);
//   - repeated slashes stay;
//   - a '#' ends the path.
//
// Two things differ on purpose. An escape that is no escape ("%zz", or one cut short at the end)
// stays as it is, where uWSGI makes a NUL of it or drops it; and the result is never empty, "/" takes
// its place, because a WSGI application may not get both SCRIPT_NAME and PATH_INFO empty.
func AppendPath(dst, raw []byte) []byte {
	base := len(dst)
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '#':
			i = len(raw)
		case c == '%':
			dst, i = appendEscape(dst, raw, i)
		case c == '/':
			var skip, up int
			skip, up = dotSegments(raw[i:])
			if skip == 0 {
				dst = append(dst, '/')
				i++
				break
			}
			i += skip
			for ; up > 0; up-- {
				dst = dropSegment(dst, base)
			}
			if ends(raw, i) {
				dst = append(dst, '/') // "/a/." and "/a/.." are directories
			}
		default:
			dst = append(dst, c)
			i++
		}
	}
	if len(dst) == base {
		dst = append(dst, '/')
	}
	return dst
}

func ends(raw []byte, i int) bool { return i >= len(raw) || raw[i] == '#' }

// dotSegments looks at a path that begins with '/'. When "." or ".." is the segment behind it, it
// returns the length of the slash and the dots, and how many segments they take away.
func dotSegments(b []byte) (skip, up int) {
	switch {
	case len(b) >= 2 && b[1] == '.' && (ends(b, 2) || b[2] == '/'):
		return 2, 0
	case len(b) >= 3 && b[1] == '.' && b[2] == '.' && (ends(b, 3) || b[3] == '/'):
		return 3, 1
	}
	return 0, 0
}

// dropSegment removes the last segment, with the slash before it.
func dropSegment(dst []byte, base int) []byte {
	for len(dst) > base {
		dst = dst[:len(dst)-1]
		if c := dst[:len(dst)+1][len(dst)]; c == '/' {
			break
		}
	}
	return dst
}

// appendEscape appends what the '%' at raw[i] stands for and returns the index behind it.
func appendEscape(dst, raw []byte, i int) ([]byte, int) {
	if i+1 < len(raw) && raw[i+1] == '%' {
		return append(dst, '%'), i + 2
	}
	if i+2 < len(raw) {
		hi, lo := unhex(raw[i+1]), unhex(raw[i+2])
		if hi < 16 && lo < 16 {
			return append(dst, hi<<4|lo), i + 3
		}
	}
	return append(dst, '%'), i + 1
}
