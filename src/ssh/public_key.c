/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/public_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fdio.h"
#include "base/str.h"
#include "base/base64.h"
#include "ssh/packet.h"

#define CERT_SUFFIX	"-cert-v01@openssh.com"
#define SK_SUFFIX	"@openssh.com"
#define USER_CERT	1	/* PROTOCOL.certkeys, SSH_CERT_TYPE_USER */

/* How many strings follow the name in a blob (RFC 4253 6.6, PROTOCOL.u2f). */
static const struct {
	const char *type;
	const char *cert;
	int parts;
} types[] = {
	{ "ssh-ed25519", "ssh-ed25519" CERT_SUFFIX, 1 },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256" CERT_SUFFIX, 2 },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384" CERT_SUFFIX, 2 },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521" CERT_SUFFIX, 2 },
	{ "ssh-rsa", "ssh-rsa" CERT_SUFFIX, 2 },
	{ "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519" CERT_SUFFIX, 2 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com",
	  "sk-ecdsa-sha2-nistp256" CERT_SUFFIX, 3 },
};
#define TYPE_COUNT	(sizeof(types) / sizeof(types[0]))

static int
find_type(const char *name, bool cert)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (strcmp(name, cert ? types[i].cert : types[i].type) == 0)
			return (int)i;
	return -1;
}

int
public_key_set(struct public_key *out, const uint8_t *blob, size_t len)
{
	struct reader r;
	int row;

	*out = (struct public_key){ 0 };
	reader_init(&r, blob, len);
	reader_text(&r, out->type, sizeof(out->type));
	if (r.broken)
		return -1;
	if (find_type(out->type, true) == -1) {
		size_t n;

		if ((row = find_type(out->type, false)) == -1)
			return -1;
		for (int i = 0; i < types[row].parts; i++)
			reader_string(&r, &n);
		if (r.broken || r.left > 0)
			return -1;
	}
	out->blob = mem_alloc(len);
	memcpy(out->blob, blob, len);
	out->len = len;
	return 0;
}

void
public_key_fini(struct public_key *k)
{
	free(k->blob);
	*k = (struct public_key){ 0 };
}

bool
public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return a->blob != NULL && b->blob != NULL && a->len == b->len &&
	    memcmp(a->blob, b->blob, a->len) == 0;
}

bool
public_key_is_cert(const struct public_key *k)
{
	return find_type(k->type, true) != -1;
}

int
public_key_of_cert(const struct public_key *cert, struct public_key *out)
{
	int row = find_type(cert->type, true), rc;
	struct packet *p;
	struct reader r;
	size_t n;

	*out = (struct public_key){ 0 };
	if (row == -1)
		return -1;
	reader_init(&r, cert->blob, cert->len);
	reader_string(&r, &n);		/* the type */
	reader_string(&r, &n);		/* the nonce */
	/* A packet begins with a byte, which is not part of the key. */
	p = packet_new(0);
	packet_cstring(p, types[row].type);
	for (int i = 0; i < types[row].parts; i++) {
		const uint8_t *part = reader_string(&r, &n);

		packet_string(p, part, n);
	}
	rc = r.broken ? -1 : public_key_set(out, p->bytes + 1, p->len - 1);
	packet_free(p);
	return rc;
}

static int
say_when(char *why, size_t size, const char *what, uint64_t when)
{
	char text[32] = "?";
	time_t t = (time_t)when;
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(why, size, "%s %s", what, text);
	return -1;
}

int
public_key_check_cert(const struct public_key *cert, int64_t wall_s,
    char *why, size_t size)
{
	int row = find_type(cert->type, true);
	uint64_t after, before;
	uint32_t kind;
	struct reader r;
	size_t n;

	why[0] = '\0';
	reader_init(&r, cert->blob, row == -1 ? 0 : cert->len);
	for (int i = 0; i < 2 + (row == -1 ? 0 : types[row].parts); i++)
		reader_string(&r, &n);
	reader_skip(&r, 8);		/* the serial number */
	kind = reader_u32(&r);
	reader_string(&r, &n);		/* the key's id */
	reader_string(&r, &n);		/* principals */
	after = reader_u64(&r);
	before = reader_u64(&r);
	if (r.broken)
		snprintf(why, size, "it is damaged");
	else if (kind != USER_CERT)
		snprintf(why, size, "it is a host's certificate");
	else if ((uint64_t)wall_s < after)
		return say_when(why, size, "it is not valid before", after);
	else if ((uint64_t)wall_s >= before)
		return say_when(why, size, "it expired at", before);
	return *why != '\0' ? -1 : 0;
}

void
public_key_plain_name(const char *name, size_t len, char *out)
{
	size_t cert = strlen(CERT_SUFFIX);
	const char *sk = "";

	if (len >= HOST_KEY_TYPE_SIZE - sizeof(SK_SUFFIX))
		len = 0;
	if (len > cert && memcmp(name + len - cert, CERT_SUFFIX, cert) == 0) {
		len -= cert;
		if (strncmp(name, "sk-", 3) == 0)
			sk = SK_SUFFIX;
	}
	snprintf(out, HOST_KEY_TYPE_SIZE, "%.*s%s", (int)len, name, sk);
}

/* One line, without its end. */
static int
parse_line(const char *p, size_t len, struct public_key *out)
{
	const char *end = p + len, *type_end, *text;
	char type[HOST_KEY_TYPE_SIZE];
	uint8_t *blob;
	ssize_t n;
	int rc = -1;

	for (type_end = p; type_end < end && *type_end > ' '; type_end++)
		continue;
	for (text = type_end; text < end && (*text == ' ' || *text == '\t');
	    text++)
		continue;
	for (p = text; p < end && *p > ' '; p++)
		continue;
	snprintf(type, sizeof(type), "%.*s",
	    (int)(type_end - (end - len)), end - len);
	len = (size_t)(p - text);
	blob = mem_alloc(BASE64_DECODED_MAX(len) + 1);
	n = base64_decode(text, len, blob, BASE64_DECODED_MAX(len) + 1);
	if (n > 0 && public_key_set(out, blob, (size_t)n) == 0) {
		if (strcmp(type, out->type) == 0)
			rc = 0;
		else
			public_key_fini(out);
	}
	free(blob);
	return rc;
}

int
public_key_parse(const char *text, size_t len, struct public_key *out)
{
	const char *end = text + len;

	*out = (struct public_key){ 0 };
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		if (eol == NULL)
			eol = end;
		while (text < eol && (*text == ' ' || *text == '\t'))
			text++;
		if (text < eol && *text != '#' && *text != '\r')
			return parse_line(text, (size_t)(eol - text), out);
		text = eol + (eol < end);
	}
	return -1;
}

int
public_key_load(struct public_key *out, const char *path, struct err *err)
{
	/* Without waiting, should it be a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len;
	char *text;
	int rc = 0;

	*out = (struct public_key){ 0 };
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ERR_NOTFOUND, "%s does not exist", path);
	if (fd == -1)
		return err_sys(err, "%s cannot be opened", path);
	text = fd_read_all(fd, PUBLIC_KEY_FILE_MAX, &len, err);
	fd_close(&fd);
	if (text == NULL)
		return err_prefix(err, "%s", path);
	if (public_key_parse(text, len, out) == -1)
		rc = err_set(err, ERR_INPUT,
		    "%s holds no public key that can be used", path);
	free(text);
	return rc;
}
