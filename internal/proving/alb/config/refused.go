package config

// notHere are keys that AWS has and this balancer does not simulate, each with what to say.
var notHere = map[string]string{
	"AuthenticateOidcConfig":    "authentication by OpenID Connect is not simulated; leave this action out",
	"AuthenticateCognitoConfig": "authentication by Cognito is not simulated; leave this action out",
	"JwtValidationConfig":       "validation of JSON web tokens is not simulated; leave this action out",
	"Transforms":                "rewriting of hosts and URLs is not simulated",
	"MutualAuthentication":      "client certificates are not simulated",
	"SslPolicy":                 "security policies are not simulated; the listener takes TLS 1.2 and 1.3",
	"AlpnPolicy":                "it belongs to Network Load Balancers; see routing.http2.enabled",
	"WebACLArn":                 "there is no web application firewall here",
	"Subnets":                   "there is no network of its own here; a listener has an Address",
	"SubnetMappings":            "there is no network of its own here; a listener has an Address",
	"SecurityGroups":            "there is no network of its own here; a listener has an Address",
	"CertificateArn":            "there is no certificate store here; give CertificateFile and PrivateKeyFile",
	"TargetGroupArn":            "groups are named by their TargetGroupName here",
	"DefaultAction":             "AWS's key is DefaultActions, with a list of one action",
}

// typesNotHere are actions and target types, likewise.
var typesNotHere = map[string]string{
	"authenticate-oidc":    "authentication by OpenID Connect is not simulated; leave this action out",
	"authenticate-cognito": "authentication by Cognito is not simulated; leave this action out",
	"jwt-validation":       "validation of JSON web tokens is not simulated; leave this action out",
	"lambda":               "Lambda functions cannot be targets here; run the function behind a server and register its address",
	"instance":             "there are no instances here; use ip and register addresses",
	"alb":                  "a load balancer as target belongs to Network Load Balancers",
	"GRPC":                 "gRPC target groups are not simulated; HTTP2 is the nearest",
}
