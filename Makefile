# Everything a fresh machine needs: python3 (3.11 or later), make and a package registry.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INSTALL_UV := $(BIN)/python -m pip install --quiet uv==0.13.9
LOCKED := --require-hashes -r requirements.lock

.PHONY: install demo test check helm bench chaos quality lock docs site clean

install: $(READY)  ## put everything into .venv, exactly as locked

demo: $(READY)  ## run the whole loop on the embedded broker and store, with a live view
	$(BIN)/python -m agents.demo

test: $(READY)  ## run every test that this machine can run
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(READY)  ## what CI checks besides the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .

helm: $(READY)  ## build helm and the schemas that its chart is judged by, once, with Go: minutes
	$(BIN)/python -m agents.testing.charts

bench: $(READY)  ## measure everything, as ratios to a rival in the same run
	$(BIN)/python -m benchmarks.run

chaos: $(READY)  ## exact under fire, the whole of it: 300,000 events, 10 kills; then on a Redis Cluster
	$(BIN)/python -m benchmarks.chaos
	$(BIN)/python -m benchmarks.chaos --cluster --events 100000 --kills 4 --restarts 3

quality: $(READY)  ## every mechanism on and off into docs/mechanisms.md, then the ranking on every log, and made harder
	$(BIN)/python -m benchmarks.mechanisms
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.hardship

lock: $(READY)  ## resolve the dependencies again, exactly
	$(INSTALL_UV)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra dev \
	    --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 -c requirements.lock \
	    --no-emit-index-url --no-annotate --no-header pyproject.toml -o deploy/requirements.lock
	echo 'setuptools>=77' | $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	    -c requirements.lock --no-emit-index-url --no-annotate --no-header - -o deploy/build.lock

docs: $(READY)  ## write all that is generated: schemas, pages, AsyncAPI, OpenAPI, metrics, dashboard, alerts, chart
	$(BIN)/feedstream topics export docs
	$(BIN)/feedstream gateway --openapi > docs/openapi.json
	$(BIN)/feedstream metrics --write .
	$(BIN)/feedstream config schema --write deploy/helm/feedstream
	$(BIN)/python -m agents.pages docs/reference

site: $(READY)  ## build the documents into build/site/index.html; no network is needed, nor is it to read them
	$(BIN)/python deploy/site/stage.py
	$(BIN)/zensical build --strict --clean -f build/zensical.toml

$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL_UV) && $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode $(LOCKED) \
	    || $(BIN)/python -m pip install --quiet $(LOCKED)  # takes a minute more, and knows of every registry that pip does
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
