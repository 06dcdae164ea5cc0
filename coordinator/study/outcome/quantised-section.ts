/** The part of a model card that is known only when the model has been quantised. */
import type { QuantisedModel } from '@edgetune/shared/domain/recommendation.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';

/** What the card says of the int8 variant that lies beside the model. */
export function quantisedSection(quantised: QuantisedModel | { reason: string }): string {
  if ('reason' in quantised) return `\n**In int8.** There is no int8 variant: ${quantised.reason}.\n`;
  const { validationAccuracy, testAccuracy, onnxBytes } = quantised;
  const ratio = (value: number) => formatQuantity(value, 'ratio');
  return `
**In int8.** \`model-int8.onnx\` is the same model after static quantisation, calibrated on samples of the training split:
same input, same output, ${formatQuantity(onnxBytes, 'memory')}, for the CPU execution provider of ONNX Runtime. Accuracy ${ratio(validationAccuracy)} on the
validation split, ${ratio(testAccuracy)} on the test split.
`;
}
