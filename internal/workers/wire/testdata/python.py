# The other end of python_test.go. Requests and answers are a length of 32 bits and bytes.
#   L + marshal data: the dict in it as JSON, [[key, value], ...], every str as its code points
#   H + JSON [status, [[name, value], ...]], a str as its code points: its marshal data, version 2
#   V + marshal data: the value in it, encoded with version 2
#   C + JSON {name: value}: the dict's marshal data, version 2; {"bytes": hex} is bytes
#   E + marshal data: repr of the value in it
import json
import marshal
import struct
import sys

read, write = sys.stdin.buffer.read, sys.stdout.buffer.write


def points(text):
    if type(text) is not str:
        raise TypeError(repr(text))
    return [ord(c) for c in text]


def text(numbers):
    return "".join(map(chr, numbers))


def plain(value):
    if isinstance(value, dict):
        return bytes.fromhex(value["bytes"])
    if isinstance(value, list):
        return tuple(map(plain, value))
    return value


def answer(kind, data):
    if kind == b"L":
        value = marshal.loads(data)
        if type(value) is not dict:
            raise TypeError(repr(value))
        return json.dumps([[points(k), points(v)] for k, v in value.items()]).encode()
    if kind == b"H":
        status, fields = json.loads(data.decode())
        return marshal.dumps((text(status), [(text(n), text(v)) for n, v in fields]), 2)
    if kind == b"V":
        return marshal.dumps(marshal.loads(data), 2)
    if kind == b"C":
        value = json.loads(data.decode())
        if isinstance(value, dict):
            value = {k: plain(v) for k, v in value.items()}
        else:
            value = plain(value)
        return marshal.dumps(value, 2)
    return repr(marshal.loads(data)).encode()


while True:
    size = read(4)
    if len(size) < 4:
        break
    message = read(struct.unpack("<I", size)[0])
    reply = answer(message[:1], message[1:])
    write(struct.pack("<I", len(reply)) + reply)
    sys.stdout.buffer.flush()
