/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/str.h"
#include "base/base64.h"
#include "ssh/known_hosts.h"

/* Keys made by ssh-keygen -t; OTHER is another ed25519 key. */
#define ED25519 \
	"AAAAC3NzaC1lZDI1NTE5AAAAIHv0jq+s9Bz2w/vfPvjg7mOJO9uTLUdVrP" \
	"1F6M0NGSCS"
#define OTHER \
	"AAAAC3NzaC1lZDI1NTE5AAAAIEBQSrRiXfWei3XhJEKZKG+1qpVsdyTunD" \
	"v9o7L25p+S"
#define ECDSA \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBH1/5V" \
	"LCfzYPpEXgNR4+hREGG4JY9DFc7RSWviUtzaSwiBY/selv2nfOFeGeZugE" \
	"SaA1cz8d8GQvclh5eTwdV/0="
#define RSA \
	"AAAAB3NzaC1yc2EAAAADAQABAAAAgQDFiBjEF6yPHYY8/d6HjDLE+saA5K" \
	"Dh7tsDDP1v2KK3caFfFOkVNAxvRrQ4rExpiVglwS0ZxKm/2FVKxde4j4gu" \
	"JEwbb1mWSHuibWgd2xpU2pzRMAR766SNhDQ9ZGIpamXrGb9x77Gpeg2r4j" \
	"M1HlEUJ0NQIiHxjoClDVQfUwo8LQ=="

/* "example.com" and "[example.com]:2222" by ssh-keygen -H. */
#define HASHED_PLAIN \
	"|1|rP1cnL+Sl1ENFc2woPgf4lnhEOw=|oSJ3YjRIBgkSupjN6xZz8/sZZe" \
	"Q="
#define HASHED_PORT \
	"|1|RLXKf7IKw97RwnjkjQ6WO0ye9tY=|0MNlbUPPbKY5Encn1PC1jVZbLF" \
	"M="

#define LINE_ED25519	"ssh-ed25519 " ED25519 "\n"
#define LINE_OTHER	"ssh-ed25519 " OTHER "\n"
#define LINE_ECDSA	"ecdsa-sha2-nistp256 " ECDSA "\n"
#define LINE_RSA	"ssh-rsa " RSA "\n"

#define PREFER_ED25519	"ssh-ed25519,ecdsa-sha2-nistp256," \
	"ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"

static struct known_hosts_match
check_by(const struct known_hosts *kh, const char *key)
{
	struct known_hosts_match m;
	uint8_t blob[1024];
	ssize_t n = base64_decode(key, strlen(key), blob, sizeof(blob));

	assert_true(n > 0);
	known_hosts_check(kh, blob, (size_t)n, &m);
	return m;
}

static struct known_hosts *
parse_n(const char *host, uint16_t port, const char *text, size_t len)
{
	struct known_hosts *kh = known_hosts_new(host, port);
	struct err err;

	assert_int_equal(known_hosts_add_file(kh, "kh", text, len, &err), 0);
	return kh;
}

/* The verdict on key as that of host:port, by a file with this text. */
static enum known_hosts_verdict
verdict(const char *host, uint16_t port, const char *text, const char *key)
{
	struct known_hosts *kh = parse_n(host, port, text, strlen(text));
	struct known_hosts_match m = check_by(kh, key);

	known_hosts_free(kh);
	return m.verdict;
}

#define assert_verdict(host, port, text, key, want) \
	assert_int_equal(verdict(host, port, text, key), KNOWN_HOSTS_##want)

static void
plain_names(void **state)
{
	const char *text = "# comment\n\n  \nexample.com " LINE_ED25519;

	(void)state;
	assert_verdict("example.com", 22, text, ED25519, KNOWN);
	assert_verdict("EXAMPLE.Com", 22, text, ED25519, KNOWN);
	assert_verdict("example.org", 22, text, ED25519, UNKNOWN);
	assert_verdict("example.co", 22, text, ED25519, UNKNOWN);
	assert_verdict("xexample.com", 22, text, ED25519, UNKNOWN);
	assert_verdict("example.com", 22, text, OTHER, CHANGED);
	assert_verdict("example.com", 22, "", ED25519, UNKNOWN);
	assert_verdict("h", 22, " \th\t" LINE_ED25519, ED25519, KNOWN);
	assert_verdict("h", 22, "H " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("::1", 22, "::1 " LINE_ED25519, ED25519, KNOWN);
	/* Without an end of line; with a comment and a carriage return. */
	assert_verdict("h", 22, "h ssh-ed25519 " ED25519, ED25519, KNOWN);
	assert_verdict("h", 22, "h ssh-ed25519 " ED25519 " me@here\r\n",
	    ED25519, KNOWN);
	assert_verdict("h", 22, "h ssh-ed25519 " ED25519 "\r\n", ED25519,
	    KNOWN);
	assert_verdict("h", 22, "h\tssh-ed25519 \t " ED25519 "\t#x\n",
	    ED25519, KNOWN);
}

static void
ports(void **state)
{
	(void)state;
	assert_verdict("h", 2222, "[h]:2222 " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("h", 2223, "[h]:2222 " LINE_ED25519, ED25519, UNKNOWN);
	assert_verdict("h", 22, "[h]:2222 " LINE_ED25519, ED25519, UNKNOWN);
	/* ssh looks for the bare name, too, and for that very key only. */
	assert_verdict("h", 2222, "h " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("h", 2222, "h " LINE_ED25519, OTHER, UNKNOWN);
	/* But not if the name with the port has a key. */
	assert_verdict("h", 2222, "[h]:2222 " LINE_OTHER "h " LINE_ED25519,
	    ED25519, CHANGED);
	assert_verdict("h", 2222, "h " LINE_OTHER "[h]:2222 " LINE_ED25519,
	    ED25519, KNOWN);
	assert_verdict("::1", 22222, "[::1]:22222 " LINE_ED25519, ED25519,
	    KNOWN);
}

static void
patterns(void **state)
{
	(void)state;
	assert_verdict("b", 22, "a,b,c " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("d", 22, "a,b,c " LINE_ED25519, ED25519, UNKNOWN);
	assert_verdict("x.lan", 22, "*.lan " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("x.LAN", 22, "*.Lan " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("h1", 22, "h? " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("h", 22, "h? " LINE_ED25519, ED25519, UNKNOWN);
	assert_verdict("a.lan", 2222, "[*.lan]:2222 " LINE_ED25519, ED25519,
	    KNOWN);
	assert_verdict("any", 2222, "* " LINE_ED25519, ED25519, KNOWN);
	assert_verdict("h", 22, ",,h,, " LINE_ED25519, ED25519, KNOWN);
}

static void
negation(void **state)
{
	const char *text = "*.lan,!bad.lan " LINE_ED25519;

	(void)state;
	assert_verdict("good.lan", 22, text, ED25519, KNOWN);
	assert_verdict("bad.lan", 22, text, ED25519, UNKNOWN);
	assert_verdict("BAD.lan", 22, text, ED25519, UNKNOWN);
	assert_verdict("bad.lan", 22, "!bad.lan,*.lan " LINE_ED25519, ED25519,
	    UNKNOWN);
	/* A negation alone matches nothing. */
	assert_verdict("x", 22, "!y " LINE_ED25519, ED25519, UNKNOWN);
	assert_verdict("x", 22, "!* " LINE_ED25519, ED25519, UNKNOWN);
	assert_verdict("x", 22, "! " LINE_ED25519, ED25519, UNKNOWN);
}

static void
hashed_names(void **state)
{
	(void)state;
	assert_verdict("example.com", 22, HASHED_PLAIN " " LINE_ED25519,
	    ED25519, KNOWN);
	assert_verdict("Example.COM", 22, HASHED_PLAIN " " LINE_ED25519,
	    ED25519, KNOWN);
	assert_verdict("example.com", 22, HASHED_PLAIN " " LINE_ED25519,
	    OTHER, CHANGED);
	assert_verdict("example.org", 22, HASHED_PLAIN " " LINE_ED25519,
	    ED25519, UNKNOWN);
	assert_verdict("example.com", 2222, HASHED_PORT " " LINE_ED25519,
	    ED25519, KNOWN);
	assert_verdict("example.com", 2223, HASHED_PORT " " LINE_ED25519,
	    ED25519, UNKNOWN);
	/* The bare name, hashed, for another port. */
	assert_verdict("example.com", 2223, HASHED_PLAIN " " LINE_ED25519,
	    ED25519, KNOWN);
	assert_verdict("example.com", 22, "@revoked " HASHED_PLAIN " "
	    LINE_ED25519, ED25519, REVOKED);
}

static void
revoked(void **state)
{
	(void)state;
	assert_verdict("h", 22, "@revoked * " LINE_ED25519, ED25519, REVOKED);
	assert_verdict("h", 22, "@revoked\th " LINE_ED25519, ED25519, REVOKED);
	assert_verdict("h", 22, "@revoked * " LINE_ED25519, OTHER, UNKNOWN);
	assert_verdict("h", 22, "h " LINE_ED25519 "@revoked * " LINE_ED25519,
	    ED25519, REVOKED);
	assert_verdict("h", 22, "@revoked * " LINE_ED25519 "h " LINE_ED25519,
	    ED25519, REVOKED);
	assert_verdict("h", 22, "@revoked * " LINE_ED25519 "h " LINE_OTHER,
	    OTHER, KNOWN);
	assert_verdict("h", 2222, "@revoked h " LINE_ED25519
	    "[h]:2222 " LINE_ED25519, ED25519, REVOKED);
	assert_verdict("h", 22, "@revoked x " LINE_ED25519 "h " LINE_ED25519,
	    ED25519, KNOWN);
}

static void
several_keys(void **state)
{
	const char *text = "h " LINE_ECDSA "h " LINE_OTHER "h " LINE_ED25519;
	struct known_hosts *kh = parse_n("h", 22, text, strlen(text));
	struct known_hosts_match m = check_by(kh, ED25519);

	(void)state;
	assert_int_equal(m.verdict, KNOWN_HOSTS_KNOWN);
	assert_string_equal(m.file, "kh");
	assert_int_equal(m.line, 3);
	m = check_by(kh, RSA);
	assert_int_equal(m.verdict, KNOWN_HOSTS_CHANGED);
	assert_true(m.other_types);
	assert_int_equal(m.line, 1);
	known_hosts_free(kh);

	text = "h " LINE_ECDSA "\nh " LINE_OTHER;
	kh = parse_n("h", 22, text, strlen(text));
	m = check_by(kh, ED25519);
	assert_int_equal(m.verdict, KNOWN_HOSTS_CHANGED);
	assert_false(m.other_types);
	assert_int_equal(m.line, 3);
	known_hosts_free(kh);

	kh = parse_n("h", 22, "", 0);
	m = check_by(kh, ED25519);
	assert_int_equal(m.verdict, KNOWN_HOSTS_UNKNOWN);
	assert_null(m.file);
	assert_int_equal(m.line, 0);
	known_hosts_free(kh);
}

static void
several_files(void **state)
{
	struct known_hosts *kh = known_hosts_new("h", 22);
	struct known_hosts_match m;
	struct err err;

	(void)state;
	assert_int_equal(known_hosts_add_file(kh, "one", "h " LINE_OTHER,
	    strlen("h " LINE_OTHER), &err), 0);
	assert_int_equal(known_hosts_add_file(kh, "two", "\nh " LINE_ED25519,
	    strlen("\nh " LINE_ED25519), &err), 0);
	m = check_by(kh, ED25519);
	assert_int_equal(m.verdict, KNOWN_HOSTS_KNOWN);
	assert_string_equal(m.file, "two");
	assert_int_equal(m.line, 2);
	known_hosts_free(kh);
}

/* The text has one line that is skipped with a warning, then a good one. */
static void
assert_warning(const char *text, size_t len, const char *want)
{
	struct known_hosts *kh = parse_n("h", 22, text, len);

	assert_int_equal(known_hosts_warning_count(kh), 1);
	if (strstr(known_hosts_warning(kh, 0), want) == NULL)
		fail_msg("\"%s\" has no \"%s\"", known_hosts_warning(kh, 0),
		    want);
	assert_null(known_hosts_warning(kh, 1));
	assert_int_equal(check_by(kh, ED25519).verdict, KNOWN_HOSTS_KNOWN);
	assert_int_equal(check_by(kh, OTHER).verdict, KNOWN_HOSTS_CHANGED);
	known_hosts_free(kh);
}

static void
bad_lines(void **state)
{
	static const struct {
		const char *line;
		const char *want;
	} rows[] = {
		{ "h", "kh:1: the line ends before the key" },
		{ "h ", "ends before" },
		{ "h ssh-ed25519", "ends before" },
		{ "h ssh-ed25519 ", "ends before" },
		{ "h ssh-ed25519 AAAA", "damaged" },
		{ "h ssh-ed25519 !!!!", "damaged" },
		{ "h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEBQSrRiXfWei3XhJEKZ",
		  "damaged" },
		{ "h ssh-ed25519 " OTHER "=", "damaged" },
		{ "h ssh-ed25519 " OTHER "AAAA", "damaged" },
		{ "h ssh-ed25519 \r" OTHER, "damaged" },
		{ "h ssh-rsa " OTHER, "not of the type" },
		{ "h 1024 35 1234567890", "damaged" },
		{ "@revoked h ssh-ed25519 AAAA", "damaged" },
		{ "@revoke h ssh-ed25519 " OTHER, "marker" },
		{ "@revoked @revoked h ssh-ed25519 " OTHER, "marker" },
		{ "@ h ssh-ed25519 " OTHER, "marker" },
		{ "@cert-authority * ssh-ed25519 AAAA", "damaged" },
		{ "|1|x|y ssh-ed25519 " OTHER, "host name is damaged" },
		{ "|1| ssh-ed25519 " OTHER, "host name is damaged" },
		{ "|2|RLXKf7IKw97RwnjkjQ6WO0ye9tY=|0MNlbUPPbKY5Encn1PC1jVZbLFM="
		  " ssh-ed25519 " OTHER, "host name is damaged" },
		{ HASHED_PLAIN "A ssh-ed25519 " OTHER, "host name is damaged" },
		{ "| ssh-ed25519 " OTHER, "host name is damaged" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = str_dupf("%s\nh " LINE_ED25519, rows[i].line);

		assert_warning(text, strlen(text), rows[i].want);
		free(text);
	}
}

static void
nul_and_long_lines(void **state)
{
	static const char nul[] = "h\0 ssh-ed25519 " OTHER "\nh " LINE_ED25519;
	size_t n = KNOWN_HOSTS_LINE_MAX + 1;
	char *text = mem_alloc(n + strlen("\nh " LINE_ED25519) + 1);

	(void)state;
	assert_warning(nul, sizeof(nul) - 1, "NUL");
	memset(text, 'a', n);
	memcpy(text + n, "\nh " LINE_ED25519, strlen("\nh " LINE_ED25519));
	assert_warning(text, strlen(text), "too long");
	/* A pattern that ssh would not look at either. */
	text[2000] = ',';
	text[KNOWN_HOSTS_LINE_MAX - 1] = '\n';
	text[KNOWN_HOSTS_LINE_MAX] = '#';
	assert_warning(text, strlen(text), "host name is damaged");
	free(text);
}

static void
other_hosts_lines_make_no_noise(void **state)
{
	const char *text = "x ssh-ed25519 torn\n"
	    "@cert-authority *.example ssh-ed25519 " OTHER "\n";
	struct known_hosts *kh = parse_n("h", 22, text, strlen(text));

	(void)state;
	assert_int_equal(known_hosts_warning_count(kh), 0);
	assert_null(known_hosts_warning(kh, 0));
	known_hosts_free(kh);
}

static void
warnings_are_bounded(void **state)
{
	struct known_hosts *kh;
	struct str text;

	(void)state;
	str_init(&text);
	for (int i = 0; i < 1000; i++)
		str_append(&text, "h ssh-ed25519 AAAA\n");
	kh = parse_n("h", 22, text.p, text.len);
	assert_int_equal(known_hosts_warning_count(kh), 1000);
	assert_non_null(known_hosts_warning(kh, KNOWN_HOSTS_WARNINGS - 1));
	assert_null(known_hosts_warning(kh, KNOWN_HOSTS_WARNINGS));
	known_hosts_free(kh);
	str_fini(&text);
}

/* Every beginning of a good file, and every flipped byte of it. */
static void
torn_files_make_nothing_known(void **state)
{
	static const char text[] = "h " LINE_ED25519;
	struct known_hosts *kh;
	char copy[sizeof(text)];

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 2; n++) {
		kh = parse_n("h", 22, text, n);
		assert_int_not_equal(check_by(kh, ED25519).verdict,
		    KNOWN_HOSTS_KNOWN);
		known_hosts_free(kh);
	}
	for (size_t n = 2; n < sizeof(text) - 2; n++) {
		memcpy(copy, text, sizeof(text));
		copy[n] ^= 1;
		kh = parse_n("h", 22, copy, sizeof(text) - 1);
		assert_int_not_equal(check_by(kh, ED25519).verdict,
		    KNOWN_HOSTS_KNOWN);
		known_hosts_free(kh);
	}
}

static void
size_bounds(void **state)
{
	static const char line[] = HASHED_PLAIN " " LINE_OTHER;
	struct known_hosts *kh = known_hosts_new("h", 22);
	struct str text;
	struct err err;

	(void)state;
	str_init(&text);
	while (text.len < 10 * 1024 * 1024)
		str_append_n(&text, line, sizeof(line) - 1);
	str_append(&text, "h " LINE_ED25519);
	assert_int_equal(known_hosts_add_file(kh, "big", text.p, text.len,
	    &err), 0);
	assert_int_equal(known_hosts_warning_count(kh), 0);
	assert_int_equal(check_by(kh, ED25519).verdict, KNOWN_HOSTS_KNOWN);
	while (text.len <= KNOWN_HOSTS_FILE_MAX)
		str_append_n(&text, line, sizeof(line) - 1);
	assert_int_equal(known_hosts_add_file(kh, "huge", text.p, text.len,
	    &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "huge is larger than"));
	str_fini(&text);
	known_hosts_free(kh);
	known_hosts_free(NULL);
}

static void
assert_algorithms(uint16_t port, const char *text, const char *want)
{
	struct known_hosts *kh = parse_n("h", port, text, strlen(text));
	char *list = known_hosts_algorithms(kh, PREFER_ED25519, false);

	assert_string_equal(list, want);
	free(list);
	known_hosts_free(kh);
}

static void
algorithms_by_what_is_known(void **state)
{
	(void)state;
	assert_algorithms(22, "", PREFER_ED25519);
	assert_algorithms(22, "h " LINE_ED25519, PREFER_ED25519);
	assert_algorithms(22, "x " LINE_ECDSA, PREFER_ED25519);
	assert_algorithms(22, "@revoked h " LINE_ECDSA, PREFER_ED25519);
	assert_algorithms(22, "h " LINE_ECDSA, "ecdsa-sha2-nistp256,"
	    "ssh-ed25519,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
	    "rsa-sha2-512,rsa-sha2-256");
	assert_algorithms(22, "h " LINE_RSA, "rsa-sha2-512,rsa-sha2-256,"
	    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
	    "ecdsa-sha2-nistp521");
	assert_algorithms(22, "h " LINE_RSA "h " LINE_ECDSA,
	    "ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256,ssh-ed25519,"
	    "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521");
	assert_algorithms(2222, "h " LINE_ECDSA "[h]:2222 " LINE_RSA,
	    "rsa-sha2-512,rsa-sha2-256,ecdsa-sha2-nistp256,ssh-ed25519,"
	    "ecdsa-sha2-nistp384,ecdsa-sha2-nistp521");
}

#define CERTS \
	"ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com"

/* Is the CA that OTHER is listed, and certificates therefore asked for? */
static void
assert_ca(uint16_t port, const char *text, enum known_hosts_verdict want)
{
	struct known_hosts *kh = parse_n("h", port, text, strlen(text));
	char *list = known_hosts_algorithms(kh, CERTS "," PREFER_ED25519,
	    false), *kept = known_hosts_algorithms(kh, "rsa-sha2-512,"
	    CERTS, true);
	struct known_hosts_match m;
	uint8_t blob[256];
	ssize_t n = base64_decode(OTHER, strlen(OTHER), blob, sizeof(blob));
	size_t len;

	assert_true(n > 0);
	known_hosts_check_ca(kh, blob, (size_t)n, &m);
	assert_int_equal(m.verdict, want);
	assert_int_equal(strncmp(list, "ssh-ed25519-cert-v01@openssh.com,", 33)
	    == 0, known_hosts_has_ca(kh));
	assert_string_equal(kept, known_hosts_has_ca(kh) ?
	    "rsa-sha2-512," CERTS : "rsa-sha2-512");
	free(kept);
	kept = known_hosts_algorithms(kh, CERTS, false);
	assert_string_equal(kept, CERTS);
	free(kept);
	if (want == KNOWN_HOSTS_KNOWN)
		assert_true(known_hosts_has_ca(kh));
	/* A CA is not a key of the host's. */
	known_hosts_check(kh, blob, (size_t)n, &m);
	assert_int_not_equal(m.verdict, KNOWN_HOSTS_KNOWN);
	assert_null(known_hosts_key(kh, 0, &len));
	free(list);
	known_hosts_free(kh);
}

static void
authorities(void **state)
{
	(void)state;
	assert_ca(22, "@cert-authority h " LINE_OTHER, KNOWN_HOSTS_KNOWN);
	assert_ca(22, "@cert-authority * " LINE_OTHER, KNOWN_HOSTS_KNOWN);
	assert_ca(2222, "@cert-authority h " LINE_OTHER, KNOWN_HOSTS_KNOWN);
	assert_ca(2222, "@cert-authority [h]:2222 " LINE_OTHER,
	    KNOWN_HOSTS_KNOWN);
	assert_ca(22, "@cert-authority *,!h " LINE_OTHER, KNOWN_HOSTS_UNKNOWN);
	assert_ca(22, "@cert-authority x " LINE_OTHER, KNOWN_HOSTS_UNKNOWN);
	assert_ca(22, "@cert-authority h " LINE_ED25519, KNOWN_HOSTS_UNKNOWN);
	assert_ca(22, "@cert-authority h " LINE_OTHER "@revoked * " LINE_OTHER,
	    KNOWN_HOSTS_REVOKED);
	assert_ca(22, "@cert-authority h " LINE_OTHER "@revoked x " LINE_OTHER,
	    KNOWN_HOSTS_KNOWN);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
loading(void **state)
{
	char dir[] = "/tmp/hawser-kh-XXXXXX";
	struct known_hosts *kh = known_hosts_new("h", 22);
	struct err err;
	char *path;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = str_dupf("%s/known_hosts", dir);
	assert_int_equal(known_hosts_load(kh, path, &err), 0);
	assert_int_equal(known_hosts_load(kh, "/dev/null", &err), 0);
	assert_int_equal(known_hosts_load(kh, dir, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	write_file(path, "h " LINE_ED25519, 0666);
	assert_int_equal(known_hosts_load(kh, path, &err), -1);
	assert_int_equal(err.code, ERR_PERM);
	assert_non_null(strstr(err.text, "0666"));
	assert_int_equal(check_by(kh, ED25519).verdict, KNOWN_HOSTS_UNKNOWN);
	if (geteuid() != 0) {
		assert_int_equal(chmod(path, 0), 0);
		assert_int_equal(known_hosts_load(kh, path, &err), -1);
		assert_int_equal(err.code, ERR_SYS);
	} else {
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		assert_int_equal(known_hosts_load(kh, path, &err), -1);
		assert_int_equal(err.code, ERR_PERM);
		assert_int_equal(chown(path, 0, (gid_t)-1), 0);
	}
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(known_hosts_load(kh, path, &err), 0);
	assert_int_equal(check_by(kh, ED25519).verdict, KNOWN_HOSTS_KNOWN);
	assert_string_equal(check_by(kh, ED25519).file, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(known_hosts_load(kh, path, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	free(path);
	known_hosts_free(kh);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names),
		cmocka_unit_test(ports),
		cmocka_unit_test(patterns),
		cmocka_unit_test(negation),
		cmocka_unit_test(hashed_names),
		cmocka_unit_test(revoked),
		cmocka_unit_test(several_keys),
		cmocka_unit_test(several_files),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(nul_and_long_lines),
		cmocka_unit_test(other_hosts_lines_make_no_noise),
		cmocka_unit_test(warnings_are_bounded),
		cmocka_unit_test(torn_files_make_nothing_known),
		cmocka_unit_test(size_bounds),
		cmocka_unit_test(algorithms_by_what_is_known),
		cmocka_unit_test(authorities),
		cmocka_unit_test(loading),
	};

	return cmocka_run_group_tests_name("known_hosts", tests, NULL, NULL);
}
