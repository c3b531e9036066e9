/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/limits.h"
#include "base/log.h"
#include "ipc/message.h"
#include "ipc/order.h"
#include "worker/harden.h"
#include "worker/report.h"
#include "worker/session.h"
#include "worker/worker.h"

/* Where a finished link is, if we are not to dial ourselves. */
#define LINK_FD		4
/* How long the last words may take. */
#define LAST_WORDS_MS	1000

/* 1, 0 if there is no supervisor, -1 with err set. */
static int
receive_start(struct session_order *out, struct err *err)
{
	struct message m;
	int rc = message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, err);

	if (rc != 1)
		return rc;
	if (m.name != ORDER_START)
		rc = err_set(err, ERR_PROTOCOL, "the first order is no start");
	else if (session_order_decode(m.body, out, err) == -1)
		rc = -1;
	message_fini(&m);
	return rc;
}

/* True unless the supervisor is gone. */
static bool
run(struct session_order *order, struct report *report,
    struct ending *ending)
{
	int link_fd = fcntl(LINK_FD, F_GETFD) != -1 ? LINK_FD : -1;
	struct known_hosts *known;
	struct transport *t;

	fd_set_cloexec(MESSAGE_FD, 1);
	if (link_fd != -1)
		fd_set_cloexec(link_fd, 1);
	t = session_start(order, MESSAGE_FD, link_fd, report, &known, ending);
	if (t == NULL)
		return true;
	return worker_run(t, known, order, MESSAGE_FD, report, ending);
}

static void
set_up_log(const struct session_order *order)
{
	char ident[64];

	snprintf(ident, sizeof(ident), "worker %s", order->host);
	log_setup((enum log_level)order->log_level, ident);
	log_set_format(order->log_json ? LOG_JSON : LOG_TEXT);
}

int
main(int argc, char *argv[])
{
	struct session_order order = { 0 };
	struct ending ending = { 0 };
	struct report *report;
	struct err err;
	int rc;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("hawser-worker %s\n", HAWSER_VERSION);
		return 0;
	}
	limits_oom_offer();
	/* Run by a descriptor, it has that one's number for a name. */
	prctl(PR_SET_NAME, "hawser-worker");
	harden_process();
	log_setup(LOG_INFO, "worker");
	if (fcntl(MESSAGE_FD, F_GETFD) == -1) {
		log_error("hawserd starts this program; it is not for people");
		return 2;
	}
	if (!harden_has_parent(MESSAGE_FD))
		return 0;
	if ((rc = receive_start(&order, &err)) == 0) {
		session_order_fini(&order);
		return 0;
	}
	report = report_new(MESSAGE_FD);
	if (rc == -1)
		ending_set(&ending, END_CRASH, "the worker can't start: %s",
		    err.text);
	else
		set_up_log(&order);
	if (rc == -1 || run(&order, report, &ending))
		report_end(report, &ending, LAST_WORDS_MS);
	ending_fini(&ending);
	report_free(report);
	session_order_fini(&order);
	return 0;
}
