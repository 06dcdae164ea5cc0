/** Searches for a learning rate by a coordinator's tuner; the training is this program's own. docs/tuner-protocol.md. */
const COORDINATOR = process.env.EDGETUNE_URL ?? 'http://localhost:8080';
const TOKEN = process.env.EDGETUNE_TOKEN; // where the coordinator has an admin token

const SPEC = {
  space: {
    training: {
      learningRate: { type: 'float', min: 1e-5, max: 1, scale: 'log' },
      optimizer: { type: 'categorical', choices: ['sgd', 'adam'] },
    },
  },
  objectives: ['maximize accuracy'],
  budget: { minEpochs: 1, maxEpochs: 9, minDataFraction: 1 },
  stop: { trials: 20 },
};

async function post(path, body) {
  const headers = { 'content-type': 'application/json', ...(TOKEN ? { authorization: `Bearer ${TOKEN}` } : {}) };
  const response = await fetch(new URL(path, COORDINATOR), { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer;
}

/** Your own training comes here. */
function train({ learningRate, optimizer }, { epochs }) {
  const quality = 1 - Math.abs(Math.log10(learningRate) + 2) / 5;
  return quality * (1 - 0.5 / epochs) * (optimizer === 'adam' ? 1 : 0.9);
}

const { id } = await post('/api/tuners', SPEC);
const tuner = `/api/tuners/${id}`;
for (let job = await post(tuner, { ask: {} }); !('nothing' in job); job = await post(tuner, { ask: {} })) {
  const { trial, rung, candidate, budget } = job;
  await post(tuner, { tell: { trial, rung, metrics: { accuracy: train(candidate, budget) } } });
}
console.log(JSON.stringify((await post(tuner, { best: {} })).best));
