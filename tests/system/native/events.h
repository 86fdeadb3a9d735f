/* SPDX-License-Identifier: BSD-2-Clause */
/** @file events.h What events.c and its guest agree on. Usable from assembly. */
#ifndef TESTS_NATIVE_EVENTS_H
#define TESTS_NATIVE_EVENTS_H

/* Ports */
#define EVENTS_PORT_QUIET 0x80 /**< nothing */
#define EVENTS_PORT_ASK	  0x90
#define EVENTS_PORT_END	  0x91
#define EVENTS_PORT_SHOW  0x92
#define EVENTS_PORT_SAY	  0xe9

/* On EVENTS_PORT_ASK */
#define EVENTS_ASK_NMI	     1 /**< inject an NMI */
#define EVENTS_ASK_WINDOW    2 /**< inject an interrupt as soon as it can be taken */
#define EVENTS_ASK_INTERRUPT 3 /**< inject an interrupt now */
#define EVENTS_ASK_STEP	     4 /**< step from here on */
#define EVENTS_ASK_RUN	     5 /**< no more */

/* Guest-physical addresses */
#define EVENTS_CODE	0x1000
#define EVENTS_STACK	0x6000
#define EVENTS_SEEN	0x7000
#define EVENTS_LENGTH	0x7004
#define EVENTS_ZERO	0x7100
#define EVENTS_IDT	0x8000
#define EVENTS_GDT	0x9000
#define EVENTS_TSS	0xa000
#define EVENTS_MEMORY	0x10000 /**< bytes mapped from 0 */
#define EVENTS_NO_STACK 0x50ff0

#define EVENTS_INTERRUPT 0x30 /**< vectors */
#define EVENTS_SOFTWARE	 0x31

#endif
