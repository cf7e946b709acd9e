.PHONY: help demo page test clean

help:
	@echo "make demo   set up .venv, make sample images, find their nuclei, say where the results are"
	@echo "make page   build the page that cytomill serve shows in a browser"
	@echo "make test   style, types, layers and all tests"
	@echo "make clean  remove .venv, the demo and what tools left behind"

demo:
	@scripts/demo

page:
	@scripts/page

test:
	@scripts/check
	@scripts/test

clean:
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf src/cytomill/kiosk/page web/node_modules web/dist web/.built
	find src tests training benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
