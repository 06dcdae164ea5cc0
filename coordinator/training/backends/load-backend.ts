/** TensorFlow.js with the fastest backend that works here: native TensorFlow, else WASM. Never the plain one. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
// Registers the gradients of all operations, which the core package has only in a form that Node cannot load.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { registerWasmGradients } from './wasm-gradients.ts';

export interface LoadedBackend {
  /** Such as "tfjs-wasm 4.22.0 (simd)". */
  name: string;
  /** Whether one process uses several cores by itself (TensorFlow's own threads). */
  multithreaded: boolean;
}

let loading: Promise<LoadedBackend> | null = null;

/**
 * Loads the backend once per process (or worker).
 * @throws {Error} where neither can be used
 */
export function loadBackend(): Promise<LoadedBackend> {
  loading ??= load();
  return loading;
}

async function load(): Promise<LoadedBackend> {
  const version = tf.version_core;
  if (await hasNative()) return { name: `tfjs-node ${version}`, multithreaded: true };
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  setWasmPaths(`${folder}/`);
  if (!(await tf.setBackend('wasm')))
    throw new Error(
      'TensorFlow.js could start neither its native nor its WASM backend: is the installation complete? Run "npm install" again',
    );
  registerWasmGradients();
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return { name: `tfjs-wasm ${version}${simd ? ' (simd)' : ''}`, multithreaded: false };
}

/** An optional dependency: its install step downloads a library, which fails on some machines. */
async function hasNative(): Promise<boolean> {
  try {
    // Not a literal, so that the type check does not need the package.
    const name = '@tensorflow/tfjs-node';
    await import(name);
    // Version 4.22 loads on Node 23 and later, and fails at its first operation (it calls util.isNullOrUndefined).
    return (await tf.setBackend('tensorflow')) && tf.tidy(() => tf.add(1, 1).dataSync()[0] === 2);
  } catch {
    return false;
  }
}
