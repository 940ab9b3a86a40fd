"""Does with wsgi.input what ?do= says and answers with what came of it: do=read(3)|readline()|..."""

import hashlib
import json
from urllib.parse import unquote


def application(environ, start_response):
    source = environ["wsgi.input"]
    result = []
    for step in unquote(environ["QUERY_STRING"][len("do="):]).split("|"):
        if step == "iterate":
            result += source
        elif step == "sum":
            result.append(hashlib.sha256(source.read()).hexdigest())
        else:
            got = eval("source." + step)
            result += got if isinstance(got, list) else [got]
    doc = {
        "result": [r if isinstance(r, str) else r.decode("latin-1") for r in result],
        "length": environ.get("CONTENT_LENGTH"),
        "coding": environ.get("HTTP_TRANSFER_ENCODING"),
        "terminated": environ["wsgi.input_terminated"],
        "kind": type(source).__name__,
    }
    body = json.dumps(doc).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
