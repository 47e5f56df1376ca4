# Every target that needs Python makes the environment in .venv first where it is missing.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
DOCS_VENV := .venv-docs
DOCS_READY := $(DOCS_VENV)/.ready

IMAGES ?=
MASKS ?=
MODEL ?=
OUTPUT ?=
DATA_ROOT ?=
OPTIONS ?=
CASES ?=
PIPELINE ?= training
PARAMS ?=
CRON ?=
OVERLAY ?= gpu-pool
NAMESPACE ?= building-footprints
REGISTRY ?=
BASE ?= python:3.11-slim-bookworm
DOCKER ?= docker
EXTRAS ?=
SECRETS ?=
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
REVISION = $(shell git rev-parse --short=12 HEAD)$(shell git diff --quiet HEAD || echo -changed)
TAG ?= $(VERSION)-$(REVISION)
BENCH ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(READY) ## Make the environment in .venv

$(READY): requirements/pip.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed, and $(PYTHON) is another; say make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  --requirement requirements/pip.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  --no-binary kfp-server-api --no-build-isolation --requirement requirements/dev.txt
	PYTHONWARNINGS=ignore $(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

# The documentation needs nothing of the project: its tools have an environment of their own.
$(DOCS_READY): requirements/pip.txt requirements/docs.txt
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  --requirement requirements/pip.txt
	$(DOCS_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  --requirement requirements/docs.txt
	@touch $(DOCS_READY)

.PHONY: run
run: $(READY) ## Train on sample scenes and find buildings, on this machine (IMAGES=… MASKS=… for your own, OPTIONS=…)
	$(RUN) -m pipelines run $(if $(IMAGES),--images "$(IMAGES)") $(if $(MASKS),--masks "$(MASKS)") $(OPTIONS)

.PHONY: run-containers
run-containers: $(READY) images ## The same, each stage in its image, rasters in your object storage (DATA_ROOT=s3://bucket/prefix)
	$(RUN) -m pipelines run --runner docker --data-root "$(DATA_ROOT)" $(if $(IMAGES),--images "$(IMAGES)") \
	  $(if $(MASKS),--masks "$(MASKS)") $(OPTIONS)

.PHONY: detect
detect: $(READY) ## Find buildings in what is new in a folder, and keep their layer up to date (IMAGES=… MODEL=… OUTPUT=…)
	@test -n "$(IMAGES)" -a -n "$(MODEL)" || { echo "say make detect IMAGES=folder MODEL=folder; make run gives a" \
	  "model, in runs/latest/train-unet/model"; exit 2; }
	$(RUN) -m pipelines detect --images "$(IMAGES)" --model "$(MODEL)" $(if $(OUTPUT),--output "$(OUTPUT)") $(OPTIONS)

.PHONY: pipeline
pipeline: $(READY) ## Compile the pipelines to pipelines/compiled
	$(RUN) -m pipelines compile

.PHONY: images
images: ## Build the images footprints-cpu, -gpu and -submit (BASE=… EXTRAS=smp SECRETS="--secret id=ca,src=…")
	for image in cpu gpu submit; do \
	  DOCKER_BUILDKIT=1 $(DOCKER) build --file docker/Dockerfile --target $$image --build-arg BASE=$(BASE) \
	    --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) --build-arg EXTRAS=$(EXTRAS) $(SECRETS) \
	    --tag footprints-$$image:$(TAG) --tag footprints-$$image:$(VERSION) . || exit 1; \
	done

.PHONY: push
push: ## Push the images to a registry under their immutable tags (REGISTRY=…)
	@test -n "$(REGISTRY)" || { echo "REGISTRY: is empty; say make push REGISTRY=registry.example.org/team"; exit 2; }
	@case "$(TAG)" in *-changed) echo "the tree has changes that no commit holds; commit, make images, push"; exit 2;; esac
	for image in cpu gpu submit; do \
	  $(DOCKER) tag footprints-$$image:$(TAG) $(REGISTRY)/footprints-$$image:$(TAG) && \
	  $(DOCKER) push $(REGISTRY)/footprints-$$image:$(TAG) || exit 1; \
	done
	@echo "compile pipelines that use them: FOOTPRINTS_CPU_IMAGE=$(REGISTRY)/footprints-cpu:$(TAG)" \
	  "FOOTPRINTS_GPU_IMAGE=$(REGISTRY)/footprints-gpu:$(TAG) make pipeline"

.PHONY: base-image
base-image: ## Make the base image where no registry can be reached (needs root and debootstrap)
	DOCKER=$(DOCKER) docker/base-image.sh $(BASE)

.PHONY: submit
submit: $(READY) ## Start a run in Kubeflow (KFP_ENDPOINT set; PIPELINE=… PARAMS=file OPTIONS="--wait")
	$(RUN) -m pipelines submit --pipeline "$(PIPELINE)" $(if $(PARAMS),--params "$(PARAMS)") $(OPTIONS)

.PHONY: schedule
schedule: $(READY) ## Create or update the recurring run (CRON="0 0 3 * * *" PIPELINE=… PARAMS=file)
	$(RUN) -m pipelines schedule --cron "$(CRON)" --pipeline "$(PIPELINE)" $(if $(PARAMS),--params "$(PARAMS)") $(OPTIONS)

.PHONY: deploy
deploy: $(if $(filter kubernetes-native,$(OVERLAY)),pipeline) ## Apply the manifests to the current cluster (OVERLAY=gpu-pool, spot-pool, cpu-only, …; NAMESPACE=…)
	kubectl -n $(NAMESPACE) delete jobs -l app.kubernetes.io/part-of=building-footprints --ignore-not-found
	kubectl apply --server-side -k manifests/overlays/$(OVERLAY)

.PHONY: reference
reference: $(READY) ## Bring the generated parts of the documentation up to date
	$(RUN) -m pipelines reference

.PHONY: docs
docs: $(DOCS_READY) ## Build the documentation as a site, in build/site
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict --site-dir build/site
	@echo "build/site/index.html"

.PHONY: test
test: $(READY) ## Run the tests
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 -m "not containers and not kubeflow and not pages"

.PHONY: test-pages
test-pages: $(READY) ## Open every report of local runs in Chromium, which must be installed
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests/pages -m pages

.PHONY: test-containers
test-containers: $(READY) images ## Run the pipeline in containers, against an object storage that the tests start
	$(RUN) -m pytest tests/containers

.PHONY: test-kubeflow
test-kubeflow: $(READY) ## See in ten minutes whether a Kubeflow runs the pipelines (KFP_ENDPOINT set; KUBECTL=…)
	$(RUN) -m pytest tests/kubeflow -m kubeflow -rs --show-capture=no --log-cli-level=INFO --log-cli-date-format=%T \
	  --log-cli-format="%(asctime)s %(message)s"

.PHONY: lint
lint: $(READY) ## Check style
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

.PHONY: types
types: $(READY) ## Check types
	$(VENV)/bin/mypy

.PHONY: current
current: $(READY) ## Check that what is generated and committed is current: compiled YAML, generated documentation
	$(RUN) -m pipelines compile --check
	$(RUN) -m pipelines reference --check

.PHONY: check
check: lint types current test ## Everything that must pass before a commit

.PHONY: format
format: $(READY) ## Put the code in order
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: bench
bench: $(READY) ## Run the benchmarks (BENCH=name for one)
	$(RUN) -m tests.benchmarks $(BENCH)

.PHONY: bench-accuracy
bench-accuracy: $(READY) ## Measure accuracy on data sets of your own, beside other networks (DATA=folder)
	$(RUN) -m tests.benchmarks.imagery --data $(DATA) $(OPTIONS)

.PHONY: bench-gpu
bench-gpu: $(READY) ## Measure training and inference on a GPU (OPTIONS="--scenes 12" for less)
	$(RUN) -m tests.benchmarks.gpu $(OPTIONS)

.PHONY: fuzz
fuzz: $(READY) ## Try mutated input of one kind (KIND=rasters CASES=10000 SEED=1)
	$(RUN) -m tests.fuzzing $(KIND) --cases $(or $(CASES),10000) --seed $(or $(SEED),1)

.PHONY: conformance
conformance: $(READY) ## Compare the DTL engine with recorded cases (CASES=folder)
	$(RUN) -m tests.conformance "$(CASES)"

# One lock for every system and processor, with one version of each package.
.PHONY: lock
lock: ## Pin what requirements/*.in ask for, with hashes, and keep today's pins (OPTIONS=--upgrade for the newest)
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  --requirement requirements/lock.txt
	cd requirements && for group in dev torch smp light submit kfp docs pip lock; do \
	  ../build/lock/bin/uv pip compile --quiet --python ../build/lock/bin/python --python-version 3.11 \
	    --universal --fork-strategy fewest --generate-hashes --no-header --annotation-style line \
	    $$( [ $$group = dev ] || echo --constraint dev.txt ) \
	    $$( [ $$group != kfp ] || echo --no-deps ) $(OPTIONS) --output-file $$group.txt $$group.in || exit 1; \
	done

.PHONY: clean
clean: ## Remove what was built and run, but not the environment
	rm -rf build runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
