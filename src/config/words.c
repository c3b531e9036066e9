/* SPDX-License-Identifier: ISC */
#include "config/words.h"

#include <stddef.h>
#include <strings.h>

const struct words_row words_flag[] = {
	{ "true", "yes" }, { "false", "no" }, { "yes", NULL }, { "no", NULL },
	{ NULL, NULL },
};

const struct words_row words_plain_flag[] = {
	{ "yes", NULL }, { "no", NULL }, { NULL, NULL },
};

const struct words_row words_ask_flag[] = {
	{ "true", NULL }, { "false", NULL }, { "yes", "true" },
	{ "no", "false" }, { "ask", NULL }, { NULL, NULL },
};

const struct words_row words_ask_confirm[] = {
	{ "true", NULL }, { "false", NULL }, { "yes", "true" },
	{ "no", "false" }, { "ask", NULL }, { "confirm", NULL }, { NULL, NULL },
};

const struct words_row words_strict[] = {
	{ "true", NULL }, { "false", NULL }, { "yes", "true" },
	{ "no", "false" }, { "ask", NULL }, { "off", "false" },
	{ "accept-new", NULL }, { NULL, NULL },
};

const struct words_row words_families[] = {
	{ "inet", NULL }, { "inet6", NULL }, { "any", NULL }, { NULL, NULL },
};

const struct words_row words_control_master[] = {
	{ "true", NULL }, { "yes", "true" }, { "false", NULL },
	{ "no", "false" }, { "auto", NULL }, { "ask", NULL },
	{ "autoask", NULL }, { NULL, NULL },
};

const struct words_row words_tunnel[] = {
	{ "ethernet", NULL }, { "point-to-point", NULL },
	{ "true", "point-to-point" }, { "yes", "point-to-point" },
	{ "false", NULL }, { "no", "false" }, { NULL, NULL },
};

const struct words_row words_request_tty[] = {
	{ "true", NULL }, { "yes", "true" }, { "false", NULL },
	{ "no", "false" }, { "force", NULL }, { "auto", NULL }, { NULL, NULL },
};

const struct words_row words_session_type[] = {
	{ "none", NULL }, { "subsystem", NULL }, { "default", NULL },
	{ NULL, NULL },
};

const struct words_row words_canonicalize[] = {
	{ "true", NULL }, { "false", NULL }, { "yes", "true" },
	{ "no", "false" }, { "always", NULL }, { NULL, NULL },
};

const struct words_row words_pubkey[] = {
	{ "true", NULL }, { "false", NULL }, { "yes", "true" },
	{ "no", "false" }, { "unbound", NULL }, { "host-bound", NULL },
	{ NULL, NULL },
};

const struct words_row words_digests[] = {
	{ "MD5", NULL }, { "SHA1", NULL }, { "SHA256", NULL },
	{ "SHA384", NULL }, { "SHA512", NULL }, { NULL, NULL },
};

const struct words_row words_log_levels[] = {
	{ "SILENT", NULL }, { "QUIET", "SILENT" }, { "FATAL", NULL },
	{ "ERROR", NULL }, { "INFO", NULL }, { "VERBOSE", NULL },
	{ "DEBUG", NULL }, { "DEBUG1", "DEBUG" }, { "DEBUG2", NULL },
	{ "DEBUG3", NULL }, { NULL, NULL },
};

const struct words_row words_facilities[] = {
	{ "DAEMON", NULL }, { "USER", NULL }, { "AUTH", NULL },
	{ "AUTHPRIV", NULL }, { "LOCAL0", NULL }, { "LOCAL1", NULL },
	{ "LOCAL2", NULL }, { "LOCAL3", NULL }, { "LOCAL4", NULL },
	{ "LOCAL5", NULL }, { "LOCAL6", NULL }, { "LOCAL7", NULL },
	{ NULL, NULL },
};

const struct words_row words_ipqos[] = {
	{ "none", NULL }, { "af11", NULL }, { "af12", NULL }, { "af13", NULL },
	{ "af21", NULL }, { "af22", NULL }, { "af23", NULL }, { "af31", NULL },
	{ "af32", NULL }, { "af33", NULL }, { "af41", NULL }, { "af42", NULL },
	{ "af43", NULL }, { "cs0", NULL }, { "cs1", NULL }, { "cs2", NULL },
	{ "cs3", NULL }, { "cs4", NULL }, { "cs5", NULL }, { "cs6", NULL },
	{ "cs7", NULL }, { "ef", NULL }, { "le", NULL }, { "va", NULL },
	{ "lowdelay", NULL }, { "throughput", NULL }, { "reliability", NULL },
	{ NULL, NULL },
};

const struct words_row words_proxy_protocol[] = {
	{ "no", NULL }, { "v1", NULL }, { "v2", NULL }, { NULL, NULL },
};

const struct words_row words_ciphers[] = {
	{ "3des-cbc", NULL }, { "aes128-cbc", NULL }, { "aes192-cbc", NULL },
	{ "aes256-cbc", NULL }, { "rijndael-cbc@lysator.liu.se", NULL },
	{ "aes128-ctr", NULL }, { "aes192-ctr", NULL }, { "aes256-ctr", NULL },
	{ "aes128-gcm@openssh.com", NULL }, { "aes256-gcm@openssh.com", NULL },
	{ "chacha20-poly1305@openssh.com", NULL }, { NULL, NULL },
};

const struct words_row words_macs[] = {
	{ "hmac-sha1", NULL }, { "hmac-sha1-96", NULL },
	{ "hmac-sha2-256", NULL }, { "hmac-sha2-512", NULL },
	{ "hmac-md5", NULL }, { "hmac-md5-96", NULL },
	{ "umac-64@openssh.com", NULL }, { "umac-128@openssh.com", NULL },
	{ "hmac-sha1-etm@openssh.com", NULL },
	{ "hmac-sha1-96-etm@openssh.com", NULL },
	{ "hmac-sha2-256-etm@openssh.com", NULL },
	{ "hmac-sha2-512-etm@openssh.com", NULL },
	{ "hmac-md5-etm@openssh.com", NULL },
	{ "hmac-md5-96-etm@openssh.com", NULL },
	{ "umac-64-etm@openssh.com", NULL },
	{ "umac-128-etm@openssh.com", NULL }, { NULL, NULL },
};

const struct words_row words_kex[] = {
	{ "diffie-hellman-group1-sha1", NULL },
	{ "diffie-hellman-group14-sha1", NULL },
	{ "diffie-hellman-group14-sha256", NULL },
	{ "diffie-hellman-group16-sha512", NULL },
	{ "diffie-hellman-group18-sha512", NULL },
	{ "diffie-hellman-group-exchange-sha1", NULL },
	{ "diffie-hellman-group-exchange-sha256", NULL },
	{ "ecdh-sha2-nistp256", NULL }, { "ecdh-sha2-nistp384", NULL },
	{ "ecdh-sha2-nistp521", NULL }, { "curve25519-sha256", NULL },
	{ "curve25519-sha256@libssh.org", NULL },
	{ "sntrup761x25519-sha512", NULL },
	{ "sntrup761x25519-sha512@openssh.com", NULL },
	{ "mlkem768x25519-sha256", NULL }, { NULL, NULL },
};

const struct words_row words_keys[] = {
	{ "ssh-ed25519", NULL }, { "ssh-ed25519-cert-v01@openssh.com", NULL },
	{ "sk-ssh-ed25519@openssh.com", NULL },
	{ "sk-ssh-ed25519-cert-v01@openssh.com", NULL },
	{ "ecdsa-sha2-nistp256", NULL },
	{ "ecdsa-sha2-nistp256-cert-v01@openssh.com", NULL },
	{ "ecdsa-sha2-nistp384", NULL },
	{ "ecdsa-sha2-nistp384-cert-v01@openssh.com", NULL },
	{ "ecdsa-sha2-nistp521", NULL },
	{ "ecdsa-sha2-nistp521-cert-v01@openssh.com", NULL },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", NULL },
	{ "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", NULL },
	{ "webauthn-sk-ecdsa-sha2-nistp256@openssh.com", NULL },
	{ "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", NULL },
	{ "ssh-dss", NULL }, { "ssh-dss-cert-v01@openssh.com", NULL },
	{ "ssh-rsa", NULL }, { "ssh-rsa-cert-v01@openssh.com", NULL },
	{ "rsa-sha2-256", NULL }, { "rsa-sha2-256-cert-v01@openssh.com", NULL },
	{ "rsa-sha2-512", NULL }, { "rsa-sha2-512-cert-v01@openssh.com", NULL },
	{ NULL, NULL },
};

const struct words_row *
words_find(const struct words_row *row, const char *text)
{
	for (; row->text != NULL; row++)
		if (strcasecmp(row->text, text) == 0)
			return row;
	return NULL;
}

const char *
words_meaning(const struct words_row *row)
{
	return row->means != NULL ? row->means : row->text;
}
