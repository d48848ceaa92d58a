# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from PIL import Image, ImageDraw


@pytest.fixture
def pictures():
    """Two pictures of different sizes, multiples of 28 and of 32."""
    drawn = []
    for size, colour in (((448, 224), "red"), ((224, 224), "blue")):
        picture = Image.new("RGB", size, "white")
        ImageDraw.Draw(picture).rectangle((10, 10, 60, 50), fill=colour)
        drawn.append(picture)
    return drawn


@pytest.fixture
def processor_calls(monkeypatch):
    """Numbers of pictures that image processors were called with."""
    pytest.importorskip("transformers")
    from transformers.image_processing_utils import BaseImageProcessor
    from transformers.image_utils import make_flat_list_of_images

    calls, preprocess = [], BaseImageProcessor.preprocess

    def counting(self, images, *args, **kwargs):
        calls.append(len(make_flat_list_of_images(images)))
        return preprocess(self, images, *args, **kwargs)

    monkeypatch.setattr(BaseImageProcessor, "preprocess", counting)
    return calls


@pytest.fixture(scope="session")
def policy_folder(tmp_path_factory) -> Path:
    from tiny_steps import make_policy

    folder = tmp_path_factory.mktemp("policy")
    make_policy(folder)
    return folder
