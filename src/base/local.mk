# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_base.a
libhawser_base_a_SOURCES = \
	src/base/algorithms.c \
	src/base/backoff.c \
	src/base/base64.c \
	src/base/caps.c \
	src/base/clock.c \
	src/base/endpoint.c \
	src/base/episode.c \
	src/base/err.c \
	src/base/fdio.c \
	src/base/forward.c \
	src/base/limits.c \
	src/base/log.c \
	src/base/log_json.c \
	src/base/places.c \
	src/base/sha256.c \
	src/base/spawn.c \
	src/base/str.c \
	src/base/utf8.c \
	src/base/algorithms.h \
	src/base/backoff.h \
	src/base/base64.h \
	src/base/caps.h \
	src/base/clock.h \
	src/base/endpoint.h \
	src/base/episode.h \
	src/base/err.h \
	src/base/fdio.h \
	src/base/forward.h \
	src/base/limits.h \
	src/base/log.h \
	src/base/log_json.h \
	src/base/places.h \
	src/base/sha256.h \
	src/base/spawn.h \
	src/base/str.h \
	src/base/utf8.h

# What a program or test that uses this folder links.
HAWSER_BASE_LIBS = libhawser_base.a
