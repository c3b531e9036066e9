/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_AUTH_IMPL_H
#define HAWSER_SSH_AUTH_IMPL_H

#include <libssh2.h>
#include <stdbool.h>

#include "base/str.h"
#include "ssh/auth.h"
#include "ssh/packet.h"

/*
 * auth_impl: what the files of auth share: auth.c (the order of things),
 * auth_key.c, auth_password.c, auth_interactive.c (one method each),
 * auth_ask.c (who knows secrets) and auth_wire.c (a request and its answer).
 * Nobody else includes this.
 */

/* What to do about a server that wants to hear a secret. */
#define AUTH_HOW_TO_ASK \
	"set HawserPassphraseCommand, or give hawserd a systemd credential"

struct auth {
	struct transport *transport;
	LIBSSH2_SESSION *session;
	const struct auth_request *request;
	char *taken;			/* signatures: signature_taken() */
	int64_t deadline_ms;		/* the request's, moved by questions */
	unsigned failures;		/* that were looked at */
	const char *methods;		/* the server's list; "nothing" if it is
					   empty */
	bool partial;			/* the last request was granted, but
					   more is needed */
	unsigned spent;			/* a bit per method: nothing left */
	size_t next_key;
	int wrong_passwords;		/* in a row, by both methods */
	int wrong_answers;		/* rounds of keyboard-interactive */
	struct secret refused;		/* the last password that was wrong */
	bool mute;			/* there was nobody to ask */
	struct str offered;		/* "PATH (TYPE), PATH (TYPE)" */
	int keys;			/* offered */
	int passwords;			/* offered */
	int answers;			/* keyboard-interactive: rounds of it */
	struct str remarks;		/* "; PATH: why" */
};

/* What became of a request. */
enum auth_outcome {
	AUTH_DONE,	/* we are in */
	AUTH_NEXT,	/* the server wants another request */
	AUTH_SPENT,	/* there is nothing left to try by this method */
	AUTH_FAILED,	/* err is set */
};

/* auth.c */

/* The text of libssh2's last error; any later call overwrites it. */
const char *auth_last_error(LIBSSH2_SESSION *);

/*
 * Did the connection end? libssh2 reports that with codes that also mean "key
 * not accepted". -1 with err set, or 0.
 */
int auth_check_alive(const struct auth *, struct err *);

/*
 * Did the server refuse a request since the last call? Its list and whether
 * the refusal was a partial success are taken over.
 */
bool auth_take_failure(struct auth *);

/* New: a request (RFC 4252 5) up to the method's own fields. */
struct packet *auth_request_new(const struct auth *, const char *method);

/* One request each; auth_key.c, auth_interactive.c, auth_password.c. */
enum auth_outcome auth_publickey(struct auth *, struct err *);
enum auth_outcome auth_interactive(struct auth *, struct err *);
enum auth_outcome auth_password(struct auth *, struct err *);

/* auth_wire.c */

/*
 * Sends a packet (taken), with the n bytes of secret behind it as they are,
 * and waits for SUCCESS, FAILURE or, if more is true, message 60: returns its
 * number. 0 with err set if the connection ended. data (new, ended by free())
 * is the answer, message number included.
 */
uint8_t auth_exchange(struct auth *, struct packet *, const char *secret,
    size_t n, bool more, uint8_t **data, size_t *len, struct err *);

/* auth_ask.c */

/*
 * Asks; the answer, in a zeroed out, is not empty if it is to be a passphrase
 * or password. 0; -1 with a sentence.
 */
int auth_ask(struct auth *, const struct auth_question *, struct secret *out,
    struct err *);

/*
 * The user's password, which is not the one that was wrong before. prompt
 * NULL: the usual one. 0; -1: there is none, or it was wrong often enough;
 * what is to be said was remarked.
 */
int auth_ask_password(struct auth *, const char *prompt, struct secret *out);

/* The password was, or was not, what the server wanted to hear. Takes it. */
void auth_judge_password(struct auth *, struct secret *, bool was_right);

/*
 * Has use() work with a key file that may need a passphrase, which is asked
 * for until use() returns anything but -1 with ERR_PERM. What use() returns.
 */
int auth_unlock(struct auth *, struct identity *,
    int (*use)(void *arg, const char *passphrase, struct err *), void *arg,
    struct err *);

/* auth_prompt.c: no I/O. */

/* Of one round; as many answers as there may be fit in one packet. */
#define AUTH_PROMPTS_MAX	8

struct auth_prompt {
	char text[AUTH_PROMPT_MAX + 1];
	bool echo;
};

struct auth_prompts {
	struct auth_prompt items[AUTH_PROMPTS_MAX];
	size_t count;
};

/*
 * Reads an SSH_MSG_USERAUTH_INFO_REQUEST (RFC 4256 3.2). Texts are made
 * printable. 0; -1 with ERR_PROTOCOL.
 */
int auth_prompts_parse(const uint8_t *data, size_t len,
    struct auth_prompts *out, struct err *);

/* Is it the question for the user's password? */
bool auth_prompt_is_password(const struct auth_prompt *);

/* Does the server want to hear a new password? */
bool auth_prompt_wants_new(const struct auth_prompt *);

#endif
