/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_UNITS_H
#define HAWSER_CLI_UNITS_H

#include <stdint.h>

#include "base/str.h"

/* units: times and amounts as people write them. Pure. */

/*
 * Appends the two largest units of a time: "0 s", "43 s", "3 m 12 s",
 * "2 h 5 m", "9 d 4 h". Parts of a second are dropped; below zero is "0 s".
 */
void units_duration(struct str *out, int64_t ms);

/* Appends "0 B", "999 B", "1.2 kB", "45 MB" (powers of 1000). */
void units_bytes(struct str *out, int64_t bytes);

/* Appends a round trip: "0.06 ms", "12.3 ms", "250 ms", "1.5 s". */
void units_round_trip(struct str *out, double ms);

#endif
