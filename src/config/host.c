/* SPDX-License-Identifier: ISC */
#define _DEFAULT_SOURCE		/* strsep */
#include "config/host.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/str.h"
#include "config/assemble.h"
#include "config/command.h"
#include "config/kinds.h"
#include "config/methods.h"
#include "config/report.h"

static void
add_string(char ***list, size_t *count, char *text)
{
	*list = mem_grow(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = text;
}

/* "~", then tokens and variables: new, or NULL with err set. */
static char *
expand_path(const char *text, const struct resolution *r, struct err *err)
{
	char *path = expand_tilde(text, r->tokens.user, err), *whole;

	if (path == NULL)
		return NULL;
	whole = expand_all(path, HOST_TOKENS, &r->tokens, err);
	free(path);
	return whole;
}

static void
add_path(char ***list, size_t *count, const char *text,
    const struct resolution *r, const struct entry *e,
    struct config *report)
{
	struct err err;
	char *path;

	if (strcasecmp(text, "none") == 0)
		return;
	if ((path = expand_path(text, r, &err)) != NULL)
		add_string(list, count, path);
	else
		document_complain(report, SEVERITY_ERROR, e, "%s", err.text);
}

/* The files of every line of a keyword, or of its default. */
static void
add_paths(char ***list, size_t *count, enum keyword_id id,
    const struct resolution *r, struct config *report)
{
	const struct setting *s = &r->settings[id];
	char *def, *rest, *word;

	for (size_t i = 0; i < s->count; i++) {
		const struct value *v = &s->entries[i]->value;

		for (size_t j = 0; j < v->count; j++)
			add_path(list, count, v->texts[j], r, s->entries[i],
			    report);
	}
	if (s->count > 0)
		return;
	if (keyword_get(id)->def == NULL)
		return;
	def = rest = str_dup(keyword_get(id)->def);
	while ((word = strsep(&rest, " ")) != NULL)
		add_path(list, count, word, r, NULL, report);
	free(def);
}

/* A variable of hawserd's environment as a socket's path; new. */
static char *
variable(const char *name)
{
	const char *value = getenv(name);

	return str_dup(value != NULL && value[0] == '/' ? value : "");
}

/* The agent's socket, "" for none; new. */
static char *
agent_path(const struct resolution *r, struct config *report)
{
	const struct entry *e = resolution_entry(r, KW_IDENTITYAGENT);
	const char *text = e != NULL ? e->value.texts[0] : "SSH_AUTH_SOCK";
	struct err err;
	char *path;

	if (strcasecmp(text, "none") == 0)
		return str_dup("");
	if (strcmp(text, "SSH_AUTH_SOCK") == 0)
		return variable(text);
	if (text[0] == '$' && text[1] != '{')
		return variable(text + 1);
	if ((path = expand_path(text, r, &err)) != NULL)
		return path;
	document_complain(report, SEVERITY_ERROR, e, "%s", err.text);
	return str_dup("");
}

/* A number within the row's bounds; what lies outside is brought inside. */
static int
number(const struct keyword *k, const char *text, const struct entry *e,
    struct config *report)
{
	long long n = atoll(text), used = n;

	if (k->max == 0 || (n >= k->min && n <= k->max))
		return (int)n;
	/* No limit on the time to connect is the longest limit. */
	used = n < k->min && k->kind != KIND_TIME ? k->min : k->max;
	document_complain(report, SEVERITY_WARNING, e, "%s %lld isn't within "
	    "%lld and %lld: "
	    "%lld is used", k->name, n, k->min, k->max, used);
	return (int)used;
}

static enum host_key_checking
checking(const char *text)
{
	if (strcmp(text, "false") == 0)
		return CHECKING_NO;
	return strcmp(text, "accept-new") == 0 ? CHECKING_ACCEPT_NEW :
	    CHECKING_YES;
}

static int
family(const char *text)
{
	if (strcmp(text, "inet") == 0)
		return AF_INET;
	return strcmp(text, "inet6") == 0 ? AF_INET6 : AF_UNSPEC;
}

/* Of the first word: a line has two texts, the default two words. */
static int
tos(const char *text)
{
	char *word = str_dup(text);
	int byte;

	word[strcspn(word, " ")] = '\0';
	byte = kinds_ipqos_byte(word);
	free(word);
	return byte;
}

static void
set_pair(struct host *h, const struct keyword *k, const struct entry *e)
{
	char *copy = NULL, *rest;
	const char *min, *max;

	if (e != NULL) {
		min = e->value.texts[0];
		max = e->value.texts[1];
	} else {
		copy = rest = str_dup(k->def);
		min = strsep(&rest, " ");
		max = rest;
	}
	*HOST_MEMBER(int64_t, h, k->at) = value_duration(min);
	*HOST_MEMBER(int64_t, h, k->count_at) = value_duration(max);
	free(copy);
}

/* Sets the field of a row that has one value. */
static void
set_field(struct host *h, const struct keyword *k,
    const struct resolution *r, struct config *report)
{
	enum keyword_id id = keyword_id(k);
	const struct entry *e = resolution_entry(r, id);
	const char *text = resolution_text(r, id);

	switch (k->field) {
	case FIELD_BOOL:
		*HOST_MEMBER(bool, h, k->at) = resolution_flag(r, id);
		break;
	case FIELD_INT:
		*HOST_MEMBER(int, h, k->at) = number(k, text, e, report);
		break;
	case FIELD_PORT:
		*HOST_MEMBER(uint16_t, h, k->at) = (uint16_t)atoi(r->port);
		break;
	case FIELD_CHECKING:
		*HOST_MEMBER(enum host_key_checking, h, k->at) = checking(text);
		break;
	case FIELD_FAMILY:
		*HOST_MEMBER(int, h, k->at) = family(text);
		break;
	case FIELD_CHOICE:
		*HOST_MEMBER(int, h, k->at) =
		    (int)(words_find(k->words, text) - k->words);
		break;
	case FIELD_MASK:
		*HOST_MEMBER(int, h, k->at) = (int)strtol(text, NULL, 8);
		break;
	case FIELD_TOS:
		*HOST_MEMBER(int, h, k->at) = tos(text);
		break;
	case FIELD_MS:
		*HOST_MEMBER(int64_t, h, k->at) = value_duration(text);
		break;
	case FIELD_MS_PAIR:
		set_pair(h, k, e);
		break;
	case FIELD_ALGORITHMS:
		assemble_list(HOST_MEMBER(struct algorithm_list, h, k->at),
		    k, r, report);
		break;
	case FIELD_NONE:
	case FIELD_STRING:
	case FIELD_STRINGS:
	case FIELD_JUMPS:
	case FIELD_FORWARDS:
		break;		/* these are put together from several rows */
	}
}

void
host_add_forward(struct host *h, const struct forward *f, const char *file,
    int line, int column)
{
	h->forwards = mem_grow(h->forwards, h->forward_count + 1,
	    sizeof(*h->forwards));
	h->forward_origins = mem_grow(h->forward_origins,
	    h->forward_count + 1, sizeof(*h->forward_origins));
	forward_copy(&h->forwards[h->forward_count], f);
	h->forward_origins[h->forward_count++] = (struct origin){
		.file = str_dup(file), .line = line, .column = column };
}

/* Expands the tokens of a socket's path. 0, or -1 with err set. */
static int
expand_socket(struct endpoint *e, const struct resolution *r,
    struct err *err)
{
	char *path;

	if (e->kind != ENDPOINT_UNIX)
		return 0;
	if ((path = expand_tokens(e->host, HOST_TOKENS, &r->tokens,
	    err)) == NULL)
		return -1;
	free(e->host);
	e->host = path;
	if (strlen(path) > ENDPOINT_PATH_MAX)
		return err_set(err, ERR_INPUT,
		    "the socket path is longer than %d bytes: %s",
		    ENDPOINT_PATH_MAX, path);
	if (*path != '/')
		return err_set(err, ERR_INPUT, "\"%s\" is taken for a socket's "
		    "path, which has to begin with a slash (a TCP target is "
		    "written host:port)", path);
	return 0;
}

/*
 * New: the id of a forward of h. Where lines have the same listening side
 * (port 0 leaves it to the server), all but the first are numbered.
 */
static char *
make_id(const struct host *h, const struct forward *f)
{
	char *plain = forward_make_id(f->kind, &f->listen), *id;
	size_t count = 1, n = strlen(plain);

	for (size_t i = 0; i < h->forward_count; i++)
		if (strncmp(h->forwards[i].id, plain, n) == 0 &&
		    strchr("#", h->forwards[i].id[n]) != NULL)
			count++;
	if (count == 1)
		return plain;
	id = str_dupf("%s#%zu", plain, count);
	free(plain);
	return id;
}

static void
add_forward(struct host *h, const struct entry *e,
    const struct resolution *r, struct config *report)
{
	struct forward f;
	struct err err;

	forward_copy(&f, &e->value.forward);
	if (f.listen.kind == ENDPOINT_TCP && f.listen.host == NULL &&
	    forward_is_local(f.kind) && resolution_flag(r, KW_GATEWAYPORTS))
		f.listen.host = str_dup("*");
	if (expand_socket(&f.listen, r, &err) == -1 ||
	    expand_socket(&f.target, r, &err) == -1) {
		document_complain(report, SEVERITY_ERROR, e, "%s",
		    err.text);
	} else {
		free(f.id);
		f.id = make_id(h, &f);
		host_add_forward(h, &f, e->file, e->line, e->column);
	}
	forward_fini(&f);
}

/* Is a's line before b's? Lines of other files keep the order of rows. */
static bool
stands_before(const struct entry *a, const struct entry *b)
{
	return a->file == b->file && a->line < b->line;
}

/* All forwards, in the order of the file as far as one file says them. */
static void
add_forwards(struct host *h, const struct resolution *r,
    struct config *report)
{
	static const enum keyword_id ids[] = { KW_LOCALFORWARD,
	    KW_REMOTEFORWARD, KW_DYNAMICFORWARD };
	size_t at[3] = { 0 };

	if (resolution_flag(r, KW_CLEARALLFORWARDINGS))
		return;
	for (;;) {
		const struct entry *next = NULL;
		int from = -1;

		for (int i = 0; i < 3; i++) {
			const struct setting *s = &r->settings[ids[i]];
			const struct entry *e = at[i] < s->count ?
			    s->entries[at[i]] : NULL;

			if (e != NULL && (next == NULL ||
			    stands_before(e, next))) {
				next = e;
				from = i;
			}
		}
		if (next == NULL)
			return;
		at[from]++;
		add_forward(h, next, r, report);
	}
}

static bool
is_utf8(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text;
	    *p != '\0';) {
		int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 :
		    *p >= 0xe0 && *p < 0xf0 ? 2 :
		    *p >= 0xf0 && *p < 0xf5 ? 3 : -1;

		if (more == -1)
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* Status and log are UTF-8, so what is shown there has to be. */
static void
check_text(const struct host *h, const char *text, struct config *report)
{
	if (text != NULL && !is_utf8(text))
		report_add(report, SEVERITY_ERROR, h->file, h->line,
		    "a value for %s holds bytes that aren't UTF-8", h->name);
}

static void
check_texts(const struct host *h, struct config *report)
{
	check_text(h, h->name, report);
	check_text(h, h->hostname, report);
	check_text(h, h->user, report);
	check_text(h, h->bind_address, report);
	check_text(h, h->bind_interface, report);
	for (size_t i = 0; i < h->identity_file_count; i++)
		check_text(h, h->identity_files[i], report);
	for (size_t i = 0; i < h->certificate_file_count; i++)
		check_text(h, h->certificate_files[i], report);
	check_text(h, h->agent, report);
	check_text(h, h->host_key_alias, report);
	for (size_t i = 0; i < h->known_hosts_file_count; i++)
		check_text(h, h->known_hosts_files[i], report);
	for (size_t i = 0; i < h->revoked_key_file_count; i++)
		check_text(h, h->revoked_key_files[i], report);
	for (size_t i = 0; i < h->forward_count; i++) {
		check_text(h, h->forwards[i].listen.host, report);
		check_text(h, h->forwards[i].target.host, report);
	}
}

/* New. */
static char *
text_or_empty(const struct resolution *r, enum keyword_id id)
{
	const char *text = resolution_text(r, id);

	return str_dup(text != NULL ? text : "");
}

/* The words of a row's one line, or of its default. */
static void
add_words(char ***list, size_t *count, enum keyword_id id,
    const struct resolution *r)
{
	const struct entry *e = resolution_entry(r, id);
	size_t n = e != NULL ? e->value.count : 1;

	*list = mem_alloc(n * sizeof(**list));
	for (; *count < n; (*count)++)
		(*list)[*count] = str_dup(e != NULL ?
		    e->value.texts[*count] : keyword_get(id)->def);
}

/* New: "" for none. In known_hosts, where it is written, it must be a name. */
static char *
host_key_alias(const struct resolution *r, struct config *report)
{
	char *alias = text_or_empty(r, KW_HOSTKEYALIAS);

	if (strpbrk(alias, " \t,*?!|#@") != NULL)
		document_complain(report, SEVERITY_ERROR,
		    resolution_entry(r, KW_HOSTKEYALIAS), "HostKeyAlias \"%s\" "
		    "is no name for known_hosts: it holds a blank, a comma, "
		    "or one of * ? ! | # @", alias);
	return alias;
}

void
host_build(struct host *out, const struct resolution *r, const char *file,
    int line, struct config *report)
{
	out->name = str_dup(r->name);
	out->file = str_dup(file);
	out->line = line;
	out->hostname = str_dup(r->host);
	out->user = str_dup(r->user);
	for (int i = 0; i < KEYWORD_COUNT; i++)
		set_field(out, keyword_get((enum keyword_id)i), r, report);
	add_paths(&out->identity_files, &out->identity_file_count,
	    KW_IDENTITYFILE, r, report);
	add_paths(&out->certificate_files, &out->certificate_file_count,
	    KW_CERTIFICATEFILE, r, report);
	out->agent = agent_path(r, report);
	out->bind_address = text_or_empty(r, KW_BINDADDRESS);
	out->bind_interface = text_or_empty(r, KW_BINDINTERFACE);
	add_paths(&out->known_hosts_files, &out->known_hosts_file_count,
	    KW_USERKNOWNHOSTSFILE, r, report);
	out->user_known_hosts_count = (int)out->known_hosts_file_count;
	out->host_key_alias = host_key_alias(r, report);
	add_paths(&out->known_hosts_files, &out->known_hosts_file_count,
	    KW_GLOBALKNOWNHOSTSFILE, r, report);
	methods_build(out, r);
	add_words(&out->permit_remote_open, &out->permit_remote_open_count,
	    KW_PERMITREMOTEOPEN, r);
	out->passphrase_command = command_build(r, KW_HAWSERPASSPHRASECOMMAND,
	    report);
	out->takeover = command_build(r, KW_HAWSERTAKEOVER, report);
	out->on_change = command_build(r, KW_HAWSERONCHANGE, report);
	add_paths(&out->revoked_key_files, &out->revoked_key_file_count,
	    KW_REVOKEDHOSTKEYS, r, report);
	out->proxy_command = str_dup("");
	add_forwards(out, r, report);
	check_texts(out, report);
}

static void
free_strings(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

void
host_clear_forwards(struct host *h)
{
	for (size_t i = 0; i < h->forward_count; i++) {
		forward_fini(&h->forwards[i]);
		free(h->forward_origins[i].file);
	}
	free(h->forwards);
	free(h->forward_origins);
	h->forwards = NULL;
	h->forward_origins = NULL;
	h->forward_count = 0;
}

void
host_fini(struct host *h)
{
	free(h->name);
	free(h->file);
	free(h->hostname);
	free(h->user);
	free(h->bind_address);
	free(h->bind_interface);
	free_strings(h->identity_files, h->identity_file_count);
	free_strings(h->certificate_files, h->certificate_file_count);
	free(h->agent);
	free_strings(h->auth_methods, h->auth_method_count);
	free_strings(h->permit_remote_open, h->permit_remote_open_count);
	free(h->passphrase_command);
	free(h->takeover);
	free(h->on_change);
	free(h->host_key_alias);
	free_strings(h->known_hosts_files, h->known_hosts_file_count);
	free_strings(h->revoked_key_files, h->revoked_key_file_count);
	algorithms_fini(&h->algorithms);
	free(h->proxy_command);
	for (size_t i = 0; i < h->jump_count; i++)
		host_fini(&h->jumps[i]);
	free(h->jumps);
	host_clear_forwards(h);
	*h = (struct host){ 0 };
}

char *
host_route(const struct host *h)
{
	struct str s;

	str_init(&s);
	for (size_t i = 0; i < h->jump_count; i++)
		str_printf(&s, "%s|%s %u|", h->jumps[i].proxy_command,
		    h->jumps[i].hostname, h->jumps[i].port);
	str_append(&s, h->proxy_command);
	return str_take(&s);
}
