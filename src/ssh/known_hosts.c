/* SPDX-License-Identifier: ISC */
#include "ssh/known_hosts.h"

#include <ctype.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "base/algorithms.h"
#include "base/str.h"
#include "base/base64.h"
#include "ssh/host_cert.h"
#include "ssh/host_key.h"
#include "ssh/revoked_keys.h"
#include "ssh/trusted_file.h"

#define SSH_PORT	22
#define SHA1_SIZE	20
#define PATTERN_MAX	1024	/* bytes with the NUL, as in ssh */

/* A line that concerns the host. */
struct entry {
	const char *file;	/* one of known_hosts.files */
	unsigned line;
	bool revoked;
	bool ca;
	bool portless;		/* only by the name without the port */
	uint8_t *blob;
	size_t len;
	char type[HOST_KEY_TYPE_SIZE];
};

struct known_hosts {
	char *name;		/* lower case, "[name]:port" if not port 22 */
	char *portless;		/* lower case; NULL for port 22 */
	EVP_MAC_CTX *hmac;	/* HMAC-SHA1; NULL until a line is hashed */
	bool broken;		/* a hashed name could not be compared */
	char **files;
	size_t file_count;
	struct entry *entries;
	size_t entry_count;
	size_t entry_size;
	struct revoked_keys *revoked;	/* for every host; NULL: none */
	char *warnings[KNOWN_HOSTS_WARNINGS];
	size_t warning_count;
};

/* What is being read. */
struct source {
	struct known_hosts *kh;
	const char *file;
	unsigned line;
};

/* A piece of a line; not NUL-terminated. */
struct span {
	const char *p;
	size_t len;
};

enum marker { MARKER_NONE, MARKER_REVOKED, MARKER_CA, MARKER_BAD };

enum line_match { LINE_OTHER, LINE_NAME, LINE_PORTLESS, LINE_BAD };

struct known_hosts *
known_hosts_new(const char *host, uint16_t port)
{
	struct known_hosts *kh = mem_alloc(sizeof(*kh));
	char *lower = str_dup(host);

	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (port == SSH_PORT) {
		kh->name = lower;
	} else {
		kh->name = str_dupf("[%s]:%u", lower, port);
		kh->portless = lower;
	}
	return kh;
}

void
known_hosts_free(struct known_hosts *kh)
{
	if (kh == NULL)
		return;
	for (size_t i = 0; i < kh->entry_count; i++)
		free(kh->entries[i].blob);
	for (size_t i = 0; i < kh->file_count; i++)
		free(kh->files[i]);
	for (size_t i = 0; i < KNOWN_HOSTS_WARNINGS; i++)
		free(kh->warnings[i]);
	EVP_MAC_CTX_free(kh->hmac);
	revoked_keys_free(kh->revoked);
	free(kh->entries);
	free(kh->files);
	free(kh->portless);
	free(kh->name);
	free(kh);
}

static void
warn(const struct source *r, const char *why)
{
	size_t i = r->kh->warning_count++;

	if (i < KNOWN_HOSTS_WARNINGS)
		r->kh->warnings[i] = str_dupf("%s:%u: %s", r->file, r->line,
		    why);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
skip_blanks(struct span *s)
{
	while (s->len > 0 && is_blank(*s->p)) {
		s->p++;
		s->len--;
	}
}

/* Takes the next word, which may be empty, and the blanks behind it. */
static struct span
take_word(struct span *s)
{
	struct span word = { s->p, 0 };

	while (word.len < s->len && !is_blank(s->p[word.len]))
		word.len++;
	s->p += word.len;
	s->len -= word.len;
	skip_blanks(s);
	return word;
}

static bool
span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static enum marker
take_marker(struct span *line)
{
	struct span word;

	if (line->len == 0 || *line->p != '@')
		return MARKER_NONE;
	word = take_word(line);
	if (line->len > 0 && *line->p == '@')
		return MARKER_BAD;
	if (span_is(word, "@revoked"))
		return MARKER_REVOKED;
	if (span_is(word, "@cert-authority"))
		return MARKER_CA;
	return MARKER_BAD;
}

/* New, or NULL if OpenSSL has none. */
static EVP_MAC_CTX *
new_hmac_sha1(void)
{
	char digest[] = "SHA1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx;

	if (mac == NULL)
		return NULL;
	ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* Is HMAC-SHA1 of name, by salt, what is wanted? */
static bool
is_hash(struct known_hosts *kh, const uint8_t salt[SHA1_SIZE],
    const char *name, const uint8_t want[SHA1_SIZE])
{
	uint8_t have[SHA1_SIZE];
	size_t len = 0;

	if (kh->hmac == NULL && (kh->hmac = new_hmac_sha1()) == NULL) {
		kh->broken = true;
		return false;
	}
	if (EVP_MAC_init(kh->hmac, salt, SHA1_SIZE, NULL) != 1 ||
	    EVP_MAC_update(kh->hmac, (const unsigned char *)name,
	    strlen(name)) != 1 ||
	    EVP_MAC_final(kh->hmac, have, &len, sizeof(have)) != 1 ||
	    len != SHA1_SIZE) {
		kh->broken = true;
		return false;
	}
	return memcmp(have, want, SHA1_SIZE) == 0;
}

/* "|1|salt|hash", both base64 of 20 bytes. */
static enum line_match
match_hashed(struct known_hosts *kh, struct span names)
{
	static const char magic[] = "|1|";
	const size_t magic_len = sizeof(magic) - 1;
	uint8_t salt[SHA1_SIZE], want[SHA1_SIZE];
	const char *p = names.p + magic_len, *bar;
	const char *end = names.p + names.len;

	if (names.len < magic_len || memcmp(names.p, magic, magic_len) != 0 ||
	    (bar = memchr(p, '|', (size_t)(end - p))) == NULL)
		return LINE_BAD;
	if (base64_decode(p, (size_t)(bar - p), salt, sizeof(salt)) !=
	    SHA1_SIZE)
		return LINE_BAD;
	bar++;
	if (base64_decode(bar, (size_t)(end - bar), want, sizeof(want)) !=
	    SHA1_SIZE)
		return LINE_BAD;
	if (is_hash(kh, salt, kh->name, want))
		return LINE_NAME;
	if (kh->portless != NULL && is_hash(kh, salt, kh->portless, want))
		return LINE_PORTLESS;
	return LINE_OTHER;
}

/* A list of patterns: one must match, and none that begins with '!'. */
static enum line_match
match_patterns(const struct known_hosts *kh, struct span names)
{
	bool name = false, portless = false;
	bool not_name = false, not_portless = false;
	const char *p = names.p, *end = names.p + names.len;

	while (p < end) {
		char pattern[PATTERN_MAX];
		size_t n = 0;
		bool negated = *p == '!';

		for (p += negated; p < end && *p != ','; p++) {
			if (n == sizeof(pattern) - 1)
				return LINE_BAD;
			pattern[n++] = (char)tolower((unsigned char)*p);
		}
		p++;			/* the comma */
		pattern[n] = '\0';
		if (str_match(kh->name, pattern))
			*(negated ? &not_name : &name) = true;
		if (kh->portless != NULL && str_match(kh->portless, pattern))
			*(negated ? &not_portless : &portless) = true;
	}
	if (name && !not_name)
		return LINE_NAME;
	return portless && !not_portless ? LINE_PORTLESS : LINE_OTHER;
}

static void
keep(struct known_hosts *kh, const struct entry *e)
{
	if (kh->entry_count == kh->entry_size) {
		kh->entry_size = kh->entry_size * 2 + 4;
		kh->entries = mem_grow(kh->entries, kh->entry_size,
		    sizeof(*kh->entries));
	}
	kh->entries[kh->entry_count++] = *e;
}

static void
read_line(const struct source *r, struct span line)
{
	struct entry e = { .file = r->file, .line = r->line };
	enum line_match match;
	enum marker marker;
	struct span names;
	const char *why;

	skip_blanks(&line);
	if (line.len == 0 || *line.p == '#')
		return;
	if (line.len > KNOWN_HOSTS_LINE_MAX) {
		warn(r, "the line is too long; it is skipped");
		return;
	}
	if (memchr(line.p, '\0', line.len) != NULL) {
		warn(r, "the line has a NUL byte; it is skipped");
		return;
	}
	if ((marker = take_marker(&line)) == MARKER_BAD) {
		warn(r, "the marker is not understood; the line is skipped");
		return;
	}
	names = take_word(&line);
	if (names.len > 0 && *names.p == '|')
		match = match_hashed(r->kh, names);
	else
		match = match_patterns(r->kh, names);
	if (match == LINE_BAD)
		warn(r, "the host name is damaged; the line is skipped");
	if (match == LINE_BAD || match == LINE_OTHER)
		return;
	e.blob = host_key_parse(line.p, line.len, &e.len, e.type, &why);
	if (e.blob == NULL) {
		char *text = str_dupf("%s; the line is skipped", why);

		warn(r, text);
		free(text);
		return;
	}
	e.revoked = marker == MARKER_REVOKED;
	e.ca = marker == MARKER_CA;
	e.portless = match == LINE_PORTLESS;
	keep(r->kh, &e);
}

int
known_hosts_add_file(struct known_hosts *kh, const char *name,
    const char *bytes, size_t len, struct err *err)
{
	struct source r = { .kh = kh, .file = str_dup(name) };
	const char *p = bytes, *end = bytes + len;

	kh->files = mem_grow(kh->files, kh->file_count + 1,
	    sizeof(*kh->files));
	kh->files[kh->file_count++] = (char *)r.file;
	if (len > KNOWN_HOSTS_FILE_MAX)
		return err_set(err, ERR_INPUT, "%s is larger than %d bytes",
		    name, KNOWN_HOSTS_FILE_MAX);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct span line = { p, (size_t)((nl ? nl : end) - p) };

		r.line++;
		p += line.len + 1;
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		read_line(&r, line);
	}
	if (kh->broken)
		return err_set(err, ERR_NOMEM, "%s has hashed names, and "
		    "OpenSSL cannot compute HMAC-SHA1", name);
	return 0;
}

int
known_hosts_load(struct known_hosts *kh, const char *path, struct err *err)
{
	struct err why;
	size_t len;
	char *bytes = trusted_file_read(path, KNOWN_HOSTS_FILE_MAX, &len,
	    &why);
	int rc;

	if (bytes == NULL && why.code == ERR_NOTFOUND)
		return 0;
	if (bytes == NULL) {
		*err = why;
		return -1;
	}
	rc = known_hosts_add_file(kh, path, bytes, len, err);
	free(bytes);
	return rc;
}

int
known_hosts_load_revoked(struct known_hosts *kh, const char *path,
    struct err *err)
{
	revoked_keys_free(kh->revoked);
	kh->revoked = revoked_keys_load(path, err);
	return kh->revoked != NULL ? 0 : -1;
}

static void
answer(struct known_hosts_match *out, enum known_hosts_verdict verdict,
    const struct entry *e)
{
	out->verdict = verdict;
	out->file = e->file;
	out->line = e->line;
	out->other_types = false;
	out->portless = e->portless;
}

/* A key of a host that is listed, but not with this key. */
static void
answer_changed(const struct known_hosts *kh, const char *type,
    struct known_hosts_match *out)
{
	for (size_t i = 0; i < kh->entry_count; i++) {
		const struct entry *e = &kh->entries[i];
		bool same = strcmp(e->type, type) == 0;

		if (e->revoked || e->ca || e->portless)
			continue;
		if (out->verdict == KNOWN_HOSTS_UNKNOWN ||
		    (out->other_types && same)) {
			answer(out, KNOWN_HOSTS_CHANGED, e);
			out->other_types = !same;
		}
	}
}

static bool
is_of(const struct entry *e, const uint8_t *blob, size_t len)
{
	return e->len == len && memcmp(e->blob, blob, len) == 0;
}

/* Is the key revoked? Then that is the answer. */
static bool
is_revoked(const struct known_hosts *kh, const uint8_t *blob, size_t len,
    struct known_hosts_match *out)
{
	if (kh->revoked != NULL &&
	    revoked_keys_have(kh->revoked, blob, len, &out->line)) {
		out->verdict = KNOWN_HOSTS_REVOKED;
		out->file = revoked_keys_name(kh->revoked);
		return true;
	}
	for (size_t i = 0; i < kh->entry_count; i++)
		if (kh->entries[i].revoked && is_of(&kh->entries[i], blob,
		    len)) {
			answer(out, KNOWN_HOSTS_REVOKED, &kh->entries[i]);
			return true;
		}
	return false;
}

void
known_hosts_check(const struct known_hosts *kh, const uint8_t *blob,
    size_t len, struct known_hosts_match *out)
{
	const struct entry *known = NULL, *portless = NULL;
	char type[HOST_KEY_TYPE_SIZE];

	*out = (struct known_hosts_match){ .verdict = KNOWN_HOSTS_UNKNOWN };
	if (is_revoked(kh, blob, len, out))
		return;
	for (size_t i = 0; i < kh->entry_count; i++) {
		const struct entry *e = &kh->entries[i];

		if (e->ca || !is_of(e, blob, len))
			continue;
		if (e->portless && portless == NULL)
			portless = e;
		if (!e->portless && known == NULL)
			known = e;
	}
	if (known != NULL) {
		answer(out, KNOWN_HOSTS_KNOWN, known);
		return;
	}
	/* Whether or not it is well-formed: the type is only compared. */
	(void)host_key_type(blob, len, type);
	answer_changed(kh, type, out);
	if (out->verdict == KNOWN_HOSTS_UNKNOWN && portless != NULL)
		answer(out, KNOWN_HOSTS_KNOWN, portless);
}

char *
known_hosts_place(const struct known_hosts_match *m)
{
	if (m->file == NULL)
		return NULL;
	return m->line > 0 ? str_dupf("%s:%u", m->file, m->line) :
	    str_dup(m->file);
}

const uint8_t *
known_hosts_key(const struct known_hosts *kh, size_t i, size_t *len)
{
	for (size_t j = 0; j < kh->entry_count; j++) {
		const struct entry *e = &kh->entries[j];

		if (e->revoked || e->ca || e->portless || i-- > 0)
			continue;
		*len = e->len;
		return e->blob;
	}
	return NULL;
}

bool
known_hosts_has_ca(const struct known_hosts *kh)
{
	for (size_t i = 0; i < kh->entry_count; i++)
		if (kh->entries[i].ca)
			return true;
	return false;
}

void
known_hosts_check_ca(const struct known_hosts *kh, const uint8_t *ca,
    size_t len, struct known_hosts_match *out)
{
	*out = (struct known_hosts_match){ .verdict = KNOWN_HOSTS_UNKNOWN };
	if (is_revoked(kh, ca, len, out))
		return;
	for (size_t i = 0; i < kh->entry_count; i++)
		if (kh->entries[i].ca && is_of(&kh->entries[i], ca, len)) {
			answer(out, KNOWN_HOSTS_KNOWN, &kh->entries[i]);
			return;
		}
}

bool
known_hosts_revokes_certs(const struct known_hosts *kh)
{
	return kh->revoked != NULL && revoked_keys_have_certs(kh->revoked);
}

/* The places in a list of algorithms. */
enum rank { RANK_CERT, RANK_LISTED, RANK_PORTLESS, RANK_OTHER, RANK_COUNT };

static enum rank
rank_key(const struct known_hosts *kh, const char *type)
{
	enum rank best = RANK_OTHER;

	for (size_t i = 0; i < kh->entry_count; i++) {
		const struct entry *e = &kh->entries[i];

		if (e->revoked || e->ca || strcmp(e->type, type) != 0)
			continue;
		if (!e->portless)
			return RANK_LISTED;
		best = RANK_PORTLESS;
	}
	return best;
}

/* RANK_COUNT: it has no place at all. */
static enum rank
rank_algorithm(const struct known_hosts *kh, const char *name, size_t n,
    bool keep_order)
{
	const size_t suffix = strlen(HOST_CERT_SUFFIX);
	char type[HOST_KEY_TYPE_SIZE];
	bool is_cert = n > suffix && memcmp(name + n - suffix,
	    HOST_CERT_SUFFIX, suffix) == 0;

	if (is_cert && !known_hosts_has_ca(kh))
		return RANK_COUNT;
	if (keep_order)
		return RANK_LISTED;
	if (is_cert)
		return RANK_CERT;
	host_key_type_of(name, n, type);
	return rank_key(kh, type);
}

char *
known_hosts_algorithms(const struct known_hosts *kh, const char *allowed,
    bool keep_order)
{
	struct str list;
	const char *name;
	size_t n;

	str_init(&list);
	for (enum rank r = 0; r < RANK_COUNT; r++)
		for (const char *p = allowed; (n = algorithm_next(&p,
		    &name)) > 0;)
			if (rank_algorithm(kh, name, n, keep_order) == r)
				str_printf(&list, "%s%.*s",
				    list.len > 0 ? "," : "", (int)n, name);
	if (list.len == 0)
		str_append(&list, allowed);
	return str_take(&list);
}

size_t
known_hosts_warning_count(const struct known_hosts *kh)
{
	return kh->warning_count;
}

const char *
known_hosts_warning(const struct known_hosts *kh, size_t i)
{
	return i < KNOWN_HOSTS_WARNINGS ? kh->warnings[i] : NULL;
}
