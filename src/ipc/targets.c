/* SPDX-License-Identifier: ISC */
#include "ipc/targets.h"

#include <stdlib.h>

#include "base/str.h"

static bool
has_port(const struct targets *t, uint16_t port)
{
	for (size_t i = 0; i < t->port_count; i++)
		if (t->ports[i] == port)
			return true;
	return t->any_port;
}

void
targets_add_port(struct targets *t, uint16_t port)
{
	if (has_port(t, port))
		return;
	if (t->port_count == TARGETS_PORTS_MAX) {
		t->any_port = true;
		return;
	}
	t->ports = mem_grow(t->ports, t->port_count + 1, sizeof(*t->ports));
	t->ports[t->port_count++] = port;
}

void
targets_add(struct targets *t, const struct forward *f)
{
	if (f->kind == FORWARD_REMOTE_DYNAMIC)
		t->any_port = true;
	else if (f->kind == FORWARD_REMOTE &&
	    f->target.kind == ENDPOINT_UNIX)
		t->unix_sockets = true;
	else if (f->kind == FORWARD_REMOTE)
		targets_add_port(t, f->target.port);
}

bool
targets_hold(const struct targets *t, const struct forward *f)
{
	if (f->kind == FORWARD_REMOTE_DYNAMIC)
		return t->any_port;
	if (f->kind != FORWARD_REMOTE)
		return true;
	if (f->target.kind == ENDPOINT_UNIX)
		return t->unix_sockets;
	return has_port(t, f->target.port);
}

void
targets_fini(struct targets *t)
{
	free(t->ports);
	*t = (struct targets){ 0 };
}

json_t *
targets_encode(const struct targets *t)
{
	json_t *ports = json_array();

	for (size_t i = 0; i < t->port_count; i++)
		json_array_append_new(ports, json_integer(t->ports[i]));
	return json_pack("{s:b, s:b, s:o}", "any_port", t->any_port,
	    "unix", t->unix_sockets, "ports", ports);
}

int
targets_decode(json_t *body, struct targets *out, struct err *err)
{
	json_t *any = json_object_get(body, "any_port");
	json_t *sockets = json_object_get(body, "unix");
	json_t *ports = json_object_get(body, "ports");

	if (!json_is_boolean(any) || !json_is_boolean(sockets) ||
	    !json_is_array(ports) ||
	    json_array_size(ports) > TARGETS_PORTS_MAX)
		return err_set(err, ERR_PROTOCOL, "targets are malformed");
	out->any_port = json_is_true(any);
	out->unix_sockets = json_is_true(sockets);
	for (size_t i = 0; i < json_array_size(ports); i++) {
		json_t *port = json_array_get(ports, i);
		json_int_t n = json_integer_value(port);

		if (!json_is_integer(port) || n < 0 || n > 65535)
			return err_set(err, ERR_PROTOCOL,
			    "a target's port is no port");
		targets_add_port(out, (uint16_t)n);
	}
	return 0;
}
