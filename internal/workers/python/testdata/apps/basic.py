"""Applications for the tests; application() picks one by the path."""

import json
import os
import signal
import sys
import threading
import time

log = []


def text(start_response, body, status="200 OK", headers=()):
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))] + list(headers))
    return [body]


def hello(environ, start_response):
    return text(start_response, b"Hello, world!")


class Body:
    """An answer like Django's: iter() gives a list's iterator, and there is a close."""

    def __init__(self, chunks, name="body", fail=None):
        self.chunks = chunks
        self.name = name
        self.fail = fail

    def __iter__(self):
        return iter(self.chunks)

    def close(self):
        log.append("closed " + self.name)
        if self.fail:
            raise self.fail


class Steps:
    """An iterator with a close, which notes what happens to it."""

    def __init__(self, chunks, name="steps"):
        self.rest = list(chunks)
        self.name = name

    def __iter__(self):
        return self

    def __next__(self):
        if not self.rest:
            log.append("exhausted " + self.name)
            raise StopIteration
        chunk = self.rest.pop(0)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    def close(self):
        log.append("closed " + self.name)


def show_environ(environ, start_response):
    found = {k: (v if isinstance(v, (str, int, bool, list, tuple)) else type(v).__name__) for k, v in environ.items()}
    return text(start_response, json.dumps(found).encode())


def show_process(environ, start_response):
    import gc

    facts = {
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        "main": threading.current_thread() is threading.main_thread(),
        "daemon": threading.current_thread().daemon,
        "argv": sys.argv,
        "executable": sys.executable,
        "path": sys.path,
        "cwd": os.getcwd(),
        "gc": gc.isenabled(),
        "threshold": gc.get_threshold(),
        "stdout": [sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering],
        "stderr": [sys.stderr.encoding, sys.stderr.errors, sys.stderr.line_buffering],
        "main_module": sorted(k for k in sys.modules["__main__"].__dict__ if not k.startswith("__")),
        "term": str(signal.getsignal(signal.SIGTERM)),
        "fds": sorted(int(n) for n in os.listdir("/proc/self/fd")),
        "links": descriptor_links(),
    }
    return text(start_response, json.dumps(facts).encode())


def descriptor_links():
    links = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            links[name] = os.readlink("/proc/self/fd/" + name)
        except OSError:
            pass
    return links


def show_log(environ, start_response):
    body = "\n".join(log).encode()
    del log[:]
    return text(start_response, body)


def echo(environ, start_response):
    body = environ["wsgi.input"].read(-1)
    return text(start_response, body, headers=[("X-Length", environ.get("CONTENT_LENGTH", ""))])


def body_close(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Body([b"one ", b"", b"two"])


def big(environ, start_response):
    n = int(environ["QUERY_STRING"])
    return text(start_response, bytes(bytearray(i * 7 % 251 for i in range(1000))) * (n // 1000))


def bigclose(environ, start_response):
    n = int(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Body([b"x" * n], "big")


def generator(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        yield b"one"
        yield b""
        yield b"two"
    finally:
        log.append("generator closed")


def lazy_start(environ, start_response):
    """start_response in the first step, as a generator application does."""
    yield b""
    start_response("201 Created", [("X-Late", "yes")])
    yield b"late"


def exact_length(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])

    def body():
        yield b"abc"
        yield b"def"
        log.append("after the last byte")

    return body()


def too_long(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return Steps([b"abc", b"def", b"ghi"], "too long")


def empty(environ, start_response):
    start_response("200 OK", [])
    return []


def empty_generator(environ, start_response):
    start_response("200 OK", [])
    return iter(())


def many(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d," % i for i in range(1000)]


def write(environ, start_response):
    out = start_response("200 OK", [("X-W", "1"), ("Content-Type", "text/plain")])
    out(b"written ")
    out(b"")
    out(b"twice ")
    return [b"and returned"]


def write_only(environ, start_response):
    start_response("200 OK", [])(b"all")
    return Body([], "write_only")


def writes_late(environ, start_response):
    """Keeps write; the query says how the answer ends. Its close() writes once more."""
    out = start_response("200 OK", [])
    kept_writes.append(out)
    how = environ["QUERY_STRING"]
    if how == "raises":
        raise ValueError("before the answer")
    if how == "raises_begun":
        out(b"begun")
        raise ValueError("within the answer")
    if how == "list":
        return [b"whole"]
    body = Body([b"whole"], "writes_late")
    closing = body.close

    def close():
        closing()
        late_write(out)

    body.close = close
    return body


kept_writes = []


def late_write(out):
    try:
        out(b"too late")
    except Exception as error:
        log.append("%s: %s" % (type(error).__name__, error))


def writes_kept(environ, start_response):
    late_write(kept_writes.pop())
    return text(start_response, b"next")


def exc_info_before(environ, start_response):
    start_response("200 OK", [("X-A", "first"), ("Content-Type", "text/plain")])
    try:
        raise ValueError("oops")
    except ValueError:
        start_response("500 Oops", [("X-A", "second"), ("Content-Type", "text/plain")], sys.exc_info())
    return [b"replaced"]


def exc_info_after_204(environ, start_response):
    start_response("204 No Content", [])
    try:
        raise ValueError("oops")
    except ValueError:
        start_response("500 Oops", [], sys.exc_info())
    return [b"replaced"]


def write_length(environ, start_response):
    """Content-Length is reached in write()."""
    start_response("200 OK", [("Content-Length", "3")])(b"all")
    return []


def exc_info_after(environ, start_response):
    start_response("200 OK", [])(b"begun")
    try:
        raise ValueError("too late to change")
    except ValueError:
        start_response("500 Oops", [], sys.exc_info())
    return [b"never"]


def twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return []


def never_started(environ, start_response):
    return [b"no head"]


def returns_none(environ, start_response):
    start_response("200 OK", [])


def returns_text(environ, start_response):
    start_response("200 OK", [])
    return ["text"]


def returns_bytes(environ, start_response):
    start_response("200 OK", [])
    return b"bytes"


def yields_text(environ, start_response):
    start_response("200 OK", [])
    return Steps([b"good", "text"], "yields_text")


def yields_buffers(environ, start_response):
    start_response("200 OK", [])
    return [bytearray(b"one "), memoryview(b"two")]


def raises(environ, start_response):
    raise ValueError("application's own error")


def raises_started(environ, start_response):
    start_response("200 OK", [])
    raise ValueError("after start_response")


def raises_midway(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Steps([b"begun", ValueError("midway")], "midway")


def raises_in_first_step(environ, start_response):
    start_response("200 OK", [])
    return Steps([ValueError("first step")], "first")


def exits(environ, start_response):
    sys.exit(3)


def interrupts(environ, start_response):
    raise KeyboardInterrupt


def generator_exit(environ, start_response):
    raise GeneratorExit


def close_raises(environ, start_response):
    start_response("200 OK", [])
    return Body([b"fine"], "close_raises", ValueError("in close"))


def close_exits(environ, start_response):
    start_response("200 OK", [])
    return Body([b"fine"], "close_exits", SystemExit(1))


def slow_close(environ, start_response):
    start_response("200 OK", [])
    body = Body([b"quick"], "slow_close")
    closing = body.close

    def close():
        time.sleep(0.05)
        closing()

    body.close = close
    return body


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return [b"must not be sent"]


def not_modified(environ, start_response):
    start_response("304 Not Modified", [])
    return Steps([b"must not be sent", b"twice"], "not_modified")


def with_length(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return Steps([b"12345"], "with_length")


def prints(environ, start_response):
    print("to stdout \u00e9\U0001f600" if environ["QUERY_STRING"] == "odd" else "to stdout")
    sys.stderr.write("to stderr \udc80 line\n")
    environ["wsgi.errors"].write("to wsgi.errors\n")
    return text(start_response, b"printed")


def answer_in_descriptor(environ, start_response):
    start_response("200 OK", [("X-%04d" % i, "v" * 200) for i in range(600)])
    return [b"after a large head"]


class Text(str):
    """Like Django's SafeString: a str by another class."""

    def __str__(self):
        return self


def subclasses(environ, start_response):
    start_response(Text("200 OK"), [(Text("X-Name"), Text("value")), ("X-Other", Text("caf\xe9"))])
    return [b"sub"]


def forks(environ, start_response):
    """Forks a child that comes back from the application, as a careless one does."""
    if os.fork() == 0:
        return text(start_response, b"from the child")
    os.wait()
    return text(start_response, b"from the parent")


def forks_and_exits(environ, start_response):
    pid = os.fork()
    if pid == 0:
        sys.exit(7)
    _, status = os.waitpid(pid, 0)
    return text(start_response, str(os.WEXITSTATUS(status)).encode())


def child_facts(environ, start_response):
    """What a forked child has of the worker's."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        facts = {"links": descriptor_links(), "term": str(signal.getsignal(signal.SIGTERM))}
        os.write(write, json.dumps(facts).encode())
        os._exit(0)
    os.close(write)
    data = b""
    while True:
        piece = os.read(read, 65536)
        if not piece:
            break
        data += piece
    os.close(read)
    os.waitpid(pid, 0)
    return text(start_response, data)


def grandchild(environ, start_response):
    """How many of the descriptors that a child has opened its own child does not have."""
    pid = os.fork()
    if pid == 0:
        opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
        pid = os.fork()
        if pid == 0:
            os._exit(sum(not os.path.exists("/proc/self/fd/%d" % n) for n in opened))
        os._exit(os.waitpid(pid, 0)[1] >> 8)
    return text(start_response, str(os.waitpid(pid, 0)[1] >> 8).encode())


def terminates_child(environ, start_response):
    """multiprocessing's terminate() must end a child at once."""
    import multiprocessing

    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    process.start()
    process.terminate()
    process.join(10)
    return text(start_response, str(process.exitcode).encode())


def crash(environ, start_response):
    os.kill(os.getpid(), signal.SIGSEGV)


def endless(environ, start_response):
    while True:
        time.sleep(0.01)


def bad_head(environ, start_response):
    """Evaluates the query as the arguments of start_response."""
    start_response(*eval(environ["QUERY_STRING"]))
    return [b"sent"]


def reads(environ, start_response):
    """Runs the query's expression on the body, as `b`."""
    b = environ["wsgi.input"]
    result = repr(eval(environ["QUERY_STRING"], {"b": b})).encode()
    return text(start_response, result)


kept = []


def keeps_input(environ, start_response):
    kept.append(environ["wsgi.input"])
    return text(start_response, environ["wsgi.input"].read(4))


def reads_kept(environ, start_response):
    try:
        return text(start_response, kept[0].read())
    except ValueError as error:
        return text(start_response, str(error).encode())


class Gate:
    """Steps through its chunks as the test writes bytes to a pipe; b"" lets it end."""

    def __init__(self, path):
        self.path = path

    def __iter__(self):
        with open(self.path, "rb", buffering=0) as steps:
            while True:
                step = steps.read(1)
                if not step:
                    return
                yield step

    def close(self):
        log.append("closed gate")


def gate(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Gate(environ["QUERY_STRING"])


def gate_write(environ, start_response):
    out = start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        for step in Gate(environ["QUERY_STRING"]):
            out(step)
    except OSError as error:
        log.append("write: " + type(error).__name__)
        raise
    return []


def gate_call(environ, start_response):
    with open(environ["QUERY_STRING"], "rb", buffering=0) as steps:
        steps.read(1)
    return text(start_response, b"opened")


def gate_close(environ, start_response):
    """Says what it answers, then waits in close."""
    start_response("200 OK", [])
    body = Body([b"closing"], "gate_close")
    path = environ["QUERY_STRING"]

    def close():
        with open(path, "rb", buffering=0) as steps:
            steps.read(1)

    body.close = close
    return body


def send_file(environ, start_response):
    """Query: name of the file, position to start from, Content-Length (or empty), kind of object."""
    import gzip
    import io
    import tempfile

    name, position, length, kind = environ["QUERY_STRING"].split(",")
    start_response("200 OK", [("Content-Length", length)] if length else [("X", "y")])
    if kind == "plain":
        file = open(name, "rb")
    elif kind == "raw":
        file = open(name, "rb", buffering=0)
    elif kind == "update":
        file = open(name, "r+b")
        file.write(b"HEAD")
    elif kind == "gzip":
        file = gzip.open(name, "rb")
    elif kind == "memory":
        file = io.BytesIO(open(name, "rb").read())
    elif kind == "temporary":
        file = tempfile.NamedTemporaryFile()
        file.write(open(name, "rb").read())
        file.flush()
        file.seek(0)
    elif kind == "proxy":
        file = Proxy(open(name, "rb"))
    elif kind == "upper":
        file = Upper(open(name, "rb"))
    elif kind == "lines":
        file = open(name, "rb")
    else:
        raise ValueError(kind)
    if position:
        file.read(int(position))
    closing = file.close

    class Logged(environ["wsgi.file_wrapper"]):
        pass

    wrapped = (Logged if kind == "lines" else environ["wsgi.file_wrapper"])(file, 1000)

    def close():
        log.append("closed file")
        closing()

    wrapped.close = close
    return wrapped


class Proxy:
    """Like Django's File: the methods are those of the file inside."""

    def __init__(self, file):
        self.file = file

    read = property(lambda self: self.file.read)
    fileno = property(lambda self: self.file.fileno)
    tell = property(lambda self: self.file.tell)
    close = property(lambda self: self.file.close)


class Upper(Proxy):
    """Changes what it reads: its file must not be sent as it is."""

    def read(self, size=-1):
        return self.file.read(size).upper()


def calls(environ, start_response):
    """Evaluates the query, in which `call` is fender.call."""
    try:
        result = eval(environ["QUERY_STRING"], {"call": environ["fender.call"]})
    except Exception as error:
        result = "%s: %s" % (type(error).__name__, error)
    return text(start_response, repr(result).encode())


def calls_elsewhere(environ, start_response):
    """From another thread, while the request runs."""
    found = []

    def other():
        try:
            environ["fender.call"]("logvar", "a", "b")
        except Exception as error:
            found.append(type(error).__name__)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    return text(start_response, found[0].encode())


def alarm(environ, start_response):
    """Leaves an alarm behind whose handler raises when the request is over."""

    def handler(number, frame):
        raise RuntimeError("late alarm")

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    return text(start_response, b"set")


def validated(environ, start_response):
    """Runs the application that the query names between wsgiref's two checkers."""
    import wsgiref.validate

    inner = globals()[environ["QUERY_STRING"]]
    plain = {k: v for k, v in environ.items() if type(v) is not Text}
    plain["PATH_INFO"] = "/" + environ["QUERY_STRING"]
    return wsgiref.validate.validator(inner)(plain, start_response)


def application(environ, start_response):
    return globals()[environ["PATH_INFO"].strip("/") or "hello"](environ, start_response)
