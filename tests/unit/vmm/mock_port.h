/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file mock_port.h
 * The ports of mock.h's platform.
 */
#ifndef TESTS_UNIT_VMM_MOCK_PORT_H
#define TESTS_UNIT_VMM_MOCK_PORT_H

/** Port numbers. What goes out comes in. */
enum { MOCK_Q_OUT, MOCK_Q_IN, MOCK_S_OUT, MOCK_S_IN, MOCK_PORTS };

#define MOCK_MESSAGE 64u
#define MOCK_DEPTH   4u

/** Event that is bound to a port; -1: none. */
extern int mock_port_signal[MOCK_PORTS];

/** Empty, and nothing bound. */
void mock_port_reset(void);

#endif
