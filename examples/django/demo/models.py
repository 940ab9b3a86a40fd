"""What the example site keeps in its database."""
from django.db import models


class Visits(models.Model):
    """How often a page was seen; one row per page."""

    page = models.CharField(max_length=100, unique=True)
    count = models.PositiveBigIntegerField(default=0)


class Recording(models.Model):
    """One run of a POST /echo with an id.

    `ident` is not unique on purpose: a request that ran twice has two rows, and a
    test sees it.
    """

    ident = models.CharField(max_length=200, db_index=True)
    pid = models.IntegerField()
    worker = models.IntegerField(null=True)
    spawn = models.BigIntegerField(null=True)
    at = models.DateTimeField(auto_now_add=True)
