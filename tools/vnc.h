/* SPDX-License-Identifier: BSD-2-Clause */
/** @file vnc.h A VNC server (RFB 3.8) for one screen, keyboard and mouse. */
#ifndef TOOLS_VNC_H
#define TOOLS_VNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is shown and who takes the keys; called from the server's thread. */
struct vnc_machine {
	/** Size of the picture in pixels. @return false: there is none now */
	bool (*size)(unsigned int *width, unsigned int *height);
	/** Bring a picture of that size up to date, and say which rows changed. @return false: it has
	 *  another size */
	bool (*draw)(uint32_t *pixels, unsigned int width, unsigned int height, unsigned int *first,
		     unsigned int *end);
	/** A key, by its make code in scan code set 1, + 80h where E0h comes before it. */
	void (*key)(unsigned int key, bool pressed);
	/** The mouse moves right and down, its wheel towards the user; buttons: 1 left, 2 right, 4 middle. */
	void (*mouse)(int x, int y, int wheel, unsigned int buttons);
	/** The calling thread, and those that it starts, need no more than a display's does. */
	bool (*confine)(void);
};

/** What a viewer has to know; and what the server proves itself by, as nothing is asked in the clear. */
struct vnc_access {
	const char *password;
	const char *key, *certificate; /**< files (PEM) */
};

#define VNC_FINGERPRINT 96u
/** A certificate of its own, and the key to it: files without names. */
struct vnc_certificate {
	int key, certificate;		   /**< descriptors (PEM) */
	char fingerprint[VNC_FINGERPRINT]; /**< SHA-256, as "AB:CD:…" */
};
/** Make one, for `localhost`. @return NULL, or why not */
const char *vnc_certificate(struct vnc_certificate *certificate);

/**
 * Serve in a thread of its own until the process ends.
 * @param where a path (a UNIX socket is made there, for this user alone), or a port of 127.0.0.1
 * @param access NULL: whoever can connect
 * @return NULL, or what is wrong
 */
const char *vnc_start(const char *where, const struct vnc_machine *machine, const struct vnc_access *access);
/** @return the number of the key that makes an X11 keysym on a US keyboard, 0: none */
unsigned int vnc_key(uint32_t keysym);

/** Write a picture as PNG. @return NULL, or what is wrong */
const char *png_write(const char *path, const uint32_t *pixels, unsigned int width,
		      unsigned int height);

#endif
