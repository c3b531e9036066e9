/* SPDX-License-Identifier: ISC */
/*
 * The worker's half of UpdateHostKeys, with a server that proves, lies, says
 * no, or says it again.
 */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "fake_peer.h"
#include "worker/host_keys.h"
#include "worker/report.h"

#define BLOB_SIZE	51
#define TELL	"hostkeys-00@openssh.com"
#define PROVE	"hostkeys-prove-00@openssh.com"

static struct loop loop;
static struct session_order order;
static struct host_keys *host_keys;
static int theirs;

/* Two keys of the server's; the first one is known. */
static struct {
	EVP_PKEY *pkey;
	uint8_t blob[BLOB_SIZE];
} keys[2];

static void
on_host_keys(const uint8_t *bytes, size_t n)
{
	host_keys_on_list(host_keys, bytes, n);
}

static void
new_key(size_t i)
{
	size_t len = 32;

	keys[i].pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_non_null(keys[i].pkey);
	memcpy(keys[i].blob, "\0\0\0\13ssh-ed25519\0\0\0\40", 19);
	assert_int_equal(EVP_PKEY_get_raw_public_key(keys[i].pkey,
	    keys[i].blob + 19, &len), 1);
}

/* New: the first key is listed, by its name without a port. */
static struct known_hosts *
know_first(uint16_t port)
{
	struct known_hosts *known = known_hosts_new("host", port);
	char *key = base64_encode(keys[0].blob, BLOB_SIZE);
	char *text = str_dupf("host ssh-ed25519 %s\n", key);
	struct err err;

	assert_int_equal(known_hosts_add_file(known, "file", text,
	    strlen(text), &err), 0);
	free(key);
	free(text);
	return known;
}

static int
setup(void **state)
{
	int pair[2];

	log_setup(LOG_ERROR, "test");
	peer_setup(state);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	theirs = pair[1];
	fd_set_nonblock(theirs, 1);
	new_key(0);
	new_key(1);
	loop = (struct loop){ .connection = peer.c,
	    .report = report_new(pair[0]) };
	host_keys = host_keys_new(&loop, &order, know_first(22));
	peer.on_host_keys = on_host_keys;
	*state = (void *)(intptr_t)pair[0];
	return 0;
}

static int
teardown(void **state)
{
	host_keys_free(host_keys);
	report_free(loop.report);
	close((int)(intptr_t)*state);
	close(theirs);
	EVP_PKEY_free(keys[0].pkey);
	EVP_PKEY_free(keys[1].pkey);
	return peer_teardown(NULL);
}

/* How many keys the supervisor was told of; 0: it was told nothing. */
static size_t
reported(void)
{
	struct message m;
	struct err err;
	size_t n;

	peer_is_fine();
	if (message_recv(theirs, FROM_WORKER, &m, &err) != 1) {
		assert_int_equal(err.code, ERR_AGAIN);
		return 0;
	}
	assert_int_equal(m.name, FACT_HOSTKEYS);
	n = json_array_size(json_object_get(m.body, "host_keys"));
	message_fini(&m);
	return n;
}

static void
tell(size_t first, size_t count)
{
	if (count == 2)
		peer_says(MSG_GLOBAL_REQUEST, "sbxx", TELL, 0, keys[0].blob,
		    (size_t)BLOB_SIZE, keys[1].blob, (size_t)BLOB_SIZE);
	else
		peer_says(MSG_GLOBAL_REQUEST, "sbx", TELL, 0,
		    keys[first].blob, (size_t)BLOB_SIZE);
	peer_turn();
}

/* The server's signature of this for key 1, by key i. */
static void
answer(size_t i, const char *session)
{
	struct packet *data = packet_new(0), *signature = packet_new(0);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char bytes[64];
	size_t len = sizeof(bytes);

	packet_cstring(data, PROVE);
	packet_cstring(data, session);
	packet_string(data, keys[1].blob, BLOB_SIZE);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL,
	    keys[i].pkey), 1);
	assert_int_equal(EVP_DigestSign(ctx, bytes, &len, data->bytes + 1,
	    data->len - 1), 1);
	packet_cstring(signature, "ssh-ed25519");
	packet_string(signature, bytes, len);
	peer_says(MSG_REQUEST_SUCCESS, "x", signature->bytes + 1,
	    signature->len - 1);
	EVP_MD_CTX_free(ctx);
	packet_free(signature);
	packet_free(data);
}

static void
hear_the_question(void)
{
	peer_hears(MSG_GLOBAL_REQUEST, "sbx", PROVE, 1, keys[1].blob,
	    (size_t)BLOB_SIZE);
	peer_hears_nothing();
}

static void
a_new_key_is_proved(void **state)
{
	(void)state;
	tell(0, 2);
	hear_the_question();
	assert_int_equal(reported(), 0);
	answer(1, "the id");
	assert_int_equal(reported(), 2);
	/* Once is enough. */
	tell(0, 2);
	peer_hears_nothing();
	assert_int_equal(reported(), 0);
}

static void
wrong_proofs(void **state)
{
	for (int i = 0; i < 6; i++) {
		tell(0, 2);
		hear_the_question();
		switch (i) {
		case 0:
			answer(0, "the id");
			break;
		case 1:
			answer(1, "another id");
			break;
		case 2:
			peer_says(MSG_REQUEST_SUCCESS, "");
			break;
		case 3:
			peer_says(MSG_REQUEST_SUCCESS, "s", "");
			break;
		case 4:
			peer_says(MSG_REQUEST_SUCCESS, "u", 0xffffffffu);
			break;
		case 5:
			peer_says(MSG_REQUEST_FAILURE, "");
			break;
		}
		assert_int_equal(reported(), 0);
		teardown(state);
		setup(state);
	}
}

static void
nothing_new_needs_no_proof(void **state)
{
	(void)state;
	tell(0, 1);
	peer_hears_nothing();
	assert_int_equal(reported(), 0);
}

/*
 * The first key may be that of the server at port 22: with the second it is
 * to be trusted at this port, and so it is proved with it.
 */
static void
a_key_that_is_known_without_its_port(void **state)
{
	(void)state;
	host_keys_free(host_keys);
	host_keys = host_keys_new(&loop, &order, know_first(2222));
	tell(0, 2);
	peer_hears(MSG_GLOBAL_REQUEST, "sbxx", PROVE, 1, keys[0].blob,
	    (size_t)BLOB_SIZE, keys[1].blob, (size_t)BLOB_SIZE);
	peer_hears_nothing();
	answer(1, "the id");
	assert_int_equal(reported(), 0);
}

/* Where nothing is new, its line does as it is. */
static void
a_key_without_its_port_that_is_alone(void **state)
{
	(void)state;
	host_keys_free(host_keys);
	host_keys = host_keys_new(&loop, &order, know_first(2222));
	tell(0, 1);
	peer_hears_nothing();
	assert_int_equal(reported(), 0);
}

static void
other_requests(void **state)
{
	static const char *const names[] = { "hostkeys-00@openssh.co",
	    "hostkeys-00@openssh.com2", "hostkeys-01@openssh.com", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		peer_says(MSG_GLOBAL_REQUEST, "sbx", names[i], 0,
		    keys[1].blob, (size_t)BLOB_SIZE);
	peer_hears_nothing();
	/* One that wants an answer gets one. */
	peer_says(MSG_GLOBAL_REQUEST, "sbx", TELL, 1, keys[1].blob,
	    (size_t)BLOB_SIZE);
	peer_is_fine();
	peer_hears(MSG_REQUEST_FAILURE, "");
	hear_the_question();
}

/* The known one is not offered any more: the supervisor looks whether it goes
 * when the other one is proved. */
static void
a_key_that_is_gone(void **state)
{
	(void)state;
	tell(1, 1);
	hear_the_question();
	answer(1, "the id");
	assert_int_equal(reported(), 1);
}

/* It could not be shown: HostKeyAlgorithms has no such type. */
static void
a_key_of_no_use(void **state)
{
	struct algorithm_list *l = &order.algorithms.lists[ALGORITHM_HOST_KEY];

	(void)state;
	l->names = (char *)"ecdsa-sha2-nistp256,ssh-ed25519-cert-v01@x";
	tell(0, 2);
	peer_hears_nothing();
	assert_int_equal(reported(), 0);
	l->names = NULL;
}

static void
lists_that_are_none(void **state)
{
	(void)state;
	peer_says(MSG_GLOBAL_REQUEST, "sbxx", TELL, 0, keys[1].blob,
	    (size_t)BLOB_SIZE, keys[1].blob, (size_t)BLOB_SIZE);
	peer_hears_nothing();
	assert_int_equal(reported(), 0);
	/* There is no second time. */
	tell(0, 2);
	peer_hears_nothing();
}

/* The answer does not come before the end. */
static void
an_end_in_between(void **state)
{
	(void)state;
	tell(0, 2);
	hear_the_question();
	loop.connection = NULL;
	peer_dies();
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(a_new_key_is_proved),
		TEST(wrong_proofs),
		TEST(nothing_new_needs_no_proof),
		TEST(a_key_that_is_known_without_its_port),
		TEST(a_key_without_its_port_that_is_alone),
		TEST(other_requests),
		TEST(a_key_that_is_gone),
		TEST(a_key_of_no_use),
		TEST(lists_that_are_none),
		TEST(an_end_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
