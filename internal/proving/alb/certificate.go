package alb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"

	"fender/internal/proving/alb/config"
)

// certificates is the TLS side of a listener: its certificates, or a self-made one.
func (b *Balancer) certificates(l *config.Listener) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if b.lb.HTTP2 && !b.o.Classic {
		c.NextProtos = []string{"h2", "http/1.1"}
	}
	for _, f := range l.Certificates {
		pair, err := tls.LoadX509KeyPair(f.CertificateFile, f.PrivateKeyFile)
		if err != nil {
			return nil, fmt.Errorf("certificate %s, key %s: %w", f.CertificateFile, f.PrivateKeyFile, err)
		}
		c.Certificates = append(c.Certificates, pair)
	}
	if len(c.Certificates) == 0 {
		pair, err := selfMade(l.Address, string(b.dnsName))
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// selfMade makes a certificate for the names that a local balancer is called by.
func selfMade(address, name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "fender alb"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(address); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// cipherName is a cipher suite as OpenSSL, and so the access log, calls it.
func cipherName(id uint16) string {
	name := tls.CipherSuiteName(id)
	if !strings.Contains(name, "_WITH_") {
		return name // of TLS 1.3: the same in both
	}
	name = strings.Replace(strings.TrimPrefix(name, "TLS_"), "_WITH", "", 1)
	name = strings.NewReplacer("AES_128", "AES128", "AES_256", "AES256", "CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305").Replace(name)
	return strings.TrimSuffix(strings.ReplaceAll(name, "_", "-"), "-CBC")
}

// tlsName is a version of TLS as the access log calls it.
func tlsName(version uint16) string {
	switch version {
	case tls.VersionTLS13:
		return "TLSv1.3"
	case tls.VersionTLS12:
		return "TLSv1.2"
	}
	return "-"
}
