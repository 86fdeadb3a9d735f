#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# How many bytes of a virtio disk come for 1,000 instructions of the machine: tools/bench.py.
bench disk /dev/vda
