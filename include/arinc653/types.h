/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file types.h
 * Types that all services of ARINC 653 part 1 share (clause 3.1, appendix C). Names are the
 * standard's; sizes and limits are this implementation's.
 */
#ifndef ARINC653_TYPES_H
#define ARINC653_TYPES_H

#define SYSTEM_LIMIT_NUMBER_OF_PARTITIONS     64
#define SYSTEM_LIMIT_NUMBER_OF_MESSAGES	      1024
#define SYSTEM_LIMIT_MESSAGE_SIZE	      8192
#define SYSTEM_LIMIT_NUMBER_OF_PROCESSES      30 /**< of a partition, besides its error handler */
#define SYSTEM_LIMIT_NUMBER_OF_SAMPLING_PORTS 64
#define SYSTEM_LIMIT_NUMBER_OF_QUEUING_PORTS  64
#define SYSTEM_LIMIT_NUMBER_OF_BUFFERS	      32
#define SYSTEM_LIMIT_NUMBER_OF_BLACKBOARDS    32
#define SYSTEM_LIMIT_NUMBER_OF_SEMAPHORES     32
#define SYSTEM_LIMIT_NUMBER_OF_EVENTS	      32

typedef unsigned char APEX_BYTE;
typedef int APEX_INTEGER;	     /**< 32 bits */
typedef unsigned int APEX_UNSIGNED;  /**< 32 bits */
typedef long long APEX_LONG_INTEGER; /**< 64 bits */

typedef enum {
	NO_ERROR = 0,	    /**< done */
	NO_ACTION = 1,	    /**< nothing to do: the system is as it was */
	NOT_AVAILABLE = 2,  /**< not at once, and the caller wouldn't wait */
	INVALID_PARAM = 3,  /**< a parameter is no valid value */
	INVALID_CONFIG = 4, /**< a parameter doesn't go with the configuration */
	INVALID_MODE = 5,   /**< not in the present mode, or not by this caller */
	TIMED_OUT = 6,	    /**< waited for as long as allowed */
} RETURN_CODE_TYPE;

#define MAX_NAME_LENGTH 30

/** Shorter names end with NUL. Services take any characters for one: a NAME_TYPE, or a literal. */
typedef char NAME_TYPE[MAX_NAME_LENGTH];
typedef void *SYSTEM_ADDRESS_TYPE;
typedef APEX_BYTE *MESSAGE_ADDR_TYPE;
typedef APEX_INTEGER MESSAGE_SIZE_TYPE;
typedef APEX_INTEGER MESSAGE_RANGE_TYPE;
typedef APEX_INTEGER WAITING_RANGE_TYPE;
typedef enum { SOURCE = 0, DESTINATION = 1 } PORT_DIRECTION_TYPE;
typedef enum { FIFO = 0, PRIORITY = 1 } QUEUING_DISCIPLINE_TYPE;
typedef APEX_LONG_INTEGER SYSTEM_TIME_TYPE; /**< nanoseconds */

#define INFINITE_TIME_VALUE (-1)

#endif
