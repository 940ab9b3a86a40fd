"""gunicorn in the lab. ${...} is filled in by the lab; a line whose value is not there is left out."""

bind = "${ADDRESS}"
chdir = "${SITE}"
wsgi_app = "mysite.wsgi:application"
workers = ${processes}
threads = ${threads}
max_requests = ${max-requests}
# harakiri is the nearest thing to it.
timeout = ${harakiri}
# The threaded worker keeps connections open, as one behind a load balancer should;
# longer than the balancer's 60 s, as the manual advises.
worker_class = "gthread"
keepalive = 75
preload_app = True
# The manual: the heartbeat file must not lie on a disk.
worker_tmp_dir = "/dev/shm"
accesslog = None
# It would lie in the home directory.
control_socket_disable = True
