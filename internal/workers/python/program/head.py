"""The beginning of an answer: checked, and encoded for the wire.

Checked where start_response is called, so that the traceback leads to the line that gave the bad
header. The front checks again: it does not trust a worker.
"""

import re
from marshal import dumps

from _fender.frame import MARSHAL

# Names that were found good once. Bounded: an application may make names from what clients send.
_names = set()
_MOST_NAMES = 512
_LONGEST_NAME = 64

_statuses = set()
_MOST_STATUSES = 64

_is_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_status = re.compile(r"[2-5][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?").fullmatch
_is_number = re.compile("[0-9]{1,18}").fullmatch
_bad_value = re.compile("[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]").search

_HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)


class BadAnswer(Exception):
    """What the application gave as status or headers cannot be sent."""


def encode(status, headers):
    """The marshal form of (status, headers). Raises BadAnswer with a sentence for the log."""
    try:
        if status in _statuses and type(headers) is list:
            for header in headers:
                name, value = header
                if type(header) is not tuple or name not in _names or not value.isprintable() or not value.isascii():
                    break
            else:
                return dumps((status, headers), MARSHAL)
    except (TypeError, ValueError, AttributeError):
        pass  # not what it should be, or a subclass of str: the careful way says which
    return _encode_carefully(status, headers)


def _encode_carefully(status, headers):
    """As encode; normalises subclasses of str and names what is wrong."""
    if not isinstance(status, str):
        raise BadAnswer("the status is %s, not str: give start_response a str such as '200 OK'" % _kind(status))
    status = _plain(status)
    if not _is_status(status):
        raise BadAnswer("the status is %s: give three digits from 200 to 599, a space and a reason, such as '200 OK'" % _shown(status))
    if len(status) == 3:
        status += " "
    if not isinstance(headers, list):
        raise BadAnswer("the headers are %s, not a list: give start_response a list of (name, value) tuples" % _kind(headers))
    plain = []
    for header in headers:
        if not isinstance(header, tuple) or len(header) != 2:
            raise BadAnswer("the header %s is not a tuple (name, value)" % _shown(header))
        plain.append((_checked_name(header[0]), _checked_value(header[0], header[1])))
    if len(_statuses) < _MOST_STATUSES and len(status) <= _LONGEST_NAME:
        _statuses.add(status)
    return dumps((status, plain), MARSHAL)


def _checked_name(name):
    if not isinstance(name, str):
        raise BadAnswer("the header name %s is %s, not str" % (_shown(name), _kind(name)))
    name = _plain(name)
    if name in _names:
        return name
    if not _is_token(name):
        raise BadAnswer("%s is not a header name: letters, digits and hyphens only" % _shown(name))
    if name.lower() in _HOP_BY_HOP:
        raise BadAnswer("the header %s speaks about the connection, which belongs to the server (PEP 3333): remove it" % name)
    if len(_names) < _MOST_NAMES and len(name) <= _LONGEST_NAME:
        _names.add(name)
    return name


def _checked_value(name, value):
    if not isinstance(value, str):
        raise BadAnswer("the value of the header %s is %s, not str: %s" % (name, _kind(value), _shown(value)))
    value = _plain(value)
    found = _bad_value(value)
    if found is None:
        return value
    code = ord(found.group())
    if code > 0xFF:
        what = "holds U+%04X, which no header can hold: encode it (RFC 8187, or percent-encoding)" % code
    else:
        what = "holds the control character %s: remove line breaks and control characters" % _shown(found.group())
    raise BadAnswer("the value of the header %s %s" % (name, what))


def _plain(text):
    """An exact str: marshal takes no subclass, and SafeString is one."""
    return text if type(text) is str else str.__str__(text)


def _kind(given):
    return "None" if given is None else type(given).__name__


def _shown(given):
    try:
        text = repr(given)
    except Exception:
        text = "(%s)" % type(given).__name__
    return text if len(text) <= 100 else text[:100] + "..."


def content_length(headers):
    """What Content-Length says, None where there is none or it is not a number."""
    for name, value in headers:
        if len(name) == 14 and name.lower() == "content-length":
            return int(value) if _is_number(value) else None
    return None
