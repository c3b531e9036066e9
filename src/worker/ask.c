/* SPDX-License-Identifier: ISC */
#include "worker/ask.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"

/* 1 with an order, 0 if there is none yet, -1 with err set. */
static int
receive(int sock, struct message *out, struct err *err)
{
	int rc = message_recv(sock, FROM_SUPERVISOR, out, err);

	if (rc == 0)
		return err_set(err, ERR_CLOSED, "the supervisor is gone");
	return rc == -1 && err->code == ERR_AGAIN ? 0 : rc;
}

int
ask(struct report *report, int sock, enum message_name fact, json_t *body,
    enum message_name answer, int64_t deadline_ms, struct message *out,
    struct err *err)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int rc;

	report_fact(report, fact, body);
	while ((rc = receive(sock, out, err)) == 0) {
		int64_t left = deadline_ms - clock_now_ms();

		if (left <= 0)
			return err_set(err, ERR_TIMEOUT,
			    "the supervisor did not answer in time");
		if (poll(&p, 1, (int)left) == -1 && errno != EINTR)
			return err_sys(err, "the supervisor cannot be "
			    "waited for");
	}
	if (rc == -1)
		return -1;
	if (out->name == answer)
		return 0;
	message_fini(out);
	return err_set(err, ERR_PROTOCOL,
	    "the supervisor answered something else");
}
