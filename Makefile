# What a contributor runs. `make demo`, `make test` and `make check` each work as the first command in a fresh clone.
SHELL := /bin/bash
# A command of a pipe that fails, fails the pipe.
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
READY := .venv/ready

# Another environment's variables must not lead into ours.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

TYPED := scan_core local scanner function_app.py tests bench
# Two at a time: the tests start servers and processes of their own.
PYTEST_PARALLEL := -n 2 --dist worksteal

.PHONY: help
help: ## Show these targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

$(READY): requirements-dev.txt pyproject.toml tools/setup.sh tools/azurite/package-lock.json
	@tools/setup.sh

.PHONY: setup
setup: $(READY) ## Make .venv and install Azurite; every other target does it first

.PHONY: demo
demo: $(READY) ## Show a pull request being refused, fixed and let through, on this machine
	@$(BIN)/scangate local demo

.PHONY: test
test: $(READY) ## Run every test but the browser's, and hold branch coverage at its limit
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest $(PYTEST_PARALLEL) --cov --cov-report=term

.PHONY: test-browser
test-browser: $(READY) ## Look at the pages with Chromium (chromium and chromium-driver must be installed)
	@$(BIN)/python -m pytest -m browser

.PHONY: test-image
test-image: $(READY) ## Build the scanner image for real and gate a pull request with it (docker or podman, and BASE_IMAGE)
	@tools/image.sh --check
	@$(BIN)/python -m pytest -m image tests/scanner

.PHONY: faults
faults: $(READY) ## Kill, cut off and fuzz it: a sample by a printed seed (ALL=1 for everything, SEED= and ONLY= to see one again)
	@FAULTS_ALL='$(ALL)' FAULTS_SEED='$(SEED)' FAULTS_ONLY='$(ONLY)' $(BIN)/python -m pytest $(if $(ONLY),,$(PYTEST_PARALLEL)) \
		-m faults -p tests.faults.figures --timeout=$(if $(ALL),36000,1800) tests/faults tests/fuzz $(if $(ONLY),,tests/flow)

.PHONY: check
check: $(READY) ## Check format, lint, types, imports and generated documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	$(BIN)/python -m scan_core.settings | diff -u docs/configuration.md - \
		|| { echo "docs/configuration.md is not what the settings say: run 'make docs'."; exit 1; }
	$(BIN)/python -m scan_core.rules.schema | diff -u docs/scangate-rules.schema.json - \
		|| { echo "docs/scangate-rules.schema.json is not what the rules say: run 'make docs'."; exit 1; }

.PHONY: format
format: $(READY) ## Format the code and apply the safe corrections of the linter
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: $(READY) ## Write the generated documents
	$(BIN)/python -m scan_core.settings > docs/configuration.md
	$(BIN)/python -m scan_core.rules.schema > docs/scangate-rules.schema.json

.PHONY: bench
bench: $(READY) ## Measure the webhook against a bare function that does the same write
	@$(BIN)/python -m bench.webhook

.PHONY: image
image: ## Build the scanner image with QScanner in it (scanner/README.md says what it needs)
	@tools/image.sh

.PHONY: lock
lock: $(READY) ## Choose versions again and pin them with their hashes
	@tools/lock.sh

.PHONY: clean
clean: ## Remove everything that the other targets made
	rm -rf .venv .local .coverage .coverage.* htmlcov build *.egg-info .hypothesis
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
