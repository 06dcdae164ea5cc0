"""Runs an ONNX model for EdgeTune's agent in the board's own ONNX Runtime. Needs nothing but onnxruntime and numpy.

Commands come as one JSON object a line on standard input, each is answered by one on standard output:

  {"do": "start", "tinyModel": base64, "threads": 2, "provider": "cuda", "precision": "float32"}
                                                                           -> {"type": "started"}
  {"do": "load", "modelPath": "..."}                                       -> {"type": "loaded", "inputs": [{name, type, shape}]}
  {"do": "feed", "samples": 8, "inputs": [{name, type, shape}], "seed": 0} -> {"type": "fed"}      (numpy's types)
  {"do": "run", "samples": 8, "times": 2}        -> {"type": "ran", "durationsMs": [1.5, 1.4], "outputRows": 8}
  {"do": "usage"}              -> {"type": "usage", "cpuSeconds": 1.2, "peakMemoryBytes": 1, "processPeakMemoryBytes": 2}

A command that fails is answered by {"type": "failed", "message": "..."}. With --probe it tells what it has,
or {"failed": "..."} where that cannot be used, and ends.
The durations of runs are taken here: the way from the agent and back is in no latency.
"""

import json
import os
import signal
import sys
import time

# ONNX Runtime reads it as it is imported, and would report to its maker (see shared/runtime/no-telemetry.ts).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}

PR_SET_PDEATHSIG = 1
SIGKILL = 9


def end_with_parent():
    """prctl(2): the kernel ends this process when the measuring process ends, also in the middle of a run."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # No Linux: standard input that ends is noticed between runs.


def own_memory(field):
    """A field of /proc/self/status in bytes (proc(5): given in kB), or None."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def reset_peak():
    """Sets the high-water mark back to what is resident now (proc(5), /proc/pid/clear_refs, since Linux 4.0)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")
    except OSError:
        pass


class SideCar:
    def __init__(self):
        import numpy
        import onnxruntime

        self.numpy = numpy
        self.onnxruntime = onnxruntime
        self.options = None
        self.providers = []
        self.session = None
        self.resident_before = None
        self.feeds = {}

    def start(self, command):
        import base64

        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads = command["threads"]
        options.inter_op_num_threads = 1
        options.execution_mode = self.onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = self.onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.options = options
        wanted = PROVIDERS[command["provider"]]
        # What the asked-for provider does not support falls to the next: CUDA for TensorRT, the CPU for both.
        order = list(PROVIDERS.values())[::-1]
        available = self.onnxruntime.get_available_providers()
        trt_options = {
            "trt_fp16_enable": command["precision"] == "float16",
            "trt_int8_enable": command["precision"] == "int8",
        }
        self.providers = [
            (name, trt_options if name == PROVIDERS["tensorrt"] else {})
            for name in order[order.index(wanted) :]
            if name in available
        ]
        tiny = self._open(base64.b64decode(command["tinyModel"]))
        if wanted not in tiny.get_providers():
            raise RuntimeError("ONNX Runtime could not bring up " + wanted)
        # What numpy loads for random values is no memory of the model's either.
        values = self._values(self.numpy.dtype("float32"), [1], self.numpy.random.RandomState(0))
        tiny.run(None, {"x": values})
        return {"type": "started"}

    def load(self, command):
        reset_peak()
        self.resident_before = own_memory("VmRSS")
        self.session = self._open(command["modelPath"])
        inputs = [{"name": i.name, "type": i.type, "shape": list(i.shape)} for i in self.session.get_inputs()]
        return {"type": "loaded", "inputs": inputs}

    def feed(self, command):
        random = self.numpy.random.RandomState(command["seed"])
        self.feeds[command["samples"]] = {
            i["name"]: self._values(self.numpy.dtype(i["type"]), i["shape"], random) for i in command["inputs"]
        }
        return {"type": "fed"}

    def run(self, command):
        run, clock, feeds = self.session.run, time.perf_counter, self.feeds[command["samples"]]
        durations = []
        outputs = None
        for _ in range(command["times"]):
            started = clock()
            outputs = run(None, feeds)
            durations.append((clock() - started) * 1000)
        shape = getattr(outputs[0], "shape", ())
        return {"type": "ran", "durationsMs": durations, "outputRows": shape[0] if shape else None}

    def usage(self, _):
        peak = own_memory("VmHWM")
        known = peak is not None and self.resident_before is not None
        return {
            "type": "usage",
            "cpuSeconds": time.process_time(),
            "peakMemoryBytes": max(0, peak - self.resident_before) if known else None,
            "processPeakMemoryBytes": peak,
        }

    def _open(self, model):
        return self.onnxruntime.InferenceSession(model, self.options, providers=self.providers)

    def _values(self, dtype, shape, random):
        if dtype.kind == "f":
            return self.numpy.asarray(2 * random.random_sample(shape) - 1).astype(dtype)
        # Bytes over their whole range; other integers small, so that they are valid as token ids and indices.
        low, high = {"uint8": (0, 256), "int8": (-128, 128)}.get(dtype.name, (0, 2))
        return self.numpy.asarray(random.randint(low, high, shape)).astype(dtype)


def probe():
    """What is there. Without an onnxruntime it ends by its error; one that cannot be used is told with the reason."""
    try:
        import onnxruntime
        import numpy
    except Exception as error:  # pylint: disable=broad-except
        if isinstance(error, ModuleNotFoundError) and error.name == "onnxruntime":
            raise
        return {"failed": str(error) or type(error).__name__}
    available = onnxruntime.get_available_providers()
    providers = [name for name, long_name in PROVIDERS.items() if long_name in available]
    return {"version": onnxruntime.__version__, "numpy": numpy.__version__, "providers": providers}


def main():
    # Whatever libraries print goes to standard error: standard output is for answers only.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    if "--probe" in sys.argv:
        answer(probe())
        return
    end_with_parent()
    # The agent ends it; a Ctrl-C that was meant for the agent would look like a crash of the model.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    side_car = SideCar()
    actions = {name: getattr(side_car, name) for name in ("start", "load", "feed", "run", "usage")}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer(actions[command["do"]](command))
        except Exception as error:  # pylint: disable=broad-except
            answer({"type": "failed", "message": str(error) or type(error).__name__})


main()
