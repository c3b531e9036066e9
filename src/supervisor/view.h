/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_VIEW_H
#define HAWSER_SUPERVISOR_VIEW_H

#include <jansson.h>

#include "supervisor/host.h"
#include "supervisor/reload.h"

/*
 * view: the host table as others see it: docs of `GET /v1/status` in
 * hawserd(8) say what each field means. Changes nothing. Fields are never
 * removed within a major version.
 */

/* New: the whole of GET /v1/status. */
json_t *view_status(const struct host_table *, const struct reload_info *);

/* New: one element of its "hosts", or NULL if there is no such host. */
json_t *view_host(const struct host_table *, const char *name);

/*
 * New: {"ready":…,"waiting_for":[names]}: ready when a configuration is in
 * force and every host that shall run is up.
 */
json_t *view_ready(const struct host_table *, const struct reload_info *);

#endif
