/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file remote.h
 * What the VMM of a machine on HyPike says over the link (link.h) of its machine, and is told: statistics, screen,
 * keys. From any thread.
 */
#ifndef TOOLS_REMOTE_H
#define TOOLS_REMOTE_H

#include <hypike/vmm.h>

struct link;

/** Before it starts. @param last its picture is wanted when it ends */
void remote_open(struct link *link, bool last);
/** It listens. */
void remote_present(void);
/** It has ended: nothing is asked any more. */
void remote_ended(void);
/** What a key behind the console's escape does. @return NULL, or why not */
const char *remote_command(char key);
/** Ask for statistics, and wait for them. @return NULL, or why not */
const char *remote_stats(struct hypike_vmm_stats *stats);
/** Those that it gave last. */
void remote_stats_before(struct hypike_vmm_stats *stats);
/** The picture as far as it is here; and ask for what has changed. */
bool remote_screen_size(unsigned int *width, unsigned int *height);
bool remote_screen_draw(uint32_t *pixels, unsigned int width, unsigned int height, unsigned int *first,
			unsigned int *end);
/** Ask for it. @return whether it is here as it was a moment ago */
bool remote_screen_ready(void);
void remote_key(unsigned int key, bool pressed);
void remote_mouse(int x, int y, int wheel, unsigned int buttons);

#endif
