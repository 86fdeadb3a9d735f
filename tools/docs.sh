#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# `make docs`: the reference manual of the contracts and the requirement-to-test table, into
# BUILD/docs. Any warning of Doxygen ends it.
# Usage: tools/docs.sh BUILD
set -eu

cd "$(dirname "$0")/.."
out=$1/docs
mkdir -p "$out"
{
	cat docs/Doxyfile
	echo "OUTPUT_DIRECTORY = $out"
} | doxygen -
/usr/bin/python3 tools/reqs.py "$out"
echo "reference manual: $out/html/index.html"
echo "requirements:     $out/requirements.html"
