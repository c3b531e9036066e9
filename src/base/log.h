/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_LOG_H
#define HAWSER_BASE_LOG_H

/*
 * log: one line per event on standard error: a plain clause, then key=value
 * pairs, as text or as a JSON object (log_json.h). Levels: error, an operator
 * must act; warn, degraded and being acted on; info, state changes; debug, the
 * rest. Never a key, a passphrase or a tunnelled byte. Control characters in a
 * line are replaced by '?'.
 */

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_format { LOG_TEXT, LOG_JSON };

/*
 * Sets the least important level that is written and the name each line
 * carries ("hawserd", "worker vps"); ident is copied, 63 bytes at most. Under
 * systemd (JOURNAL_STREAM set) lines begin with sd-daemon(3) priorities
 * instead of a time stamp. Default: LOG_INFO, no name.
 */
void log_setup(enum log_level, const char *ident);

/*
 * Makes standard error, if it is a pipe or a terminal, an open file of our own
 * on which nobody waits; those who share ours with us go on as before. Comes
 * before privileges go, which it may take; what it can't do is left. Programs
 * that we start inherit it.
 */
void log_detach(void);

/* The level alone. */
void log_set_level(enum log_level);
enum log_level log_get_level(void);

/* How lines are written from now on. Default: LOG_TEXT. */
void log_set_format(enum log_format);

enum log_format log_get_format(void);

/*
 * Writes one line. Never fails, keeps errno. 2047 bytes at most; 4095 as JSON,
 * which is what a pipe takes whole. A reader that is stuck is not waited for,
 * nor a disk that is full: lines are dropped and counted then.
 */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
