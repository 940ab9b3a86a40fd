"""Numbers from query strings, checked: a bad one is a 400 and never a traceback."""
import math

from django.core.exceptions import BadRequest


def seconds(request, name, default=0.0, most=3600.0):
    """A length of time in seconds, between 0 and `most`."""
    text = request.GET.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise BadRequest(f"{name} is not a number: {text!r}") from None
    if not math.isfinite(value) or not 0 <= value <= most:
        raise BadRequest(f"{name} must be between 0 and {most:g} seconds")
    return value


def count(request, name, default, most):
    """A whole number between 0 and `most`."""
    text = request.GET.get(name)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise BadRequest(f"{name} is not a whole number: {text!r}") from None
    if not 0 <= value <= most:
        raise BadRequest(f"{name} must be between 0 and {most}")
    return value
