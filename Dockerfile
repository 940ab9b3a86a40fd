# The example site in a container. For your own: copy the second stage, and put your
# requirements, your code and your ini file in the place of the example's.
#
#   docker build -t fender-example .
#   docker run --rm -p 8000:8000 --stop-timeout 30 fender-example
#
# fender answers all that has come before it leaves (drain-timeout, 25 s), and
# `docker stop` kills after 10 s unless it is told to wait longer: --stop-timeout.

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY internal internal
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /fender ./cmd/fender

FROM python:3.13-slim
COPY examples/django/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt
COPY --from=build /fender /usr/local/bin/fender

RUN useradd --create-home --uid 1000 app && install -d -o app /data
ENV EXAMPLE_DB=/data/db.sqlite3 EXAMPLE_VAR=/data
WORKDIR /app
COPY examples/django .
USER app
RUN python manage.py migrate --verbosity 0

EXPOSE 8000
# Exec form: fender is PID 1 and gets SIGTERM. A shell in its place would swallow it.
ENTRYPOINT ["fender", "serve", "--ini", "fender.ini", "--http-socket", "0.0.0.0:8000"]
