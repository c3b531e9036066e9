/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_UNIT_SSHD_H
#define HAWSER_TESTS_UNIT_SSHD_H

#include <stdbool.h>
#include <sys/types.h>

#include "ssh/transport.h"

/*
 * sshd: OpenSSH's server for a test, as "sshd -i" on one end of a socket pair:
 * no port is needed and nothing has to be waited for. Whatever goes wrong
 * fails the test.
 */
struct server {
	pid_t pid;
	struct transport *transport;
};

/* Keys and signatures that a request for authentication may allow: all. */
#define SSHD_USER_KEYS \
	"ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com," \
	"ecdsa-sha2-nistp256-cert-v01@openssh.com," \
	"ecdsa-sha2-nistp384-cert-v01@openssh.com," \
	"ecdsa-sha2-nistp521-cert-v01@openssh.com,ssh-ed25519," \
	"ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521," \
	"sk-ssh-ed25519@openssh.com,rsa-sha2-512,rsa-sha2-256"

/* Is there an sshd on this machine? */
bool sshd_is_there(void);

/* Makes the test's folder and readies the machine; 0, or -1. */
int sshd_setup(void);

/* Removes the folder. */
void sshd_teardown(void);

/* The folder's path. */
const char *sshd_folder(void);

/* New: the path of a file in the folder. */
char *sshd_path(const char *name);

/* Runs a program, which must succeed. */
void sshd_run(char *const argv[]);

/* Writes and reads (new string) a file of the folder. */
void sshd_write(const char *name, const char *text);
char *sshd_read(const char *name);

/* Makes name and name.pub; format is RFC4716 (OpenSSH's), PEM or PKCS8. */
void sshd_keygen(const char *name, const char *type, const char *bits,
    const char *format);

/* New: "TYPE BASE64" of name.pub. */
char *sshd_public_half(const char *name);

/*
 * Writes sshd_config: the host key's name, and options (lines) that win over
 * what this says. Keys in the file authorized_keys may log in. The server logs
 * to the file log.
 */
void sshd_configure(const char *host_key, const char *options);

/* Starts it; the transport is new and nothing was said yet. */
void sshd_start(struct server *);

/* The same, and shakes hands. */
void sshd_start_session(struct server *, const char *host_key_types);

/* Ends the connection, and so the server; its log is then complete. */
void sshd_stop(struct server *);

#endif
