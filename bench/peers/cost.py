"""Runs a peer's work and prints what it cost, in the words of child.mjs."""

import json
import resource
import sys
import time


def measure(work):
    request = json.loads(sys.argv[1])
    started = time.perf_counter()
    result = work(request)
    seconds = time.perf_counter() - started
    # A side whose work is partly for the check only says itself how long the rest took.
    seconds = result.get("seconds", seconds) if isinstance(result, dict) else seconds
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpuSeconds": usage.ru_utime + usage.ru_stime,
                # Linux counts kilobytes, macOS bytes.
                "peakMegabytes": usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024),
                "result": result,
            }
        )
    )
