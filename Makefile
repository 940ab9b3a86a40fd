# fender: `make` prints what there is to do.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Anything here may be given on the command line: make run PORT=9000
PYTHON  ?= $(firstword $(wildcard /usr/bin/python3) python3)
PORT    ?= 8000
VERSION ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# What `make bench`, `make test` and `make lab` pass on: make bench BENCH='-rounds 3 -workloads hello'
BENCH ?=
TEST  ?= ./...
LAB   ?=

GO_BUILD := go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'
SITE     := examples/django
DATABASE := $(or $(EXAMPLE_DB),$(CURDIR)/$(SITE)/db.sqlite3)

export PYTHON

##@ Use

.PHONY: run
run: build .venv/ready $(DATABASE) ## serve the example site on http://127.0.0.1:8000 (PORT=... for another)
	@echo
	@echo "The example site: http://127.0.0.1:$(PORT)    Ctrl-C ends it; make run PORT=8001 takes another port."
	@echo "Try, in another terminal:"
	@echo "  curl -i http://127.0.0.1:$(PORT)/hello"
	@echo "  curl http://127.0.0.1:$(PORT)/pid                # which worker answered"
	@echo "  curl 'http://127.0.0.1:$(PORT)/slow?seconds=3'   # and kill -9 that worker meanwhile: the answer still comes"
	@echo
	@EXAMPLE_DB='$(DATABASE)' exec bin/fender serve --ini $(SITE)/fender.ini --chdir '$(CURDIR)/$(SITE)' \
	  --virtualenv '$(CURDIR)/.venv' --http-socket 127.0.0.1:$(PORT)

.PHONY: build
build: ## bin/fender: one static binary
	@mkdir -p bin
	CGO_ENABLED=0 $(GO_BUILD) -o bin/fender ./cmd/fender

##@ Check

.PHONY: test
test: build .venv/ready .venv-test/ready .venv-lab/ready ## install what the tests need and run them all (about 10 minutes)
	@scripts/test.sh $(TEST)

.PHONY: test-full
test-full: build .venv/ready .venv-test/ready .venv-lab/ready ## the long forms of the tests as well (hours)
	@FENDER_FULL=1 scripts/test.sh $(TEST)
	@go run ./scripts/mutate

.PHONY: lint
lint: build/tools/golangci-lint ## golangci-lint, pinned in tools/lint/go.mod
	build/tools/golangci-lint run ./...

.PHONY: bench
bench: build .venv-bench/ready ## fender beside other servers, its balancer beside HAProxy, in about 8 minutes (BENCH='-rounds 3' passes flags)
	@scripts/need.sh wrk=wrk nginx=nginx haproxy=haproxy
	@go build -buildvcs=false -o build/tools/bench ./bench
	@PATH="$$PATH:/usr/sbin" exec build/tools/bench $(BENCH)

.PHONY: bench-full
bench-full: ## every workload, with longer rounds, in about half an hour
	@$(MAKE) --no-print-directory bench BENCH='-full -seconds 2 $(BENCH)'

.PHONY: lab
lab: build .venv-lab/ready ## replay the incident on every stack, ten times as fast; the report: build/lab/index.html
	@scripts/need.sh $(LAB_NEEDS) || echo "the lab leaves out what is not installed" >&2
	@bin/fender lab incident --speed 10 --out build/lab $(LAB)

##@ Rest

.PHONY: clean
clean: ## remove everything that make made
	rm -rf bin build .venv .venv-test .venv-bench .venv-lab $(SITE)/var $(SITE)/db.sqlite3*

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- What the targets above need. Each of these is made once, and again when its list changes. ---

# Which interpreter the environments are made with. The file changes only when the answer does.
.PHONY: always
build/python: always
	@mkdir -p build
	@path="$$(command -v '$(PYTHON)' || echo '$(PYTHON)')"; \
	  [ "$$(cat $@ 2>/dev/null)" = "$$path" ] || echo "$$path" > $@

.venv/ready: $(SITE)/requirements.txt build/python
	@scripts/venv.sh .venv $<

.venv-test/ready: e2e/requirements.txt $(SITE)/requirements.txt build/python
	@scripts/venv.sh .venv-test $<

# uWSGI is compiled when it is installed; one in pip's cache may be linked to another interpreter.
.venv-bench/ready: bench/requirements.txt lab/requirements.txt $(SITE)/requirements.txt build/python
	@scripts/need.sh gcc=gcc /usr/include/stdlib.h=libc6-dev
	@scripts/need.sh "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h=python3-dev"
	@PIP_NO_CACHE_DIR=1 scripts/venv.sh .venv-bench $<

.venv-lab/ready: lab/requirements.txt $(SITE)/requirements.txt build/python
	@scripts/need.sh gcc=gcc /usr/include/stdlib.h=libc6-dev
	@scripts/need.sh "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h=python3-dev"
	@PIP_NO_CACHE_DIR=1 scripts/venv.sh .venv-lab $<

# The stacks that are Debian's. Their services are not started: the lab starts what it needs.
LAB_NEEDS := nginx=nginx apache2=apache2 /usr/lib/apache2/modules/mod_wsgi.so=libapache2-mod-wsgi-py3 \
  /usr/bin/uwsgi-core=uwsgi-core /usr/lib/uwsgi/plugins/python3_plugin.so=uwsgi-plugin-python3

$(DATABASE): $(wildcard $(SITE)/demo/migrations/*.py) | .venv/ready
	@EXAMPLE_DB='$@' .venv/bin/python $(SITE)/manage.py migrate --verbosity 0
	@touch '$@'

build/tools/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@echo "building golangci-lint: the first time takes a few minutes"
	@go build -C tools/lint -buildvcs=false -o '$(CURDIR)/$@' github.com/golangci/golangci-lint/v2/cmd/golangci-lint

