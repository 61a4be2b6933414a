# Sets Postigo up from nothing and runs it: needs make, a POSIX sh and Python 3.11 to 3.13, and touches only .venv.
# What is installed is what requirements*.txt locks, hash by hash; of this file only the setup knows the network.

PYTHON ?=# a Python of your choice; else the first that fits of these
PYTHONS = $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
ARGS =# further words for `postigo rehearse` and `postigo draw`
UPGRADE =# UPGRADE=1: lock the newest versions that pyproject.toml allows

BIN = .venv/bin
# The tests' folders lie in memory where there is room and programs may run: else thousands of commits wait for a disk.
MEMORY = $(shell f=$$(mktemp /dev/shm/postigo.XXXXXX 2>/dev/null) && chmod 700 "$$f" && test -x "$$f" && \
	test "$$(df -Pk /dev/shm | awk 'NR == 2 {print int($$4 / 1024)}')" -ge 2048 && echo TMPDIR=/dev/shm; rm -f "$$f")
# Long ones that reach nothing that no other test reaches: to watch which lines they run would take twice as long.
UNWATCHED = tests/stories $(addprefix tests/,conversation/test_laws.py conversation/test_walks.py \
	language/test_spoken.py test_house.py test_inspection.py test_install.py)
PYTEST = $(MEMORY) $(BIN)/pytest -n 2 --dist worksteal
# Wheels alone: building from source would fetch tools that no hash of ours names.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED = $(INSTALL) --require-hashes --only-binary :all:
LOCK = $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --quiet $(if $(UPGRADE),--upgrade) \
	--custom-compile-command 'make lock'

unexport PYTHONDONTWRITEBYTECODE # with what was compiled before, the tests are collected in half the time

.DEFAULT_GOAL := help
.PHONY: help chat test soak lint catalogs draw bench lock clean gpg

help: ## List what can be made, each with a sentence.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name told; do \
		printf '%-14s %s\n' "$$name" "$$told"; done

chat: .venv/running ## Talk with the bot here in the terminal; nothing is sent (ARGS="--language es" for Spanish).
	@$(BIN)/postigo rehearse $(ARGS)

test: gpg lint ## Check everything: style, types, architecture, then every test with its coverage.
	$(PYTEST) $(UNWATCHED)
	$(PYTEST) $(addprefix --ignore=,$(UNWATCHED)) --cov --cov-report=
	@echo "Branch coverage of the core, which must be whole:"
	@$(BIN)/coverage report --include='bot/conversation/*,bot/handoff/*' --fail-under=100
	@echo "Branch coverage of the rest, 90 % at least:"
	@$(BIN)/coverage report --include='bot/*' --omit='bot/conversation/*,bot/handoff/*' --fail-under=90

soak: gpg .venv/testing ## Play the long stories at full size: crowds of hundreds, bots killed many times, every language.
	$(PYTEST) --soak tests/stories tests/handoff/test_histories.py

lint: .venv/testing ## Check style, types and who may import whom, without running a test.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

catalogs: .venv/running ## Bring locales/ up to date with the English of flows/, keeping every translation.
	@$(BIN)/python -m bot.language.extract

draw: .venv/running ## Draw the flow as a Mermaid diagram (ARGS="--format svg -o flow.svg" for a picture).
	@$(BIN)/postigo draw $(ARGS)

bench: .venv/testing ## Measure turns per second and memory per open talk on this machine.
	@$(BIN)/python benchmarks/turns.py
	@$(BIN)/python benchmarks/memory.py

lock: .venv/testing ## Write requirements*.txt anew from pyproject.toml (UPGRADE=1 for the newest versions).
	$(LOCK) --group build --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## Remove .venv and everything that tools left here.
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.* dist build
	find bot tests locales benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

gpg:
	@command -v gpg >/dev/null || { echo "No gpg, with which the tests open the sealed mails:" \
		"install it (Debian, Ubuntu: apt-get install gnupg; macOS: brew install gnupg)." >&2; exit 1; }

# The setup. A stamp is younger than everything it was made from; what fails leaves none and is done again.
.venv/running: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what running needs into .venv, about 25 MB; this happens once ..."
	@$(LOCKED) -r requirements.txt
	@$(INSTALL) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv/testing: .venv/running requirements-dev.txt
	@echo "Installing what the tests need, about 60 MB; this happens once ..."
	@$(LOCKED) -r requirements-dev.txt
	@touch $@

$(BIN)/python:
	@trap 'rm -rf .venv; exit 1' INT TERM; \
	for name in $(PYTHONS); do \
		$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || continue; \
		fits=$${fits:-$$name}; \
		$$name -c 'import ensurepip, venv' 2>/dev/null || continue; \
		$$name -m venv --clear .venv && exit 0; rm -rf .venv; exit 1; \
	done; \
	if [ -n "$$fits" ]; then echo "$$fits can't make a venv: install what is missing" \
		"(Debian, Ubuntu: apt-get install python3-venv)."; \
	else echo "No Python 3.11, 3.12 or 3.13 among: $(PYTHONS). Install one, or name it: make PYTHON=/path/to/python3.12"; \
	fi >&2; exit 1
