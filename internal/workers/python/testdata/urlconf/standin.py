"""Stands in for Django, for interpreters that have none: the parts that fender looks at."""

import importlib
import os
import sys
from types import ModuleType, SimpleNamespace


def give(name, **attributes):
    module = ModuleType(name)
    module.__dict__.update(attributes)
    sys.modules[name] = module


class Settings:
    configured = os.environ.get("TEST_DJANGO") != "unconfigured"

    def __getattr__(self, name):
        if name == "ROOT_URLCONF" and os.environ.get("TEST_DJANGO") != "no URLconf":
            return "urls"
        raise AttributeError(name)


class Resolver:
    @property
    def url_patterns(self):
        return importlib.import_module("urls").urlpatterns


closed = []

give("django")
give("django.conf", settings=Settings())
give("django.apps", apps=SimpleNamespace(ready=os.environ.get("TEST_DJANGO") != "not ready"))
give("django.db", connections=SimpleNamespace(close_all=lambda: closed.append("urls" in sys.modules)))
give("django.urls", get_resolver=Resolver)
give("django.core.handlers.wsgi")
