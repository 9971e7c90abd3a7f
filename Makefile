# `make demo` and `make test` do all of their own set-up; they need make and Python 3.12 or 3.13.

# A name on PATH proves nothing (pyenv puts up signs for versions that are not chosen; Debian
# leaves out what venv needs), so each candidate has to run. Ours comes first, if it is whole.
PROBE = import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 12))
FIND_PYTHON = for python in "$$PYTHON" .venv/bin/python python3.13 python3.12 python3 python \
	  "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.13*/bin/python \
	  "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.12*/bin/python none; do \
	  case "$$python" in .venv/*) probe='import pip; $(PROBE)';; *) probe='$(PROBE)';; esac; \
	  if [ -n "$$python" ] && "$$python" -c "$$probe" >/dev/null 2>&1; then break; fi; \
	done; \
	if [ "$$python" = none ]; then \
	  echo 'Python 3.12 or 3.13 with its venv module is needed: install it (Debian, Ubuntu:' \
	    'apt-get install python3 python3-venv; macOS: brew install python@3.13) and try again.' >&2; \
	  exit 1; \
	fi
VENV = $(FIND_PYTHON); "$$python" -m backoffice.install
PY = .venv/bin/python
PACKAGES = approvals audit backoffice fixtures tasks

.PHONY: help demo demo-reset test check e2e bench chaos mutants

help:
	@echo 'make demo        start the demo company at http://127.0.0.1:$${PORT:-8000}/ (Ctrl-C stops it)'
	@echo 'make demo-reset  remove the data of the demo and start it anew'
	@echo 'make test        all tests but those in a browser'
	@echo 'make e2e         the tests in a browser, on a demo of their own'
	@echo 'make bench       how fast messages, runs and decisions go, and the inbox of a large company'
	@echo 'make chaos       a storm of faults over RUNS=200 runs, then the money is counted (SEED=1)'
	@echo 'make mutants     put faults into copies of the code, and see that the tests notice each'
	@echo 'make check       style, types, layers, templates, migrations, deployment settings'

demo:
	@$(VENV) requirements.lock && exec $(PY) -m backoffice.demo

demo-reset:
	@$(VENV) requirements.lock && $(PY) -m backoffice.demo --reset && exec $(PY) -m backoffice.demo

test:
	@$(VENV) requirements-dev.lock && exec $(PY) -m tests $(ARGS)

e2e:
	@$(VENV) requirements-dev.lock
	@CHROMIUM="$$(.ci/chromium)" && export CHROMIUM && exec $(PY) -m pytest -m e2e $(ARGS)

bench:
	@$(VENV) requirements-dev.lock && exec $(PY) -m pytest -q -s -p no:randomly tests/bench/bench_queue.py tests/bench/bench_runs.py \
	  tests/bench/bench_approvals.py

chaos:
	@$(VENV) requirements-dev.lock && exec $(PY) -m tests.chaos --runs "$${RUNS:-200}" --seed "$${SEED:-1}"

mutants:
	@$(VENV) requirements-dev.lock && exec $(PY) -m tests.mutants $(ARGS)

# As in production, but with nothing that is real: no command here opens a connection.
check: export DEBUG =
check: export INSECURE_HTTP =
check: export SECRET_KEY = only-to-check-the-settings-0123456789-abcdefghijklmnopqrstuvwxyz
check: export ALLOWED_HOSTS = backoffice.example
check: export SCRIPT_SANDBOX = off
check:
	@$(VENV) requirements-dev.lock
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --no-logo
	find $(PACKAGES) -path '*/templates/*' -type f | xargs .venv/bin/djade --check
	.venv/bin/mypy .
	$(PY) -m tests.code_blocks
	$(PY) -W 'ignore:Got an error checking a consistent migration history' \
	  manage.py makemigrations --check --dry-run
	$(PY) manage.py check --deploy --fail-level WARNING
