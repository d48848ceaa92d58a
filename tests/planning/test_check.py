# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
import pytest

from verl_visual_rft.errors import UserError
from verl_visual_rft.miniature.originals import write_fake
from verl_visual_rft.planning.check import DATA_SETS, check_data_root

MINIATURES = {data_set: "reasonseg" if data_set == "lisa" else data_set for data_set in DATA_SETS}
#: Layouts that are the same, or hold what the other needs.
ALIKE = {("coco", "mg"), ("mg", "coco")}


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    for data_set, miniature in MINIATURES.items():
        write_fake(miniature, folder / data_set)
    return folder


@pytest.mark.parametrize("data_set", DATA_SETS)
def test_a_data_set_is_taken_and_every_other_refused(data_set, roots):
    check_data_root(data_set, roots / data_set)
    for other in DATA_SETS:
        if other != data_set and (data_set, other) not in ALIKE:
            with pytest.raises(UserError, match=f"DATA_ROOT is not the original {data_set} data: .*{other}"):
                check_data_root(data_set, roots / other)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such folder; set DATA_ROOT to the original lisa data"):
        check_data_root("lisa", tmp_path / "nothing")
    with pytest.raises(UserError, match="data set imagenet is none of coco"):
        check_data_root("imagenet", tmp_path)
