/* SPDX-License-Identifier: ISC */
#include "config/kinds.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "config/expand.h"
#include "config/hop.h"

#define DOMAINS_MAX	32
#define IPQOS_NONE	(-1)

static char *
lower(const char *text)
{
	char *copy = str_dup(text);

	for (char *p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static int
bad(struct args *a, const char *word, const char *what, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s: \"%s\" is not %s",
	    a->keyword->name, word, what);
}

/* A domain name, or at least what ssh takes for one. */
static bool
is_domain(const char *name)
{
	if (!isalnum((unsigned char)name[0]))
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if ((!isalnum((unsigned char)*p) &&
		    strchr(".-_", *p) == NULL) || (*p == '.' && p[1] == '.'))
			return false;
	return true;
}

int
kinds_parse_domains(struct args *a, struct value *out, struct err *err)
{
	while (a->next < a->line->argc) {
		const char *word = args_next(a, err);
		char *name;
		size_t n;

		if (word == NULL)
			return -1;
		if (!is_domain(word))
			return bad(a, word, "a domain name", err);
		name = lower(word);
		n = strlen(name);
		if (name[n - 1] == '.')
			name[n - 1] = '\0';
		value_add(out, name);
	}
	if (out->count > DOMAINS_MAX)
		return err_set(err, ERR_INPUT,
		    "%s takes at most %d domain names", a->keyword->name,
		    DOMAINS_MAX);
	return args_check_none(a, "none", out, err);
}

int
kinds_parse_cnames(struct args *a, struct value *out, struct err *err)
{
	while (a->next < a->line->argc) {
		const char *word = a->line->argv[a->next++], *colon;

		if (strcasecmp(word, "none") == 0) {
			value_add(out, str_dup("none"));
			continue;
		}
		if (strcmp(word, "*") == 0) {
			value_add(out, str_dup("*:*"));
			continue;
		}
		if ((colon = strchr(word, ':')) == NULL || colon[1] == '\0')
			return bad(a, word, "sources:targets", err);
		value_add(out, lower(word));
	}
	return args_check_none(a, "none", out, err);
}

/* Is each name of the list known? Patterns have to match a known one. */
static bool
are_known(const struct words_row *known, bool patterns, char *list)
{
	for (char *name = list, *end; name != NULL; name = end) {
		const struct words_row *r = known;

		if ((end = strchr(name, ',')) != NULL)
			*end++ = '\0';
		if (*name == '\0')
			return true;	/* ssh reads no further */
		while (r->text != NULL && strcmp(r->text, name) != 0 &&
		    !(patterns && str_match(r->text, name)))
			r++;
		if (r->text == NULL)
			return false;
	}
	return true;
}

int
kinds_parse_algorithms(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err), *list;
	bool fine;
	char *copy;

	if (word == NULL)
		return -1;
	list = *word == '+' || *word == '^' ? word + 1 : word;
	copy = str_dup(list);
	fine = *word == '-' || (*list != '\0' && are_known(a->keyword->words,
	    a->keyword->words == words_keys, copy));
	free(copy);
	if (!fine)
		return bad(a, word, "a list of algorithms that exist", err);
	value_add(out, str_dup(word));
	return 0;
}

/* May $name stand for a variable? */
static bool
is_variable(const char *name)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

int
kinds_parse_agent(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	const struct words_row *row = NULL;
	char *expanded;

	if (word == NULL)
		return -1;
	if (a->keyword->words != NULL)
		row = words_find(a->keyword->words, word);
	if (row != NULL) {
		value_add(out, str_dup(words_meaning(row)));
		return 0;
	}
	if ((expanded = expand_environment(word, err)) == NULL)
		return err_prefix(err, "%s", a->keyword->name);
	free(expanded);
	if (word[0] == '$' && word[1] != '{' && !is_variable(word + 1))
		return bad(a, word, "a variable's name", err);
	value_add(out, str_dup(word));
	return 0;
}

int
kinds_parse_add_keys(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err), *life = NULL;
	const struct words_row *row;
	int seconds;

	if (word == NULL)
		return -1;
	if (a->next < a->line->argc)
		life = a->line->argv[a->next++];
	row = words_find(a->keyword->words, word);
	if (row == NULL && life == NULL)
		return args_add_seconds(a, word, out, err);
	if (row == NULL || (life != NULL &&
	    strcmp(words_meaning(row), "confirm") != 0))
		return bad(a, word, "yes, no, ask, confirm or a time", err);
	if (life == NULL || (seconds = value_seconds(life)) == 0) {
		value_add(out, str_dup(words_meaning(row)));
		return 0;
	}
	if (seconds == -1)
		return bad(a, life, "a time", err);
	value_add(out, str_dupf("confirm %d", seconds));
	return 0;
}

int
kinds_parse_persist(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	int seconds;

	if (word == NULL)
		return -1;
	if (strcmp(word, "no") == 0 || strcmp(word, "false") == 0)
		value_add(out, str_dup("no"));
	else if (strcmp(word, "yes") == 0 || strcmp(word, "true") == 0)
		value_add(out, str_dup("yes"));
	else if ((seconds = value_seconds(word)) == -1)
		return bad(a, word, "yes, no or a time", err);
	else if (seconds == 0)
		value_add(out, str_dup("yes"));
	else
		value_add(out, str_dupf("%d", seconds));
	return 0;
}

int
kinds_parse_send_env(struct args *a, struct value *out, struct err *err)
{
	while (a->next < a->line->argc) {
		const char *word = args_next(a, err);

		if (word == NULL)
			return -1;
		if (strchr(word, '=') != NULL)
			return bad(a, word, "a variable's name", err);
		value_add(out, str_dup(word));
	}
	return 0;
}

/* Is the variable of "name=value" set by an earlier text? */
static bool
is_set(const struct value *v, const char *word)
{
	size_t n = strcspn(word, "=") + 1;

	for (size_t i = 0; i < v->count; i++)
		if (strncmp(v->texts[i], word, n) == 0)
			return true;
	return false;
}

int
kinds_parse_set_env(struct args *a, struct value *out, struct err *err)
{
	while (a->next < a->line->argc) {
		const char *word = a->line->argv[a->next++];

		if (strchr(word, '=') == NULL)
			return bad(a, word, "name=value", err);
		if (!is_set(out, word))
			value_add(out, str_dup(word));
	}
	return 0;
}

/* Is it "host:port", "[host]:port" or the same with "*" as port? */
static bool
is_host_port(const char *word)
{
	const char *port;
	uint16_t n;

	if (*word == '[') {
		if ((port = strchr(word, ']')) == NULL || port[1] != ':')
			return false;
		port += 2;
	} else {
		if ((port = strpbrk(word, ":/")) == NULL)
			return false;
		port++;
	}
	return strcmp(port, "*") == 0 ||
	    (expand_port(&n, port, NULL) == 0 && n != 0);
}

int
kinds_parse_permit_open(struct args *a, struct value *out, struct err *err)
{
	while (a->next < a->line->argc) {
		const char *word = args_next(a, err);

		if (word == NULL)
			return -1;
		if (strcasecmp(word, "none") != 0 &&
		    strcasecmp(word, "any") != 0 && !is_host_port(word))
			return bad(a, word, "host:port", err);
		value_add(out, str_dup(word));
	}
	if (out->count == 0)
		return err_set(err, ERR_INPUT, "%s needs an argument",
		    a->keyword->name);
	if (args_check_none(a, "none", out, err) == -1)
		return -1;
	return args_check_none(a, "any", out, err);
}

int
kinds_parse_channel_timeout(struct args *a, struct value *out,
    struct err *err)
{
	while (a->next < a->line->argc) {
		const char *word = args_next(a, err), *equals;

		if (word == NULL)
			return -1;
		equals = strchr(word, '=');
		if (strcasecmp(word, "none") != 0 && (equals == NULL ||
		    equals == word || value_seconds(equals + 1) == -1))
			return bad(a, word, "type=time", err);
		value_add(out, str_dup(word));
	}
	return args_check_none(a, "none", out, err);
}

int
kinds_parse_keystrokes(struct args *a, struct value *out, struct err *err)
{
	static const char interval[] = "interval:";
	const char *word = args_next(a, err);
	const struct words_row *row;
	char *end;
	long ms;

	if (word == NULL)
		return -1;
	if ((row = words_find(words_flag, word)) != NULL) {
		value_add(out, str_dup(words_meaning(row)));
		return 0;
	}
	if (strncmp(word, interval, strlen(interval)) != 0)
		return bad(a, word, "yes, no or interval:milliseconds", err);
	ms = strtol(word + strlen(interval), &end, 10);
	if (*end != '\0' || end == word + strlen(interval) || ms < 1 ||
	    ms > 1000)
		return bad(a, word, "an interval of 1 to 1000", err);
	/* 20 ms are what "yes" means. */
	value_add(out, ms == 20 ? str_dup("yes") : str_dupf("%ld", ms));
	return 0;
}

/* A tun unit, "any" or a number. The length of what was read, or 0. */
static size_t
read_unit(const char *word)
{
	size_t n = strspn(word, "0123456789");

	if (n > 0)
		return n < 10 ? n : 0;
	return strncasecmp(word, "any", 3) == 0 ? 3 : 0;
}

int
kinds_parse_tunnel_device(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err), *remote;
	size_t n, m = 0;

	if (word == NULL)
		return -1;
	if ((n = read_unit(word)) == 0)
		return bad(a, word, "local:remote tun units", err);
	remote = word + n;
	if (*remote == ':' && (m = read_unit(++remote)) == 0)
		return bad(a, word, "local:remote tun units", err);
	if (remote[m] != '\0')
		return bad(a, word, "local:remote tun units", err);
	value_add(out, str_dupf("%.*s:%s", (int)n, word,
	    m > 0 ? remote : "any"));
	return 0;
}

/* A byte as vis(3) writes it. */
static char *
show_byte(unsigned char c)
{
	if (c == '\\')
		return str_dup("\\\\");
	if (c == ' ')
		return str_dup("\\040");
	if (isgraph(c))
		return str_dupf("%c", c);
	if (c >= 128 && isgraph(c & 127))
		return str_dupf("\\M-%c", c & 127);
	return str_dupf("\\%s^%c", c >= 128 ? "M" : "",
	    (c & 127) == 127 ? '?' : (c & 127) + '@');
}

int
kinds_parse_escape(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	unsigned char c;

	if (word == NULL)
		return -1;
	if (strcmp(word, "none") == 0) {
		value_add(out, str_dup("none"));
		return 0;
	}
	c = (unsigned char)word[1];
	if (c == '\0')
		value_add(out, show_byte((unsigned char)word[0]));
	else if (word[0] == '^' && word[2] == '\0' && c >= 64 && c < 128)
		value_add(out, show_byte(c & 31));
	else
		return bad(a, word, "one character, ^X or none", err);
	return 0;
}

/* Values of the IPv4 type of service byte; the first name of one is shown. */
static const struct {
	const char *name;
	int value;
} classes[] = {
	{ "none", IPQOS_NONE },
	{ "af11", 0x28 }, { "af12", 0x30 }, { "af13", 0x38 },
	{ "af21", 0x48 }, { "af22", 0x50 }, { "af23", 0x58 },
	{ "af31", 0x68 }, { "af32", 0x70 }, { "af33", 0x78 },
	{ "af41", 0x88 }, { "af42", 0x90 }, { "af43", 0x98 },
	{ "cs0", 0x00 }, { "cs1", 0x20 }, { "cs2", 0x40 }, { "cs3", 0x60 },
	{ "cs4", 0x80 }, { "cs5", 0xa0 }, { "cs6", 0xc0 }, { "cs7", 0xe0 },
	{ "ef", 0xb8 }, { "le", 0x04 }, { "va", 0xb0 },
	{ "lowdelay", 0x10 }, { "throughput", 0x08 }, { "reliability", 0x04 },
};

static int
add_class(struct args *a, const char *word, struct value *out,
    struct err *err)
{
	const size_t n = sizeof(classes) / sizeof(classes[0]);
	char *end;
	long value;

	for (size_t i = 0; i < n; i++)
		if (strcasecmp(classes[i].name, word) == 0) {
			value_add(out, str_dup(classes[i].value == 0x04 ?
			    "le" : classes[i].name));
			return 0;
		}
	value = strtol(word, &end, 0);
	if (end == word || *end != '\0' || value < 0 || value > 255)
		return bad(a, word, "a class of service or 0 to 255", err);
	for (size_t i = 0; i < n; i++)
		if (classes[i].value == value) {
			value_add(out, str_dup(classes[i].name));
			return 0;
		}
	value_add(out, str_dupf("0x%02lx", value));
	return 0;
}

int
kinds_parse_ipqos(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);

	if (word == NULL || add_class(a, word, out, err) == -1)
		return -1;
	if (a->next < a->line->argc)
		word = a->line->argv[a->next++];
	return add_class(a, word, out, err);
}

int
kinds_ipqos_byte(const char *text)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strcmp(classes[i].name, text) == 0)
			return classes[i].value;
	return (int)strtol(text, NULL, 0);
}

/* Bytes of "1G", "512K", "1.5M"...; -1 if it isn't a size. */
static long long
read_size(const char *word)
{
	static const char units[] = "BKMGTPE";
	long long scale = 1;
	char *end;
	double n;
	const char *unit;

	if (!isdigit((unsigned char)*word) && *word != '.')
		return -1;
	if (word[strspn(word, "0123456789.")] != '\0' &&
	    word[strspn(word, "0123456789.") + 1] != '\0')
		return -1;
	n = strtod(word, &end);
	if (*end != '\0') {
		unit = strchr(units, toupper((unsigned char)*end));
		if (unit == NULL || end[1] != '\0')
			return -1;
		scale = 1LL << (10 * (unit - units));
	}
	return n * (double)scale < 9e18 ? (long long)(n * (double)scale) : -1;
}

int
kinds_parse_rekey(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	long long bytes;

	if (word == NULL)
		return -1;
	bytes = strcmp(word, "default") == 0 ? 0 : read_size(word);
	if (bytes == -1 || (bytes > 0 && bytes < 16))
		return bad(a, word, "an amount of at least 16 bytes, as 1G",
		    err);
	value_add(out, str_dupf("%lld", bytes));
	if (a->next == a->line->argc)
		return 0;
	if ((word = args_next(a, err)) == NULL)
		return -1;
	if (strcmp(word, "none") == 0)
		return 0;
	return args_add_seconds(a, word, out, err);
}

int
kinds_parse_mask(struct args *a, struct value *out, struct err *err)
{
	const char *word = args_next(a, err);
	char *end;
	long mask;

	if (word == NULL)
		return -1;
	mask = strtol(word, &end, 8);
	if (end == word || *end != '\0' || mask < 0 || mask > 0777)
		return bad(a, word, "an octal mask up to 0777", err);
	value_add(out, str_dupf("0%lo", (unsigned long)mask));
	return 0;
}

/* Checks every hop; adds the list with its last hop in the usual form. */
static int
add_hops(struct args *a, char *list, struct value *out, struct err *err)
{
	struct str s;
	char *next;

	str_init(&s);
	for (char *text = list; text != NULL; text = next) {
		char *shown = str_dup(text), *formatted;
		struct hop hop;
		int rc;

		if ((next = strchr(text, ',')) != NULL) {
			shown[next - text] = '\0';
			*next++ = '\0';
		}
		rc = hop_cut(&hop, text);
		if (rc == 0 && next == NULL) {
			formatted = hop_format(&hop);
			str_append(&s, formatted);
			free(formatted);
		} else if (rc == 0) {
			str_printf(&s, "%s,", shown);
		} else {
			bad(a, shown, "[user@]host[:port]", err);
		}
		free(shown);
		if (rc == -1) {
			str_fini(&s);
			return -1;
		}
	}
	value_add(out, str_take(&s));
	return 0;
}

int
kinds_parse_jump(struct args *a, struct value *out, struct err *err)
{
	const char *rest = a->line->rest + strspn(a->line->rest, " \t\r\n=");
	char *list;
	int rc;

	a->next = a->line->argc;
	if (strcasecmp(rest, "none") == 0) {
		value_add(out, str_dup("none"));
		return 0;
	}
	list = str_dupf("%.*s", (int)strcspn(rest, "# \t\r"), rest);
	rc = add_hops(a, list, out, err);
	free(list);
	return rc;
}
