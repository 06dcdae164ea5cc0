"""Searches for a learning rate by a coordinator's tuner; the training is this program's own. docs/tuner-protocol.md."""
import json
import math
import os
import urllib.request

COORDINATOR = os.environ.get("EDGETUNE_URL", "http://localhost:8080")
TOKEN = os.environ.get("EDGETUNE_TOKEN")  # where the coordinator has an admin token

SPEC = {
    "space": {
        "training": {
            "learningRate": {"type": "float", "min": 1e-5, "max": 1, "scale": "log"},
            "optimizer": {"type": "categorical", "choices": ["sgd", "adam"]},
        }
    },
    "objectives": ["maximize accuracy"],
    "budget": {"minEpochs": 1, "maxEpochs": 9, "minDataFraction": 1},
    "stop": {"trials": 20},
}


def post(path, body):
    headers = {"content-type": "application/json"}
    if TOKEN:
        headers["authorization"] = "Bearer " + TOKEN
    request = urllib.request.Request(COORDINATOR + path, json.dumps(body).encode(), headers)
    answer = json.load(urllib.request.urlopen(request))
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


def train(candidate, budget):  # your own training comes here
    quality = 1 - abs(math.log10(candidate["learningRate"]) + 2) / 5
    return quality * (1 - 0.5 / budget["epochs"]) * (1 if candidate["optimizer"] == "adam" else 0.9)


tuner = "/api/tuners/" + post("/api/tuners", SPEC)["id"]
while "nothing" not in (job := post(tuner, {"ask": {}})):
    metrics = {"accuracy": train(job["candidate"], job["budget"])}
    post(tuner, {"tell": {"trial": job["trial"], "rung": job["rung"], "metrics": metrics}})
print(json.dumps(post(tuner, {"best": {}})["best"]))
