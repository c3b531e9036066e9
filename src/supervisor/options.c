/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/places.h"
#include "base/str.h"
#include "config/config.h"

static const char help[] =
    "Usage: hawserd [-v] [-c DIR | -F FILE] [--daemon] [--user NAME]\n"
    "               [--socket PATH] [--worker PATH]\n"
    "Keeps the SSH tunnels up that its configuration names.\n"
    "\n"
    "  -c, --config DIR   read the files in DIR\n"
    "  -F, --file FILE    read this one ssh_config file instead\n"
    "  -v, --verbose      log more\n"
    "      --daemon       go to the background when everything is set up\n"
    "      --user NAME    become this user, if root starts it\n"
    "      --socket PATH  where the hawser command finds this hawserd\n"
    "      --worker PATH  run this program as worker\n"
    "  -V, --version      print the version\n"
    "  -h, --help         print this\n"
    "\n"
    "Signals: HUP reads the configuration again, USR1 retries now, TERM ends.\n"
    "See hawserd(8).\n";

enum { OPTION_DAEMON = 256, OPTION_SOCKET, OPTION_USER,
    OPTION_WORKER };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "file", required_argument, NULL, 'F' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "daemon", no_argument, NULL, OPTION_DAEMON },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "worker", required_argument, NULL, OPTION_WORKER },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 }
};

static enum options_verdict
usage(const char *complaint)
{
	if (complaint != NULL)
		fprintf(stderr, "hawserd: %s\n", complaint);
	fputs("Try: hawserd --help\n", stderr);
	return OPTIONS_USAGE;
}

static void
set(char **field, const char *value)
{
	free(*field);
	*field = str_dup(value);
}

static enum options_verdict
take(struct options *o, int option)
{
	switch (option) {
	case 'c':
		set(&o->config_dir, optarg);
		return OPTIONS_RUN;
	case 'F':
		set(&o->config_file, optarg);
		return OPTIONS_RUN;
	case 'v':
		o->verbose = true;
		return OPTIONS_RUN;
	case OPTION_DAEMON:
		o->daemon = true;
		return OPTIONS_RUN;
	case OPTION_SOCKET:
		set(&o->socket, optarg);
		return OPTIONS_RUN;
	case OPTION_USER:
		set(&o->user, optarg);
		return OPTIONS_RUN;
	case OPTION_WORKER:
		set(&o->worker, optarg);
		return OPTIONS_RUN;
	case 'V':
		puts("hawserd " HAWSER_VERSION);
		return OPTIONS_DONE;
	case 'h':
		fputs(help, stdout);
		return OPTIONS_DONE;
	default:
		/* getopt_long(3) has said what is wrong. */
		return usage(NULL);
	}
}

static int
fill_defaults(struct options *o, struct err *err)
{
	if (o->config_dir == NULL && o->config_file == NULL)
		o->config_dir = config_default_dir();
	if (o->socket == NULL && (o->socket = place_socket(false, err)) == NULL)
		return -1;
	if (o->worker == NULL)
		o->worker = str_dup(HAWSER_LIBEXECDIR "/hawser-worker");
	return 0;
}

int
options_parse(struct options *out, int argc, char **argv,
    enum options_verdict *verdict, struct err *err)
{
	int option;

	*verdict = OPTIONS_RUN;
	optind = 0;	/* glibc: begin anew, also when called again */
	while (*verdict == OPTIONS_RUN && (option = getopt_long(argc, argv,
	    "c:F:vVh", long_options, NULL)) != -1)
		*verdict = take(out, option);
	if (*verdict != OPTIONS_RUN)
		return 0;
	if (optind < argc) {
		*verdict = usage("there is a word too many");
		return 0;
	}
	if (out->config_dir != NULL && out->config_file != NULL) {
		*verdict = usage("-c and -F cannot go together");
		return 0;
	}
	return fill_defaults(out, err);
}

static int
make_absolute(char **path, struct err *err)
{
	char *dir, *whole;

	if (*path == NULL || **path == '/')
		return 0;
	if ((dir = getcwd(NULL, 0)) == NULL)
		return err_sys(err, "cannot find the current folder");
	whole = str_dupf("%s/%s", dir, *path);
	free(dir);
	free(*path);
	*path = whole;
	return 0;
}

int
options_make_absolute(struct options *o, struct err *err)
{
	char **paths[] = { &o->config_dir, &o->config_file, &o->socket,
	    &o->worker };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (make_absolute(paths[i], err) == -1)
			return -1;
	return 0;
}

void
options_fini(struct options *o)
{
	free(o->config_dir);
	free(o->config_file);
	free(o->socket);
	free(o->worker);
	free(o->user);
	*o = (struct options){ 0 };
}
