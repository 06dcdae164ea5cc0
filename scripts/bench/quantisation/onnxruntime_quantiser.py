"""ONNX Runtime's own static quantiser: python3 onnxruntime_quantiser.py FOLDER

FOLDER holds model.onnx and feeds.json: a list of batches, each by input {"file", "type", "dims"} with the values as raw bytes.
Writes a variant for each of SETTINGS, and prints one JSON line for each: {"settings", "file"} or {"settings", "reason"}.
"""

import json
import logging
import os
import sys

import numpy
import onnx
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

# Scales per channel need this operator set.
OPSET = 13
SETTINGS = {
    "defaults": {},
    # What its documentation advises for x86 without VNNI, and for models that lose too much.
    "per channel, reduced range": {
        "per_channel": True,
        "reduce_range": True,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
    },
    "per channel": {
        "per_channel": True,
        "activation_type": QuantType.QUInt8,
        "weight_type": QuantType.QInt8,
    },
    "U8U8": {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QUInt8},
}


class Feeds(CalibrationDataReader):
    def __init__(self, folder):
        with open(os.path.join(folder, "feeds.json")) as file:
            batches = json.load(file)
        self.batches = iter([{name: values(folder, each) for name, each in batch.items()} for batch in batches])

    def get_next(self):
        return next(self.batches, None)


def values(folder, tensor):
    return numpy.fromfile(os.path.join(folder, tensor["file"]), tensor["type"]).reshape(tensor["dims"])


def prepared(folder):
    """The model as its documentation wants it: in a set that has axes, with everything folded that can be."""
    source, raised, folded = (os.path.join(folder, name) for name in ("model.onnx", "raised.onnx", "folded.onnx"))
    model = onnx.load(source)
    opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
    if opset < OPSET:
        model = version_converter.convert_version(model, OPSET)
    onnx.save(model, raised)
    try:
        quant_pre_process(raised, folded, skip_symbolic_shape=True)
        return folded
    except Exception:  # Not every model can be; the quantiser takes it as it is.
        return raised


def main():
    [folder] = sys.argv[1:]
    logging.disable(logging.WARNING)
    reason = None
    try:
        model = prepared(folder)
    except Exception as error:
        reason = f"it cannot be raised to operator set {OPSET}: {error}"
    for number, (settings, options) in enumerate(SETTINGS.items()):
        line = {"settings": settings}
        try:
            if reason:
                raise RuntimeError(reason)
            file = os.path.join(folder, f"variant-{number}.onnx")
            quantize_static(model, file, Feeds(folder), quant_format=QuantFormat.QDQ, **options)
            line["file"] = file
        except Exception as error:
            line["reason"] = str(error).split("\n")[0]
        print(json.dumps(line), flush=True)


main()
