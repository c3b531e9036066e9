/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_IPC_ORDER_H
#define HAWSER_IPC_ORDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/algorithms.h"
#include "base/err.h"
#include "base/forward.h"
#include "ipc/targets.h"

/*
 * order: the finished record of one connection that ORDER_START brings, those
 * of its members that ORDER_SET brings anew, and the JSON form of a forward.
 * Everything is resolved: no pattern, token or "~" is left, so that the
 * process that faces the network parses nothing.
 */

enum host_key_policy {
	HOST_KEY_STRICT,	/* StrictHostKeyChecking yes (and ask) */
	HOST_KEY_ACCEPT_NEW,	/* the supervisor records unknown ones */
	HOST_KEY_OFF,		/* no: any key; the operator was warned */
	HOST_KEY_POLICY_COUNT
};

/* What the services behind remote forwards are told of their clients. */
enum proxy_protocol {
	PROXY_PROTOCOL_NONE,
	PROXY_PROTOCOL_V1,
	PROXY_PROTOCOL_V2,
	PROXY_PROTOCOL_COUNT
};

struct session_order {
	char *host;			/* the stanza's name, for people */
	char *hostname;			/* what to connect to */
	uint16_t port;			/* 1..65535 */
	char *user;
	char **identity_files;		/* absolute paths, in order */
	size_t identity_file_count;
	char **certificate_files;	/* absolute paths, in order */
	size_t certificate_file_count;
	bool identities_only;		/* no other keys of the agent */
	char *agent;			/* its socket's path; "": ask none */
	char **auth_methods;		/* to be tried, in order: "publickey",
					   "keyboard-interactive", "password" */
	size_t auth_method_count;
	bool can_ask;			/* FACT_SECRET may have an answer */
	int password_tries;		/* 1..10: per method and connection */
	char **known_hosts_files;	/* absolute paths; may not exist */
	size_t known_hosts_file_count;
	char **revoked_key_files;	/* absolute paths; must exist */
	size_t revoked_key_file_count;
	char *host_key_alias;	/* its name in known_hosts; "": hostname:port */
	int host_key_policy;		/* enum host_key_policy */
	bool update_host_keys;		/* report those that the server has */
	struct algorithms algorithms;	/* those that are configured */
	int required_rsa_bits;		/* 0..16384 */
	bool compression;
	int address_family;		/* AF_UNSPEC, AF_INET, AF_INET6 */
	char *bind_address;		/* a name or literal; "": any */
	char *bind_interface;		/* "": any; bind_address wins */
	int ip_tos;			/* 0..255, -1: the system's */
	bool tcp_keepalive;
	int connect_timeout_s;		/* 1..3600 */
	char **permit_remote_open;	/* PermitRemoteOpen's rules */
	size_t permit_remote_open_count;
	int proxy_protocol;		/* enum proxy_protocol */
	struct targets targets;		/* what a sandbox must leave open */
	/* These ORDER_SET brings again when they change: */
	int alive_interval_s;		/* 0 (no pings)..3600 */
	int alive_count_max;		/* 1..1000 */
	int log_level;			/* enum log_level */
	bool log_json;			/* LOG_JSON, not LOG_TEXT */
};

/* New JSON object, which names our version. Borrows everything. */
json_t *session_order_encode(const struct session_order *);

/*
 * Fills a zeroed out from a checked body. 0; -1 with ERR_PROTOCOL, or ERR_INPUT
 * if it comes from another version.
 */
int session_order_decode(json_t *body, struct session_order *out,
    struct err *);

/*
 * The same for the settings of ORDER_SET alone. A body that is refused changes
 * nothing.
 */
json_t *session_order_encode_set(const struct session_order *);
int session_order_decode_set(json_t *body, struct session_order *,
    struct err *);

void session_order_fini(struct session_order *);

/*
 * The lists that have names, as {"Ciphers":{"names":…,"is_arranged":…,
 * "origin":…}…}. The zeroed out of decode is to be freed even if it fails.
 */
json_t *algorithms_encode(const struct algorithms *);
int algorithms_decode(json_t *, struct algorithms *out, struct err *);

/*
 * A forward as the fields of ORDER_LISTEN and ORDER_FORWARD:
 * {"id":…,"kind":…,"listen":ENDPOINT,"target":ENDPOINT or absent} where
 * ENDPOINT is {"host":… or null,"port":n} or {"path":…}.
 */
json_t *forward_encode(const struct forward *);
int forward_decode(json_t *body, struct forward *out, struct err *);

#endif
