/** What can be wrong with a model. Each is a refusal that a person can act on, never a crash. */
export type OnnxErrorCode =
  | 'not-onnx'
  | 'truncated'
  | 'too-large'
  | 'external-data'
  | 'input-data'
  | 'model-local-functions'
  | 'unknown-domain'
  | 'invalid-graph'
  | 'cyclic'
  | 'dynamic-dimension'
  | 'fixed-batch'
  | 'unsupported-operator'
  | 'unsupported-type'
  | 'invalid-shape';

/** A model that is refused: `where` names the node, tensor or field. */
export class OnnxError extends Error {
  override name = 'OnnxError';
  readonly code: OnnxErrorCode;
  readonly where: string;
  constructor(code: OnnxErrorCode, where: string, message: string) {
    super(`${where}: ${message}`);
    this.code = code;
    this.where = where;
  }
}
