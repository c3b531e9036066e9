# SPDX-License-Identifier: ISC
#
# From the bottom up: a folder links what stands in lines above it.

include src/base/local.mk
include src/ipc/local.mk
include src/config/local.mk
include src/ssh/local.mk
include src/supervisor/local.mk
include src/worker/local.mk
include src/cli/local.mk
