"""Answers with its environ as JSON, and the body that it got."""

import json


def application(environ, start_response):
    doc = {k: v for k, v in environ.items() if isinstance(v, (str, bool, int))}
    length = environ.get("CONTENT_LENGTH")
    doc["the body"] = environ["wsgi.input"].read(int(length) if length else 0).decode("latin-1")
    body = json.dumps(doc).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
