/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file game.h
 * What ping and pong agree on, and what both need.
 *
 * Channels: "ball-to-pong" and "ball-to-ping" are queuing, of BALL bytes; "score" is sampling, from pong
 * to ping, of SCORE bytes, valid for VALID_FOR.
 */
#ifndef EXAMPLES_GAME_H
#define EXAMPLES_GAME_H

#include <stdint.h>

#include <arinc653/apex.h>

#define BALL	   16
#define BALLS	   8 /* that a queue holds */
#define SCORE	   8
#define MS	   1000000LL
#define OWN_PERIOD (20 * MS) /* without a plan */
#define VALID_FOR  (100 * MS)

/** Print to the partition's console. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** @return the number behind `name`= in the partition's argument string, or `otherwise`. */
long argument(const char *name, long otherwise);
/** A service that must not fail has returned `code`: if it did, say so and end the partition. */
void must(RETURN_CODE_TYPE code, const char *what);
/** Create and start a periodic process that runs once each period of the partition. */
void start_periodic(const char *name, void (*entry)(void));

#endif
