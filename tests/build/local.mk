# SPDX-License-Identifier: ISC

build_tests = \
	tests/build/layers.sh \
	tests/build/programs.sh \
	tests/build/style.sh

TESTS += $(build_tests)
EXTRA_DIST += $(build_tests)
