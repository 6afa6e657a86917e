# The two commands of a fresh machine: make train, make test.

CARGO ?= cargo
# More flags for the run: make train TRAIN_FLAGS="--epochs 10 --seed 1"
TRAIN_FLAGS ?=

.PHONY: help train test driver check-style

help:
	@echo "make train        trains the quickstart recipe; TRAIN_FLAGS=\"--epochs 10\" adds flags"
	@echo "make test         builds and runs all tests"
	@echo "make driver       installs a software Vulkan driver where there is none (Debian, Ubuntu)"
	@echo "make check-style  rustfmt and clippy"

train: driver
	$(CARGO) run --release -- train --recipe quickstart $(TRAIN_FLAGS)

test: driver
	$(CARGO) test --release

driver:
	@sh scripts/driver.sh

check-style:
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
