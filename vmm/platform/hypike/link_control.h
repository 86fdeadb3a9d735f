/* SPDX-License-Identifier: BSD-2-Clause */
/** @file link_control.h Control of the machine over the link (<hypike/link_control.h>), by a thread of its own. */
#ifndef VMM_PLATFORM_HYPIKE_LINK_CONTROL_H
#define VMM_PLATFORM_HYPIKE_LINK_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For link.c's tables. */
bool link_control_command(uint8_t number, const uint8_t *payload, size_t size);
bool link_control_key(uint8_t number, const uint8_t *payload, size_t size);
bool link_control_motion(uint8_t number, const uint8_t *payload, size_t size);
bool link_control_ask_stats(uint8_t number, const uint8_t *payload, size_t size);
bool link_control_ask_screen(uint8_t number, const uint8_t *payload, size_t size);
bool link_control_last(uint8_t number, const uint8_t *payload, size_t size);
bool link_control_pump(void);

/** Be there, where there is a link; when the guest has its memory. */
void link_control_open(void);
/** The machine has ended: what is wanted then is sent. */
void link_control_close(void);

#endif
