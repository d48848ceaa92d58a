# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""From a model and an evaluation parquet to a predictions file."""

from verl_visual_rft.evaluation.predict.run import PredictResult, existence_path, predict
from verl_visual_rft.evaluation.predictions import meta_path

__all__ = ["PredictResult", "existence_path", "meta_path", "predict"]
