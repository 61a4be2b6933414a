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
# The core's coverage is measured in every test run, on the tests of its rooms.
CORE = tests/conversation tests/handoff tests/test_transcripts.py
# What whole bots go through, with real neighbours: talks to the opened mail, officers' orders, crowds, kills, faults, days.
STORIES = tests/stories tests/officers
FAKES = $(wildcard tests/test_fakes_*.py tests/*/test_fakes_*.py) # whether the servers that tests speak with keep the protocol
# Besides style and types, a test run is four processes, each with a share that takes about as long as another's. To hand tests out one by one takes
# a fifth more: each process then collects them all, and to pass on what takes a millisecond takes four.
SHARES = core storage rooms others
ROOMS = $(filter-out $(CORE) $(STORIES) tests/storage tests/language,$(patsubst %/,%,$(sort $(dir $(wildcard tests/*/test_*.py)))))
OTHERS = $(filter-out $(CORE) $(FAKES),$(wildcard tests/test_*.py)) tests/language
PYTEST = $(MEMORY) $(BIN)/pytest
# As it is set in pyproject.toml. The tests themselves, of which it can't tell the branches, aren't measured.
WATCHED = $(MEMORY) $(BIN)/python -W 'ignore:Unable to activate pytest:RuntimeWarning' -m slipcover
# What waits for real neighbours leaves room for a third.
AT_ONCE = --dist worksteal -n
# Wheels alone: building from source would fetch tools that no hash of ours names.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED = $(INSTALL) --require-hashes --only-binary :all:
LOCK = $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --quiet $(if $(UPGRADE),--upgrade) \
	--custom-compile-command 'make lock'

unexport PYTHONDONTWRITEBYTECODE # with what was compiled before, the tests are collected in half the time

.DEFAULT_GOAL := help
.PHONY: audit sbom help chat test $(SHARES) coverage soak fuzz lint catalogs draw bench lock clean gpg

help: ## List what can be made, each with a sentence.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name told; do \
		printf '%-14s %s\n' "$$name" "$$told"; done

chat: .venv/running ## Talk with the bot here in the terminal; nothing is sent (ARGS="--language es" for Spanish).
	@$(BIN)/postigo rehearse $(ARGS)

test: gpg .venv/testing ## Check everything but the stories: style, types, architecture, every room, and that the core is covered whole.
	@echo "Style and types, and all tests but the stories: $(words lint $(SHARES)) parts at once, each shown when it is through ..."
	@$(MAKE) --no-print-directory --keep-going --jobs=$(words lint $(SHARES)) lint $(SHARES)

core: PYTEST = $(WATCHED) --source bot/conversation,bot/handoff --fail-under 100 -m pytest
core: WHICH = $(CORE)
storage: WHICH = tests/storage
rooms: WHICH = $(ROOMS) $(addprefix --ignore=,$(FAKES))
others: WHICH = $(OTHERS)
$(SHARES): gpg .venv/testing
	@mkdir -p dist; $(PYTEST) -q $(WHICH) >dist/$@.txt 2>&1; ended=$$?; echo "$@:"; cat dist/$@.txt; exit $$ended

coverage: gpg .venv/testing ## Measure which branches of the rest of the bot its tests reach: 90 % at least.
	$(WATCHED) --source bot --omit 'bot/conversation/*,bot/handoff/*' --fail-under 90 -m pytest --ignore=tests/stories

soak: gpg .venv/testing ## Play the stories at full size, and try each law more often (SHORT=1: small, with tests of the tests' own servers).
	$(PYTEST) $(AT_ONCE) 3 $(if $(SHORT),$(STORIES) $(FAKES),--soak)

fuzz: .venv/testing ## Spoil a million inputs of everything that reads what others write (INPUTS=1000 SEED=7 for fewer, and others).
	@$(BIN)/python tests/fuzz/run.py $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

lint: .venv/testing ## Check style, types and who may import whom, without running a test.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

catalogs: .venv/running ## Bring locales/ up to date with the English of flows/, keeping every translation.
	@$(BIN)/python -m bot.language.extract
	@$(BIN)/python -m bot.language.names

draw: .venv/running ## Draw the flow as a Mermaid diagram (ARGS="--format svg -o flow.svg" for a picture).
	@$(BIN)/postigo draw $(ARGS)

bench: .venv/testing ## Measure turns per second and memory per open talk on this machine.
	@$(BIN)/python benchmarks/turns.py
	@$(BIN)/python benchmarks/memory.py

lock: .venv/testing ## Write requirements*.txt anew from pyproject.toml (UPGRADE=1 for the newest versions).
	$(LOCK) --group build --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt

sbom: $(BIN)/python ## Write the bill of materials (CycloneDX) of what is locked to dist/sbom.json.
	@mkdir -p dist
	@$(BIN)/python .ci/supply.py bill requirements.txt pyproject.toml > dist/sbom.json
	@echo "dist/sbom.json"

audit: $(BIN)/python ## Ask whether a locked version is known to be vulnerable; where nobody can be asked, that is no pass.
	@$(BIN)/python .ci/supply.py audit requirements.txt requirements-dev.txt

clean: ## Remove .venv and everything that tools left here.
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build
	find bot tests locales benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

gpg:
	@command -v gpg >/dev/null || { echo "No gpg, with which the tests open the sealed mails:" \
		"install it (Debian, Ubuntu: apt-get install gnupg; macOS: brew install gnupg)." >&2; exit 1; }

# The setup. A stamp is younger than everything it was made from; what fails leaves none and is done again.
.venv/running: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what running needs into .venv, about 30 MB; this happens once ..."
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
