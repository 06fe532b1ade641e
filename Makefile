# `make demo` shows the operator at work, `make test` proves it; both set up all they need. `make help` lists the rest.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE ?= 1
# Of the tests bytecode is kept, beside no source: without it each pytest process compiles all of them again.
PYTEST := PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX="$(CURDIR)/.venv/bytecode" $(BIN)/pytest
# Tests with a control plane wait most of the time; each worker takes a gigabyte.
WORKERS ?= 4
OTHERS := tests/unit tests/tools tests/contract tests/chaos tests/integration

.DEFAULT_GOAL := help
.PHONY: help setup assets binaries promtool promql flux lint types check unit tools stories lock generate crds verify-generated test bytecode property others demo up down bench chart argocd e2e e2e-argocd e2e-upgrade image release release-prepare clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 25

.venv/.ready: requirements/dev.txt pyproject.toml
	@echo "setting up .venv (a minute the first time)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .venv >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . >&2
	@touch $@

setup: .venv/.ready ## make .venv with the commands nvcf-operator and nvcf-simulator

assets: setup ## print the folder with etcd, kube-apiserver, kube-controller-manager and kubectl (built once, minutes)
	@$(BIN)/python -m hack.controlplane assets

binaries: setup
	@$(BIN)/python -m hack.controlplane assets > /dev/null

lint: setup ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup ## mypy, strict
	$(BIN)/mypy

check: setup ## lint, types, unit tests and a few random stories, side by side: run it before you push (a minute or two)
	@$(MAKE) --no-print-directory --jobs 4 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) lint types unit stories

unit: setup ## the operator's unit tests; properties are tried with few examples (EXAMPLES=all: with all, as in make test)
	EXAMPLES=$${EXAMPLES:-few} $(PYTEST) -n 2 tests/unit

tools: promtool promql flux ## the tests of the tools, and of what they make: chart, manifests, image
	$(PYTEST) -n 2 --dist loadgroup tests/tools

stories: setup ## a few random stories, always the same (PROPERTY_EXAMPLES sets how many; 50 by default)
	PYTHONHASHSEED=0 PROPERTY_EXAMPLES=$${PROPERTY_EXAMPLES:-50} $(PYTEST) --hypothesis-seed=0 tests/property/test_random_stories.py

promtool: setup
	@$(BIN)/python -m hack.promtool > /dev/null

flux: setup
	@$(BIN)/python -m hack.flux > /dev/null

promql: setup
	@$(BIN)/python -m hack.dashboard engine > /dev/null

test: setup ## lint, types and every test that needs no node
	@$(MAKE) --no-print-directory --jobs 2 lint bytecode
	@$(MAKE) --no-print-directory binaries promtool promql flux
	@$(MAKE) --no-print-directory --jobs 2 types property
	@$(MAKE) --no-print-directory others

bytecode: setup
	@$(PYTEST) --collect-only -q $(OTHERS) > /dev/null || true  # what is wrong shows when they are run

property: setup
	PYTHONHASHSEED=0 $(PYTEST) -n 2 --dist loadgroup tests/property

others: binaries promtool promql flux
	$(PYTEST) -n $(WORKERS) --dist loadgroup $(OTHERS)

demo: binaries ## show the main job: a manifest goes to Active, a change, a graceful delete
	@$(BIN)/python -m hack.demo

up: binaries ## start control plane, simulator and operator, and leave them running to play with kubectl
	@$(BIN)/python -m hack.demo up

down: setup ## end what `make up` started
	@$(BIN)/python -m hack.demo down

bench: binaries ## measure 1,000 resources on the real API server, and print budgets beside figures
	@$(BIN)/python -m hack.bench

generate: setup ## generate the CRDs, the reference pages in docs/, the chart's copies and deploy/base from the code
	@$(BIN)/python -m hack.docs
	@$(MAKE) --silent chart

crds: generate ## the same as `make generate`

# Compares the work tree before and after, through scratch indexes: uncommitted changes do not count.
verify-generated: setup ## fail with a diff if a generated file is out of date
	@set -e; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	tree() { GIT_INDEX_FILE=$$scratch/$$1 git add --all . && GIT_INDEX_FILE=$$scratch/$$1 git write-tree; }; \
	before=$$(tree before); \
	$(MAKE) --silent generate; \
	after=$$(tree after); \
	git --no-pager diff --exit-code "$$before" "$$after" || \
	{ echo "error: generated files were out of date, see the diff above; they have been regenerated, commit them" >&2; exit 1; }

chart: setup ## give the chart its copies of the CRDs, and render deploy/base from the chart
	@$(BIN)/python -m hack.chart

e2e: setup ## chart and image on a real kind cluster (root and podman; 12 minutes), or on that of KUBECONFIG with IMAGE
	@$(BIN)/python -m hack.e2e.kind $(TESTS)

e2e-argocd: binaries ## a team's commits under the real Argo CD (built once, 10 minutes)
	@$(BIN)/python -m hack.e2e.argocd $(TESTS)

e2e-upgrade: binaries ## the upgrade from the last release, and back (FROM=COMMIT: from another revision)
	@$(BIN)/python -m hack.e2e.upgrade $(TESTS)

image: ## build the image with docker, podman, nerdctl or buildah, and its SBOM in build/ (docs/image.md has the variables)
	@$(PYTHON) -m hack.image

release: setup ## build wheel, chart, image, SBOM and checksums into build/release; PUBLISH=yes REGISTRY=... pushes (docs/release.md)
	@$(BIN)/python -m hack.release $(if $(filter yes,$(PUBLISH)),publish,build)

release-prepare: setup ## set VERSION everywhere, and cut its section of CHANGELOG.md
	@$(BIN)/python -m hack.release prepare "$(VERSION)"
	@$(MAKE) --silent generate

argocd: setup ## put the scripts of deploy/argocd into its ConfigMap
	@$(BIN)/python -m hack.argocd

lock: ## pin requirements/*.in again, with hashes and without any registry address (needs uv)
	for f in run tracing dev image; do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links requirements/$$f.in -o requirements/$$f.txt; done

clean: ## remove .venv and what tests left behind (the tool cache stays)
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis
