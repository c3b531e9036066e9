/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/caps.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/message.h"
#include "supervisor/resolver.h"

/*
 * The child that asks the name service: a thread for each question, so that a
 * slow one holds up nobody, and no more than THREADS_MAX of them.
 */

#define THREADS_MAX	64
#define STACK_SIZE	(256 * 1024)	/* bytes; getaddrinfo(3) needs ~70 K */
#define ADDRESSES_MAX	16

struct question {
	long long req;
	char *name;
};

static sem_t places;

static json_t *
collect(const struct addrinfo *list)
{
	json_t *array = json_array();
	char text[NI_MAXHOST];

	for (; list != NULL && json_array_size(array) < ADDRESSES_MAX;
	    list = list->ai_next)
		if (getnameinfo(list->ai_addr, list->ai_addrlen, text,
		    sizeof(text), NULL, 0, NI_NUMERICHOST) == 0)
			json_array_append_new(array, json_string(text));
	return array;
}

static void *
ask(void *arg)
{
	struct question *q = arg;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_ADDRCONFIG }, *list = NULL;
	int rc = getaddrinfo(q->name, NULL, &hints, &list);
	json_t *body = json_pack("{s:I, s:o}", "req", (json_int_t)q->req,
	    "addresses", collect(rc == 0 ? list : NULL));

	if (rc != 0)
		json_object_set_new(body, "error",
		    json_string(gai_strerror(rc)));
	else
		freeaddrinfo(list);
	/* A failure means that the supervisor is gone: the reader ends us. */
	message_send(MESSAGE_FD, ANSWER_RESOLVE, body, NULL, 0, NULL);
	free(q->name);
	free(q);
	sem_post(&places);
	return NULL;
}

static void
start_thread(const pthread_attr_t *attr, const struct message *m)
{
	struct question *q = mem_alloc(sizeof(*q));
	pthread_t thread;

	q->req = message_int(m, "req", 0);
	q->name = str_dup(message_string(m, "name"));
	while (sem_wait(&places) == -1)
		continue;
	if (pthread_create(&thread, attr, ask, q) != 0)
		ask(q);
}

int
resolver_child_main(void)
{
	pthread_attr_t attr;
	struct message m;
	struct err err;
	int rc;

	prctl(PR_SET_NAME, "hawserd-names");
	limits_oom_offer();
	/* Answers come from the network: root's powers are none of ours. */
	(void)caps_keep(CAPS_NONE, NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	json_object_seed(0);	/* before there are threads */
	sem_init(&places, 0, THREADS_MAX);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	while ((rc = message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m,
	    &err)) == 1) {
		if (m.name == QUERY_RESOLVE)
			start_thread(&attr, &m);
		message_fini(&m);
	}
	if (rc == -1)
		log_error("the resolver cannot go on why=\"%s\"", err.text);
	return rc == 0 ? 0 : 1;
}
