/* SPDX-License-Identifier: ISC */
/*
 * message, order: a datagram from a worker that was taken over, or from
 * anybody else. The first byte says who sends it and with how many
 * descriptors: '0' the supervisor, '1' the worker, '2' the resolver, none each;
 * '3' the supervisor with one.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fuzz.h"
#include "ipc/message.h"
#include "ipc/order.h"
#include "ipc/secret.h"

static void
decode(const struct message *m)
{
	struct session_order order = { 0 };
	struct secret_question question = { 0 };
	struct forward forward = { 0 }, again = { 0 };
	struct err err;
	json_t *body;

	if (m->name == ORDER_START) {
		if (session_order_decode(m->body, &order, &err) == 0)
			json_decref(session_order_encode(&order));
		session_order_fini(&order);
	}
	if (m->name == FACT_SECRET) {
		if (secret_question_decode(m->body, &question, &err) == 0) {
			body = secret_question_encode(&question);
			FUZZ_CHECK(body != NULL);
			FUZZ_CHECK(strlen(question.prompt) <=
			    SECRET_PROMPT_MAX);
			json_decref(body);
		}
		secret_question_fini(&question);
	}
	if (m->name == ORDER_LISTEN || m->name == ORDER_FORWARD) {
		if (forward_decode(m->body, &forward, &err) == 0) {
			body = forward_encode(&forward);
			FUZZ_CHECK(forward_decode(body, &again, &err) == 0);
			FUZZ_CHECK(forward_equal(&forward, &again));
			json_decref(body);
		}
		forward_fini(&forward);
		forward_fini(&again);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum message_sender sender;
	struct message m = { 0 };
	struct err err;

	if (len == 0)
		return 0;
	sender = data[0] % (FROM_RESOLVER + 1);
	if (message_parse((const char *)data + 1, len - 1,
	    data[0] / 3 % 16, sender, &m, &err) == 0) {
		decode(&m);
		json_decref(m.body);
	}
	return 0;
}
