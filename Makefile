# One command a job; `make help` lists them. Everything needed is installed on the way and kept.
SHELL := /bin/sh
PYTHON := .venv/bin/python
STAGES := $(PYTHON) scripts/run-stages

.DEFAULT_GOAL := help
.PHONY: help dev system databases slapd compiler shells rsync demo test lint unit contract integration e2e e2e-newest molecule sanity docs docs-check bench references format lock clean

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1|/' | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

dev: ## make the virtual environment .venv with all pinned packages
	@scripts/make-venv

system: dev
	@lab/setup
	@$(PYTHON) -m lab images

databases: dev
	@lab/setup postgresql

slapd: # tests start an OpenLDAP of their own
	@lab/setup slapd

compiler: # tests build the name service module of a directory that is down
	@lab/setup gcc libc6-dev

shells: # completion is tried in the real ones
	@lab/setup zsh fish

rsync: # plain ssh is tried with it too
	@lab/setup rsync

demo: system ## the main job on three lab servers, step by step
	@$(PYTHON) -m lab.demo

test: system databases slapd compiler shells rsync ## all gates and tests, cheap ones first (what CI runs)
	@$(STAGES) all

lint: dev ## all static checks
	@$(STAGES) lint

unit: dev ## unit and golden tests; no root, no network
	@$(STAGES) unit

contract: databases slapd ## the store on a real PostgreSQL, people of a real OpenLDAP, each of its own
	@$(STAGES) contract

sanity: dev ## ansible-test sanity for the collection
	@$(STAGES) sanity

docs: dev ## the documents as a site, in build/site
	@$(STAGES) site
	@echo "open build/site/index.html"

docs-check: dev ## commands in the documents against the real ones, changelog fragments
	@$(STAGES) docs

integration: system compiler ## tests against lab hosts, part by part
	@$(STAGES) integration

e2e: system rsync ## the whole of Daypass against lab hosts
	@$(STAGES) e2e

e2e-newest: system ## the essential suite with the newest ansible-core inside a Debian 13 host
	@$(STAGES) e2e-newest

molecule: system ## roles on each kind of server: converge, idempotence, verify
	@$(STAGES) molecule

bench: system ## measurements side by side; takes long, prints ratios
	@$(PYTHON) -m bench

references: dev ## rewrite what docs/ repeats of the code: settings and commands
	@$(PYTHON) scripts/references

format: dev ## rewrite the Python sources in the house format
	@.venv/bin/ruff check -q --fix-only . && .venv/bin/ruff format -q .

lock: dev ## resolve the dependencies again and write requirements/*.txt
	@scripts/lock

clean: ## remove .venv, caches and built files (labs and their images stay: see lab/README.md)
	@rm -rf .venv .stages .ansible .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
	  dist build collections/ansible_collections/daypass/ssh/tests/output
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
