"""What a number depends on besides the code: the processor and what is installed."""

import os
import platform
import shutil
import subprocess
from importlib import metadata


def installed_version(name):
    """Version of a distribution or of its CPU build, as TensorFlow has one.

    >>> installed_version("no-such-distribution")
    'unknown'
    """
    for distribution in (name, f"{name}-cpu"):
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


def processor():
    """Name of the processor, from the system's own description where it has one."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def available_memory():
    """Bytes of memory that programs can still have."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            sizes = dict(line.split(":") for line in lines)
        return 1024 * int(sizes["MemAvailable"].split()[0])
    except (OSError, KeyError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def graphics_driver():
    """Version of NVIDIA's driver, or ``'none'``."""
    if not shutil.which("nvidia-smi"):
        return "none"
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(query, capture_output=True, text=True)
    return answer.stdout.split("\n")[0] if answer.returncode == 0 else "none"
