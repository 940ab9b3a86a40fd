"""An application under opentelemetry-instrument: its spans go to standard output."""

import json
import os
import sys
import threading

from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware


def bare(environ, start_response):
    span = trace.get_current_span().get_span_context()
    doc = {
        "sitecustomize": getattr(sys.modules.get("sitecustomize"), "__file__", None),
        "distro": "opentelemetry.distro" in sys.modules,
        "provider": type(trace.get_tracer_provider()).__name__,
        "trace": "%032x" % span.trace_id,
        "pid": os.getpid(),
        "generation": environ["fender.generation"],
        "exporter runs": any(t.name.startswith("Otel") for t in threading.enumerate()),
    }
    body = json.dumps(doc).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


application = OpenTelemetryMiddleware(bare)
