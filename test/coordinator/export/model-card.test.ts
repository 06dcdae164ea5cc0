import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type ModelFacts, renderModelCard } from '../../../coordinator/export/model-card.ts';

const facts = (change: Partial<ModelFacts> = {}): ModelFacts => ({
  workload: 'image-classifier',
  dataset: { format: 'cifar10', path: 'data/cifar' } as ModelFacts['dataset'],
  candidate: { width: 8, activation: 'relu' },
  backend: 'wasm',
  epochs: 12,
  bestEpoch: 12,
  validationAccuracy: 0.875,
  classes: ['cat', 'dog'],
  metadata: {
    'edgetune.input.layout': 'NCHW',
    'edgetune.preprocessing': 'divide by 255',
    'edgetune.normalisation.mean': '0.5',
    'edgetune.classes': '["cat","dog"]',
    author: 'nobody',
  },
  ...change,
});

it('a model card says what the model is, what goes in and what comes out', () => {
  const card = renderModelCard(facts());
  assert.match(card, /image-classifier, trained by EdgeTune on cifar10, data\/cifar, for 12 epochs with wasm\./);
  assert.match(card, /guided the search: 87\.5/);
  assert.match(card, /`input`, float32, NCHW with a dynamic batch: divide by 255\./);
  assert.match(card, /`logits`: a logit per class; .* Classes, in order: cat, dog\./);
  assert.match(card, /\*\*Parameters\.\*\* width 8, activation relu\./);
});

it('a model card names the epoch whose model it is, where that is not the last', () => {
  assert.doesNotMatch(renderModelCard(facts()), /after epoch/);
  assert.match(
    renderModelCard(facts({ bestEpoch: 7 })),
    /12 epochs with wasm;\nthis is the model after epoch 7, the best/,
  );
});

it('of the metadata it lists the normalisation and the input, by their own names', () => {
  const lines = renderModelCard(facts())
    .split('\n')
    .filter((line) => line.startsWith('- '));
  assert.deepEqual(lines, ['- input.layout: NCHW', '- normalisation.mean: 0.5']);
});

it('what is not known is said so, and a data set that was drawn is no path', () => {
  const bare = renderModelCard(facts({ metadata: {} }));
  assert.match(bare, /`input`, float32, {2}with a dynamic batch: as in training\./);
  const pathless = renderModelCard(facts({ dataset: { format: 'cifar10' } as ModelFacts['dataset'] }));
  assert.match(pathless, /trained by EdgeTune on cifar10, for/);
});
