# The two commands of a fresh machine: make train, make test.

CARGO ?= cargo
# The program, for example one that is built already: make train WGRAD=target/release/wgrad
WGRAD ?= $(CARGO) run --release --
# More flags for the run: make train TRAIN_FLAGS="--epochs 10 --seed 1"
TRAIN_FLAGS ?=
# A Python with tests/golden/requirements.txt, and the activations to compare: make compare-torch PYTHON=venv/bin/python
PYTHON ?= python3
ACTIVATIONS ?= relu leaky_relu elu prelu
# Where make mutations writes its report.
REPORT ?= target/mutations.md

.PHONY: help train test test-swiftshader mutations hlsl audit package bench reference tables overfit driver tools check-style goldens compare-torch

help:
	@echo "make train        trains the quickstart recipe; TRAIN_FLAGS=\"--epochs 10\" adds flags"
	@echo "make test         builds and runs all tests"
	@echo "make test-swiftshader  the device tests on SwiftShader, a second software driver (Debian, Ubuntu)"
	@echo "make mutations    puts a fault after another into the shaders and sees whether the checks find it; REPORT=FILE.md"
	@echo "make hlsl         compiles the HLSL of every shader with Microsoft's DXC, or glslang where it cannot be had"
	@echo "make tools        installs spirv-val, which make test runs (Debian, Ubuntu)"
	@echo "make driver       installs a software Vulkan driver where there is none (Debian, Ubuntu)"
	@echo "make bench        measures wgrad beside PyTorch and Burn, in turns; make bench BENCH_ROUNDS=1 BENCH_STEPS=2 for a quick try:"
	@sed -n '/^VARIABLES/,/"""$$/p' scripts/bench/settings.py | sed '1d; s/"""$$//; s/^/    /'
	@echo "make reference    checks, benches, a profile and full trainings on a card: OUT=assets/results/DATE-CARD; scripts/reference.sh says more"
	@echo "make tables       writes the README's table of trainings from the logs under assets/results"
	@echo "make overfit      ResNet-20 learns 64 images by heart with relu, dropact and rrelu"
	@echo "make audit        licences, versions and sources of the dependencies, and known faults where the list can be fetched"
	@echo "make package      the crate as it would be published: compiled from its package, and its size"
	@echo "make check-style  rustfmt and clippy"
	@echo "make goldens      writes the files of tests/golden again; PYTHON=python with PyTorch"
	@echo "make compare-torch  compares one step with PyTorch in many settings; PYTHON=python with PyTorch"

train: driver
	$(WGRAD) train --recipe quickstart $(TRAIN_FLAGS)

test: driver tools
	$(CARGO) test --release

test-swiftshader:
	scripts/swiftshader.sh $(CARGO) test --release --test device

mutations: driver
	$(CARGO) run --release --example mutations -- $(REPORT)

hlsl:
	scripts/hlsl.sh $(CARGO) test --release --test host

audit:
	@sh scripts/audit.sh

package:
	@sh scripts/package.sh

bench: driver
	@python3 scripts/bench

reference: driver
	$(CARGO) build --release
	scripts/reference.sh $(OUT) $(PARTS)

tables:
	$(CARGO) test --release --test host -- --ignored tables::write

overfit: driver
	$(CARGO) run --release --example overfit

driver:
	@sh scripts/driver.sh

tools:
	@sh scripts/tools.sh

check-style:
	$(CARGO) fmt --check
	$(CARGO) clippy --release --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --no-deps

goldens:
	$(PYTHON) tests/golden/generate.py --model resnet20 --activation relu --option A --mode train
	$(PYTHON) tests/golden/generate.py --model resnet8 --activation leaky_relu:negative_slope=0.1 --option B --mode eval

compare-torch: driver
	$(CARGO) build --release
	PYTHON=$(PYTHON) ACTIVATIONS="$(ACTIVATIONS)" tests/golden/compare_all.sh
