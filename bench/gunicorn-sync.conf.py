"""gunicorn with its default worker in `make bench`: one request at a time, and a
connection for each. The runner adds, on the command line, what differs between
workloads: the application, chdir, workers, and the address (bind).
"""

worker_class = "sync"
# As uWSGI and fender do: the application is imported once, before the fork.
preload_app = True
# The manual: the heartbeat file must not lie on a disk.
worker_tmp_dir = "/dev/shm"
# Off, as with the others: the access log (None is the default), and the control socket
# because it would lie in the home directory.
accesslog = None
control_socket_disable = True
