# Needs make and Python 3.13. Everything else is fetched into .venv, .venv-sam and .local, and nowhere else.

PYTHON ?= $(shell for name in python3.13 python3 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && command -v "$$name" && break; done)

LAYERS = layers/shared/requirements.txt layers/ai/requirements.txt
RUN    = $(LAYERS) requirements/local.txt
DEV    = $(RUN) requirements/dev.txt
SAM    = requirements/sam.txt
PIP    = -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
CODE   = $(wildcard layers functions local tests bench tools)
ARCH   = $(if $(filter x86_64 amd64,$(shell uname -m)),x86_64,arm64)

export SAM_CLI_TELEMETRY = 0
export AWS_DEFAULT_REGION ?= ap-south-1

.PHONY: help setup run test simulate lint check package emulate build lock openapi bench load fuzz audit clean
.DELETE_ON_ERROR:

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.run .local/.engine ## fetch what `make run` needs (`make run` does it too)
	@:

run: setup ## serve the whole API on http://127.0.0.1:3000; Ctrl-C stops it
	@.venv/bin/python -m local

test: .venv/.dev .local/.engine ## run the tests, with branch coverage
	@echo "Tests"
	@rm -f .coverage .coverage.*
	@.venv/bin/python -m coverage run -m pytest -q -n auto
	@.venv/bin/python -m coverage combine --quiet
	@.venv/bin/python -m coverage report

simulate: .venv/.dev ## live 10,000 seeded histories of the real handlers, with faults (SEEDS=..., START=...)
	@echo "Histories"
	@.venv/bin/python -m tests.simulation --seeds $(or $(SEEDS),10000) --start $(or $(START),0)

lint: .venv/.dev ## format, lint rules and types
	@echo "Format"
	@.venv/bin/ruff format --check --output-format concise $(CODE) || { echo "Run: .venv/bin/ruff format $(CODE)" >&2; exit 1; }
	@echo "Lint rules"
	@.venv/bin/ruff check --quiet $(CODE)
	@echo "Types"
	@.venv/bin/mypy $(CODE)

check: .venv/.dev ## everything that has to pass before a change goes in
	@# Two at once, since each keeps one core busy; what comes after them uses all.
	@$(MAKE) --no-print-directory --jobs 2 lint package
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory simulate

package: .venv/.dev .venv-sam/.done .venv-emulator/.done .local/.engine ## check the template, build it, and deploy that onto an emulator
	@echo "Template"
	@.venv-sam/bin/cfn-lint template.yaml
	@.venv-sam/bin/sam validate --lint
	@.venv-sam/bin/python tests/deploy/translated.py
	@echo "Build, for this machine"
	@PATH="$(CURDIR)/.venv-sam/bin:$$PATH" TOLLGATE_ARCH=$(ARCH) sam build --no-cached --build-dir .aws-sam/here \
		--parameter-overrides Architecture=$(ARCH) > .local/build.log 2>&1 || { cat .local/build.log >&2; exit 1; }
	@# The wheels are Linux's: elsewhere they can be fetched, but not imported.
	@test "$$(uname -s)" != Linux || .venv/bin/python tests/bundle/built.py .aws-sam/here
	@test "$$(uname -s)" != Linux || $(MAKE) --no-print-directory emulate

emulate: .venv/.dev .venv-sam/.done .venv-emulator/.done ## deploy what `make package` built onto an AWS emulator, and test it there
	@echo "Deployment, onto an emulator"
	@TOLLGATE_PLACE=deployed .venv/bin/python -m pytest -q -n 0 tests/blackbox/test_api.py tests/blackbox/deployed.py

build: .venv-sam/.done ## what `sam deploy` uploads, in .aws-sam
	@PATH="$(CURDIR)/.venv-sam/bin:$$PATH" sam build
	@# Compiled ahead, because the cloud compiles anew at each cold start: `sam build` leaves no bytecode.
	@.venv-sam/bin/python -m compileall -q --invalidation-mode unchecked-hash .aws-sam/build

openapi: .venv/.dev ## write docs/openapi.json anew, and the copy that is served
	@.venv/bin/python -m tools openapi

bench: .venv/.dev .local/.engine .venv-bench/.done ## measure it beside others, and write docs/performance.md (QUICK=1: a rough look)
	@.venv/bin/python -m bench $(if $(QUICK),--quick)

load: .venv/.dev .local/.engine ## five minutes of parallel load with faults on to warm up, ten more, then the books (MINUTES=...)
	@.venv/bin/python -m bench load --minutes $(or $(MINUTES),10)

fuzz: .venv/.dev .local/.engine .venv-fuzz/.done ## let schemathesis try the running stack (FUZZ="--examples 5 --callers admin")
	@.venv/bin/python -m tests.security.fuzz $(FUZZ)

# The network and an advisory service are needed, so no other target waits for it. Strict: what could not be looked up is no pass.
audit: .venv-audit/.done ## look for known faults in what is deployed
	@for each in $(LAYERS); do \
		.venv-audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --requirement $$each || { \
			echo "$$each did not pass: what is wrong with it is above, or that the advisory service could not be asked." >&2; exit 1; }; \
	done

clean: ## remove the local data, builds and caches; the environments stay
	@rm -rf .local/data .aws-sam .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache

# One environment for running and testing: tests see what the stack runs on.
.venv/.run: $(RUN)
	@$(call environment,.venv)
	@echo "Installing the libraries (once, a minute or so) ..."
	@.venv/bin/python $(PIP) $(addprefix -r ,$(RUN))
	@ln -sf ../../tools/tollgate .venv/bin/tollgate
	@touch $@

.venv/.dev: $(DEV) .venv/.run
	@echo "Installing the test tools (once) ..."
	@.venv/bin/python $(PIP) $(addprefix -r ,$(DEV))
	@touch $@

# SAM CLI pins what it needs, so it lives apart.
.venv-sam/.done: $(SAM)
	@$(call environment,.venv-sam)
	@echo "Installing SAM CLI (once, a minute or so) ..."
	@.venv-sam/bin/python $(PIP) -r $(SAM)
	@touch $@

.venv-%/.done: requirements/%.txt
	@$(call environment,$(@D))
	@$(@D)/bin/python $(PIP) -r $<
	@touch $@

.local/.engine: local/pins.json .venv/.run
	@mkdir -p .local
	@.venv/bin/python -m local.dynoxide
	@touch $@

# Makes an environment, or makes it again when its Python is another one or has gone.
define environment
test -n "$(PYTHON)" || { \
	echo "Tollgate needs Python 3.13 and found none. Install it, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.13" >&2; \
	exit 1; }; \
$(1)/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null || "$(PYTHON)" -m venv --clear $(1)
endef

# Pins every requirement again. uv compiles for all platforms at once; it is thrown away afterwards.
COMPILE = .local/lock/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.13 --universal
lock: ## pin the requirements anew, after an edit of a .in file (UPGRADE=--upgrade: newest versions)
	@$(call environment,.local/lock)
	@.local/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(COMPILE) $(UPGRADE) layers/shared/requirements.in -o layers/shared/requirements.txt
	@# What the shared layer holds, the AI layer leaves out: a function mounts both.
	@$(COMPILE) $(UPGRADE) layers/ai/requirements.in -c layers/shared/requirements.txt -o layers/ai/requirements.txt \
		$$(sed -nE 's/^([a-z0-9._-]+)==.*/--no-emit-package \1/p' layers/shared/requirements.txt)
	@$(COMPILE) $(UPGRADE) requirements/local.in $(addprefix -c ,$(LAYERS)) -o requirements/local.txt
	@$(COMPILE) $(UPGRADE) requirements/dev.in $(addprefix -c ,$(RUN)) -o requirements/dev.txt
	@$(COMPILE) $(UPGRADE) $(SAM:.txt=.in) -o $(SAM)
	@$(COMPILE) $(UPGRADE) requirements/emulator.in -c requirements/local.txt -o requirements/emulator.txt
	@$(COMPILE) $(UPGRADE) requirements/fuzz.in -o requirements/fuzz.txt
	@$(COMPILE) $(UPGRADE) requirements/audit.in -o requirements/audit.txt
	@$(COMPILE) $(UPGRADE) requirements/bench.in -o requirements/bench.txt
	@rm -rf .local/lock
