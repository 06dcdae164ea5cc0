"""What a Python user would write to time a model: one process, one session, session.run() in a loop. No code of EdgeTune's.

Usage: reference.py '{"model": path, "threads": 1, "shapes": {input: [..]}, "values": {input: value}, "seconds": 0.5,
"tiny": path}'. Prints one line of JSON: the median in ms, the runs, and the peak of memory above what ONNX Runtime takes for the
tiny model (VmHWM of proc(5), in bytes).
"""

import json
import sys
import time

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

    random = numpy.random.RandomState(0)
    session_of(order["tiny"]).run(None, {"x": numpy.zeros([1], numpy.float32)})
    with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")
    before = memory("VmRSS")
    session = session_of(order["model"])
    feeds = {}
    for each in session.get_inputs():
        kind = numpy.dtype(TYPES[each.type])
        shape = order["shapes"][each.name]
        if kind.kind == "f":
            feeds[each.name] = (2 * random.random_sample(shape) - 1).astype(kind)
        else:
            feeds[each.name] = numpy.asarray(random.randint(0, 256 if kind == "uint8" else 2, shape)).astype(kind)
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
