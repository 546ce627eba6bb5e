# Each target does all the set-up it needs: a virtual environment in .venv with the locked dependencies.
PYTHON ?= python3
BIN := .venv/bin
# Compiled modules are kept, whatever the shell says: every process of a run would compile them anew.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := run
.PHONY: install run test check format sample map bench lock clean

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or later is needed (make PYTHON=python3.12)"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "error: no venv module; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q pipeline
	@touch $@

run: install  ## the main job over the sample season
	$(BIN)/plimsoll run sample_scenes --site sample_scenes/site.geojson --fleet sample_scenes/fleet.csv --out plimsoll-out || test $$? -eq 3
	$(BIN)/plimsoll report --out plimsoll-out

test: install
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadfile

check: install  ## style, types and the arrows between modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -n auto

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sample: install  ## render the sample season anew (simulated)
	$(BIN)/python -m pipeline.simulate season --out sample_scenes

map: install  ## draw anew what sun, view and heading let expect
	$(BIN)/python -m pipeline.plan docs/expected_sigma.png

bench: install  ## every figure of the README
	PYTHONPATH=tests $(BIN)/python -m bench

lock: install  ## pin the dependencies anew, for every supported Python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip compile pyproject.toml --extra sentinel2 --extra simulate --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock

clean:
	rm -rf .venv plimsoll-out plimsoll-demo bench-out
