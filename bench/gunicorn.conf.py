"""gunicorn in `make bench`. The runner adds, on the command line, what differs
between workloads: the application, chdir, threads, and the address (bind).
"""

workers = 2
# The threaded worker is the one that keeps connections open. The default (sync)
# closes each, and a load balancer would have to open a new one for every request.
worker_class = "gthread"
# Longer than a load balancer's 60 s, as the manual advises behind one.
keepalive = 75
# As uWSGI and fender do: the application is imported once, before the fork.
preload_app = True
# The manual: the heartbeat file must not lie on a disk.
worker_tmp_dir = "/dev/shm"
# Off, as with the others: the access log (None is the default), and the control socket
# because it would lie in the home directory.
accesslog = None
control_socket_disable = True
