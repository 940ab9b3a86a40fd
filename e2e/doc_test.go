// Package e2e runs the real fender with real Python and real Django, breaks what can break, and
// counts what the clients see. Its clients (package load) keep their connections and never retry.
//
// Every fault test counts its faults and fails when they did not happen, and says its service time
// and the interval of its faults. TestFaultsAreSeenWithoutRetrying runs the same faults against a
// build with retrying switched off, which must fail them.
package e2e
