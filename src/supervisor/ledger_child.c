/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "ipc/message.h"
#include "supervisor/ledger.h"
#include "supervisor/ledger_db.h"
#include "supervisor/ledger_past.h"

/*
 * The child that has the ledger's file: it does what it is told, one after the
 * other, and waits for the disk as long as that takes.
 */

struct answer {
	long long req;
};

/* A failure means that the supervisor is gone: the reader ends us. */
static void
send_part(void *arg, json_t *body)
{
	const struct answer *a = arg;
	bool last = json_object_get(body, "truncated") != NULL ||
	    json_object_get(body, "error") != NULL;

	json_object_set_new(body, "req", json_integer(a->req));
	json_object_set_new(body, "more", json_integer(!last));
	message_send(MESSAGE_FD, ANSWER_HISTORY, body, NULL, 0, NULL);
}

static void
tell_history(struct ledger_db *d, const struct message *m)
{
	struct answer a = { message_int(m, "req", 0) };
	struct ledger_past_question q = {
		.host = message_string(m, "host"),
		.now = message_int(m, "now", 0),
		.since = message_int(m, "since", 0),
		.run = message_int(m, "run", 0),
		.limit = message_int(m, "limit", 0),
		.slots = message_int(m, "slots", 0) != 0,
	};
	struct err err;

	if (ledger_past(d, &q, send_part, &a, &err) == -1)
		send_part(&a, json_pack("{s:s}", "error", err.text));
}

static void
store(struct ledger_db *d, const struct message *m)
{
	json_t *body = json_pack("{s:I}", "req",
	    (json_int_t)message_int(m, "req", 0));
	bool fresh = false;
	struct err err;

	if (ledger_db_store(d, json_object_get(m->body, "records"), &fresh,
	    &err) == -1) {
		json_object_set_new(body, "error", json_string(err.text));
		json_object_set_new(body, "off",
		    json_integer(err.code == ERR_PERM));
	}
	json_object_set_new(body, "fresh", json_integer(fresh));
	message_send(MESSAGE_FD, ANSWER_STORE, body, NULL, 0, NULL);
	/* A disk that is full shows with the next batch, and stays full. */
	(void)ledger_db_trim(d, clock_wall_ms(), NULL);
}

int
ledger_child_main(const char *path)
{
	struct ledger_db *d = ledger_db_new(path);
	struct message m;
	struct err err;
	int rc;

	prctl(PR_SET_NAME, "hawserd-ledger");
	limits_oom_offer();
	(void)caps_keep(CAPS_NONE, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* Who ends a whole group ends hawserd, which has last words for us. */
	signal(SIGTERM, SIG_IGN);
	/* A file that may not grow is an error to be told, as a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	while ((rc = message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m,
	    &err)) == 1) {
		if (m.name == QUERY_STORE)
			store(d, &m);
		else if (m.name == QUERY_HISTORY)
			tell_history(d, &m);
		message_fini(&m);
	}
	if (rc == -1)
		log_error("the ledger cannot go on why=\"%s\"", err.text);
	ledger_db_free(d);
	return rc == 0 ? 0 : 1;
}
