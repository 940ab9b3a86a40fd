package options

import "strings"

// refusal says why an option of uWSGI must not be ignored: without it fender would serve nothing, or something
// else than was meant, or more than was meant.
func refusal(name, value string) (what, hint string) {
	for _, group := range refusals {
		for _, refused := range group.names {
			if name == refused {
				return group.what, group.hint
			}
		}
	}
	if strings.HasPrefix(name, "if-") || strings.HasPrefix(name, "for-") {
		return conditionWhat, conditionHint
	}
	if strings.Contains(name, "route") && !strings.HasPrefix(name, "log-") && closes(value) {
		return "fender has no routing rules yet, and without this one everybody would get what it closes", "let the application or the proxy before fender refuse it"
	}
	return "", ""
}

// closes says whether a routing rule keeps somebody out.
func closes(rule string) bool {
	for _, action := range []string{"basicauth", "ldapauth", "access:", "break:", "harakiri:"} {
		if strings.Contains(rule, action) {
			return true
		}
	}
	return false
}

const (
	conditionWhat = "fender does not know conditions and loops yet, and what stands between the lines would always apply, once"
	conditionHint = "take the block out, or write a section of its own for each case"
)

var refusals = []struct {
	names      []string
	what, hint string
}{
	{[]string{"uwsgi-socket", "puwsgi-socket", "fastcgi-socket", "fastcgi-nph-socket", "scgi-socket", "scgi-nph-socket", "raw-socket",
		"abstract-socket", "zeromq-socket", "zmq-socket"},
		"fender speaks HTTP only, so nobody would be served there", "use http-socket, and proxy_pass instead of uwsgi_pass in NGINX"},
	{[]string{"https", "https2", "https-socket", "ssl-socket", "suwsgi-socket", "http-to-https", "sslrouter", "sslrouter2"},
		"fender does not speak TLS yet, so nobody would be served there", "end TLS at the load balancer and use http-socket"},
	{[]string{"shared-socket", "undeferred-shared-socket", "fastrouter", "rawrouter", "http-to", "http-subscription-server", "zerg", "zergpool", "zerg-pool"},
		"fender serves on sockets of its own only, so nobody would be served there", "use http-socket"},
	{[]string{"enable-proxy-protocol", "http-enable-proxy-protocol"},
		"fender does not read the PROXY protocol yet, so every request would be refused", "switch it off at the load balancer (X-Forwarded-For carries the client)"},
	{[]string{"emperor"},
		"fender runs one application and no vassals, so nothing would be served", "start one fender serve for each file, from systemd or as a container"},
	{[]string{"yaml", "yml", "json", "js", "xml", "xmlconfig", "config", "inherit", "ini-paste", "ini-paste-logged"},
		"fender reads options from ini files only, so what stands there would be missing", "write it as ini, and name it with ini or include"},
	{[]string{"for", "ifenv", "ifexists", "ifplugin", "ifdir"}, conditionWhat, conditionHint},
}

// instead says what to use in place of an option that is ignored.
var instead = map[string]string{
	"socket-timeout":            "see head-timeout and body-timeout",
	"http-timeout":              "see head-timeout, body-timeout and keepalive",
	"http-headers-timeout":      "see head-timeout",
	"logto":                     "see access-log; the rest goes to stderr",
	"logto2":                    "see access-log; the rest goes to stderr",
	"logger":                    "see access-log; the rest goes to stderr",
	"req-logger":                "see access-log",
	"log-format":                "see access-log-format",
	"logformat":                 "see access-log-format",
	"stats":                     "see admin",
	"stats-server":              "see admin",
	"master-fifo":               "see control",
	"touch-chain-reload":        "see touch-reload, which never leaves a gap",
	"touch-workers-reload":      "see touch-reload, which never leaves a gap",
	"py-autoreload":             "see touch-reload",
	"py-auto-reload":            "see touch-reload",
	"python-autoreload":         "see touch-reload",
	"python-auto-reload":        "see touch-reload",
	"evil-reload-on-rss":        "see reload-on-rss",
	"pidfile2":                  "see pidfile",
	"safe-pidfile":              "see pidfile",
	"safe-pidfile2":             "see pidfile",
	"daemonize":                 "fender stays in the foreground: let systemd or a container run it",
	"daemonize2":                "fender stays in the foreground: let systemd or a container run it",
	"static-map":                "static files go to the application, or to the proxy before fender",
	"static-map2":               "static files go to the application, or to the proxy before fender",
	"check-static":              "static files go to the application, or to the proxy before fender",
	"mount":                     "name one application with module",
	"gevent":                    "see threads",
	"async":                     "see threads",
	"log-x-forwarded-for":       "see real-ip",
	"harakiri-graceful-timeout": "see harakiri-interrupt",
	"max-fd":                    "the limit of open files is raised by itself",
}
