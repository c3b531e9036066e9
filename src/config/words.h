/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_WORDS_H
#define HAWSER_CONFIG_WORDS_H

/*
 * words: the closed lists of words that arguments of ssh_config(5) are taken
 * from. Each ends with a row whose text is NULL.
 */

struct words_row {
	const char *text;	/* as people write it; case doesn't matter */
	const char *means;	/* as ssh -G prints it; NULL: the same */
};

extern const struct words_row words_flag[];		/* yes no true false */
extern const struct words_row words_plain_flag[];	/* yes no */
extern const struct words_row words_ask_flag[];
extern const struct words_row words_ask_confirm[];
extern const struct words_row words_strict[];
extern const struct words_row words_families[];
extern const struct words_row words_control_master[];
extern const struct words_row words_tunnel[];
extern const struct words_row words_request_tty[];
extern const struct words_row words_session_type[];
extern const struct words_row words_canonicalize[];
extern const struct words_row words_pubkey[];
extern const struct words_row words_proxy_protocol[];
extern const struct words_row words_digests[];
extern const struct words_row words_log_levels[];
extern const struct words_row words_facilities[];
extern const struct words_row words_ipqos[];

/* The names of algorithms that some OpenSSH up to 10 knows. */
extern const struct words_row words_ciphers[];
extern const struct words_row words_macs[];
extern const struct words_row words_kex[];
extern const struct words_row words_keys[];

/* The row of text, ignoring case, or NULL. */
const struct words_row *words_find(const struct words_row *, const char *text);

/* What the row says ssh -G prints. */
const char *words_meaning(const struct words_row *);

#endif
