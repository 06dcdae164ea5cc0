/**
 * An ONNX model of one Relu over one number, opset 17. ONNX Runtime registers its operators and kernels when it opens its
 * first session (about 25 MB): that session is this one's, so that no model is charged for it.
 */
export const TINY_MODEL_BASE64 = 'CAg6MQoMCgF4EgF5IgRSZWx1EgVncmFwaFoPCgF4EgoKCAgBEgQKAggBYgkKAXkSBAoCCAFCBAoAEBE=';
