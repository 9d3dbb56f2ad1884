# make run            crawl the example portals (or PORTALS=my.csv), build, serve on PORT
# make nightly        the unattended job: crawl, build, publish, manifest, backup, verify (PORTALS=… DATA=… WINDOW=any)
# make build | serve  fold new captures into DATA/nianbao.db | serve what was published
# make browser        add what portals marked `render` and tests in a browser need: Chromium, playwright, axe
# make cluster        add what builds on a Dask cluster and captures or backups behind s3:// need
# make test | lint | bench    (KEEP=DIR: the site's archives of 1,000 and 100,000 reports stay there)
# make screenshots    every page of the site as PNG, three widths, light and dark, into TO=screenshots
# make accuracy       measure the reader on documents whose figures are known, for /accuracy (needs ../shared/corpus)
# make torture        kill, fill, refuse, damage, shift and shuffle for some twenty minutes (SEED=… again)
DATA ?= data
PORT ?= 8001
PORTALS ?=
WINDOW ?= 22:00-06:00
TO ?= screenshots
KEEP ?=
PY := .venv/bin/python
JOB := $(PY) -m crawler
registry = $(if $(PORTALS),--portals "$(PORTALS)")

.PHONY: run nightly build serve browser cluster test screenshots torture lint bench

run: .venv/ready
	@$(JOB) run --data "$(DATA)" --port "$(PORT)" $(registry)

nightly: .venv/ready
	@$(JOB) nightly --data "$(DATA)" --window "$(WINDOW)" $(registry)

build: .venv/ready
	@$(PY) -m archive build --data "$(DATA)" && $(PY) -m archive publish --data "$(DATA)"

serve: .venv/ready
	@$(JOB) serve --data "$(DATA)" --port "$(PORT)"

browser: .venv/browser

cluster: .venv/cluster

# Without a browser or a cluster's packages the tests that need them are skipped, saying so.
test: lint
	@$(MAKE) -s browser || echo "tests that need a browser will be skipped"
	@$(MAKE) -s cluster || echo "tests that need a cluster or an S3 server will be skipped"
	@$(MAKE) -s .venv/torture || echo "tests that need strace or faketime will be skipped"
	@$(PY) -m pytest -n auto --dist loadfile

screenshots: .venv/browser
	@$(PY) -m tests.browser.screenshots "$(TO)"

torture: .venv/ready
	@$(MAKE) -s .venv/torture || echo "what needs strace or faketime will be skipped"
	@$(PY) -m tests.torture $(if $(SEED),--seed $(SEED)) $(SCENARIO)

lint: .venv/ready
	@$(PY) -m ruff check . && $(PY) -m ruff format --check . && $(PY) -m mypy --strict crawler archive

bench: .venv/ready
	@$(PY) -m tests.bench && $(PY) -m tests.bench_crawl && $(PY) -m tests.bench_archive
	@$(PY) -m tests.bench_site $(if $(KEEP),--keep "$(KEEP)")

accuracy: .venv/ready
	@$(PY) -m tests.accuracy

.venv/ready: requirements.txt
	@.ci/environment

.venv/browser: requirements-browser.txt .venv/ready
	@.ci/environment browser

.venv/cluster: requirements-cluster.txt .venv/ready
	@.ci/environment cluster

.venv/torture: .venv/ready
	@.ci/environment torture
