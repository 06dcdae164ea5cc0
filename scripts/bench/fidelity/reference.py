"""What a Python user would write to time a model: one process, one session, session.run() in a loop. No code of EdgeTune's.

Usage: reference.py '{"model": path, "threads": 1, "shapes": {input: [..]}, "values": {input: value}, "seconds": 0.5,
"tiny": path}'. Prints one line of JSON: the median in ms, the runs, and the peak of memory above what ONNX Runtime takes for the
tiny model (VmHWM of proc(5), in bytes).
"""

import json
import os
import sys
import time

# Before ONNX Runtime is imported: it would report to its maker.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy
import onnxruntime

WARM_UP_RUNS = 5
TYPES = {
    "tensor(float)": "float32",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(uint8)": "uint8",
}


def memory(field):
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))


def main():
    order = json.loads(sys.argv[1])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = order["threads"]
    options.inter_op_num_threads = 1

    def session_of(path):
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    random = numpy.random.default_rng(0)

    def feeds_of(session, shapes):
        feeds = {}
        for each in session.get_inputs():
            kind = numpy.dtype(TYPES[each.type])
            shape = shapes[each.name]
            if kind.kind == "f":
                # In place: copies would be a peak of numpy's, and not of the model's.
                feeds[each.name] = random.random(shape, dtype=kind)
                feeds[each.name] *= 2
                feeds[each.name] -= 1
            else:
                feeds[each.name] = random.integers(0, 256 if kind == "uint8" else 2, shape, dtype=kind)
        return feeds

    # All that is needed once, ONNX Runtime's, Python's and numpy's, is needed before memory is looked at.
    tiny = session_of(order["tiny"])
    tiny.run(None, feeds_of(tiny, {"x": [1]}))
    del tiny
    with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")
    before = memory("VmRSS")
    session = session_of(order["model"])
    feeds = feeds_of(session, order["shapes"])
    for _ in range(WARM_UP_RUNS):
        session.run(None, feeds)
    peak = memory("VmHWM") - before
    durations = []
    start = time.perf_counter()
    while time.perf_counter() - start < order["seconds"] or len(durations) < 20:
        began = time.perf_counter()
        session.run(None, feeds)
        durations.append(time.perf_counter() - began)
    print(
        json.dumps(
            {
                "medianMs": float(numpy.median(durations)) * 1000,
                "runs": len(durations),
                "peakMemoryBytes": peak,
            }
        )
    )


main()
