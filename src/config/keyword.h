/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_KEYWORD_H
#define HAWSER_CONFIG_KEYWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "config/words.h"

/*
 * keyword: THE table. One row for each keyword of ssh_config(5) up to OpenSSH
 * 10 and each of hawser's own: how its arguments are read, what hawser does
 * with it, its defaults and bounds, the field of struct host that it fills,
 * and what a change of it means on reload. The parser, the defaults, show,
 * plan and the manual page walk these rows.
 */

/* The rows, in the order in which show prints them (ssh -G's). */
enum keyword_id {
	KW_HOST, KW_MATCH, KW_INCLUDE, KW_IGNOREUNKNOWN, KW_TAG,
	KW_USER, KW_HOSTNAME, KW_PORT,
	KW_ADDRESSFAMILY, KW_BATCHMODE, KW_CANONICALIZEFALLBACKLOCAL,
	KW_CANONICALIZEHOSTNAME, KW_CHECKHOSTIP, KW_COMPRESSION,
	KW_CONTROLMASTER, KW_ENABLESSHKEYSIGN, KW_CLEARALLFORWARDINGS,
	KW_EXITONFORWARDFAILURE, KW_FINGERPRINTHASH, KW_FORWARDX11,
	KW_FORWARDX11TRUSTED, KW_GATEWAYPORTS, KW_GSSAPIAUTHENTICATION,
	KW_GSSAPIKEYEXCHANGE, KW_GSSAPIDELEGATECREDENTIALS,
	KW_GSSAPITRUSTDNS, KW_GSSAPIRENEWALFORCESREKEY,
	KW_GSSAPICLIENTIDENTITY, KW_GSSAPISERVERIDENTITY,
	KW_GSSAPIKEXALGORITHMS, KW_HASHKNOWNHOSTS,
	KW_HOSTBASEDAUTHENTICATION, KW_IDENTITIESONLY,
	KW_KBDINTERACTIVEAUTHENTICATION,
	KW_NOHOSTAUTHENTICATIONFORLOCALHOST, KW_PASSWORDAUTHENTICATION,
	KW_PERMITLOCALCOMMAND, KW_PROXYUSEFDPASS, KW_PUBKEYAUTHENTICATION,
	KW_REQUESTTTY, KW_SESSIONTYPE, KW_STDINNULL,
	KW_FORKAFTERAUTHENTICATION, KW_STREAMLOCALBINDUNLINK,
	KW_STRICTHOSTKEYCHECKING, KW_TCPKEEPALIVE, KW_TUNNEL,
	KW_VERIFYHOSTKEYDNS, KW_VISUALHOSTKEY, KW_UPDATEHOSTKEYS,
	KW_ENABLEESCAPECOMMANDLINE, KW_WARNWEAKCRYPTO,
	KW_CANONICALIZEMAXDOTS, KW_CONNECTIONATTEMPTS, KW_FORWARDX11TIMEOUT,
	KW_NUMBEROFPASSWORDPROMPTS, KW_SERVERALIVECOUNTMAX,
	KW_SERVERALIVEINTERVAL, KW_REQUIREDRSASIZE,
	KW_OBSCUREKEYSTROKETIMING,
	KW_BINDADDRESS, KW_BINDINTERFACE, KW_CIPHERS, KW_CONTROLPATH,
	KW_HOSTKEYALGORITHMS, KW_HOSTKEYALIAS,
	KW_HOSTBASEDACCEPTEDALGORITHMS, KW_IDENTITYAGENT,
	KW_KBDINTERACTIVEDEVICES, KW_KEXALGORITHMS,
	KW_CASIGNATUREALGORITHMS, KW_LOCALCOMMAND, KW_REMOTECOMMAND,
	KW_LOGLEVEL, KW_MACS, KW_PKCS11PROVIDER, KW_SECURITYKEYPROVIDER,
	KW_PREFERREDAUTHENTICATIONS, KW_PUBKEYACCEPTEDALGORITHMS,
	KW_REVOKEDHOSTKEYS, KW_XAUTHLOCATION, KW_KNOWNHOSTSCOMMAND,
	KW_REFUSECONNECTION, KW_VERSIONADDENDUM,
	KW_DYNAMICFORWARD, KW_LOCALFORWARD, KW_REMOTEFORWARD,
	KW_IDENTITYFILE, KW_CANONICALDOMAINS, KW_CERTIFICATEFILE,
	KW_GLOBALKNOWNHOSTSFILE, KW_USERKNOWNHOSTSFILE, KW_SENDENV,
	KW_SETENV, KW_LOGVERBOSE, KW_CHANNELTIMEOUT, KW_PERMITREMOTEOPEN,
	KW_ADDKEYSTOAGENT, KW_FORWARDAGENT, KW_CONNECTTIMEOUT,
	KW_TUNNELDEVICE, KW_CANONICALIZEPERMITTEDCNAMES, KW_CONTROLPERSIST,
	KW_ESCAPECHAR, KW_IPQOS, KW_REKEYLIMIT, KW_STREAMLOCALBINDMASK,
	KW_SYSLOGFACILITY, KW_PROXYCOMMAND, KW_PROXYJUMP,
	KW_HAWSERENABLED, KW_HAWSERBACKOFF, KW_HAWSERSTABLE, KW_HAWSERHOLD,
	KW_HAWSERVERIFY, KW_HAWSERDRAIN, KW_HAWSERPASSPHRASECOMMAND,
	KW_HAWSERPROXYPROTOCOL, KW_HAWSERTAKEOVER, KW_HAWSERONCHANGE,
	KW_PROTOCOL, KW_DEPRECATED, KW_UNSUPPORTED,
	KEYWORD_COUNT
};

/* How the arguments are read; see value.h. */
enum keyword_kind {
	KIND_HOST,		/* patterns */
	KIND_MATCH,		/* criteria */
	KIND_INCLUDE,		/* paths with wildcards */
	KIND_IGNORED,		/* anything */
	KIND_WORD,		/* one of words */
	KIND_INT,
	KIND_PORT,
	KIND_TIME,		/* seconds, or "1h30m"; "none" is no value */
	KIND_STRING,		/* one word */
	KIND_COMMAND,		/* the rest of the line */
	KIND_FILES,		/* words; "none" alone */
	KIND_DOMAINS,
	KIND_CNAMES,
	KIND_ALGORITHMS,
	KIND_LOCAL_FORWARD,
	KIND_REMOTE_FORWARD,
	KIND_DYNAMIC_FORWARD,
	KIND_AGENT,		/* path, $VARIABLE, or one of words */
	KIND_ADD_KEYS,
	KIND_PERSIST,
	KIND_SEND_ENV,
	KIND_SET_ENV,
	KIND_PERMIT_OPEN,
	KIND_CHANNEL_TIMEOUT,
	KIND_KEYSTROKES,
	KIND_TUNNEL_DEVICE,
	KIND_ESCAPE,
	KIND_IPQOS,
	KIND_REKEY,
	KIND_MASK,
	KIND_JUMP,
	KIND_METHODS,		/* words, separated by commas */
	KIND_DURATION,		/* hawser's: "500ms", "1m30s", "0" */
	KIND_DURATIONS,		/* two of them */
	KIND_COUNT
};

/* What hawser does with it. */
enum keyword_use {
	USE_HONOURED,
	USE_SILENT,		/* only matters where a person sits */
	USE_WARNED,		/* help says what happens instead */
	USE_REFUSED,		/* ignoring it would be wrong: help says why */
};

/* What a change of it does to a connection that is up. */
enum keyword_reload { RELOAD_NONE, RELOAD_LIVE, RELOAD_REPLACE };

/* The type of the field in struct host. */
enum keyword_field {
	FIELD_NONE,
	FIELD_STRING,		/* char * */
	FIELD_STRINGS,		/* char ** and size_t */
	FIELD_BOOL,
	FIELD_INT,
	FIELD_PORT,		/* uint16_t */
	FIELD_CHECKING,		/* enum host_key_checking */
	FIELD_FAMILY,		/* int: AF_INET... */
	FIELD_CHOICE,		/* int: the place of the word in words */
	FIELD_MASK,		/* int: octal digits */
	FIELD_TOS,		/* int: the first class of service, or -1 */
	FIELD_MS,		/* int64_t */
	FIELD_MS_PAIR,		/* two int64_t */
	FIELD_ALGORITHMS,	/* struct algorithm_list */
	FIELD_JUMPS,		/* struct host * and size_t */
	FIELD_FORWARDS,		/* struct forward * and size_t */
};

struct keyword {
	const char *name;	/* as the manual writes it */
	enum keyword_kind kind;
	enum keyword_use use;
	bool many;		/* every line counts, not the first alone */
	const char *def;	/* hawser's default, as show prints it */
	const char *ssh_def;	/* ssh's, if it is another one */
	const struct words_row *words;
	long long min, max;	/* bounds; none if both are 0 */
	enum keyword_reload reload;
	enum keyword_field field;
	size_t at, count_at;	/* offsets in struct host */
	const char *help;
};

/* The row. */
const struct keyword *keyword_get(enum keyword_id);
enum keyword_id keyword_id(const struct keyword *);

/* The row of a name or an old name (case doesn't matter), or NULL. */
const struct keyword *keyword_find(const char *name);

/* The nearest spelling that exists, or NULL. */
const char *keyword_nearest(const char *name);

/* Does it begin a block or bring in files? */
bool keyword_is_structure(const struct keyword *);

#endif
