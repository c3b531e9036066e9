/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_CONFIG_H
#define HAWSER_CONFIG_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/algorithms.h"
#include "base/err.h"
#include "base/forward.h"
#include "base/log.h"
#include "base/str.h"

/*
 * config: the model that loading yields: hosts with every value resolved
 * (patterns, tokens, "~", defaults), and what there was to say about the
 * files. Plain data; whoever loaded it owns it.
 */

struct origin {
	char *file;
	int line;		/* from 1 */
	int column;		/* from 1; 0 in ssh_config syntax */
};

enum host_key_checking {
	CHECKING_YES,		/* yes and ask: a daemon never prompts */
	CHECKING_ACCEPT_NEW,
	CHECKING_NO,
};

/* Stands in a takeover command for the port, or path, that is held. */
#define HOST_TAKEOVER_PORT	'\1'

struct host {
	char *name;		/* the first concrete name of its Host line */
	char *file;		/* where that line stands */
	int line;		/* from 1 */
	char *hostname;
	uint16_t port;
	char *user;
	int address_family;	/* AF_UNSPEC (any), AF_INET or AF_INET6 */
	char *bind_address;	/* "": the system chooses */
	char *bind_interface;	/* "": the system chooses */
	int ip_tos;		/* IPQoS of the connection; -1: the system's */
	bool tcp_keepalive;
	int unix_mask;		/* of Unix sockets we listen on: an umask */
	bool unix_unlink;	/* they take the place of others */
	char **identity_files;	/* absolute; may not exist */
	size_t identity_file_count;
	char **certificate_files;	/* absolute; may not exist */
	size_t certificate_file_count;
	bool identities_only;
	char *agent;		/* its socket's path; "" for none */
	char **auth_methods;	/* that hawser can do, the preferred first */
	size_t auth_method_count;	/* see methods_list() */
	bool pubkey;
	bool kbd_interactive;
	bool password;
	int password_tries;	/* 0: nothing is asked for */
	bool batch_mode;	/* no person is asked */
	char *passphrase_command;	/* like proxy_command */
	char **known_hosts_files;	/* the user's, then the global */
	size_t known_hosts_file_count;
	int user_known_hosts_count;	/* how many of them are the user's */
	bool hash_known_hosts;
	bool update_host_keys;	/* a known server's new keys are recorded */
	char **revoked_key_files;	/* absolute; one, or none */
	size_t revoked_key_file_count;
	char *host_key_alias;	/* "" for none */
	enum host_key_checking checking;
	char **permit_remote_open;	/* "any", "none" or host:port ... */
	size_t permit_remote_open_count;
	int proxy_protocol;	/* 0: no, 1: v1, 2: v2 */
	char *takeover;		/* for the server's shell; "": none */
	char *on_change;	/* like proxy_command */
	struct algorithms algorithms;	/* those that are configured */
	int required_rsa_bits;
	bool compression;
	bool exit_on_failure;	/* a refused forward ends the connection */
	int connect_timeout_s;
	int alive_interval_s;	/* 0: no pings */
	int alive_count_max;
	bool enabled;		/* HawserEnabled */
	int64_t backoff_min_ms;
	int64_t backoff_max_ms;
	int64_t stable_ms;
	int64_t hold_ms;
	int64_t verify_ms;	/* 0: forwards are never verified */
	int64_t drain_ms;
	char *proxy_command;	/* for sh -c, tokens expanded; "": none */
	struct host *jumps;	/* hops on the way, the nearest first */
	size_t jump_count;	/* theirs is 0, and they have no forwards */
	struct forward *forwards;	/* in the order of the files */
	struct origin *forward_origins;	/* one for each: where it stands */
	size_t forward_count;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };

struct diagnostic {
	enum severity severity;
	char *file;		/* NULL if it is about no file */
	int line;		/* 0 if it is about a whole file */
	int column;		/* 0 if unknown */
	char *text;		/* one sentence */
};

/* What hawser.ini says to the supervisor. */
struct settings {
	bool has_log_level;
	enum log_level log_level;
	enum log_format log_format;
	bool has_api_group;
	gid_t api_gid;		/* whose members may use the API */
};

/* A file or folder that was read, as it was then. */
struct config_file {
	char *path;
	bool is_cut;		/* its last line lacks its end */
	/* Only where it was loaded: */
	uint64_t inode;
	int64_t size;
	int64_t changed_s, changed_ns;	/* since 1970 */
};

struct config {
	struct settings settings;
	struct host *hosts;	/* those that may run, in order of the files */
	size_t host_count;
	struct diagnostic *diagnostics;
	size_t diagnostic_count;
	struct config_file *files;
	size_t file_count;
};

/* What to load: exactly one of dir and file is set. */
struct config_source {
	const char *dir;	/* holds conf.d/ and hawser.ini */
	const char *file;	/* one ssh_config file (-F) */
	bool runs_here;		/* by us: hawser.ini's user has to be us */
};

/*
 * New: everything the source says, all diagnostics at once. Never NULL; a
 * source that cannot be read is an error diagnostic. Opens files (ownership
 * is checked on the open descriptor), asks passwd for "~", never DNS.
 */
struct config *config_load(const struct config_source *);

void config_free(struct config *);

/* Is there an error among the diagnostics? Then it must not be applied. */
bool config_has_errors(const struct config *);

/* New: the first error, as diagnostic_format() has it; NULL without one. */
char *config_first_error(const struct config *);

/* "error", "warning", "note". */
const char *severity_name(enum severity);

/* Appends "file:line: error: text" of one diagnostic. */
void diagnostic_format(const struct diagnostic *, struct str *out);

/* The host of that name, or NULL. Borrowed from the config. */
const struct host *config_find(const struct config *, const char *name);

/*
 * The model as JSON and back: the loading process hands it to the
 * supervisor. New; config_decode gives NULL with err set.
 */
json_t *config_encode(const struct config *);
struct config *config_decode(json_t *, struct err *);

/* The folder used without -c and -F for this user. New; the caller frees. */
char *config_default_dir(void);

#endif
