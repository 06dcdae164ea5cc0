import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOARD_PROFILES, boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import {
  COMPARISONS,
  ESTIMATED_PROFILES,
  familyOf,
  mapeOf,
  transferError,
} from '../../../scripts/bench/boards/comparisons.ts';
import { classifierNamed, efficientnet, mobilenetV1 } from '../../../scripts/bench/boards/zoo/classifiers.ts';
import { sharedData } from '../../support/data.ts';

const rounded = (value: number) => Math.round(value * 1000) / 1000;

test('the error that a profile publishes is the one that its comparison finds', (t) => {
  if (!sharedData('boards')) return t.skip('../shared/data/boards is not there');
  for (const comparison of COMPARISONS) {
    const profile = boardProfileNamed(comparison.profile);
    const backend = profile.backends.find((each) => each.executionProvider === comparison.executionProvider);
    const { latencyMape, estimated } = backend?.error ?? profile.error;
    const found = rounded(mapeOf(comparison.predict(comparison.rows())));
    assert.equal(latencyMape, found, `${comparison.profile}, ${comparison.executionProvider}`);
    assert.ok(!estimated.includes('latency'), comparison.profile);
  }
});

test('the estimate for boards that nobody measured is what scaling two of their siblings is off by', (t) => {
  if (!sharedData('boards')) return t.skip('../shared/data/boards is not there');
  const errors = transferError().map(({ mape }) => mape);
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  for (const name of ESTIMATED_PROFILES)
    assert.equal(boardProfileNamed(name).error.latencyMape, Math.round(mean * 100) / 100, name);
});

test('every profile states an error with its basis, and says which part of it is an estimate', () => {
  const compared = new Set(COMPARISONS.map(({ profile }) => profile));
  for (const { name, error, backends } of BOARD_PROFILES) {
    for (const each of [error, ...backends.flatMap((backend) => backend.error ?? [])]) {
      assert.ok((each.latencyMape ?? 0) > 0 && (each.energyMape ?? 0) > 0 && (each.memoryMape ?? 0) > 0, name);
      assert.equal(each.estimated.length > 0, /estimate/.test(each.comparedWith), name);
    }
    assert.equal(error.estimated.includes('latency'), !compared.has(name), name);
  }
});

test('the networks that boards are compared with are those of the papers', () => {
  // Multiply-accumulates in millions, of the papers and of timm's tables.
  const published: [Uint8Array | null, number][] = [
    [classifierNamed('resnet18'), 1820],
    [classifierNamed('resnet50'), 4110],
    [classifierNamed('densenet121'), 2870],
    [classifierNamed('mobilenetv2_100'), 300],
    [classifierNamed('regnetx_032'), 3200],
    [classifierNamed('efficientnet_b0'), 390],
    [mobilenetV1(1), 569],
    [efficientnet(1, 1, true), 407],
  ];
  for (const [bytes, millions] of published) {
    assert.ok(bytes);
    const { macs } = analyseModel(bytes, { batchSize: 1, dimensions: { height: 224, width: 224 } });
    assert.ok(Math.abs(macs / 1e6 / millions - 1) < 0.06, `${macs / 1e6} instead of ${millions}`);
  }
  assert.equal(classifierNamed('a network that nobody wrote down'), null);
  assert.deepEqual(['wide_resnet50_2', 'resnext50_32x4d', 'yolo5n', 'mobilenet-v2-1.0'].map(familyOf), [
    'resnet',
    'resnet',
    'yolo5',
    'mobilenet-v2',
  ]);
});
