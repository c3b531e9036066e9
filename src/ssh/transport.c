/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/transport_impl.h"

#include <libssh2_priv.h>

#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "ssh/cipher.h"
#include "ssh/cipher_impl.h"
#include "ssh/packet.h"
#include "ssh/session.h"
#include "ssh/wipe.h"

/* Bytes of text that a server may say first (RFC 4253 4.2). */
#define BEFORE_BANNER_MAX	(64 * 1024)

/* RFC 4253 4.2; HAWSER_VERSION has neither blank nor minus sign. */
#define BANNER	"SSH-2.0-hawser_" HAWSER_VERSION

/* Of the two compressions the one that begins only after authentication. */
#define COMPRESSION_LIST	"zlib@openssh.com,none"

int
transport_library_init(struct err *err)
{
	uint8_t byte;

	wipe_openssl();
	/* Nobody prints OpenSSL's errors: their texts are 56 KB of heap. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG |
	    OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL) != 1 ||
	    RAND_bytes(&byte, 1) != 1)
		return err_set(err, ERR_SYS, "cannot initialise OpenSSL");
	if (libssh2_init(0) != 0)
		return err_set(err, ERR_SYS, "cannot initialise libssh2");
	return cipher_init(err);
}

bool
transport_is_tapped(void)
{
	return tap_is_live() && cipher_is_live();
}

LIBSSH2_SESSION *
transport_session(struct transport *t)
{
	return t->session;
}

const struct transport_failure *
transport_auth_failure(const struct transport *t)
{
	return &t->failure;
}

void
transport_set_deadline(struct transport *t, int64_t deadline_ms)
{
	t->deadline = deadline_ms;
}

int
transport_link_error(const struct transport *t, struct err *err)
{
	if (t->cause.code == ERR_NONE)
		return 0;
	if (err != NULL)
		*err = t->cause;
	return -1;
}

void
transport_set_cause(struct transport *t, enum err_code code,
    const char *what)
{
	if (t->cause.code != ERR_NONE)
		return;
	if (code == ERR_SYS)
		err_sys(&t->cause, "%s", what);
	else
		err_set(&t->cause, code, "%s", what);
}

/* What libssh2 wants to send always fits: it deadlocks on part of a packet. */
static ssize_t
on_send(libssh2_socket_t fd, const void *bytes, size_t n, int flags,
    void **abstract)
{
	struct transport *t = *abstract;

	(void)fd;
	(void)flags;
	if (t->dead)
		return -EPIPE;
	bytebuf_append(&t->out, bytes, n);
	return (ssize_t)n;
}

int
transport_flush(struct transport *t)
{
	size_t len = bytebuf_len(&t->out);

	if (bytebuf_send(&t->out, t->fd) == 0) {
		t->bytes_out += len - bytebuf_len(&t->out);
		return 0;
	}
	if (errno == EPIPE) {
		/* It has hung up; what it said before that is still to come. */
		bytebuf_fini(&t->out);
		return 0;
	}
	transport_set_cause(t, ERR_SYS, "the connection broke while sending");
	return -1;
}

/* Waits until the deadline for input, while output drains. */
static int
wait_input(struct transport *t)
{
	int64_t left = t->deadline - clock_now_ms();
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	if (bytebuf_len(&t->out) > 0)
		p.events |= POLLOUT;
	if (left <= 0 || poll(&p, 1, left > 60000 ? 60000 : (int)left) == -1) {
		if (left > 0 && errno == EINTR)
			return 0;
		transport_set_cause(t, ERR_TIMEOUT, "no answer in time");
		return -1;
	}
	return transport_flush(t);
}

ssize_t
transport_receive(struct transport *t, void *bytes, size_t n)
{
	ssize_t got;

	do
		got = recv(t->fd, bytes, n, MSG_DONTWAIT);
	while (got == -1 && errno == EINTR);
	if (got > 0) {
		t->received = true;
		t->bytes_in += (uint64_t)got;
		return got;
	}
	if (got == 0) {
		transport_set_cause(t, ERR_CLOSED,
		    "the server closed the connection without a word");
		return 0;
	}
	if (errno == EAGAIN)
		return -EAGAIN;
	transport_set_cause(t, ERR_SYS, "the connection broke");
	return -EPIPE;
}

/* What record.c's reader took from the link and a rekey needs. */
static ssize_t
take_input(struct transport *t, void *bytes, size_t n)
{
	size_t len = bytebuf_len(&t->in);

	if (n > len)
		n = len;
	memcpy(bytes, t->in.p + t->in.head, n);
	t->in.head += n;
	t->received = true;
	return (ssize_t)n;
}

/* RFC 4253 5.1: 1.99 is 2.0, too. */
static bool
is_version_1(const char *banner)
{
	return strncmp(banner, "SSH-1.", 6) == 0 &&
	    strncmp(banner, "SSH-1.99", 8) != 0;
}

/*
 * A server that talks without end, before its banner or past the deadline, or
 * one that will say nothing more.
 */
static bool
is_hopeless(struct transport *t)
{
	if (!transport_has_banner(t) && t->bytes_in > BEFORE_BANNER_MAX)
		transport_set_cause(t, ERR_PROTOCOL, "no SSH banner");
	else if (is_version_1(transport_banner(t)))
		transport_set_cause(t, ERR_PROTOCOL,
		    "the server speaks only SSH version 1");
	else if (clock_now_ms() >= t->deadline)
		transport_set_cause(t, ERR_TIMEOUT, "no answer in time");
	else
		return false;
	return true;
}

static void
keep_greeting(struct transport *t, const char *bytes, size_t n)
{
	size_t len = strlen(t->greeting);

	for (size_t i = 0; i < n && !t->greeted; i++) {
		t->greeted = bytes[i] == '\n' || bytes[i] == '\r' ||
		    len == TRANSPORT_TEXT_SIZE - 1;
		if (!t->greeted)
			t->greeting[len++] = bytes[i];
	}
	t->greeting[len] = '\0';
	str_make_printable(t->greeting);
}

static ssize_t
on_receive(libssh2_socket_t fd, void *bytes, size_t n, int flags,
    void **abstract)
{
	struct transport *t = *abstract;
	ssize_t got;

	(void)fd;
	(void)flags;
	if (t->dead)
		return 0;
	if (t->looping && bytebuf_len(&t->in) > 0)
		return take_input(t, bytes, n);
	if (t->looping)
		return t->sated ? -EAGAIN : transport_receive(t, bytes, n);
	if (is_hopeless(t))
		return -EPIPE;
	if (transport_flush(t) == -1)
		return -EPIPE;
	while ((got = transport_receive(t, bytes, n)) == -EAGAIN)
		if (wait_input(t) == -1)
			return -ETIMEDOUT;
	if (got > 0 && !t->greeted)
		keep_greeting(t, bytes, (size_t)got);
	return got;
}

static void
on_disconnect(LIBSSH2_SESSION *session, int reason, const char *text,
    int len, const char *language, int language_len, void **abstract)
{
	struct transport *t = *abstract;
	int n = len < TRANSPORT_TEXT_SIZE - 1 ? len :
	    TRANSPORT_TEXT_SIZE - 1;

	(void)session;
	(void)language;
	(void)language_len;
	if (text == NULL)
		n = 0;
	for (int i = 0; i < n; i++)
		t->disconnect[i] = text[i] >= 0x20 && text[i] < 0x7f ?
		    text[i] : '?';
	t->disconnect[n] = '\0';
	t->disconnect_reason = (unsigned)reason;
	t->disconnected = true;
}

static const struct {
	int method;
	enum kexinit_list list;
} methods[] = {
	{ LIBSSH2_METHOD_KEX, KEXINIT_KEX },
	{ LIBSSH2_METHOD_HOSTKEY, KEXINIT_HOST_KEY },
	{ LIBSSH2_METHOD_CRYPT_CS, KEXINIT_CIPHER_C2S },
	{ LIBSSH2_METHOD_CRYPT_SC, KEXINIT_CIPHER_S2C },
	{ LIBSSH2_METHOD_MAC_CS, KEXINIT_MAC_C2S },
	{ LIBSSH2_METHOD_MAC_SC, KEXINIT_MAC_S2C },
	{ LIBSSH2_METHOD_COMP_CS, KEXINIT_COMPRESSION_C2S },
	{ LIBSSH2_METHOD_COMP_SC, KEXINIT_COMPRESSION_S2C },
};

static int
prefer(struct transport *t, size_t row, struct err *err)
{
	const char *names = t->offer.lists[methods[row].list];

	if (libssh2_session_method_pref(t->session, methods[row].method,
	    names) == 0)
		return 0;
	return err_set(err, ERR_INPUT, "no supported algorithm in \"%s\"",
	    names);
}

/*
 * A rekey asks for what the first exchange agreed upon, but for the exchange
 * itself: libssh2 changes its methods when it agrees, not when the new keys
 * come, and would hand one cipher's state to another; and a host key of another
 * type would be another key.
 */
static int
prepare_rekey(struct transport *t, struct err *err)
{
	const bool mac = !cipher_is_ours(t->session->local.crypt);

	/* libssh2 forgets to free the last host key. */
	if (t->host_key == NULL) {
		t->host_key = t->session->server_hostkey;
		t->host_key_len = t->session->server_hostkey_len;
	} else {
		free(t->session->server_hostkey);
	}
	t->session->server_hostkey = NULL;
	t->session->server_hostkey_len = 0;
	t->offer.said = NULL;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		enum kexinit_list list = methods[i].list;
		bool is_mac = list == KEXINIT_MAC_C2S ||
		    list == KEXINIT_MAC_S2C;

		if (list == KEXINIT_KEX || (is_mac && !mac))
			continue;
		t->offer.lists[list] = libssh2_session_methods(t->session,
		    methods[i].method);
		if (prefer(t, i, err) == -1)
			return -1;
	}
	return 0;
}

static bool
on_kexinit(struct tap *tap, const uint8_t *data, size_t n)
{
	struct transport *t = (struct transport *)tap;
	const bool is_first = !t->has_kexinit;
	struct err err;

	t->has_kexinit = true;
	if (is_first && t->kex_begun != NULL)
		t->kex_begun(t->kex_arg);
	if ((is_first || prepare_rekey(t, &err) == 0) &&
	    kexinit_check(data, n, &t->offer, &err) == 0)
		return true;
	transport_set_cause(t, err.code, err.text);
	return false;
}

/*
 * A rekey shows the host key, or certificate, of the first exchange: nobody
 * would look another one up.
 */
static bool
on_newkeys(struct tap *tap)
{
	struct transport *t = (struct transport *)tap;
	const LIBSSH2_SESSION *s = t->session;

	if (t->host_key == NULL || (s->server_hostkey != NULL &&
	    s->server_hostkey_len == t->host_key_len &&
	    memcmp(s->server_hostkey, t->host_key, t->host_key_len) == 0))
		return true;
	transport_set_cause(t, ERR_PROTOCOL,
	    "the server showed another host key in a rekey");
	return false;
}

static void
on_auth_failure(struct tap *tap, const uint8_t *data, size_t n)
{
	struct transport_failure *f = &((struct transport *)tap)->failure;
	struct reader r;

	reader_init(&r, data, n);
	reader_skip(&r, 1);
	reader_text(&r, f->methods, sizeof(f->methods));
	f->partial = reader_bool(&r);
	f->count++;
}

static void
on_break(struct tap *tap, enum err_code code, const char *what)
{
	transport_set_cause((struct transport *)tap, code, what);
}

static void
on_packet(struct tap *tap, uint32_t seq, const uint8_t *data, size_t n)
{
	struct transport *t = (struct transport *)tap;

	if (t->looping && !t->dead)
		t->ops->on_packet(t->arg, seq, data, n);
}

struct transport *
transport_new(int link_fd, struct err *err)
{
	struct transport *t;

	if (fd_set_nonblock(link_fd, 1) == -1) {
		err_sys(err, "cannot prepare the link");
		close(link_fd);
		return NULL;
	}
	t = mem_alloc(sizeof(*t));
	t->fd = link_fd;
	t->tap.on_kexinit = on_kexinit;
	t->tap.on_newkeys = on_newkeys;
	t->tap.on_break = on_break;
	t->tap.on_auth_failure = on_auth_failure;
	t->tap.on_packet = on_packet;
	t->session = libssh2_session_init_ex(wipe_session_alloc,
	    wipe_session_free, wipe_session_realloc, &t->tap);
	if (t->session == NULL) {
		err_set(err, ERR_NOMEM, "cannot make an SSH session");
		transport_free(t);
		return NULL;
	}
	libssh2_session_callback_set2(t->session, LIBSSH2_CALLBACK_SEND,
	    (libssh2_cb_generic *)on_send);
	libssh2_session_callback_set2(t->session, LIBSSH2_CALLBACK_RECV,
	    (libssh2_cb_generic *)on_receive);
	libssh2_session_callback_set2(t->session, LIBSSH2_CALLBACK_DISCONNECT,
	    (libssh2_cb_generic *)on_disconnect);
	libssh2_session_set_blocking(t->session, 1);
	if (libssh2_session_banner_set(t->session, BANNER) != 0) {
		err_set(err, ERR_NOMEM, "cannot make an SSH session");
		transport_free(t);
		return NULL;
	}
	return t;
}

static void
free_event(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

/* libssh2 frees the host key only of a session whose keys are in use. */
static void
free_host_key(LIBSSH2_SESSION *s)
{
	if (!(s->state & LIBSSH2_STATE_NEWKEYS) && s->hostkey != NULL &&
	    s->hostkey->dtor != NULL && s->server_hostkey_abstract != NULL)
		s->hostkey->dtor(s, &s->server_hostkey_abstract);
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	t->dead = true;		/* libssh2 finds both ways shut */
	free_event(t->read_event);
	free_event(t->write_event);
	free_event(t->turn_event);
	if (t->session != NULL) {
		free_host_key(t->session);
		libssh2_session_set_blocking(t->session, 0);
		libssh2_session_free(t->session);
	}
	fd_close(&t->fd);
	bytebuf_fini(&t->in);
	bytebuf_fini(&t->out);
	algorithms_fini(&t->algorithms);
	free(t->host_key);
	free(t);
}

void
transport_on_kex(struct transport *t, void (*begun)(void *arg), void *arg)
{
	t->kex_begun = begun;
	t->kex_arg = arg;
}

static int
set_offer(struct transport *t, const struct algorithms *a, bool compression,
    struct err *err)
{
	const char *compressions = compression ? COMPRESSION_LIST : "none";
	const struct algorithm_list *l = t->algorithms.lists;

	algorithms_complete(&t->algorithms, a);
	cipher_arrange(&t->algorithms.lists[ALGORITHM_CIPHER],
	    cipher_has_aes_instructions());
	t->offer = (struct kexinit_offer){ .lists = {
		[KEXINIT_KEX] = l[ALGORITHM_KEX].names,
		[KEXINIT_HOST_KEY] = l[ALGORITHM_HOST_KEY].names,
		[KEXINIT_CIPHER_C2S] = l[ALGORITHM_CIPHER].names,
		[KEXINIT_CIPHER_S2C] = l[ALGORITHM_CIPHER].names,
		[KEXINIT_MAC_C2S] = l[ALGORITHM_MAC].names,
		[KEXINIT_MAC_S2C] = l[ALGORITHM_MAC].names,
		[KEXINIT_COMPRESSION_C2S] = compressions,
		[KEXINIT_COMPRESSION_S2C] = compressions,
	}, .said = &t->algorithms };
	libssh2_session_flag(t->session, LIBSSH2_FLAG_COMPRESS, compression);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (prefer(t, i, err) == -1)
			return -1;
	return 0;
}

static bool
is_no_banner(const struct transport *t)
{
	return !transport_has_banner(t) && (t->cause.code == ERR_NONE ||
	    t->cause.code == ERR_PROTOCOL);
}

int
transport_explain(struct transport *t, const char *what, struct err *err)
{
	char *text;

	if (t->disconnected)
		return err_set(err, ERR_CLOSED, "the server said goodbye: %s",
		    t->disconnect);
	if (is_no_banner(t) && t->greeting[0] != '\0')
		return err_set(err, ERR_PROTOCOL,
		    "the server sent no SSH banner, but \"%.80s\"",
		    t->greeting);
	if (is_no_banner(t))
		return err_set(err, ERR_PROTOCOL,
		    "the server sent no SSH banner");
	if (transport_link_error(t, err) == -1)
		return -1;
	if (libssh2_session_last_error(t->session, &text, NULL, 0) ==
	    LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
		text = "the server's answer makes no sense, or its signature "
		    "is wrong; were bytes altered on the way?";
	return err_set(err, ERR_PROTOCOL, "%s: %s", what, text);
}

int
transport_handshake(struct transport *t, const struct algorithms *a,
    bool compression, int64_t deadline_ms, struct err *err)
{
	if (set_offer(t, a, compression, err) == -1)
		return -1;
	t->deadline = deadline_ms;
	if (libssh2_session_handshake(t->session, t->fd) != 0)
		return transport_explain(t, "the key exchange failed", err);
	return 0;
}

const char *
transport_banner(const struct transport *t)
{
	const char *banner = libssh2_session_banner_get(t->session);

	return banner != NULL ? banner : "";
}

bool
transport_has_banner(const struct transport *t)
{
	return strncmp(transport_banner(t), "SSH-", 4) == 0;
}

const char *
transport_greeting(const struct transport *t)
{
	return t->greeting;
}

const uint8_t *
transport_host_key(const struct transport *t, size_t *len)
{
	int type;

	return (const uint8_t *)libssh2_session_hostkey(t->session, len,
	    &type);
}

const uint8_t *
transport_session_id(const struct transport *t, size_t *len)
{
	*len = t->session->session_id_len;
	return t->session->session_id;
}

const char *
transport_disconnect_text(const struct transport *t, unsigned *reason)
{
	if (!t->disconnected)
		return NULL;
	*reason = t->disconnect_reason;
	return t->disconnect;
}
