# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_config.a
libhawser_config_a_SOURCES = \
	src/config/args.c \
	src/config/assemble.c \
	src/config/check.c \
	src/config/circles.c \
	src/config/command.c \
	src/config/config.c \
	src/config/document.c \
	src/config/dump.c \
	src/config/exec.c \
	src/config/expand.c \
	src/config/files.c \
	src/config/fwdspec.c \
	src/config/hop.c \
	src/config/host.c \
	src/config/host_equal.c \
	src/config/index.c \
	src/config/iniconf.c \
	src/config/inifile.c \
	src/config/jump.c \
	src/config/keyword.c \
	src/config/kinds.c \
	src/config/load.c \
	src/config/localnet.c \
	src/config/match.c \
	src/config/methods.c \
	src/config/plan.c \
	src/config/report.c \
	src/config/resolve.c \
	src/config/runas.c \
	src/config/scalar.c \
	src/config/settle.c \
	src/config/sha1.c \
	src/config/show.c \
	src/config/snake.c \
	src/config/sshconf.c \
	src/config/together.c \
	src/config/torn.c \
	src/config/tree.c \
	src/config/value.c \
	src/config/words.c \
	src/config/yamlconf.c \
	src/config/yamlread.c \
	src/config/args.h \
	src/config/assemble.h \
	src/config/check.h \
	src/config/circles.h \
	src/config/command.h \
	src/config/config.h \
	src/config/document.h \
	src/config/exec.h \
	src/config/expand.h \
	src/config/files.h \
	src/config/fwdspec.h \
	src/config/hop.h \
	src/config/host.h \
	src/config/index.h \
	src/config/iniconf.h \
	src/config/inifile.h \
	src/config/jump.h \
	src/config/keyword.h \
	src/config/kinds.h \
	src/config/localnet.h \
	src/config/match.h \
	src/config/methods.h \
	src/config/plan.h \
	src/config/report.h \
	src/config/resolve.h \
	src/config/runas.h \
	src/config/scalar.h \
	src/config/settle.h \
	src/config/sha1.h \
	src/config/show.h \
	src/config/snake.h \
	src/config/sshconf.h \
	src/config/together.h \
	src/config/torn.h \
	src/config/tree.h \
	src/config/value.h \
	src/config/words.h \
	src/config/yamlconf.h \
	src/config/yamlread.h
libhawser_config_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	$(YAML_CFLAGS) $(INIH_CFLAGS)

# What a program or test that uses this folder links.
HAWSER_CONFIG_LIBS = libhawser_config.a $(HAWSER_IPC_LIBS) $(YAML_LIBS) \
	$(INIH_LIBS)
