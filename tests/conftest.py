# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Settings of all tests."""

from hypothesis import settings

# An example that takes long on a busy machine is no failure; speed is measured in benchmarks/.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
