# What contributors run. `.ci/run` uses the same commands; CONTRIBUTING.md says when to use which.
.PHONY: help setup run test test-fast test-all lint types services docs picture check

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install everything that development needs
	uv sync --extra test

run: ## start Relay, and start it again after each change
	uv run --extra test relay up --reload

test: ## all tests but the exhaustive tables
	uv run --extra test pytest

# The folders whose tests need neither `relay up`, nor a browser, nor pages or the API, nor a run of the engine.
FAST = conditions connectors flows ingest outbound queues signatures templating
test-fast: ## the tests of a minute
	uv run --extra test pytest $(addprefix tests/,$(FAST))

test-all: ## all tests that CI runs
	uv run --extra test pytest -m "not bench and not chaos and not postgres and not real"

lint: ## style and format
	uv run --extra test ruff check .
	uv run --extra test ruff format --check .

types: ## types
	uv run --extra test mypy

services: ## write docs/services.md again, after a change to the catalogue
	uv run relay connectors --markdown > docs/services.md.new
	mv docs/services.md.new docs/services.md

docs: ## build the documentation into ./site
	uv run --extra docs zensical build --strict

picture: ## take the picture of README again
	uv run --extra test python .ci/picture

check: ## everything that CI runs
	.ci/run
