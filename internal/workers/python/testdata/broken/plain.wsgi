def application(environ, start_response):
    if environ["PATH_INFO"] == "/raise":
        raise ValueError("line of the file")  # seen in the traceback
    body = (__name__ + " " + __file__).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
