/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_IPC_SECRET_H
#define HAWSER_IPC_SECRET_H

#include <jansson.h>

#include "base/err.h"

/*
 * secret: what a worker asks for with FACT_SECRET, one question at a time and
 * before it is up. The answer, ORDER_SECRET, is either the descriptor of a
 * pipe or file, or an error. The secret itself stands in no message, and the
 * supervisor never reads it: the worker reads at most SECRET_SIZE_MAX bytes to
 * the end and takes one end of line off.
 */

#define SECRET_SIZE_MAX		4096	/* bytes of a secret */
#define SECRET_PROMPT_MAX	200	/* bytes of a prompt */
#define SECRET_QUESTIONS_MAX	16	/* of one worker */

enum secret_kind {
	SECRET_PASSPHRASE,	/* of the private key in the file key */
	SECRET_PASSWORD,	/* of the user */
	SECRET_ANSWER,		/* to one prompt of keyboard-interactive */
	SECRET_KIND_COUNT
};

/* Strings are new. */
struct secret_question {
	enum secret_kind kind;
	char *prompt;	/* for a person: see utf8_make_printable() */
	char *key;	/* absolute path; NULL if it is no passphrase */
	int try_number;	/* from 1; from 2: what came before was wrong */
};

/* "passphrase", "password", "answer". */
const char *secret_kind_name(enum secret_kind);

/* New JSON object: the body of FACT_SECRET. */
json_t *secret_question_encode(const struct secret_question *);

/*
 * Fills a zeroed out, which secret_question_fini() frees also after a failure:
 * 0, or -1 with ERR_PROTOCOL. The prompt is cut and made printable.
 */
int secret_question_decode(json_t *body, struct secret_question *out,
    struct err *);

void secret_question_fini(struct secret_question *);

#endif
