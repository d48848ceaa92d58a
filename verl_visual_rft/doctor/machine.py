# Copyright 2026 The verl_visual_rft authors
# SPDX-License-Identifier: Apache-2.0
"""Room in memory and on disk, text encoding, fonts, and whether a Ray cluster can start."""

from __future__ import annotations

import locale
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from verl_visual_rft.doctor.finding import Finding, fail, import_error, ok, run_python, warning
from verl_visual_rft.launching.loopback import listeners
from verl_visual_rft.launching.ray_services import LONGEST_FOLDER

GIB = 2**30
SHARED_MEMORY_GIB = 1
DISK_GIB = 2
MEMORY_GIB = 12

START_RAY = """
import sys, ray
ray.init(address="local", num_cpus=1, include_dashboard=False, object_store_memory=100 * 2**20, _temp_dir=sys.argv[1],
         logging_level="ERROR", log_to_driver=False)
assert ray.get(ray.remote(lambda: 6 * 7).remote()) == 42
ray.shutdown()
print("a local cluster started, ran a task and stopped")
"""


def check_shared_memory(device: str) -> Finding:
    """Is there room in /dev/shm, through which veRL hands the weights to vLLM and Ray its objects?"""
    remedy = "free it (ls /dev/shm), or in a container: docker run --shm-size=8g"
    return _room("shared memory", Path("/dev/shm"), SHARED_MEMORY_GIB, remedy)


def check_disk(device: str) -> Finding:
    """Is there room for checkpoints here and for Ray's session in the temporary folder?"""
    folders = (Path.cwd(), Path(tempfile.gettempdir()))
    tightest = min(folders, key=lambda folder: shutil.disk_usage(folder).free)
    remedy = "free space there, or run from another disk (OUTPUT_DIR, TMPDIR)"
    return _room("disk", tightest, DISK_GIB, remedy)


def check_memory(device: str) -> Finding:
    """Is there memory for the trainer and a vLLM server beside each other? A container's own limit counts."""
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    available = int(meminfo["MemAvailable"].split()[0]) * 1024
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and limit.read_text(encoding="ascii").strip() != "max":
        available = min(available, int(limit.read_text(encoding="ascii")) - int(used.read_text(encoding="ascii")))
    if available < MEMORY_GIB * GIB:
        return warning(
            "memory",
            f"{available / GIB:.1f} GiB available, the quick start was measured to stay below {MEMORY_GIB} GiB",
            "close other programs, or watch the run's memory",
        )
    return ok("memory", f"{available / GIB:.1f} GiB available, {os.cpu_count()} cores")


def check_encoding(device: str) -> Finding:
    """Are text files and the terminal UTF-8? Prompts and class names are."""
    encodings = {locale.getpreferredencoding(False), sys.getfilesystemencoding()}
    other = sorted(name for name in encodings if name.lower().replace("-", "") != "utf8")
    if other:
        return fail("encoding", f"{', '.join(other)}, needed is UTF-8", "export PYTHONUTF8=1 (or LC_ALL=C.UTF-8)")
    return ok("encoding", "UTF-8")


def check_fonts(device: str) -> Finding:
    """Can matplotlib find its font for the curves?"""
    remedy = "pip install --force-reinstall matplotlib (or the extra: pip install 'verl-visual-rft[eval]')"
    try:
        from matplotlib import font_manager

        font = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    except (ImportError, ValueError) as error:
        return fail("fonts", str(error).splitlines()[0], remedy)
    return ok("fonts", Path(font).stem)


def check_ports(device: str) -> Finding:
    """Do trainings that run here listen on the loopback alone? Who reaches another address can run code in them."""
    found = sorted(set(listeners()), key=lambda listener: (listener.run, listener.process, listener.port))
    open_to_others = [listener for listener in found if not listener.is_local]
    if open_to_others:
        shown = ", ".join(f"{it.address}:{it.port} of {it.process} in {it.run}" for it in open_to_others)
        remedy = "a firewall or a private network (docs/cluster.md); on one node, cluster=own and no addresses of yours"
        return warning("ports", f"other machines reach {shown}", remedy)
    runs = len({listener.run for listener in found})
    ports = ", ".join(str(port) for port in sorted({listener.port for listener in found}))
    return ok(
        "ports",
        f"trainings that run here ({runs}) listen on the loopback alone: {ports}" if runs else "no training runs",
    )


def check_ray(device: str) -> Finding:
    """Can a Ray cluster of our own start, work and stop? Other clusters on this machine are not looked at."""
    if find_spec("ray") is None:
        return fail("Ray", import_error("ray") or "", "bash scripts/setup.sh")
    base = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix="vrft-", dir=base, ignore_cleanup_errors=True) as folder:
        if len(os.fsencode(folder)) > LONGEST_FOLDER:
            remedy = "export TMPDIR=/tmp"
            return fail("Ray", f"the temporary folder {base} is too long for Unix sockets below it", remedy)
        process = run_python(START_RAY, folder)
    if process.error:
        remedy = "run `ray start --head --port 0` to see why, then `ray stop`; often a firewall on localhost"
        return fail("Ray", process.error, remedy)
    return ok("Ray", process.answer)


def _room(what: str, folder: Path, needed_gib: int, remedy: str) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{free / GIB:.1f} GiB free in {folder}"
    if free < needed_gib * GIB:
        return fail(what, f"{found}, needed are {needed_gib} GiB", remedy)
    return ok(what, found)
