# make demo   a contractor's month goes into the books, on this machine; needs Python 3.11 or newer, and nothing else
# make test   everything that is checked before a change goes in
# make faults every fault at every kind of write, and 200 days of everything in any order; make test tries a part of them
# make fuzz   every parser with more than 100,000 invented and twisted inputs; make test tries the first of them
# make chaos  2,000 runs killed and broken, each compared with a faultless one; make test tries a part of them
# make audit  the pinned packages against the published advisories; needs the internet
# make examples  the examples for Kubernetes and Airflow against the real libraries; needs the internet
# make load   signed deliveries a second that stsync listen takes, and none lost across a kill -9
# make bench  how near stsync comes to the limits of the two systems, and what it costs itself; half an hour
# With another interpreter:  make clean, then  make PYTHON=/path/to/python3.13 test

SHELL = /bin/sh
VENV ?= .venv
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
WORKERS ?= 2
TRIALS ?= 2000
BENCH ?=

.PHONY: demo test faults fuzz chaos audit examples load bench lint types contracts check-tests install pins clean

demo: $(VENV)/.for-use
	$(VENV)/bin/stsync demo --folder demo

test: lint types contracts check-tests

lint: $(VENV)/.for-development
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.for-development
	$(VENV)/bin/mypy

contracts: $(VENV)/.for-development
	$(VENV)/bin/lint-imports

# The tests of one file stay on one worker: many files carry a month once for all of their tests.
check-tests: $(VENV)/.for-development
	.ci/install-keyring
	$(VENV)/bin/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

faults: $(VENV)/.for-development
	STSYNC_EVERY_FAULT=1 STSYNC_DAYS=200 $(VENV)/bin/pytest -n $(WORKERS) --timeout=1800 -k "fault or loses_an_answer or any_order" tests/engine tests/scenarios

fuzz: $(VENV)/.for-development
	STSYNC_FUZZ_EXAMPLES=4200 $(VENV)/bin/pytest -n $(WORKERS) --timeout=1800 tests/fuzz

chaos: $(VENV)/.for-use
	$(VENV)/bin/stsync selftest --chaos $(TRIALS) --workers $(WORKERS)

# In an environment of its own, so that what it needs does not change what is tested.
audit: $(VENV)/.interpreter
	"$(PYTHON)" -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip --disable-pip-version-check --quiet install pip-audit
	$(VENV)/audit/bin/pip-audit --disable-pip --no-deps -r .ci/pins-use.txt -r .ci/pins-development.txt

# In an environment of its own as well, because Airflow is larger than everything else together. Another version of either
# is tried with  make examples AIRFLOW=apache-airflow==3.4.0  and recorded for make test with  RECORD=--record
AIRFLOW ?= apache-airflow==3.3.2
SCHEMAS ?= kubernetes-validate==1.37.0
examples: $(VENV)/.interpreter
	"$(PYTHON)" -m venv $(VENV)/examples
	$(VENV)/examples/bin/python -m pip --disable-pip-version-check --quiet install "$(AIRFLOW)" apache-airflow-providers-standard "$(SCHEMAS)"
	$(VENV)/examples/bin/python tests/examples/check_with_libraries.py $(RECORD)

load: $(VENV)/.for-development
	$(VENV)/bin/python bench/listener_load.py

# For example:  make bench BENCH='--only cost --sizes 2000,20000,100000'
bench: $(VENV)/.for-use
	$(VENV)/bin/python bench/run.py $(BENCH)

install: $(VENV)/.for-use

# Versions and hashes of everything, for all platforms: the first list is for use (and for building the package
# itself), the second for development.
# Needs uv. No address of an index is written, so that everybody installs from their own.
pins:
	printf 'editables\nhatchling>=1.27\n' | uv pip compile --upgrade --universal --generate-hashes --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command 'make pins' --quiet -o .ci/pins-use.txt pyproject.toml -
	uv pip compile --upgrade --universal --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make pins' --quiet --extra dev -c .ci/pins-use.txt -o .ci/pins-development.txt \
		pyproject.toml

clean:
	rm -rf $(VENV) demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.interpreter:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "stsync needs Python 3.11 or newer, and '$(or $(PYTHON),python3)' is not." >&2; \
		echo "Install one, or name it:  make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.for-use: $(VENV)/.interpreter .ci/pins-use.txt pyproject.toml
	@echo "Installing what stsync needs into $(VENV) (about half a minute, once) ..."
	$(PIP) install --require-hashes -r .ci/pins-use.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.for-development: $(VENV)/.for-use .ci/pins-development.txt
	$(PIP) install --require-hashes -r .ci/pins-development.txt
	@touch $@
