/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file time.h
 * Time management: ARINC 653 part 1, clause 3.4. Time is nanoseconds since the machine's boot.
 */
#ifndef ARINC653_TIME_H
#define ARINC653_TIME_H

#include <arinc653/types.h>

/** 3.4.2.1 */
void TIMED_WAIT(SYSTEM_TIME_TYPE DELAY_TIME, RETURN_CODE_TYPE *RETURN_CODE);
/** 3.4.2.2 */
void PERIODIC_WAIT(RETURN_CODE_TYPE *RETURN_CODE);
/** 3.4.2.3 */
void GET_TIME(SYSTEM_TIME_TYPE *SYSTEM_TIME, RETURN_CODE_TYPE *RETURN_CODE);
/** 3.4.2.4 */
void REPLENISH(SYSTEM_TIME_TYPE BUDGET_TIME, RETURN_CODE_TYPE *RETURN_CODE);

#endif
