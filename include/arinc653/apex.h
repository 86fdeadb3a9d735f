/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file apex.h
 * The whole APEX interface of ARINC 653 part 1. docs/arinc653.md says how each service is done.
 */
#ifndef ARINC653_APEX_H
#define ARINC653_APEX_H

#include <arinc653/blackboard.h>
#include <arinc653/buffer.h>
#include <arinc653/error.h>
#include <arinc653/event.h>
#include <arinc653/partition.h>
#include <arinc653/process.h>
#include <arinc653/queuing.h>
#include <arinc653/sampling.h>
#include <arinc653/semaphore.h>
#include <arinc653/time.h>
#include <arinc653/types.h>

#endif
