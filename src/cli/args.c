/* SPDX-License-Identifier: ISC */
#include "cli/args.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct option {
	const char *name;	/* without its dashes */
	char letter;		/* 0: none */
	const char *value;	/* what help calls its value; NULL: a flag */
	const char *help;
};

static const struct option options[] = {
	[ARG_HELP] = { .name = "help", .letter = 'h',
	    .help = "Print this." },
	[ARG_VERSION] = { .name = "version", .letter = 'V',
	    .help = "Print the version." },
	[ARG_SOCKET] = { .name = "socket", .letter = 'S', .value = "PATH",
	    .help = "Talk to the hawserd behind this socket." },
	[ARG_SYSTEM] = { .name = "system",
	    .help = "Talk to the machine's hawserd, not to your own." },
	[ARG_JSON] = { .name = "json", .letter = 'j',
	    .help = "Print JSON." },
	[ARG_CONFIG] = { .name = "config", .letter = 'c', .value = "DIR",
	    .help = "Read this folder, as hawserd -c does." },
	[ARG_FILE] = { .name = "file", .letter = 'F', .value = "FILE",
	    .help = "Read this file alone, as hawserd -F does." },
	[ARG_ORIGIN] = { .name = "origin", .letter = 'o',
	    .help = "Add where each value comes from." },
	[ARG_SSH_DEFAULTS] = { .name = "ssh-defaults",
	    .help = "Use ssh's defaults where hawser's are others." },
	[ARG_DRY_RUN] = { .name = "dry-run", .letter = 'n',
	    .help = "Say what would change, and change nothing." },
	[ARG_FORCE] = { .name = "force",
	    .help = "Apply files that look half-written." },
	[ARG_CONNECTIONS] = { .name = "connections", .letter = 'C',
	    .help = "Add each forwarded connection." },
	[ARG_FOR] = { .name = "for", .value = "STATE",
	    .help = "Wait for up (that is usual) or verified." },
	[ARG_TIMEOUT] = { .name = "timeout", .letter = 't', .value = "SECONDS",
	    .help = "Wait no longer." },
	[ARG_SINCE] = { .name = "since", .value = "WHEN",
	    .help = "Begin so long ago (90m, 12h, 7d) or at this time." },
};

static_assert(sizeof(options) / sizeof(options[0]) == ARG_COUNT,
    "every option has a row");
static_assert(ARG_COUNT <= 32, "the set of options is an unsigned int");

void
args_fini(struct args *a)
{
	free(a->operands);
	*a = (struct args){ 0 };
}

static void
add_operand(struct args *a, const char *word)
{
	a->operands = mem_grow(a->operands, a->operand_count + 1,
	    sizeof(*a->operands));
	a->operands[a->operand_count++] = word;
}

/* The option of that name (n bytes) in allowed, or -1. */
static int
find_long(unsigned allowed, const char *name, size_t n)
{
	for (int i = 0; i < ARG_COUNT; i++)
		if ((allowed & ARG_BIT(i)) != 0 &&
		    strncmp(options[i].name, name, n) == 0 &&
		    options[i].name[n] == '\0')
			return i;
	return -1;
}

static int
find_letter(unsigned allowed, char letter)
{
	for (int i = 0; i < ARG_COUNT; i++)
		if ((allowed & ARG_BIT(i)) != 0 && options[i].letter == letter)
			return i;
	return -1;
}

static int
unknown(unsigned allowed, const char *name, size_t n, struct err *err)
{
	const char *names[ARG_COUNT], *near;
	char *word = str_dupf("%.*s", (int)n, name);
	size_t count = 0;

	for (int i = 0; i < ARG_COUNT; i++)
		if ((allowed & ARG_BIT(i)) != 0)
			names[count++] = options[i].name;
	near = str_nearest(word, names, count);
	if (near != NULL)
		err_set(err, ERR_INPUT,
		    "unknown option --%s (did you mean --%s?)", word, near);
	else
		err_set(err, ERR_INPUT, "unknown option --%s", word);
	free(word);
	return -1;
}

/* Reads the long option argv[0]; how many words it took, or -1. */
static int
parse_long(struct args *a, unsigned allowed, int argc, char *const *argv,
    struct err *err)
{
	const char *name = argv[0] + 2;
	size_t n = strcspn(name, "=");
	const char *value = name[n] == '=' ? name + n + 1 : NULL;
	int option = find_long(allowed, name, n), words = 1;

	if (option == -1)
		return unknown(allowed, name, n, err);
	if (options[option].value == NULL && value != NULL)
		return err_set(err, ERR_INPUT, "option --%s takes no value",
		    options[option].name);
	if (options[option].value != NULL && value == NULL) {
		if (argc < 2)
			return err_set(err, ERR_INPUT, "option --%s needs a %s",
			    options[option].name, options[option].value);
		value = argv[1];
		words = 2;
	}
	a->seen[option] = true;
	a->value[option] = value;
	return words;
}

/* The same for a word of letters: "-j", "-jS path", "-Spath". */
static int
parse_letters(struct args *a, unsigned allowed, int argc, char *const *argv,
    struct err *err)
{
	for (const char *p = argv[0] + 1; *p != '\0'; p++) {
		int option = find_letter(allowed, *p);

		if (option == -1)
			return err_set(err, ERR_INPUT, "unknown option -%c",
			    *p);
		a->seen[option] = true;
		if (options[option].value == NULL)
			continue;
		if (p[1] != '\0') {
			a->value[option] = p + 1;
			return 1;
		}
		if (argc < 2)
			return err_set(err, ERR_INPUT, "option -%c needs a %s",
			    *p, options[option].value);
		a->value[option] = argv[1];
		return 2;
	}
	return 1;
}

int
args_parse(struct args *a, unsigned allowed, bool first_only, int argc,
    char *const *argv, struct err *err)
{
	int i = 0, words;

	while (i < argc) {
		const char *word = argv[i];

		if (word[0] != '-' || word[1] == '\0') {
			if (first_only)
				return i;
			add_operand(a, word);
			i++;
			continue;
		}
		if (strcmp(word, "--") == 0) {
			i++;
			if (first_only)
				return i;
			while (i < argc)
				add_operand(a, argv[i++]);
			return i;
		}
		words = word[1] == '-' ?
		    parse_long(a, allowed, argc - i, argv + i, err) :
		    parse_letters(a, allowed, argc - i, argv + i, err);
		if (words == -1)
			return -1;
		i += words;
	}
	return i;
}

const char *
args_stray(const struct args *a, unsigned allowed)
{
	for (int i = 0; i < ARG_COUNT; i++)
		if (a->seen[i] && (allowed & ARG_BIT(i)) == 0)
			return options[i].name;
	return NULL;
}

void
args_help(unsigned allowed, struct str *out)
{
	for (int i = 0; i < ARG_COUNT; i++) {
		const struct option *o = &options[i];
		char *left;

		if ((allowed & ARG_BIT(i)) == 0)
			continue;
		left = str_dupf("--%s%s%s", o->name,
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "");
		str_printf(out, "  %c%c%c %-14s %s\n",
		    o->letter != 0 ? '-' : ' ',
		    o->letter != 0 ? o->letter : ' ',
		    o->letter != 0 ? ',' : ' ', left, o->help);
		free(left);
	}
}
