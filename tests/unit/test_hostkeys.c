/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/fdio.h"
#include "base/str.h"
#include "supervisor/hostkeys.h"
#include "supervisor/hostkeys_text.h"
#include "supervisor/rewrite.h"

#define KEY	"AAAAC3NzaC1lZDI1NTE5AAAAIDo1rPcvYAMiRwWrAqsKkjbHkaERNzoTd0Na" \
	"s94DyTaL"
#define PRINT	"SHA256:SzHnf8aEB9dRkvRzJM3kmUM+/n3L/Xbag1Wx8y2XZ6w"

static char dir[] = "/tmp/hawser-keys-XXXXXX";

/* Of whatever key the machine's ssh-keygen makes. */
static char key[256], print[128];

static struct hostkey
good(void)
{
	return (struct hostkey){ .type = (char *)"ssh-ed25519", .key = key,
	    .fingerprint = print };
}

static char *
at(const char *name)
{
	return str_dupf("%s/%s", dir, name);
}

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static char *
get(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct err err;
	char *text;
	size_t len;

	assert_int_not_equal(fd, -1);
	assert_non_null(text = fd_read_all(fd, 1 << 20, &len, &err));
	close(fd);
	return text;
}

static char *
read_command(const char *command)
{
	FILE *f = popen(command, "r");
	struct str s;
	char line[512];

	assert_non_null(f);
	str_init(&s);
	while (fgets(line, sizeof(line), f) != NULL)
		str_append(&s, line);
	assert_int_equal(pclose(f), 0);
	return str_take(&s);
}

static void
keys_are_checked(void **state)
{
	struct hostkey k = good();
	char other[256];
	struct err err;

	(void)state;
	assert_int_equal(hostkeys_check(&k, &err), 0);
	k.fingerprint = (char *)PRINT;
	assert_int_equal(hostkeys_check(&k, &err), -1);
	k = good();
	k.type = (char *)"ssh-rsa";
	assert_int_equal(hostkeys_check(&k, &err), -1);
	k = good();
	k.key = (char *)"AAAA";
	assert_int_equal(hostkeys_check(&k, &err), -1);
	k.key = (char *)"not base64";
	assert_int_equal(hostkeys_check(&k, &err), -1);
	k.key = (char *)"";
	assert_int_equal(hostkeys_check(&k, &err), -1);
	snprintf(other, sizeof(other), "%s", key);
	other[40] ^= 1;
	k.key = other;
	assert_int_equal(hostkeys_check(&k, &err), -1);
}

static void
names(void **state)
{
	static const struct {
		const char *host, *alias, *want;
		uint16_t port;
	} rows[] = {
		{ "Server.Example", "", "server.example", 22 },
		{ "server", "", "[server]:2222", 2222 },
		{ "::1", "", "[::1]:2222", 2222 },
		{ "server", "Alias", "alias", 2222 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct host h = { .hostname = (char *)rows[i].host,
		    .host_key_alias = (char *)rows[i].alias,
		    .port = rows[i].port };
		char *name = hostkeys_name(&h);

		assert_string_equal(name, rows[i].want);
		free(name);
	}
}

/* Adds to text; the result must be want, NULL: nothing to do. */
static void
adds(const char *text, const char *want)
{
	struct hostkey k = good();
	struct str out;
	bool done;

	str_init(&out);
	done = hostkeys_text_add(text, strlen(text), "[a]:1", false, &k, &out);
	assert_int_equal(done, want != NULL);
	if (want != NULL) {
		char *line = str_dupf("%s[a]:1 ssh-ed25519 %s\n", want, key);

		assert_string_equal(out.p, line);
		free(line);
	}
	str_fini(&out);
}

static void
lines_are_added(void **state)
{
	char *same = str_dupf("# x\n[A]:1 ssh-ed25519 %s comment\n", key);

	(void)state;
	adds("", "");
	adds("b ssh-ed25519 AAAA\n", "b ssh-ed25519 AAAA\n");
	/* The last line may lack its end. */
	adds("b ssh-ed25519 AAAA", "b ssh-ed25519 AAAA\n");
	adds(same, NULL);
	/* Its old key goes; others' and shared lines stay. */
	adds("x y\n[a]:1 ssh-ed25519 " KEY "\nz", "x y\nz\n");
	adds("[a]:1 ssh-rsa AAAA\n[a]:1,b ssh-ed25519 " KEY "\n"
	    "@revoked [a]:1 ssh-ed25519 " KEY "\n\n",
	    "[a]:1 ssh-rsa AAAA\n[a]:1,b ssh-ed25519 " KEY "\n"
	    "@revoked [a]:1 ssh-ed25519 " KEY "\n\n");
	free(same);
}

/* ssh-keygen finds what was hashed, and we find it again ourselves. */
static void
names_are_hashed(void **state)
{
	struct hostkey k = good(), old = good();
	char *path = at("hashed"), *command, *found;
	struct str out, again;

	(void)state;
	str_init(&out);
	str_init(&again);
	old.key = (char *)KEY;
	assert_true(hostkeys_text_add("", 0, "[a]:1", true, &old, &out));
	assert_null(strstr(out.p, "[a]"));
	assert_true(hostkeys_text_add(out.p, out.len, "[a]:1", true, &k,
	    &again));
	assert_null(strstr(again.p, KEY));
	str_fini(&out);
	assert_false(hostkeys_text_add(again.p, again.len, "[a]:1", true, &k,
	    &out));
	put(path, again.p);
	command = str_dupf("ssh-keygen -F '[a]:1' -f %s", path);
	found = read_command(command);
	assert_non_null(strstr(found, key));
	unlink(path);
	free(found);
	free(command);
	str_fini(&again);
	free(path);
}

static void
hosts_that_are_not_new(void **state)
{
	static const struct {
		const char *text;
		bool other;
	} rows[] = {
		{ "", false },
		{ "[a]:1 ssh-rsa AAAA", true },
		{ "b k v\n[A]:1 ssh-rsa AAAA\n", true },
		{ "b,[a]:1,c ssh-ed25519 AAAA\n", true },
		{ "  *:1 ssh-ed25519 AAAA\n", true },
		{ "a ssh-ed25519 AAAA\n[a]:2 ssh-ed25519 AAAA\n", false },
		{ "#[a]:1 ssh-ed25519 AAAA\n\n \n", false },
		{ "@cert-authority * ssh-ed25519 AAAA\n", false },
		{ "|1|AAAA|BBBB ssh-ed25519 AAAA\n,, x y\n", false },
	};
	struct hostkey k = good();
	struct str hashed;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(hostkeys_text_contradict(rows[i].text,
		    strlen(rows[i].text), "[a]:1", &k), rows[i].other);
	str_init(&hashed);
	assert_true(hostkeys_text_add("", 0, "[a]:1", true, &k, &hashed));
	/* Somebody else was quicker: it is the same key. */
	assert_false(hostkeys_text_contradict(hashed.p, hashed.len,
	    "[a]:1", &k));
	assert_false(hostkeys_text_contradict(hashed.p, hashed.len,
	    "[a]:2", &k));
	k.key = (char *)"AAAAother";
	assert_true(hostkeys_text_contradict(hashed.p, hashed.len,
	    "[a]:1", &k));
	str_fini(&hashed);
}

static void
a_new_host_is_in_no_file(void **state)
{
	char *first = at("first"), *second = at("second");
	char *files[] = { first, second };
	struct host h = { .hostname = (char *)"a", .port = 22,
	    .host_key_alias = (char *)"", .known_hosts_files = files,
	    .known_hosts_file_count = 2, .user_known_hosts_count = 1 };
	struct hostkey k = good();
	struct err err;

	(void)state;
	assert_int_equal(hostkeys_check_new(&h, &k, &err), 0);
	put(first, "b ssh-rsa AAAA\n");
	put(second, "c ssh-rsa AAAA\n");
	assert_int_equal(hostkeys_check_new(&h, &k, &err), 0);
	put(second, "c,a ssh-rsa AAAA\n");
	assert_int_equal(hostkeys_check_new(&h, &k, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	unlink(first);
	unlink(second);
	free(first);
	free(second);
}

static void
recording(void **state)
{
	char *first = at("first"), *second = at("new/second"), *text, *want;
	char *folder = at("new"), *file;
	char *files[] = { (char *)"/dev/null", first, second };
	struct host h = { .hostname = (char *)"a", .port = 22,
	    .host_key_alias = (char *)"", .known_hosts_files = files,
	    .known_hosts_file_count = 3, .user_known_hosts_count = 3 };
	struct hostkey k = good();
	struct stat st;
	struct err err;

	(void)state;
	put(first, "b ssh-rsa AAAA");
	assert_int_equal(chmod(first, 0644), 0);
	if (hostkeys_record(&h, &k, &file, &err) == -1)
		fail_msg("%s", err.text);
	assert_string_equal(file, first);
	free(file);
	text = get(first);
	want = str_dupf("b ssh-rsa AAAA\na ssh-ed25519 %s\n", key);
	assert_string_equal(text, want);
	assert_int_equal(stat(first, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	free(text);
	/* The folder is made; nothing that can't be written is a stop. */
	files[1] = dir;
	assert_int_equal(hostkeys_record(&h, &k, &file, &err), 0);
	assert_string_equal(file, second);
	free(file);
	/* Without any, it is our own. */
	h.user_known_hosts_count = 0;
	assert_int_equal(hostkeys_record(&h, &k, &file, &err), 0);
	text = hostkeys_own_file(&err);
	assert_string_equal(file, text);
	unlink(file);
	unlink(first);
	unlink(second);
	rmdir(folder);
	free(text);
	free(file);
	free(want);
	free(folder);
	free(second);
	free(first);
}

/* A list of keys that are told apart by one byte; n of them. */
static void
make_list(struct hostkey_list *l, const char *letters)
{
	memset(l, 0, sizeof(*l));
	for (; *letters != '\0'; letters++) {
		uint8_t blob[51] = "\0\0\0\13ssh-ed25519\0\0\0\40";
		struct hostkey *k = &l->keys[l->count++];
		char text[HOSTKEYS_PRINT_SIZE];

		memset(blob + 19, *letters, 32);
		k->type = str_dup("ssh-ed25519");
		k->key = base64_encode(blob, sizeof(blob));
		assert_true(hostkeys_text_fingerprint(k->type, k->key,
		    strlen(k->key), text));
		k->fingerprint = str_dup(text);
		k->verdict = HOSTKEY_OFFERED;
	}
}

/* New: text with each {x} replaced by that key, each <x> by its fingerprint. */
static char *
fill(const char *text)
{
	struct str out;

	str_init(&out);
	for (; *text != '\0'; text++) {
		struct hostkey_list l;
		char name[2] = { text[0] == '{' || text[0] == '<' ? text[1] :
		    '\0', '\0' };

		if (name[0] == '\0') {
			str_append_n(&out, text, 1);
			continue;
		}
		make_list(&l, name);
		if (text[0] == '{')
			str_printf(&out, "ssh-ed25519 %s", l.keys[0].key);
		else
			str_append(&out, l.keys[0].fingerprint);
		hostkey_list_fini(&l);
		text += 2;
	}
	return str_take(&out);
}

/* What becomes of a user's file when the server offers these keys. */
static void
updates(const char *keys, const char *text, const char *want)
{
	struct hostkey_list l;
	struct hostkeys_update u = { .name = "[a]:1", .plain = "a",
	    .keys = &l };
	char *before = fill(text), *after = fill(want);
	struct str out;

	make_list(&l, keys);
	str_init(&out);
	hostkeys_text_look(&u, before, strlen(before), true);
	if (u.vouched && hostkeys_text_update(&u, before, strlen(before),
	    &out))
		assert_string_equal(out.p, after);
	else
		assert_string_equal(before, after);
	str_fini(&out);
	str_fini(&u.replaced);
	hostkey_list_fini(&l);
	free(after);
	free(before);
}

static void
keys_that_a_server_offers(void **state)
{
	(void)state;
	/* The one that is known vouches for the others. */
	updates("x", "[a]:1 {x}\n", "[a]:1 {x}\n");
	updates("xy", "[a]:1 {x}", "[a]:1 {x}\n[a]:1 {y} replaces=<x>\n");
	updates("xyz", "[a]:1 {x}\n[a]:1 {y}\n", "[a]:1 {x}\n[a]:1 {y}\n"
	    "[a]:1 {z} replaces=<x> replaces=<y>\n");
	updates("xy", "b,[A]:1 {x} me\n",
	    "b,[A]:1 {x} me\n[a]:1 {y} replaces=<x>\n");
	updates("y", "[a]:1 {x}\n", "[a]:1 {x}\n");
	updates("xy", "[a]:2 {x}\n", "[a]:2 {x}\n");
	updates("xy", "[*]:1 {x}\n", "[*]:1 {x}\n");
	updates("xy", "[a]:1,!* {x}\n", "[a]:1,!* {x}\n");
	updates("xy", "@cert-authority [a]:1 {x}\n#[a]:1 {x}\n",
	    "@cert-authority [a]:1 {x}\n#[a]:1 {x}\n");
	/* Listed by whatever pattern is listed. */
	updates("xy", "[a]:1 {x}\n*:1 {y}\n", "[a]:1 {x}\n*:1 {y}\n");
	updates("xy", "[a]:1 {x}\n*:1,![a]:* {y}\n", "[a]:1 {x}\n"
	    "*:1,![a]:* {y}\n[a]:1 {y} replaces=<x>\n");
	/* By the name without the port: then all are to have the port. */
	updates("x", "a {x}\n", "a {x}\n[a]:1 {x}\n");
	updates("xy", "a {x}\n",
	    "a {x}\n[a]:1 {x}\n[a]:1 {y} replaces=<x>\n");
	/* What is revoked stays so. */
	updates("xy", "[a]:1 {x}\n@revoked * {y}\n",
	    "[a]:1 {x}\n@revoked * {y}\n");
	updates("xy", "[a]:1 {x}\n@revoked b {y}\n",
	    "[a]:1 {x}\n@revoked b {y}\n[a]:1 {y} replaces=<x>\n");
}

static void
keys_that_are_replaced(void **state)
{
	(void)state;
	updates("y", "[a]:1 {x}\n[a]:1 {y} replaces=<x>\n",
	    "[a]:1 {y} replaces=<x>\n");
	updates("xy", "[a]:1 {x}\n[a]:1 {y} replaces=<x>\n",
	    "[a]:1 {x}\n[a]:1 {y} replaces=<x>\n");
	updates("yz", "z\n[a]:1 {x}\n[a]:1 {y} replaces=<x>\nq",
	    "z\n[a]:1 {y} replaces=<x>\nq\n[a]:1 {z} replaces=<y>\n");
	/* Who says that of it is not this server's key any more. */
	updates("w", "[a]:1 {w}\n[a]:1 {x}\n[a]:1 {y} replaces=<x>\n",
	    "[a]:1 {w}\n[a]:1 {x}\n[a]:1 {y} replaces=<x>\n");
	/* Nor another host's: its lines say nothing of ours. */
	updates("y", "[a]:1 {x}\n[a]:1 {y}\nb {y} replaces=<x>\n",
	    "[a]:1 {x}\n[a]:1 {y}\nb {y} replaces=<x>\n");
	/* Others' lines, patterns, markers and comments stay. */
	updates("y", "b {x}\n[a]:1,b {x}\na {x}\n*:1 {x}\n"
	    "@revoked [a]:1 {x}\n#[a]:1 {x}\n[a]:1 {w}\n"
	    "[a]:1 {y} replaces=<x>\n[a]:1 {x}\n",
	    "b {x}\n[a]:1,b {x}\na {x}\n*:1 {x}\n"
	    "@revoked [a]:1 {x}\n#[a]:1 {x}\n[a]:1 {w}\n"
	    "[a]:1 {y} replaces=<x>\n");
}

static void
updating_files(void **state)
{
	char *first = at("first"), *second = at("second"), *third = at("third");
	char *files[] = { first, second, third }, *text, *want;
	struct host h = { .hostname = (char *)"a", .port = 22,
	    .host_key_alias = (char *)"", .known_hosts_files = files,
	    .known_hosts_file_count = 3, .user_known_hosts_count = 2 };
	struct hostkeys_change change;
	struct hostkey_list l;
	struct err err;

	(void)state;
	/* The lists for all users are read, and never written. */
	text = fill("a {x}\n");
	put(third, text);
	make_list(&l, "xy");
	assert_int_equal(hostkeys_update(&h, &l, &change, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_int_equal(access(first, F_OK), -1);
	put(second, text);
	free(text);
	assert_int_equal(hostkeys_update(&h, &l, &change, &err), 0);
	assert_string_equal(change.file, first);
	assert_true(change.added[1] && !change.added[0]);
	free(change.file);
	text = get(first);
	want = fill("a {y} replaces=<x>\n");
	assert_string_equal(text, want);
	free(want);
	free(text);
	/* Nothing to do. */
	assert_int_equal(hostkeys_update(&h, &l, &change, &err), 0);
	assert_null(change.file);
	assert_int_equal(change.removed, 0);
	hostkey_list_fini(&l);
	/* What is replaced goes from each of the user's files. */
	make_list(&l, "y");
	assert_int_equal(hostkeys_update(&h, &l, &change, &err), 0);
	assert_null(change.file);
	assert_int_equal(change.removed, 1);
	text = get(second);
	assert_string_equal(text, "");
	free(text);
	text = get(third);
	assert_string_not_equal(text, "");
	free(text);
	/* A file that can't be read may revoke a key: then none is added. */
	hostkey_list_fini(&l);
	make_list(&l, "yz");
	files[2] = dir;
	assert_int_equal(hostkeys_update(&h, &l, &change, &err), -1);
	assert_int_not_equal(err.code, ERR_REFUSED);
	hostkey_list_fini(&l);
	unlink(first);
	unlink(second);
	unlink(third);
	free(first);
	free(second);
	free(third);
}

static bool
replace_all(void *arg, const char *text, size_t len, struct str *out)
{
	(void)text;
	(void)len;
	str_append(out, arg);
	return true;
}

static void
files_that_stay(void **state)
{
	char *path = at("file"), *link_path = at("link"), *text;
	struct err err;
	int fd;

	(void)state;
	put(path, "old\n");
	assert_int_equal(symlink("file", link_path), 0);
	assert_int_equal(rewrite_file(link_path, 100, replace_all,
	    (void *)"new\n", &err), 0);
	text = get(path);
	assert_string_equal(text, "new\n");
	free(text);
	assert_int_equal(readlink(link_path, (char[8]){ 0 }, 8), 4);
	/* Somebody holds the lock. */
	fd = open(path, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(rewrite_file(path, 100, replace_all, (void *)"x",
	    &err), -1);
	assert_int_equal(err.code, ERR_AGAIN);
	close(fd);
	assert_int_equal(rewrite_file(path, 3, replace_all, (void *)"x",
	    &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(rewrite_file("/dev/null", 100, replace_all,
	    (void *)"x", &err), -1);
	assert_int_equal(err.code, ERR_PERM);
	unlink(link_path);
	unlink(path);
	free(link_path);
	free(path);
}

static int
setup(void **state)
{
	char *path, *command, *text;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	setenv("HAWSER_STATE", dir, 1);
	path = at("key");
	command = str_dupf("ssh-keygen -q -t ed25519 -N '' -f %s && cat "
	    "%s.pub && ssh-keygen -l -f %s; rm -f %s %s.pub", path, path,
	    path, path, path);
	text = read_command(command);
	if (sscanf(text, "%*s %255s %*[^\n] %*s %127s", key, print) != 2)
		return -1;
	free(text);
	free(command);
	free(path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_checked),
		cmocka_unit_test(names),
		cmocka_unit_test(lines_are_added),
		cmocka_unit_test(names_are_hashed),
		cmocka_unit_test(hosts_that_are_not_new),
		cmocka_unit_test(a_new_host_is_in_no_file),
		cmocka_unit_test(recording),
		cmocka_unit_test(keys_that_a_server_offers),
		cmocka_unit_test(keys_that_are_replaced),
		cmocka_unit_test(updating_files),
		cmocka_unit_test(files_that_stay),
	};

	return cmocka_run_group_tests_name("hostkeys", tests, setup,
	    teardown);
}
