.PHONY: help demo test clean

help:
	@echo "make demo   set up .venv, make sample images, find their nuclei, say where the results are"
	@echo "make test   style, types, layers and all tests"
	@echo "make clean  remove .venv, the demo and what tools left behind"

demo:
	@scripts/demo

test:
	@scripts/check
	@scripts/test

clean:
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests training benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
