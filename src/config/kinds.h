/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_KINDS_H
#define HAWSER_CONFIG_KINDS_H

#include "config/args.h"

/*
 * kinds: the parsers of the kinds that only one or two keywords have.
 * Each takes its words by args_next() and adds texts; 0, or -1 with
 * ERR_INPUT. The syntax is that of the keyword in ssh_config(5), the texts are
 * those that ssh -G prints.
 */

int kinds_parse_domains(struct args *, struct value *, struct err *);
int kinds_parse_cnames(struct args *, struct value *, struct err *);
int kinds_parse_algorithms(struct args *, struct value *,
    struct err *);
int kinds_parse_agent(struct args *, struct value *, struct err *);
int kinds_parse_add_keys(struct args *, struct value *, struct err *);
int kinds_parse_persist(struct args *, struct value *, struct err *);
int kinds_parse_send_env(struct args *, struct value *, struct err *);
int kinds_parse_set_env(struct args *, struct value *, struct err *);
int kinds_parse_permit_open(struct args *, struct value *,
    struct err *);
int kinds_parse_channel_timeout(struct args *, struct value *,
    struct err *);
int kinds_parse_keystrokes(struct args *, struct value *,
    struct err *);
int kinds_parse_tunnel_device(struct args *, struct value *,
    struct err *);
int kinds_parse_escape(struct args *, struct value *, struct err *);
int kinds_parse_ipqos(struct args *, struct value *, struct err *);

/* The byte of a class that kinds_parse_ipqos() wrote; -1 for "none". */
int kinds_ipqos_byte(const char *text);
int kinds_parse_rekey(struct args *, struct value *, struct err *);
int kinds_parse_mask(struct args *, struct value *, struct err *);
int kinds_parse_jump(struct args *, struct value *, struct err *);

#endif
