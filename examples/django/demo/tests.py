"""Tests of the example site itself: what fender's own tests take for granted."""
import hashlib
import importlib
import os
import tempfile
from pathlib import Path
from unittest import mock

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, SimpleTestCase, TestCase, override_settings
from django.urls import clear_url_caches

from demo import chaos
from demo.models import Recording
from mysite import urls


class Pages(TestCase):
    def test_home_counts_its_visits(self):
        self.assertContains(self.client.get("/"), "visited 1 time.")
        self.assertContains(self.client.get("/"), "visited 2 times.")

    def test_hello_is_plain_and_has_its_length(self):
        response = self.client.get("/hello")
        self.assertEqual(response.content, b"Hello, world!\n")
        self.assertEqual(response["Content-Length"], "14")

    def test_page_has_thirty_escaped_rows(self):
        response = self.client.get("/page")
        self.assertEqual(response.content.count(b"<tr class="), 30)
        self.assertContains(response, "Row &lt;30&gt;")

    def test_slow_sleeps_as_told(self):
        with mock.patch("demo.pages.time.sleep") as sleep:
            self.client.get("/slow?seconds=0.25")
            self.client.get("/slow?min=1&max=4")
        self.assertEqual(sleep.call_args_list[0].args, (0.25,))
        self.assertTrue(1 <= sleep.call_args_list[1].args[0] <= 4)

    def test_bad_numbers_are_refused(self):
        for query in ("seconds=x", "seconds=-1", "seconds=nan", "seconds=1e9", "min=x"):
            self.assertEqual(self.client.get("/slow?" + query).status_code, 400, query)

    def test_pid_repeats_what_the_server_says(self):
        said = self.client.get("/pid", **{"fender.worker": 3, "fender.spawn": 17}).json()
        self.assertEqual((said["worker"], said["spawn"]), (3, 17))
        self.assertEqual(said["pid"], os.getpid())
        self.assertIsNone(said["generation"])

    def test_cookies_are_two(self):
        self.assertEqual(set(self.client.get("/cookies").cookies), {"first", "second"})


class Echo(TestCase):
    def post(self, url, body=b"", **more):
        return Client(enforce_csrf_checks=True).post(
            url, body, content_type="application/x-test", **more
        )

    def test_the_body_comes_back_with_its_digest(self):
        for size in (0, 1, 100_000, 3_000_000):
            body = os.urandom(size)
            response = self.post("/echo", body)
            self.assertEqual(response.getvalue(), body)
            if size:  # the test client sends no type with an empty body
                self.assertEqual(response["Content-Type"], "application/x-test")
            self.assertEqual(response["Content-Length"], str(size))
            self.assertEqual(response["X-Body-Sha256"], hashlib.sha256(body).hexdigest())

    def test_every_run_is_recorded(self):
        self.post("/echo?id=a")
        self.post("/echo?id=a", **{"fender.worker": 2})
        self.post("/echo?id=b")
        self.post("/echo")
        self.assertEqual(self.client.get("/echo?id=a").json(), {"id": "a", "count": 2})
        self.assertEqual(self.client.get("/echo?id=c").json(), {"id": "c", "count": 0})
        self.assertEqual(self.client.get("/echo/ids").json(), {"ids": {"a": 2, "b": 1}})
        self.assertEqual(Recording.objects.get(worker=2).pid, os.getpid())

    def test_reset_forgets_all(self):
        self.post("/echo?id=a")
        self.assertEqual(self.client.get("/echo/reset").status_code, 405)
        self.assertEqual(self.post("/echo/reset").json(), {"removed": 1})
        self.assertEqual(self.client.get("/echo/ids").json(), {"ids": {}})

    def test_sleeps_lie_on_both_sides_of_the_recording(self):
        counts = []
        with mock.patch(
            "demo.recordings.time.sleep",
            side_effect=lambda s: counts.append((s, Recording.objects.count())),
        ):
            self.post("/echo?id=a&seconds=1&after=2")
        self.assertEqual(counts, [(1.0, 0), (2.0, 1)])

    def test_bad_ids_are_refused(self):
        self.assertEqual(self.client.get("/echo").status_code, 400)
        self.assertEqual(self.post("/echo?id=").status_code, 400)
        self.assertEqual(self.post("/echo?id=" + "x" * 201).status_code, 400)


class Bodies(SimpleTestCase):
    def test_stream_gives_its_pieces_one_by_one(self):
        response = self.client.get("/stream?chunks=3")
        self.assertFalse(response.has_header("Content-Length"))
        self.assertEqual(list(response), [b"chunk 0\n", b"chunk 1\n", b"chunk 2\n"])
        sized = list(self.client.get("/stream?chunks=4&size=1000"))
        self.assertEqual([len(piece) for piece in sized], [1000] * 4)

    def test_stream_waits_between_its_pieces_only(self):
        with mock.patch("demo.bodies.time.sleep") as sleep:
            list(self.client.get("/stream?chunks=3&delay=0.5"))
        self.assertEqual([call.args for call in sleep.call_args_list], [(0.5,), (0.5,)])

    def test_file_has_five_megabytes_and_a_known_digest(self):
        with tempfile.TemporaryDirectory() as folder:
            with override_settings(EXAMPLE_VAR=Path(folder) / "new"):
                said = self.client.get("/file?sha256=1").json()
                body = self.client.get("/file").getvalue()
                self.assertEqual(os.listdir(Path(folder) / "new"), ["file.bin"])
        self.assertEqual(len(body), 5_000_000)
        self.assertEqual(said, {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})

    def test_big_has_the_length_and_the_digest_that_it_says(self):
        response = self.client.get("/big?mb=2")
        body = response.getvalue()
        self.assertEqual(response["Content-Length"], str(2 * 1024 * 1024))
        self.assertEqual(
            self.client.get("/big?mb=2&sha256=1").json(),
            {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()},
        )

    def test_upload_describes_every_file(self):
        self.assertContains(self.client.get("/upload"), "multipart/form-data")
        sent = {
            "note": "n",
            "file": [SimpleUploadedFile("a", b"AA"), SimpleUploadedFile("b", b"x" * 3_000_000)],
        }
        said = Client(enforce_csrf_checks=True).post("/upload", sent).json()
        self.assertEqual(said["fields"], {"note": "n"})
        self.assertEqual([(f["name"], f["size"]) for f in said["files"]], [("a", 2), ("b", 3_000_000)])
        self.assertEqual(said["files"][0]["sha256"], hashlib.sha256(b"AA").hexdigest())


class Chaos(SimpleTestCase):
    def test_harm_is_not_found_unless_switched_on(self):
        for url in ("/crash", "/exit", "/leak", "/stuck", "/raise"):
            self.assertEqual(self.client.get(url).status_code, 404, url)

    def test_leak_keeps_what_it_says(self):
        self.addCleanup(chaos._leaked.clear)
        with override_settings(EXAMPLE_CHAOS=True):
            self.addCleanup(lambda: (importlib.reload(urls), clear_url_caches()))
            importlib.reload(urls)
            clear_url_caches()
            self.client.get("/leak?mb=2")
            self.assertEqual(self.client.get("/leak?mb=1").content, b"3 MiB leaked\n")

    def raising(self, query):
        """(was start_response called, how many parts came, the error)"""
        started = mock.Mock()
        environ = {"PATH_INFO": "/raise", "QUERY_STRING": query}
        parts = []
        try:
            result = chaos.Raising(None)(environ, started)
            for part in result:
                parts.append(part)
            result.close()
        except RuntimeError as error:
            return started.called, len(parts), str(error)
        return started.called, len(parts), None

    def test_raise_raises_where_it_is_told(self):
        self.assertEqual(self.raising("when=before"), (False, 0, "raised before start_response"))
        self.assertEqual(self.raising("when=after"), (True, 0, "raised after start_response"))
        self.assertEqual(self.raising("when=midway"), (True, 1, "raised midway in the body"))
        self.assertEqual(self.raising("when=close"), (True, 2, "raised in close()"))

    def test_raising_leaves_other_paths_alone(self):
        application = mock.Mock(return_value=[b"x"])
        self.assertEqual(chaos.Raising(application)({"PATH_INFO": "/"}, None), [b"x"])


class Database(TestCase):
    def test_transactions_take_the_write_lock_when_they_begin(self):
        self.assertEqual(connection.transaction_mode, "IMMEDIATE")
        self.assertEqual(connection.settings_dict["OPTIONS"]["timeout"], 20)
