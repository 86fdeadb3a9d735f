# SPDX-License-Identifier: BSD-2-Clause
"""Systems under test: each module has a list CASES of runner.case.Case."""
