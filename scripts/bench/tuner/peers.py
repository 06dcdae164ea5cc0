"""Runs a peer's optimiser; the functions are evaluated by the benchmark that started this program.

A line of JSON on standard input starts a run: {"parameters", "objectives", "fidelities", "seed", "constrained"}.
The peer then writes {"trial", "x", "fidelity"} and reads {"losses", "violation", "stop"}; after a stop it writes {"done"}.
Usage: peers.py optuna-tpe | optuna-nsga2 | optuna-random | dehb | bohb | moasha, or: peers.py versions
"""
import json
import logging
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
# The protocol owns standard output: what a library prints goes to standard error.
OUT, sys.stdout = sys.stdout, sys.stderr


class Stop(Exception):
    pass


def evaluate(trial, x, fidelity):
    OUT.write(json.dumps({"trial": trial, "x": x, "fidelity": fidelity}) + "\n")
    OUT.flush()
    answer = json.loads(sys.stdin.readline())
    if answer["stop"]:
        raise Stop
    return answer["losses"], answer["violation"]


def optuna_suggest(trial, parameters):
    x = {}
    for p in parameters:
        if p["type"] == "categorical":
            x[p["name"]] = trial.suggest_categorical(p["name"], p["choices"])
        elif p["type"] == "int":
            x[p["name"]] = trial.suggest_int(p["name"], p["min"], p["max"], log=p["scale"] == "log")
        else:
            x[p["name"]] = trial.suggest_float(p["name"], p["min"], p["max"], log=p["scale"] == "log")
    return x


def run_optuna(run, sampler_name):
    import optuna

    constraints = (lambda trial: trial.user_attrs["violation"]) if run["constrained"] else None
    sampler = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=run["seed"], constraints_func=constraints),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=run["seed"], constraints_func=constraints),
        "random": lambda: optuna.samplers.RandomSampler(seed=run["seed"]),
    }[sampler_name]()
    steps = [round(f / run["fidelities"][0]) for f in run["fidelities"]]
    pruning = len(steps) > 1 and run["objectives"] == 1
    pruner = optuna.pruners.HyperbandPruner(1, steps[-1], 3) if pruning else optuna.pruners.NopPruner()
    study = optuna.create_study(directions=["minimize"] * run["objectives"], sampler=sampler, pruner=pruner)
    while True:
        trial = study.ask()
        x = optuna_suggest(trial, run["parameters"])
        for step, fidelity in zip(steps, run["fidelities"]) if pruning else [(1, run["fidelities"][-1])]:
            losses, violation = evaluate(trial.number, x, fidelity)
            if not pruning:
                trial.set_user_attr("violation", [violation])
                study.tell(trial, losses)
                break
            trial.report(losses[0], step)
            if step == steps[-1]:
                study.tell(trial, losses[0])
            elif trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break


def config_space(run):
    import ConfigSpace as CS

    space = CS.ConfigurationSpace(seed=run["seed"])
    for p in run["parameters"]:
        if p["type"] == "categorical":
            space.add(CS.Categorical(p["name"], [str(c) for c in p["choices"]]))
        elif p["type"] == "int":
            space.add(CS.Integer(p["name"], (p["min"], p["max"]), log=p["scale"] == "log"))
        else:
            space.add(CS.Float(p["name"], (p["min"], p["max"]), log=p["scale"] == "log"))
    return space


def plain_values(run, config):
    """The configuration with choices as they were before `config_space` wrote them as text."""
    choices = {p["name"]: {str(c): c for c in p["choices"]} for p in run["parameters"] if p["type"] == "categorical"}
    return {name: choices[name][str(v)] if name in choices else float(v) for name, v in config.items()}


def nearest(fidelities, fidelity):
    return min(fidelities, key=lambda f: abs(f - float(fidelity)))


def run_dehb(run):
    from dehb import DEHB

    space = config_space(run)
    with tempfile.TemporaryDirectory() as folder:
        optimiser = DEHB(
            cs=space, min_fidelity=run["fidelities"][0], max_fidelity=run["fidelities"][-1], eta=3, n_workers=1,
            seed=run["seed"], output_path=folder, save_freq="end", log_level="ERROR",
        )
        count = 0
        while True:
            job = optimiser.ask()
            losses, _ = evaluate(count, plain_values(run, dict(job["config"])), nearest(run["fidelities"], job["fidelity"]))
            count += 1
            optimiser.tell(job, {"fitness": losses[0], "cost": 1.0})


def run_bohb(run):
    """HpBandSter's BOHB, its brackets and its sampler as they are; its master and workers need a name server, so this is their loop."""
    import numpy
    from hpbandster.core.dispatcher import Job
    from hpbandster.optimizers.bohb import BOHB
    from hpbandster.optimizers.config_generators.bohb import BOHB as Generator

    numpy.random.seed(run["seed"])
    master = object.__new__(BOHB)
    master.eta, master.max_SH_iter = 3, len(run["fidelities"])
    master.budgets = numpy.array(run["fidelities"])
    master.config_generator = Generator(config_space(run))
    trials = {}
    bracket = 0
    while True:
        iteration = master.get_next_iteration(bracket)
        bracket += 1
        while (step := iteration.get_next_run()) is not None:
            config_id, config, budget = step
            trial = trials.setdefault(config_id, len(trials))
            losses, _ = evaluate(trial, plain_values(run, config), nearest(run["fidelities"], budget))
            job = Job(config_id, config=config, budget=budget)
            job.result = {"loss": losses[0], "info": {}}
            iteration.register_result(job)
            master.config_generator.new_result(job)


def run_moasha(run):
    import numpy
    import random
    from syne_tune.backend.trial_status import Trial
    from syne_tune.config_space import choice, loguniform, randint, lograndint, uniform
    from syne_tune.optimizer.scheduler import SchedulerDecision
    from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA

    random.seed(run["seed"])
    numpy.random.seed(run["seed"])
    space = {}
    for p in run["parameters"]:
        log = p.get("scale") == "log"
        if p["type"] == "categorical":
            space[p["name"]] = choice(p["choices"])
        elif p["type"] == "int":
            space[p["name"]] = (lograndint if log else randint)(p["min"], p["max"])
        else:
            space[p["name"]] = (loguniform if log else uniform)(p["min"], p["max"])
    steps = [round(f / run["fidelities"][0]) for f in run["fidelities"]]
    metrics = [f"f{i}" for i in range(run["objectives"])]
    scheduler = MOASHA(space, metrics, time_attr="step", max_t=max(2, steps[-1]), grace_period=1, random_seed=run["seed"])
    import datetime

    count = 0
    while True:
        config = {k: v.item() if hasattr(v, "item") else v for k, v in scheduler.suggest().config.items()}
        trial = Trial(trial_id=count, config=config, creation_time=datetime.datetime.now())
        scheduler.on_trial_add(trial)
        for step, fidelity in zip(steps, run["fidelities"]):
            losses, _ = evaluate(count, config, fidelity)
            result = {"step": step, **dict(zip(metrics, losses))}
            if scheduler.on_trial_result(trial, result) == SchedulerDecision.STOP:
                break
        count += 1


PEERS = {
    "optuna-tpe": lambda run: run_optuna(run, "tpe"),
    "optuna-nsga2": lambda run: run_optuna(run, "nsga2"),
    "optuna-random": lambda run: run_optuna(run, "random"),
    "dehb": run_dehb,
    "bohb": run_bohb,
    "moasha": run_moasha,
}


def versions():
    """The versions of the packages that are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ["optuna", "dehb", "hpbandster", "syne-tune"]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            pass
    return found


def optuna_speed(run):
    """Median milliseconds of ask, suggest and tell after so many trials, over the given parameters."""
    import random
    import time
    import optuna

    random.seed(1)
    study = optuna.create_study(directions=["minimize"] * run["objectives"], sampler=optuna.samplers.TPESampler(seed=1))
    distributions = {}
    for p in run["parameters"]:
        if p["type"] == "categorical":
            distributions[p["name"]] = optuna.distributions.CategoricalDistribution(p["choices"])
        elif p["type"] == "int":
            distributions[p["name"]] = optuna.distributions.IntDistribution(p["min"], p["max"], log=p["scale"] == "log")
        else:
            distributions[p["name"]] = optuna.distributions.FloatDistribution(p["min"], p["max"], log=p["scale"] == "log")

    def some(p):
        if p["type"] == "categorical":
            return random.choice(p["choices"])
        return random.randint(p["min"], p["max"]) if p["type"] == "int" else random.uniform(p["min"], p["max"])

    for _ in range(run["trials"]):
        study.add_trial(optuna.trial.create_trial(
            params={p["name"]: some(p) for p in run["parameters"]}, distributions=distributions,
            values=[random.random() for _ in range(run["objectives"])]))
    times = []
    for _ in range(run["repeats"]):
        start = time.perf_counter()
        trial = study.ask()
        optuna_suggest(trial, run["parameters"])
        study.tell(trial, [random.random() for _ in range(run["objectives"])])
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    if sys.argv[1] == "versions":
        OUT.write(json.dumps(versions()) + "\n")
    elif sys.argv[1] == "speed":
        OUT.write(json.dumps({"medianMs": optuna_speed(json.loads(sys.stdin.readline()))}) + "\n")
    else:
        for line in sys.stdin:
            try:
                PEERS[sys.argv[1]](json.loads(line))
            except Stop:
                OUT.write('{"done": true}\n')
                OUT.flush()
