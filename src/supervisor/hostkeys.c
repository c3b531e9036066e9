/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/hostkeys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/places.h"
#include "supervisor/hostkeys_text.h"
#include "supervisor/instance.h"
#include "supervisor/rewrite.h"

#define SSH_PORT	22

int
hostkeys_check(const struct hostkey *k, struct err *err)
{
	char print[HOSTKEYS_PRINT_SIZE];

	if (hostkeys_text_fingerprint(k->type, k->key, strlen(k->key),
	    print) && strcmp(print, k->fingerprint) == 0)
		return 0;
	return err_set(err, ERR_PROTOCOL,
	    "the worker reports a host key that is none");
}

char *
hostkeys_name(const struct host *h)
{
	char *name = h->host_key_alias[0] != '\0' ?
	    str_dup(h->host_key_alias) : h->port == SSH_PORT ?
	    str_dup(h->hostname) : str_dupf("[%s]:%u", h->hostname, h->port);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

char *
hostkeys_own_file(struct err *err)
{
	char *dir = place_state_dir(err), *path;

	if (dir == NULL)
		return NULL;
	path = str_dupf("%s/known_hosts", dir);
	free(dir);
	return path;
}

/* New: a file's text; NULL with err set, or "" if it does not exist. */
static char *
read_file(const char *path, size_t *len, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text;

	*len = 0;
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR))
		return str_dup("");
	if (fd == -1) {
		err_sys(err, "%s cannot be read", path);
		return NULL;
	}
	text = fd_read_all(fd, HOSTKEYS_FILE_MAX, len, err);
	fd_close(&fd);
	if (text == NULL)
		err_prefix(err, "%s", path);
	return text;
}

/* 0 if the file lists no other key of name. */
static int
check_file(const char *path, const char *name, const struct hostkey *k,
    struct err *err)
{
	size_t len;
	char *text = read_file(path, &len, err);
	bool other;

	if (text == NULL)
		return -1;
	other = hostkeys_text_contradict(text, len, name, k);
	free(text);
	return other ? err_set(err, ERR_REFUSED, "%s lists another key of %s",
	    path, name) : 0;
}

int
hostkeys_check_new(const struct host *h, const struct hostkey *k,
    struct err *err)
{
	char *name = hostkeys_name(h), *own = hostkeys_own_file(NULL);
	int rc = own != NULL ? check_file(own, name, k, err) : 0;

	for (size_t i = 0; i < h->known_hosts_file_count && rc == 0; i++)
		rc = check_file(h->known_hosts_files[i], name, k, err);
	free(own);
	free(name);
	return rc;
}

/* How a text changes: as rewrite_file() wants it. */
typedef bool edit_text(void *arg, const char *text, size_t len,
    struct str *out);

static int
edit_own_file(edit_text *edit, void *arg, char **file, struct err *err)
{
	char *dir = place_state_dir(err);
	int rc = dir != NULL ? instance_make_dir(dir, err) : -1;

	free(dir);
	if (rc == -1 || (*file = hostkeys_own_file(err)) == NULL)
		return -1;
	if (rewrite_file(*file, HOSTKEYS_FILE_MAX, edit, arg, err) == 0)
		return 0;
	free(*file);
	*file = NULL;
	return -1;
}

/* The first UserKnownHostsFile that can be written, else our own. */
static int
edit_first(const struct host *h, edit_text *edit, void *arg, char **file,
    struct err *err)
{
	*file = NULL;
	for (int i = 0; i < h->user_known_hosts_count; i++)
		if (rewrite_file(h->known_hosts_files[i], HOSTKEYS_FILE_MAX,
		    edit, arg, err) == 0) {
			*file = str_dup(h->known_hosts_files[i]);
			return 0;
		}
	return edit_own_file(edit, arg, file, err);
}

struct addition {
	char *name;
	bool hash;
	const struct hostkey *key;
};

static bool
add(void *arg, const char *text, size_t len, struct str *out)
{
	const struct addition *a = arg;

	return hostkeys_text_add(text, len, a->name, a->hash, a->key, out);
}

int
hostkeys_record(const struct host *h, const struct hostkey *k, char **file,
    struct err *err)
{
	struct addition a = { .name = hostkeys_name(h),
	    .hash = h->hash_known_hosts, .key = k };
	int rc = edit_first(h, add, &a, file, err);

	free(a.name);
	return rc;
}

/* All keys of a server */

bool
hostkeys_may_update(const struct host *h)
{
	return h->update_host_keys && h->checking != CHECKING_NO;
}

static int
look_at_file(struct hostkeys_update *u, const char *path, bool is_users,
    struct err *err)
{
	size_t len;
	char *text = read_file(path, &len, err);

	if (text == NULL)
		return -1;
	hostkeys_text_look(u, text, len, is_users);
	free(text);
	return 0;
}

static int
look(struct hostkeys_update *u, const struct host *h, const char *own,
    struct err *err)
{
	for (size_t i = 0; i < h->known_hosts_file_count; i++)
		if (look_at_file(u, h->known_hosts_files[i],
		    (int)i < h->user_known_hosts_count, err) == -1)
			return -1;
	if (own != NULL && look_at_file(u, own, true, err) == -1)
		return -1;
	if (!u->vouched)
		return err_set(err, ERR_REFUSED, "no line of a user's file "
		    "has a key of %s under that name", u->name);
	return 0;
}

static bool
update(void *arg, const char *text, size_t len, struct str *out)
{
	return hostkeys_text_update(arg, text, len, out);
}

/* Takes replaced keys out of one file, if it is there and can be written. */
static unsigned
remove_from(struct hostkeys_update *u, const char *path)
{
	u->only_remove = true;
	if (access(path, W_OK) == -1 || rewrite_file(path, HOSTKEYS_FILE_MAX,
	    update, u, NULL) == -1)
		return 0;
	return u->removed;
}

static int
change_files(struct hostkeys_update *u, const struct host *h, const char *own,
    struct hostkeys_change *out, struct err *err)
{
	if (hostkeys_text_has_new(u)) {
		if (edit_first(h, update, u, &out->file, err) == -1)
			return -1;
		memcpy(out->added, u->added, sizeof(out->added));
		out->removed = u->removed;
	}
	if (u->replaced.len == 0)
		return 0;
	for (int i = 0; i < h->user_known_hosts_count; i++)
		out->removed += remove_from(u, h->known_hosts_files[i]);
	if (own != NULL)
		out->removed += remove_from(u, own);
	return 0;
}

int
hostkeys_update(const struct host *h, const struct hostkey_list *keys,
    struct hostkeys_change *out, struct err *err)
{
	char *name = hostkeys_name(h), *own = hostkeys_own_file(NULL);
	struct host portless = *h;
	struct hostkeys_update u = { .name = name,
	    .hash = h->hash_known_hosts, .keys = keys };
	char *plain;
	int rc;

	*out = (struct hostkeys_change){ 0 };
	portless.port = SSH_PORT;
	plain = hostkeys_name(&portless);
	u.plain = strcmp(plain, name) != 0 ? plain : NULL;
	if ((rc = look(&u, h, own, err)) == 0)
		rc = change_files(&u, h, own, out, err);
	str_fini(&u.replaced);
	free(plain);
	free(own);
	free(name);
	return rc;
}
